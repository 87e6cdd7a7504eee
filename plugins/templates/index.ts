/// <reference types="@fastify/view" preserve="true" />
import fastifyView from '@fastify/view'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { LruMap } from 'toad-cache'
import { toFolderPath } from '../../lib/folder-path.ts'
import { checkAssets, checkTemplates } from './check.ts'
import { ViewEngine } from './engine/engine.ts'
import { TemplateFolders } from './engine/folders.ts'
import { checkTemplatesOptions, type TemplatesOptions } from './options.ts'
import { createPages, createViewHelpers, pagesOf } from './page.ts'
import { addRoutes, findPages } from './routes.ts'
import type { ViewArguments, ViewName } from './views.ts'

export type * from './views.ts'
export type { TemplatesOptions }

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Renders a view and sends it, as the type of its name (`feed.xml`), which is text/html for most. A type that is
     * set already stays.
     *
     * In `it` the view finds `asset`, `urlFor`, `importmap`, `user`, `nonce`, `here`, the option `context`,
     * `reply.locals` and `data`; of two things with one name the later wins. A view that fails sends
     * `FST_QUICKSTART_TEMPLATES_RENDER` (500) to the host's error handler; its `cause` tells where and why.
     */
    render<Name extends ViewName> (view: Name, ...data: ViewArguments<Name>): FastifyReply
  }
  interface FastifyInstance {
    /** Whether `reply.render` has a view of this name. */
    hasView (name: string): boolean
    /**
     * Renders a view to text, with everything in `it` that `reply.render` gives it, and sends nothing: for an error
     * handler, which answers otherwise where its page fails.
     *
     * @throws `FST_QUICKSTART_TEMPLATES_RENDER`, or what option `context` throws
     */
    page<Name extends ViewName> (reply: FastifyReply, view: Name, ...data: ViewArguments<Name>): Promise<string>
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
export const templates = fp(registerTemplates, { fastify: '5.x', name: 'fastify-quickstart/templates' })
export { templates as default }

async function registerTemplates (
  app: FastifyInstance, options: TemplatesOptions & { prefix?: string }
): Promise<void> {
  checkTemplatesOptions(options)
  const { root, fallback = root, extension = '.eta', index = false, pages = false, context } = options
  const paths = [root, fallback].map((folder) => toFolderPath(folder)!) // both are checked
  const folders = new TemplateFolders([...new Set(paths)], extension)
  const production = process.env.NODE_ENV === 'production'

  const engine = new ViewEngine(folders)
  const assets = checkTemplates(engine, index === false ? undefined : index.view)
  const routes = findPages(folders, pages)
  if (production) engine.seal()

  const helpers = createViewHelpers(app)
  const rendered = createPages({ engine, helpers, context, outer: pagesOf.nearest(app), showsFailures: !production })
  pagesOf.add(app, rendered)
  app.decorate('hasView', rendered.has)
  app.decorate('page', async (reply: FastifyReply, view: string, data?: object) => rendered.render(reply, view, data))
  app.decorateReply('render', function (this: FastifyReply, view: string, data?: object) {
    return rendered.send(this, view, data)
  })

  // A cache of its own: @fastify/view would share that of an outer context, in which `index` may be another file.
  app.decorate(fastifyView.fastifyViewCache as symbol, new LruMap(100))
  await app.register(fastifyView, {
    engine: { eta: engine },
    root: folders.folders[0],
    viewExt: extension.slice(1),
    production,
    defaultContext: { ...helpers }
  })

  // Only when everything is loaded is it known whether the static topic is on.
  app.addHook('onReady', async () => {
    if (app.hasDecorator('asset')) checkAssets(assets, helpers.asset, context, app.log)
  })

  // A child, because the routes of a plugin whose decorators reach the host do not get its prefix.
  app.register(async (child) => addRoutes(child, rendered, routes, index), { prefix: options.prefix })
}
