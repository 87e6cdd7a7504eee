import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import createError from '@fastify/error'
import { type Blocks, rememberPlace, type TagFunctions, type Target } from '../compile/compile.ts'

const TooDeep = createError('FST_QUICKSTART_TEMPLATES_TOO_DEEP', '%s is nested more than %s deep', 500)

/** How deep includes and layouts may be nested. More is taken for a circle. */
const maxDepth = 500

/** The template whose tags call the functions. */
interface Caller {
  file: string
  source: string
  lines: number[]
}

/** The engine, as the functions use it. */
interface Runner<Template> {
  /** `this` of a function in the place of a template. */
  eta: object
  /** Returns the template that the calling one names. Throws where that does not compile. */
  find (reference: string): Template | undefined
  run (template: Template, it: object, blocks: Blocks | undefined, depth: number): unknown
}

/**
 * Creates the functions that one template's tags call. Each template has its own: names are relative to its file.
 *
 * @param caller asked when a function is called
 */
export function createTagFunctions<Template> (caller: () => Caller, engine: Runner<Template>): TagFunctions {
  return {
    guardPromise,
    createBlocks: () => new Map(),
    include (target, it, data, blocks, depth) {
      const html = call('include', target, createScope(it, data), blocks, depth + 1)
      if (typeof target === 'function') return html
      if (!(html instanceof Promise)) return dropUndefined(html)
      html.catch(() => {})
      throw new Error(`include(${inspect(target)}) is of a template that uses await: write await includeAsync(…)`)
    },
    includeAsync (target, it, data, blocks, depth) {
      const include = async (): Promise<unknown> => {
        const html = await call('includeAsync', target, createScope(it, data), blocks, depth + 1)
        return typeof target === 'function' ? html : dropUndefined(html)
      }
      return guardPromise('includeAsync', include())
    },
    layout (target, it, data, body, blocks, depth) {
      // The page comes last: whatever the data hold, a layout's body is the page.
      const scope: { body: string } = { body, ...it, ...data }
      scope.body = body
      return call('layout', target, scope, blocks, depth + 1)
    },
    importAt (line) {
      return (specifier, options) => {
        const isPath = /^\.{0,2}\//.test(specifier)
        const module = import(isPath ? new URL(specifier, pathToFileURL(caller().file)).href : specifier, options)
        // Node's error has no frame of the template. Caught here, it ends no process where nobody awaits it.
        module.catch((error) => rememberPlace(error, caller(), line))
        return module
      }
    }
  }

  function call (name: string, target: Target, it: object, blocks: Blocks | undefined, depth: number): unknown {
    if (depth > maxDepth) throw new TooDeep(`${name}(${inspect(target)})`, maxDepth)
    if (typeof target === 'function') return target.call(engine.eta, it, {})
    const template = typeof target === 'string' ? engine.find(target) : undefined
    if (template === undefined) throw new Error(`${name}(${inspect(target)}) names no template`)
    return engine.run(template, it, blocks, depth)
  }
}

/** Catches a promise that a template may forget, and has it refuse to be put out as `[object Promise]`. */
function guardPromise (call: string, promise: Promise<unknown>): Promise<unknown> {
  promise.catch(() => {})
  const toString = (): never => { throw new Error(`${call}(…) gives a promise: write await ${call}(…)`) }
  return Object.defineProperty(promise, 'toString', { value: toString })
}

/** A template that ends with a bare `return` is empty. */
function dropUndefined (html: unknown): unknown {
  return html === undefined ? '' : html
}

/**
 * Returns the data of an include: those of the template, then those of the call. A copy that begins with a key takes V8
 * a fifth of the time of one that begins with a spread. `asset` is the first key that `reply.render` gives.
 */
function createScope (it: object, data: object | undefined): object {
  const hasAsset = (it as { asset?: unknown } | undefined)?.asset !== undefined // it: what any caller gave
  return hasAsset ? { asset: undefined, ...it, ...data } : { ...it, ...data }
}
