import type { FastifyInstance } from 'fastify'
import { addSecurityHeaders } from './app/answers/security-headers.ts'
import { answerErrors, answerNotFound } from './app/answers/error-answers.ts'
import { keepHttpRules } from './app/answers/http-rules.ts'
import { believeAddressesAlone } from './app/answers/trusted-proxies.ts'
import { warnOfInlineCode } from './app/development/inline-code.ts'
import { reloadPages } from './app/development/live-reload.ts'
import { logAccess } from './app/operation/access-log.ts'
import { announceStart } from './app/operation/announce.ts'
import { answerAlike } from './app/operation/each-server.ts'
import { explainStartFailures, followOperator } from './app/operation/fastify-start.ts'
import { answerHealth, type HealthCheck } from './app/operation/health.ts'
import { shedLoad } from './app/operation/load-shedding.ts'
import { measure } from './app/operation/metrics.ts'
import { CannotStart, isFastifyStart } from './app/operation/start-failure.ts'
import { stopGently } from './app/operation/stopping.ts'
import { loadRoutes, type OwnRoutes, type RoutesPlugin } from './app/own-routes.ts'
import { addSourcePages } from './app/pages/source-pages.ts'
import { options } from './app/server-options.ts'
import { type QuickstartOptions, readOptions } from './app/settings/quickstart-options.ts'
import { readSettings } from './app/settings/settings.ts'
import {
  createAuthOptions, createHelloOptions, createSourcePagesOptions, createStaticOptions, createTemplatesOptions,
  listPageFolders
} from './app/topics.ts'
import auth, { type GuardHook, optionalAuth } from './plugins/auth/index.ts'
import hello from './plugins/hello/index.ts'
import params from './plugins/params/index.ts'
import files from './plugins/static/index.ts'
import templates from './plugins/templates/index.ts'
import routes from './routes.ts'

export { CannotStart, options }
export type { HealthCheck, OwnRoutes, QuickstartOptions, RoutesPlugin }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who answers a route of the root app: a topic, `app` for what is around the topics, or `own`. Set by the app. */
    answeredBy?: string
  }
}

/**
 * The root app: registers each topic that is on, what a whole app needs around them, and your own routes.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import quickstart, { options } from 'fastify-quickstart'
 * import { requiresAuth } from 'fastify-quickstart/auth'
 *
 * const app = Fastify(options)
 * await app.register(quickstart, {
 *   routes: async (app) => {
 *     app.get('/results', { onRequest: requiresAuth }, async (request) => ({ for: request.user?.name }))
 *   }
 * })
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_APP_INVALID_SETTING` or `FST_QUICKSTART_APP_INVALID_OPTION` where a setting or an option is
 * wrong, `FST_QUICKSTART_APP_INVALID_ROUTES` where `routes` is not a plugin, `FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH`
 * where pages are to be protected and auth is off, `FST_QUICKSTART_APP_PROM_CLIENT_MISSING` where metrics are on and
 * the package prom-client is not installed, and what the plugins throw when their options are wrong
 */
async function quickstart (app: FastifyInstance, given: QuickstartOptions): Promise<void> {
  if (isFastifyStart()) explainStartFailures(app)
  const settings = readSettings()
  if (isFastifyStart()) followOperator(app, settings)
  const checked = readOptions(given, settings)
  const { on, hasTutorial, csp, cspReportOnly, reload, isWorker } = checked
  const ownRoutes = [routes, ...await loadRoutes(given.routes)]
  const isProduction = process.env.NODE_ENV === 'production'

  answerAlike(app)
  stopGently(app, settings.stop)
  believeAddressesAlone(app)
  if (isProduction) logAccess(app)
  if (settings.metrics) await measure(app, isWorker ? 'primary' : settings.metrics)
  addSecurityHeaders(app, csp, cspReportOnly)
  if (!isProduction) warnOfInlineCode(app, csp)
  keepHttpRules(app)
  answerErrors(app, csp, cspReportOnly)

  // The first, for it names what is declared after it.
  if (on.params) await registerAs('params', app, params, on.params)
  if (on.auth) await registerAs('auth', app, auth, createAuthOptions(on.auth, settings, checked))
  shedLoad(app)
  answerHealth(app)
  for (const folder of createStaticOptions(on, settings)) await registerAs('static', app, files, folder)
  // Each page shows who is logged in.
  const showsUser = on.auth && optionalAuth
  if (on.templates) {
    await registerAs('templates', app, templates, createTemplatesOptions(app, checked, settings), showsUser)
  }
  const sources = createSourcePagesOptions(checked, settings)
  if (sources) await registerAs('templates', app, addSourcePages, sources, showsUser)
  if (on.hello) await registerAs('hello', app, hello, createHelloOptions(on, hasTutorial))
  if (reload) reloadPages(app, listPageFolders(on, settings))
  for (const plugin of ownRoutes) await registerAs('own', app, plugin, {})
  answerNotFound(app)
  announceStart(app, on, settings)
}

export { quickstart, quickstart as default }

/**
 * Registers a plugin whose routes say who answers them.
 *
 * @param onRequest a hook for each of its routes, after those that they have
 */
async function registerAs<Options extends object> (
  answeredBy: string,
  app: FastifyInstance,
  plugin: (app: FastifyInstance, options: Options, done: () => void) => void | Promise<void>,
  options: Options,
  onRequest?: GuardHook
): Promise<void> {
  let isRegistered = false
  app.addHook('onRoute', (route) => {
    if (isRegistered) return
    route.config = { answeredBy, ...route.config }
    if (onRequest) route.onRequest = [route.onRequest ?? [], onRequest].flat()
  })
  await app.register(plugin, options)
  isRegistered = true
}
