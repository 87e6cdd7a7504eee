import createError from '@fastify/error'
import { Eta } from 'eta'
import { escapeHtml } from '../../../lib/escape-html.ts'
import { toOneLine } from '../../../lib/excerpt.ts'
import {
  type Blocks, type CompiledTemplate, compileTemplate, locateError, type TagFunctions, TemplateProblem
} from '../compile/compile.ts'
import { readTemplate, type TemplateFolders } from './folders.ts'
import { createTagFunctions } from './tag-functions.ts'

/** The error of a page that fails. It shows nothing of the page; its `cause` does, for the log. */
export const RenderFailed = createError('FST_QUICKSTART_TEMPLATES_RENDER', 'The page could not be rendered', 500)

/** A wrong call of the renderer, which no template is to blame for. */
export class WrongCall extends Error {
  constructor (message: string) {
    super(toOneLine(message))
  }
}

/** Names that are remembered for one template. More would fill the memory: a page may make names of clients' texts. */
const maxLinks = 1000

/** A compiled template. */
export interface Template extends CompiledTemplate {
  /** Its name below the folders, such as `part/row.eta`. */
  name: string
  /** Its absolute path. */
  file: string
  source: string
  functions: TagFunctions
  /** The templates it has called, by the name it calls them. Empty in development, where each call looks again. */
  links: Map<string, Template>
}

/**
 * An Eta that holds compiled templates.
 *
 * Every page, of this topic or of @fastify/view, goes through `renderView` or `#raw`. The rest of Eta is unchanged.
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
      typeof template === 'string' ? this.renderView(template, data) as string : render.call(this, template, data, meta)
    this.renderAsync = async (template, data, meta) => {
      if (typeof template === 'string') return await this.renderView(template, data)
      return await renderAsync.call(this, template, data, meta)
    }
    this.renderString = (source, data) => this.#raw(source, data) as string
    this.renderStringAsync = async (source, data) => await this.#raw(source, data)
  }

  /** Reads no file from now on: the views are those that are compiled. */
  seal (): void {
    for (const template of this.templates.values()) {
      if (this.folders.isView(template.name)) this.#views.set(this.folders.toView(template.name), template)
    }
    this.#isSealed = true
  }

  /** Whether a view has this name. */
  has (view: string): boolean {
    if (this.#views.has(view)) return true
    const name = this.folders.resolveView(view)
    if (!this.folders.isView(name)) return false
    return this.#isSealed ? this.templates.has(name) : this.folders.find(name) !== undefined
  }

  /**
   * Renders a view, with its layout.
   *
   * @returns the HTML; a promise of it where the view or its layout uses `await`
   * @throws `FST_QUICKSTART_TEMPLATES_RENDER`, with what happened in its `cause`
   */
  renderView (view: string, it: object): string | Promise<string> {
    return this.#finish(`view "${view}"`, () => {
      const template = this.#view(view)
      if (template === undefined) throw new WrongCall(`${this.folders.folders.join(' and ')} has no view "${view}"`)
      return this.#run(template, it, undefined, 0)
    })
  }

  /**
   * Returns the template of a name: in production as it was at the start, otherwise as it is now.
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
   * Returns the template that another one names. A file that is not a view must be named by a plain string.
   *
   * @throws TemplateProblem when it is there and does not compile
   */
  loadLinked (from: Template, reference: string): Template | undefined {
    const known = from.links.get(reference)
    if (known !== undefined) return known
    const name = this.folders.resolveReference(reference, from.name)
    if (!this.folders.isView(name) && !from.calls.some((call) => call.name === reference)) return undefined
    const template = this.load(name)
    if (this.#isSealed && template !== undefined && from.links.size < maxLinks) from.links.set(reference, template)
    return template
  }

  #view (view: string): Template | undefined {
    const known = this.#views.get(view)
    if (known !== undefined) return known
    const name = this.folders.resolveView(view)
    return this.folders.isView(name) ? this.load(name) : undefined
  }

  #raw (source: string, it: object): string | Promise<string> {
    const run = (): unknown => this.#run(this.#compile('', '(no file)', source), it, undefined, 0)
    return this.#finish('a template that is no file', run)
  }

  #compile (name: string, file: string, source: string): Template {
    const functions = createTagFunctions<Template>(() => template, {
      eta: this,
      find: (reference) => this.loadLinked(template, reference),
      run: (target, it, blocks, depth) => this.#run(target, it, blocks, depth)
    })
    const template: Template = { ...compileTemplate(file, source), name, file, source, functions, links: new Map() }
    return template
  }

  #run (template: Template, it: object, blocks: Blocks | undefined, depth: number): unknown {
    return template.run.call(this, it, template.functions, escapeHtml, blocks, depth)
  }

  /** Returns the page as text, whatever the template returned. Locates a failure in its template. */
  #finish (rendered: string, run: () => unknown): string | Promise<string> {
    const fail = (error: unknown): never => {
      if (error instanceof TemplateProblem || error instanceof WrongCall) throw createRenderFailed(error)
      const find = (file: string): Template | undefined =>
        [...this.templates.values()].find((template) => template.file === file)
      throw createRenderFailed(locateError(error, rendered, find))
    }
    try {
      const html = run()
      return html instanceof Promise ? html.then(toText).catch(fail) : toText(html)
    } catch (error) {
      return fail(error)
    }
  }
}

/** Creates the error. Its cause is not enumerable: a handler may answer with all properties of an error. */
export function createRenderFailed (cause: Error): Error {
  return Object.defineProperty(new RenderFailed(), 'cause', { value: cause, configurable: true, writable: true })
}

function toText (html: unknown): string {
  return html === undefined ? '' : String(html)
}
