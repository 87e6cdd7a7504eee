import { readFileSync, statSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { inspect } from 'node:util'
import createError from '@fastify/error'
import { Eta } from 'eta'
import { type Blocks, type CompiledTemplate, compileTemplate, type TemplateCalls } from './compile.js'
import { escapeHtml } from './escape.js'
import { TemplateProblem } from './problem.js'

/** What the host's error handler is given when a page fails: nothing of the page. The `cause` is for the log. */
export const RenderFailed = createError('FST_QUICKSTART_TEMPLATES_RENDER', 'The page could not be rendered', 500)

class UnknownView extends Error {}

/** Names are remembered for one template up to here; a page that makes names of what clients send cannot fill the memory. */
const maxLinks = 1000

/** A template under root, compiled. */
export interface Template extends CompiledTemplate {
  /** Its absolute path. */
  file: string
  source: string
  /** What its tags call; each template has its own, because the names are relative to its file. */
  calls: TemplateCalls
  /** The templates it has called, by the name it calls them. Empty in development, where each call looks again. */
  links: Map<string, Template>
}

/**
 * An Eta that has its templates from the start on.
 *
 * Whatever is rendered by name, by this topic or by @fastify/view, goes through `page`; the rest of Eta is as it is.
 */
export class ViewEngine extends Eta {
  readonly root: string
  readonly extension: string
  /** Every template that has been compiled, by its path. */
  readonly templates = new Map<string, Template>()
  readonly #views = new Map<string, Template>()
  readonly #translated = new WeakSet<Error>()
  #isSealed = false

  /**
   * @param root absolute path of the folder
   * @param extension of the templates, with its dot
   */
  constructor (root: string, extension: string) {
    super({ views: root, defaultExtension: extension, escapeFunction: escapeHtml, cacheFilepaths: false })
    this.root = root
    this.extension = extension

    // Eta's are properties of each instance, so a method would not override them. An async page gives a promise, which
    // its types do not know; @fastify/view awaits what it gets.
    const { render, renderAsync } = this
    this.render = (template, data, meta) =>
      typeof template === 'string' ? this.page(template, data) as string : render.call(this, template, data, meta)
    this.renderAsync = async (template, data, meta) =>
      typeof template === 'string' ? await this.page(template, data) : await renderAsync.call(this, template, data, meta)
  }

  /** From here on, no file is read: a template that is not there now is not there. */
  seal (): void {
    for (const template of this.templates.values()) {
      const path = relative(this.root, template.file)
      if (path.endsWith(this.extension)) this.#views.set(path.slice(0, -this.extension.length).replaceAll(sep, '/'), template)
    }
    this.#isSealed = true
  }

  /** Whether there is a view of this name. */
  has (view: string): boolean {
    try {
      return this.#isSealed ? this.#view(view) !== undefined : isFile(this.#fileOf(view))
    } catch {
      // Outside root, or no name that a file can have.
      return false
    }
  }

  /**
   * Renders a view, with its layout.
   *
   * @returns the HTML; a promise of it where the view or its layout uses `await`
   * @throws `FST_QUICKSTART_TEMPLATES_RENDER`, with what happened in its `cause`
   */
  page (view: string, it: object): string | Promise<string> {
    try {
      const template = this.#view(view)
      if (template === undefined) throw new UnknownView(`${this.root} has no view "${view}"`)
      const html = this.#run(template, it, undefined)
      return typeof html === 'string' ? html : html.catch((error) => { throw this.#failed(view, error) })
    } catch (error) {
      throw this.#failed(view, error)
    }
  }

  /**
   * The template that another one names, by Eta's rules: relative to the file it stands in, or to root when it starts with `/`.
   *
   * @throws TemplateProblem when it is there and does not compile, Eta's EtaFileResolutionError when it is outside root
   */
  linked (from: Template, name: string): Template | undefined {
    const known = from.links.get(name)
    if (known !== undefined) return known
    const template = this.load(this.resolvePath(name, { filepath: from.file }))
    if (this.#isSealed && template !== undefined && from.links.size < maxLinks) from.links.set(name, template)
    return template
  }

  /**
   * The template of a file: in production as it was at the start, otherwise as it is now.
   *
   * @throws TemplateProblem when it does not compile
   */
  load (file: string): Template | undefined {
    const known = this.templates.get(file)
    if (this.#isSealed) return known
    if (!isFile(file)) return undefined
    // The content is compared, not a date: two edits within one tick of the clock are two edits.
    const source = readFileSync(file, 'utf8')
    if (known?.source === source) return known
    const template: Template = { file, source, links: new Map(), calls: this.#callsOf(() => template), ...compileTemplate(this, file, source) }
    this.templates.set(file, template)
    return template
  }

  #view (view: string): Template | undefined {
    return this.#views.get(view) ?? this.load(this.#fileOf(view))
  }

  #fileOf (view: string): string {
    return this.resolvePath(view.endsWith(this.extension) ? view : view + this.extension)
  }

  #run (template: Template, it: object, blocks: Blocks | undefined): string | Promise<string> {
    return template.run.call(this, it, template.calls, escapeHtml, blocks)
  }

  #callsOf (self: () => Template): TemplateCalls {
    const run = (call: string, name: string, it: object, blocks: Blocks | undefined): string | Promise<string> => {
      const template = this.linked(self(), name)
      if (template === undefined) throw new Error(`${call}(${inspect(name)}) names no template`)
      return this.#run(template, it, blocks)
    }
    return {
      include (name, it, blocks) {
        const html = run('include', name, it, blocks)
        if (typeof html === 'string') return html
        html.catch(() => {})
        throw new Error(`include(${inspect(name)}) is of a template that uses await: write await includeAsync(…)`)
      },
      includeAsync (name, it, blocks) {
        return run('includeAsync', name, it, blocks)
      },
      layout (name, it, layoutData, body, blocks) {
        // The page is done with its data, which are a copy made for it: no second copy, unless the layout has data of its own.
        // The page comes last: whatever the data hold, a layout's body is the page.
        return run('layout', name, Object.assign(layoutData === undefined ? it : { body, ...it, ...layoutData }, { body }), blocks)
      }
    }
  }

  #failed (view: string, error: unknown): Error {
    const cause = error instanceof TemplateProblem || error instanceof UnknownView ? error : this.#locate(view, error)
    // Not enumerable, so that an error handler that answers with the error's own properties shows nothing of it.
    return Object.defineProperty(new RenderFailed(), 'cause', { value: cause, configurable: true, writable: true })
  }

  /** Finds the template's line that an error was thrown from, and has the error's stack name the template's lines. */
  #locate (view: string, error: unknown): Error {
    const reason = error instanceof Error ? error.message : inspect(error)
    if (!(error instanceof Error) || typeof error.stack !== 'string') return new Error(`view "${view}": ${reason}`, { cause: error })

    let at: { template: Template, line: number } | undefined
    const isTranslated = this.#translated.has(error)
    const stack = error.stack.replace(/^(\s+at (?:.*? \()?(?:async )?)(.+):(\d+):(\d+)(?=\)?$)/gm, (frame, start, file, line, column) => {
      const template = this.templates.get(file)
      if (template === undefined) return frame
      const translated = isTranslated ? Number(line) : template.lines[line - 1]!
      if (translated === 0) return `${start}${file}`
      at ??= { template, line: translated }
      return `${start}${file}:${translated}:${column}`
    })
    // Not an assignment: that would throw for a frozen error.
    Reflect.set(error, 'stack', stack)
    this.#translated.add(error)
    return at === undefined
      ? new Error(`view "${view}": ${reason}`, { cause: error })
      : new TemplateProblem(at.template.file, at.line, reason, at.template.source, error)
  }
}

function isFile (path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
