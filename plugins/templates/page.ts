import type { FastifyReply, FastifyRequest } from 'fastify'
import { perContext } from '../../lib/per-context.ts'
import { RenderFailed, type ViewEngine } from './engine/engine.ts'
import { isDirectAndLocal } from '../../lib/direct-client.ts'
import { sendFailure } from './failure.ts'
import type { PerRequest, ViewHelpers } from './views.ts'

/** What makes the pages of one Fastify context. */
export interface PageRules {
  engine: ViewEngine
  helpers: ViewHelpers
  /** The option of that name. */
  context: PerRequest<object> | undefined
  /** The pages of the contexts around this one, for the views that this one does not have. */
  outer: Pages | undefined
  /** Whether the developer is shown why a page failed. */
  showsFailures: boolean
}

/** The pages of one Fastify context. */
export interface Pages {
  /** Whether there is a view of this name, here or in a context around this one. */
  has (view: string): boolean
  /** Renders a view to text: at once, or as a promise where something in it has to be awaited. Throws what fails. */
  render (reply: FastifyReply, view: string, data: object | undefined): string | Promise<string>
  /** Renders a view and sends it, or sends what failed to the host's error handler. */
  send (reply: FastifyReply, view: string, data: object | undefined): FastifyReply
}

/** The pages of each context. */
export const pagesOf = perContext<Pages>('fastify-quickstart/templates')

/** Makes the pages of a context. From here a page goes `send` → `render` → `scope` → the engine → the answer. */
export function makePages ({ engine, helpers, context, outer, showsFailures }: PageRules): Pages {
  const { asset, urlFor } = helpers

  return {
    has: (view) => engine.has(view) || outer?.has(view) === true,
    render,
    send (reply, view, data) {
      try {
        const html = render(reply, view, data)
        if (typeof html === 'string') return sendHtml(reply, html)
        html.then((html) => sendHtml(reply, html), (error) => fail(reply, error))
      } catch (error) {
        fail(reply, error)
      }
      return reply
    }
  }

  function render (reply: FastifyReply, view: string, data: object | undefined): string | Promise<string> {
    if (outer !== undefined && !engine.has(view)) return outer.render(reply, view, data)
    const added = typeof context === 'function' ? context(reply.request) : context
    return isPromise(added)
      ? added.then((added) => engine.page(view, scope(reply, added, data)))
      : engine.page(view, scope(reply, added, data))
  }

  /** What the view finds in `it`; of two things with one name the later wins. */
  function scope (reply: FastifyReply, added: object | undefined, data: object | undefined): object {
    const { user = null } = reply.request as FastifyRequest & { user?: unknown } // set by the auth topic, if it is on
    const { locals } = reply as FastifyReply & { locals?: object } // a reply to a malformed URL has none
    // The helpers are spelled out: V8 takes many times as long to build an object that begins with a spread.
    return { asset, urlFor, user, ...added, ...locals, ...data }
  }

  function fail (reply: FastifyReply, error: unknown): void {
    if (!showsFailures || !(error instanceof RenderFailed) || !isDirectAndLocal(reply.request)) {
      reply.send(error)
      return
    }
    reply.log.error({ err: error }, error.message)
    sendFailure(reply, error)
  }
}

function sendHtml (reply: FastifyReply, html: string): FastifyReply {
  if (!reply.hasHeader('content-type')) reply.header('content-type', 'text/html; charset=utf-8')
  return reply.send(html)
}

function isPromise (value: object | undefined): value is Promise<object> {
  return typeof (value as Promise<object> | undefined)?.then === 'function' // what is asked here
}
