import { statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyView from '@fastify/view'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { checkOptions } from '../options.js'
import { checkAssets, checkTemplates } from './check.js'
import { ViewEngine } from './engine.js'
import { errorPage, isDevelopersBrowser } from './error-page.js'
import { type OnFailure, type SendView, sendView } from './send-view.js'

/**
 * The views of the host, each with the data that it takes. Empty until the host fills it in; from then on `reply.render`
 * accepts these names and these data alone.
 *
 * ```ts
 * declare module 'fastify-quickstart/templates' {
 *   interface Views {
 *     index: { title: string }
 *     'admin/users': { users: string[], page?: number }
 *   }
 * }
 * ```
 */
export interface Views {}

/** What option `context` adds to every view. Empty until the host fills it in, as it does `Views`; then `context` must give this. */
export interface ViewContext {}

/** The name of a view: any, until the host fills in `Views`. */
export type ViewName = keyof Views extends never ? string : keyof Views & string

/** The data a view takes: any object, until the host fills in `Views`. */
export type ViewData<Name extends ViewName> = Name extends keyof Views ? Views[Name] : object

/** All that a view finds in `it`. */
export type ViewScope<Name extends ViewName> = ViewHelpers & { user: unknown } & ViewContext & ViewData<Name>

/** What every view can call, as `it.asset('app.js')`. */
export interface ViewHelpers {
  /** The URL of a static file. Throws where the static topic is not registered. */
  asset: (name: string) => string
  /** The URL of a named route. Throws where the params topic is not registered. */
  urlFor: (name: string, ...rest: unknown[]) => string
}

/** A value, or a function that makes it for a request. */
type PerRequest<Value> = Value | ((request: FastifyRequest) => Value | Promise<Value>)

/** The index route: a view, and its data or a function that makes them. */
export type IndexRoute = {
  [Name in ViewName]: { path?: string, view: Name } &
    ({} extends ViewData<Name> ? { data?: PerRequest<ViewData<Name>> } : { data: PerRequest<ViewData<Name>> })
}[ViewName]

/** Options of the templates plugin. */
export interface TemplatesOptions {
  /** Absolute path (or `file:` URL) of the folder that holds the templates. Required. */
  root: string | URL
  /** How a template's file name ends. Default `'.eta'`. */
  extension?: string
  /**
   * A view to answer `GET <path>` with (path: below the prefix, default `'/'`). The route is named `index`. Default `false`: no such route.
   * What a function given as `data` throws goes to the host's error handler.
   */
  index?: false | IndexRoute
  /**
   * What every view of `reply.render` finds in `it`, below the data of the call: an object, or a function of the request that gives one.
   * What the function throws goes to the host's error handler. Default: nothing.
   */
  context?: PerRequest<keyof ViewContext extends never ? object : ViewContext>
}

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Renders a view and sends it, as text/html unless a type is set.
     *
     * In `it` the view finds, the later one winning: `asset`, `urlFor`, `user`, the option `context`, `reply.locals`, `data`.
     * A view that fails sends `FST_QUICKSTART_TEMPLATES_RENDER` (500) to the host's error handler; its `cause` tells where and why.
     */
    render<Name extends ViewName> (view: Name, ...data: {} extends ViewData<Name> ? [data?: ViewData<Name>] : [data: ViewData<Name>]): FastifyReply
  }
  interface FastifyInstance {
    /** Whether `reply.render` has a view of this name. */
    hasView (name: string): boolean
  }
}

/**
 * Renders pages from templates that were checked before the first request.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import templates from 'fastify-quickstart/templates'
 *
 * const app = Fastify()
 * await app.register(templates, { root: new URL('./views', import.meta.url) })
 * app.get('/', async (request, reply) => reply.render('index', { title: 'Results' }))
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID_OPTION` when an option is unknown, missing or does not fit
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` when a template is broken or names what does not exist
 */
