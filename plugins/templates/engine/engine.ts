import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import createError from '@fastify/error'
import { Eta } from 'eta'
import {
  type Blocks, type CompiledTemplate, compileTemplate, type Target, type TemplateCalls
} from '../compile/compile.ts'
import { escapeHtml } from './escape.ts'
import { readTemplate, type TemplateFolders } from './folders.ts'
import { locate } from '../compile/locate.ts'
import { TemplateProblem } from './problem.ts'

/** What the host's error handler is given when a page fails: nothing of the page. The `cause` is for the log. */
export const RenderFailed = createError('FST_QUICKSTART_TEMPLATES_RENDER', 'The page could not be rendered', 500)

const TooDeep = createError('FST_QUICKSTART_TEMPLATES_TOO_DEEP', '%s is nested more than %s deep', 500)

class UnknownView extends Error {}

/** How deep includes and layouts may be nested. Past it they are taken to go round in a circle. */
const maxDepth = 500

/**
 * Names are remembered for one template up to here: a page that makes names of what clients send must not fill the
 * memory.
 */
const maxLinks = 1000

/** A compiled template. */
export interface Template extends CompiledTemplate {
  /** Its name below the folders, such as `part/row.eta`. */
  name: string
  /** Its absolute path. */
  file: string
  source: string
  /** What its tags call; each template has its own, because the names are relative to its file. */
  functions: TemplateCalls
  /** The templates it has called, by the name it calls them. Empty in development, where each call looks again. */
  links: Map<string, Template>
}

/**
 * An Eta that has its templates from the start on.
 *
 * What is rendered, by this topic or by @fastify/view, goes through `page` or `#raw`; the rest of Eta is as it is.
 */
export class ViewEngine extends Eta {
  readonly folders: TemplateFolders
  /** Every template that has been compiled, by its name. */
  readonly templates = new Map<string, Template>()
  readonly #views = new Map<string, Template>()
  #isSealed = false

  constructor (folders: TemplateFolders) {
    super({ views: folders.folders[0]!, defaultExtension: folders.extension, escapeFunction: escapeHtml })
    this.folders = folders

    // Eta's are properties of each instance, so a method would not override them. An async page gives a promise, which
    // Eta's types do not know, hence the casts; @fastify/view awaits what it gets.
    const { render, renderAsync } = this
    this.render = (template, data, meta) =>
      typeof template === 'string' ? this.page(template, data) as string : render.call(this, template, data, meta)
    this.renderAsync = async (template, data, meta) =>
      await (typeof template === 'string' ? this.page(template, data) : renderAsync.call(this, template, data, meta))
    this.renderString = (source, data) => this.#raw(source, data) as string
    this.renderStringAsync = async (source, data) => await this.#raw(source, data)
  }

  /** From here on no file is read: a template that is not there now is not there. */
  seal (): void {
    for (const template of this.templates.values()) {
      if (this.folders.isView(template.name)) this.#views.set(this.folders.viewOf(template.name), template)
    }
    this.#isSealed = true
  }

