import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDirectAndLocal } from '../../lib/direct-client.ts'
import { type Failure, sendFailure } from '../../lib/failure-answer.ts'
import { createPerContext } from '../../lib/per-context.ts'
import { TemplateProblem } from './compile/compile.ts'
import { findContentType } from './engine/content-type.ts'
import { createRenderFailed, RenderFailed, type ViewEngine, WrongCall } from './engine/engine.ts'
import { isInstance, showObject } from './engine/instances.ts'
import type { PerRequest, ViewHelpers } from './views.ts'

/** The parts of the pages of one Fastify context. */
export interface PageRules {
  engine: ViewEngine
  helpers: ViewHelpers
  /** The option `context`. */
  context: PerRequest<object> | undefined
  /** The pages of the contexts around this one, for the views that this one does not have. */
  outer: Pages | undefined
  /** Whether the developer is shown why a page failed. */
  showsFailures: boolean
}

/** The pages of one Fastify context. */
export interface Pages {
  /** Whether this context or one around it has a view of this name. */
  has (view: string): boolean
  /** Renders a view to text: at once, or as a promise where something in it is awaited. Throws what fails. */
  render (reply: FastifyReply, view: string, data: object | undefined): string | Promise<string>
  /** Renders a view and sends it, or sends what failed to the host's error handler. */
  send (reply: FastifyReply, view: string, data: object | undefined): FastifyReply
}

/** A request with the properties that the auth topic and the root app add. Each may be absent. */
type RequestOfOthers = FastifyRequest & { user?: unknown, cspNonce?: unknown }

/** The pages of each context. */
export const pagesOf = createPerContext<Pages>('fastify-quickstart/templates')

/** Creates the pages of a context. A page goes from `send` to `render`, `createScope`, the engine, and `sendText`. */
export function createPages ({ engine, helpers, context, outer, showsFailures }: PageRules): Pages {
  const { asset, urlFor, importmap } = helpers

  return {
    has: (view) => engine.has(view) || outer?.has(view) === true,
    render,
    send (reply, view, data) {
      try {
        const text = render(reply, view, data)
        if (typeof text === 'string') return sendText(reply, view, text)
        text.then((text) => sendText(reply, view, text), (error) => fail(reply, error))
      } catch (error) {
        fail(reply, error)
      }
      return reply
    }
  }

  function render (reply: FastifyReply, view: string, data: object | undefined): string | Promise<string> {
    checkCall(view, data)
    if (outer !== undefined && !engine.has(view)) return outer.render(reply, view, data)
    const added = typeof context === 'function' ? context(reply.request) : context
    return isPromise(added)
      ? added.then((added) => engine.renderView(view, createScope(reply, added, data)))
      : engine.renderView(view, createScope(reply, added, data))
  }

  /** Returns `it`; of two things with one name the later wins. */
  function createScope (reply: FastifyReply, added: object | undefined, data: object | undefined): object {
    const { user = null, cspNonce: nonce } = reply.request as RequestOfOthers
    const { method, url } = reply.request
    const here = method === 'GET' || method === 'HEAD' ? url : ''
    const { locals } = reply as FastifyReply & { locals?: object } // a reply to a malformed URL has none
    if (isInstance(added) || isInstance(data)) {
      // It inherits from the data, which may be a proxy that makes up its properties.
      const it: object = Object.create(data ?? Object.prototype)
      const own = { asset, urlFor, importmap, user, nonce, here }
      for (const shown of [own, added, locals, data]) if (shown) showObject(it, shown)
      return it
    }
    // The helpers are spelled out: V8 takes many times as long to build an object that begins with a spread.
    return { asset, urlFor, importmap, user, nonce, here, ...added, ...locals, ...data }
  }

  function sendText (reply: FastifyReply, view: string, text: string): FastifyReply {
    if (!reply.hasHeader('content-type')) {
      reply.header('content-type', findContentType(engine.folders.normalizeView(view)))
    }
    return reply.send(text)
  }

  function fail (reply: FastifyReply, error: unknown): void {
    if (!showsFailures || !(error instanceof RenderFailed) || !isDirectAndLocal(reply.request)) {
      reply.send(error)
      return
    }
    reply.log.error({ err: error }, error.message)
    sendFailure(reply, describeFailure(error))
  }
}

/** Says why a page failed. A thrown value that is no Error has been wrapped in one. */
function describeFailure ({ code, message, cause }: FastifyError): Failure {
  const { file, line, excerpt } = cause instanceof TemplateProblem ? cause : {}
  return {
    statusCode: 500,
    code,
    error: 'Internal Server Error',
    message,
    title: 'A template failed',
    reason: cause instanceof TemplateProblem ? cause.reason : (cause as Error).message,
    file,
    line,
    excerpt,
    advice: 'Correct it, then load this page again.'
  }
}

/** Creates the functions that every view can call: of other topics' decorators, which may be registered later. */
export function createViewHelpers (app: FastifyInstance): ViewHelpers {
  const writeMap = createHelper('importmap', 'static')
  return {
    asset: createHelper('asset', 'static'),
    urlFor: createHelper('urlFor', 'params'),
    importmap (imports) {
      const map = writeMap(imports)
      if (map === '') return ''
      // Asking for the nonce's text adds it to the answer's policy. It is in base64.
      const nonce = this.nonce === undefined ? '' : ` nonce="${String(this.nonce).replace(/[^\w+/=-]/g, '')}"`
      return `<script type="importmap"${nonce}>${map}</script>`
    }
  }

  function createHelper (decorator: string, topic: string): (...args: unknown[]) => string {
    let found: ((...args: unknown[]) => string) | undefined
    return (...args) => {
      if (!app.hasDecorator(decorator)) {
        throw new Error(`it.${decorator}(…) needs the ${topic} topic: register fastify-quickstart/${topic}`)
      }
      found ??= app.getDecorator<(...args: unknown[]) => string>(decorator)
      return found(...args)
    }
  }
}

/** Throws for arguments of the wrong kind or in the wrong order, which the types refuse and JavaScript does not. */
function checkCall (view: unknown, data: unknown): void {
  if (typeof view === 'string' && (typeof data === 'object' || data === undefined)) return
  const given = `${describe(view)} and then ${describe(data)}`
  throw createRenderFailed(new WrongCall(
    `a view is rendered by its name and then its data, an object; the call has ${given}`
  ))
}

function describe (value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function isPromise (value: object | undefined): value is Promise<object> {
  return typeof (value as Promise<object> | undefined)?.then === 'function' // what is asked here
}