async function templates (app: FastifyInstance, options: TemplatesOptions & { prefix?: string }): Promise<void> {
  checkOptions<TemplatesOptions>('templates', options, {
    root: { accepts: isFolder, expected: 'the absolute path, or file: URL, of a folder that exists', required: true },
    extension: { accepts: (value) => typeof value === 'string' && /^\.[^/\\]+$/.test(value), expected: 'a file extension with its dot, such as ".html"' },
    index: { accepts: (value) => value === false || isIndexRoute(value), expected: 'false, or { path: a path that starts with "/", view: a name, data: an object or a function }' },
    context: { accepts: isObjectOrFunction, expected: 'an object, or a function of the request' }
  })
  const { extension = '.eta', index = false, context } = options
  const root = resolve(options.root instanceof URL ? fileURLToPath(options.root) : options.root)
  const production = process.env.NODE_ENV === 'production'

  const engine = new ViewEngine(root, extension)
  const assets = checkTemplates(engine, index === false ? undefined : index.view)
  if (production) engine.seal()

  // In a context inside another that has templates too, its views come first, and then those of the outer one: an error
  // handler of the outer one, say, finds its page from wherever it is called.
  const outer = app.hasDecorator(sendView) ? app.getDecorator<SendView>(sendView) : undefined
  const outerHasView = app.hasDecorator('hasView') ? app.hasView : undefined
  app.decorate('hasView', (name: string) => engine.has(name) || outerHasView?.(name) === true)

  const asset: ViewHelpers['asset'] = helper(app, 'asset', 'static')
  const urlFor: ViewHelpers['urlFor'] = helper(app, 'urlFor', 'params')
  // Its own, because @fastify/view would share that of an outer context, in which `index` may stand for another file.
  app.decorate(fastifyView.fastifyViewCache as symbol, new LRUCache({ max: 100 }))
  await app.register(fastifyView, { engine: { eta: engine }, root, viewExt: extension.slice(1), production, defaultContext: { asset, urlFor } })

  // Only when all is loaded is it known whether the static topic is on.
  app.addHook('onReady', async () => {
    if (app.hasDecorator('asset')) checkAssets(assets, asset)
  })

  const send: SendView = (reply, view, data, onFailure) => {
    if (outer !== undefined && !engine.has(view)) return outer(reply, view, data, onFailure)
    try {
      const added = typeof context === 'function' ? context(reply.request) : context
      if (!isPromise(added)) return sendPage(reply, view, added, data, onFailure)
      added.then((added) => sendPage(reply, view, added, data, onFailure)).catch((error) => sendError(reply, error, onFailure))
    } catch (error) {
      sendError(reply, error, onFailure)
    }
    return reply
  }

  function sendPage (reply: FastifyReply, view: string, added: object | undefined, data: object | undefined, onFailure: OnFailure | undefined): FastifyReply {
    const { user = null } = reply.request as { user?: unknown }
    const { locals } = reply as { locals?: object }
    let page: string | Promise<string>
    try {
      // The helpers are spelled out, because V8 takes many times as long to build an object that begins with a spread.
      page = engine.page(view, { asset, urlFor, user, ...added, ...locals, ...data })
    } catch (error) {
      return sendFailure(reply, error as Error, onFailure)
    }
    if (typeof page === 'string') return sendHtml(reply, page)
    page.then((html) => sendHtml(reply, html), (error) => sendFailure(reply, error, onFailure))
    return reply
  }

  function sendFailure (reply: FastifyReply, error: Error, onFailure: OnFailure | undefined): FastifyReply {
    if (onFailure !== undefined || production || !isDevelopersBrowser(reply.request)) return sendError(reply, error, onFailure)
    reply.log.error({ err: error }, error.message)
    return reply.code(500).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(errorPage(error.cause))
  }

  app.decorate(sendView, send)
  app.decorateReply('render', function (this: FastifyReply, view: string, data?: object) {
    return send(this, view, data)
  } as FastifyReply['render'])

  if (index !== false) {
    // A child, because the routes of a plugin whose decorators reach the host do not get its prefix.
    app.register(async (child) => {
      const { path = '/', view, data } = index
      child.get(path, { config: { name: 'index' } }, async (request, reply) => {
        return send(reply, view, typeof data === 'function' ? await data(request) : data)
      })
    }, { prefix: options.prefix })
  }
}

function sendError (reply: FastifyReply, error: unknown, onFailure: OnFailure = (error) => { reply.send(error) }): FastifyReply {
  onFailure(error)
  return reply
}

function sendHtml (reply: FastifyReply, html: string): FastifyReply {
  if (!reply.hasHeader('content-type')) reply.header('content-type', 'text/html; charset=utf-8')
  return reply.send(html)
}

/** A function for pages that another topic's decorator backs, which may be registered later, or never. */
function helper (app: FastifyInstance, decorator: string, topic: string): (...args: unknown[]) => string {
  let found: ((...args: unknown[]) => string) | undefined
  return (...args) => {
    if (!app.hasDecorator(decorator)) throw new Error(`it.${decorator}(…) needs the ${topic} topic: register fastify-quickstart/${topic}`)
    found ??= app.getDecorator<(...args: unknown[]) => string>(decorator)
    return found(...args)
  }
}

function isPromise (value: object | undefined): value is Promise<object> {
  return typeof (value as Promise<object> | undefined)?.then === 'function'
}

function isObjectOrFunction (value: unknown): boolean {
  return typeof value === 'function' || (typeof value === 'object' && value !== null && !Array.isArray(value))
}

function isIndexRoute (value: unknown): boolean {
  if (!isObjectOrFunction(value)) return false
  const { path = '/', view, data = {}, ...others } = value as Record<string, unknown>
  return typeof path === 'string' && path.startsWith('/') && typeof view === 'string' && isObjectOrFunction(data) && Object.keys(others).length === 0
}

function isFolder (value: unknown): boolean {
  if (!(value instanceof URL ? value.protocol === 'file:' : typeof value === 'string' && isAbsolute(value))) return false
  return statSync(value as string | URL, { throwIfNoEntry: false })?.isDirectory() === true
}

export default fp(templates, { fastify: '5.x', name: 'fastify-quickstart/templates' })