  /** Whether there is a view of this name. */
  has (view: string): boolean {
    if (this.#views.has(view)) return true
    const name = this.folders.ofView(view)
    if (!this.folders.isView(name)) return false
    return this.#isSealed ? this.templates.has(name) : this.folders.find(name) !== undefined
  }

  /**
   * Renders a view, with its layout.
   *
   * @returns the HTML; a promise of it where the view or its layout uses `await`
   * @throws `FST_QUICKSTART_TEMPLATES_RENDER`, with what happened in its `cause`
   */
  page (view: string, it: object): string | Promise<string> {
    return this.#finish(`view "${view}"`, () => {
      const template = this.#view(view)
      if (template === undefined) throw new UnknownView(`${this.folders.folders.join(' and ')} has no view "${view}"`)
      return this.#run(template, it, undefined, 0)
    })
  }

  /**
   * The template of a name: in production as it was at the start, otherwise as it is now.
   *
   * @throws TemplateProblem when it does not compile
   */
  load (name: string): Template | undefined {
    const known = this.templates.get(name)
    if (this.#isSealed) return known
    const file = this.folders.find(name)
    if (file === undefined) return undefined
    // The content is compared, not a date: two edits within one tick of the clock are two edits.
    const source = readTemplate(file)
    if (known?.file === file && known.source === source) return known
    const template = this.#compile(name, file, source)
    this.templates.set(name, template)
    return template
  }

  /**
   * The template that another one names. A file that is not a view must be named by a plain string.
   *
   * @throws TemplateProblem when it is there and does not compile
   */
  linked (from: Template, reference: string): Template | undefined {
    const known = from.links.get(reference)
    if (known !== undefined) return known
    const name = this.folders.ofReference(reference, from.name)
    if (!this.folders.isView(name) && !from.calls.some((call) => call.name === reference)) return undefined
    const template = this.load(name)
    if (this.#isSealed && template !== undefined && from.links.size < maxLinks) from.links.set(reference, template)
    return template
  }

  #view (view: string): Template | undefined {
    const known = this.#views.get(view)
    if (known !== undefined) return known
    const name = this.folders.ofView(view)
    return this.folders.isView(name) ? this.load(name) : undefined
  }

  #raw (source: string, it: object): string | Promise<string> {
    const run = (): unknown => this.#run(this.#compile('', '(no file)', source), it, undefined, 0)
    return this.#finish('a template that is no file', run)
  }

  #compile (name: string, file: string, source: string): Template {
    const compiled = compileTemplate(this, file, source)
    const template: Template = {
      ...compiled, name, file, source, links: new Map(), functions: this.#functionsOf(() => template)
    }
    return template
  }

  #run (template: Template, it: object, blocks: Blocks | undefined, depth: number): unknown {
    return template.run.call(this, it, template.functions, escapeHtml, blocks, depth)
  }

  /** A page is text, whatever a `return` of its template's own gave. What fails is located in its template. */
  #finish (what: string, run: () => unknown): string | Promise<string> {
    const failed = (error: unknown): Error => {
      const cause = error instanceof TemplateProblem || error instanceof UnknownView
        ? error
        : locate(error, what, (file) => [...this.templates.values()].find((template) => template.file === file))
      // Not enumerable, so that an error handler that answers with the error's own properties shows nothing of it.
      return Object.defineProperty(new RenderFailed(), 'cause', { value: cause, configurable: true, writable: true })
    }
    try {
      const html = run()
      return html instanceof Promise ? html.then(textOf).catch((error) => { throw failed(error) }) : textOf(html)
    } catch (error) {
      throw failed(error)
    }
  }

  #functionsOf (self: () => Template): TemplateCalls {
    const run = (call: string, target: Target, it: object, blocks: Blocks | undefined, depth: number): unknown => {
      if (depth > maxDepth) throw new TooDeep(`${call}(${inspect(target)})`, maxDepth)
      if (typeof target === 'function') return target.call(this, it, {})
      const template = typeof target === 'string' ? this.linked(self(), target) : undefined
      if (template === undefined) throw new Error(`${call}(${inspect(target)}) names no template`)
      return this.#run(template, it, blocks, depth)
    }
    const awaited: TemplateCalls['awaited'] = (call, promise) => {
      promise.catch(() => {}) // where the template forgets to await it, its failure must not end the process
      const toString = (): never => { throw new Error(`${call}(…) gives a promise: write await ${call}(…)`) }
      return Object.defineProperty(promise, 'toString', { value: toString })
    }

    return {
      awaited,
      include (target, it, data, blocks, depth) {
        const html = run('include', target, scopeOf(it, data), blocks, depth + 1)
        if (!(html instanceof Promise) || typeof target !== 'string') return html
        html.catch(() => {})
        throw new Error(`include(${inspect(target)}) is of a template that uses await: write await includeAsync(…)`)
      },
      includeAsync (target, it, data, blocks, depth) {
        const include = async (): Promise<unknown> => run('includeAsync', target, scopeOf(it, data), blocks, depth + 1)
        return awaited('includeAsync', include())
      },
      layout (target, it, data, body, blocks, depth) {
        // The page comes last: whatever the data hold, a layout's body is the page.
        const scope: { body: string } = { body, ...it, ...data }
        scope.body = body
        return run('layout', target, scope, blocks, depth + 1)
      },
      import (specifier, options) {
        const place = /^\.{0,2}\//.test(specifier) ? new URL(specifier, pathToFileURL(self().file)).href : specifier
        const module = import(place, options)
        module.catch(() => {})
        return module
      }
    }
  }
}

/**
 * The data of an include: those of the template, then those of the call. A copy that begins with a key of its own
 * takes V8 a fifth of the time of one that begins with a spread; `asset` is the first key of what `reply.render`
 * gives.
 */
function scopeOf (it: object, data: object | undefined): object {
  const hasAsset = (it as { asset?: unknown } | undefined)?.asset !== undefined // it: what any caller gave
  return hasAsset ? { asset: undefined, ...it, ...data } : { ...it, ...data }
}

function textOf (html: unknown): string {
  return html === undefined ? '' : String(html)
}
