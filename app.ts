import createError from '@fastify/error'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { logAccess, oneLinePerRequest } from './app/operation/access-log.ts'
import { answerClientError } from './app/answers/client-errors.ts'
import { developmentLog } from './app/development/development-log.ts'
import { answerErrors, createRouterErrorAnswer } from './app/answers/error-answers.ts'
import { surviveHangup } from './app/operation/hangup.ts'
import { warnOfInlineCode } from './app/development/inline-code.ts'
import { reloadPages } from './app/development/live-reload.ts'
import { shedLoad } from './app/operation/load-shedding.ts'
import { measure } from './app/operation/metrics.ts'
import { loadRoutes, type OwnRoutes, type RoutesPlugin } from './app/own-routes.ts'
import { helloPath, templatesOptions } from './app/pages/pages.ts'
import { createRequestId } from './app/answers/request-id.ts'
import { createSecurityHeaders } from './app/answers/security-headers.ts'
import { readSettings, type Settings } from './app/settings/settings.ts'
import { showSources } from './app/pages/source-pages.ts'
import { commandLine, isFastifyStart, reportStartFailure } from './app/operation/start-failure.ts'
import { stopGently } from './app/operation/stopping.ts'
import {
  type QuickstartOptions, readPolicy, readReload, readSwitches, readWorker, refuseLostSwitches, type Switches
} from './app/settings/switches.ts'
import auth, { type AuthOptions, optionalAuth } from './plugins/auth/index.ts'
import hello from './plugins/hello/index.ts'
import params from './plugins/params/index.ts'
import staticFiles, { type StaticOptions } from './plugins/static/index.ts'
import templates from './plugins/templates/index.ts'
import routes from './routes.ts'

export type { OwnRoutes, QuickstartOptions, RoutesPlugin }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who answers a route of the root app: a topic, `app` for what is around the topics, or `own`. Set by the app. */
    answeredBy?: string
  }
}

/** The package's folder, from app.ts and from dist/app.js alike. */
const packageRoot = dirname(fileURLToPath(import.meta.resolve('#package.json')))

const isProduction = (): boolean => process.env.NODE_ENV === 'production'

const ProtectWithoutAuth = createError(
  'FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH',
  'QUICKSTART_PROTECT names pages that need a login, but auth is off; switch auth on or take QUICKSTART_PROTECT away',
  500,
  TypeError
)

/** No password and no session in a log, whoever adds headers to it. */
const redact = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie']

const settingsAtImport = settingsIfRight()

/**
 * What the server itself needs, where this app is the whole server: `fastify start --options dist/app.js`, or
 * `Fastify(options)` in code of your own.
 */
export const options = {
  // Addresses and scheme of the client come from X-Forwarded-* only when the request comes from a trusted proxy. Set it
  // by QUICKSTART_TRUST_PROXY: genReqId and frameworkErrors go by the setting too.
  trustProxy: settingsAtImport?.trustProxy ?? false,
  // A client gets this long, in milliseconds, to send its headers, to send a whole request, and to be silent.
  // Node looks at these limits each connectionsCheckingInterval.
  http: { headersTimeout: 15_000, connectionsCheckingInterval: 1000 },
  requestTimeout: 30_000,
  connectionTimeout: 120_000,
  // Longer than a proxy keeps an idle connection (Caddy: 2 minutes), so that it is never the server that closes one
  // just as the proxy sends a request.
  keepAliveTimeout: 150_000,
  // While the app stops it goes on answering: see app/stopping.ts.
  return503OnClosing: false,
  // Bytes of a request's body; more is 413.
  bodyLimit: 1_048_576,
  // UTF-16 units of one parameter in a path: room for 1,024 characters, where an emoji is two units. More is 414.
  routerOptions: { maxParamLength: 2048 },
  // The command makes its own log.
  logger: {
    redact,
    ...(!isFastifyStart() && { level: settingsAtImport?.logLevel ?? 'info' }),
    ...(isFastifyStart() && !isProduction() && logToTerminal()),
    ...(isProduction() && { hooks: { logMethod: oneLinePerRequest } })
  },
  genReqId: createRequestId(settingsAtImport?.trustProxy ?? false),
  frameworkErrors: createRouterErrorAnswer(settingsAtImport?.trustProxy ?? false),
  clientErrorHandler: answerClientError
} satisfies FastifyHttpOptions<Server>

/** What arrives among the app's options and belongs to Fastify. */
const alsoKnown = new Set([...Object.keys(options), 'prefix', 'logLevel', 'logSerializers', 'skipOverride'])

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
 * where pages are to be protected and auth is off, and what the plugins throw when their options are wrong
 */
async function quickstart (app: FastifyInstance, given: QuickstartOptions): Promise<void> {
  if (isFastifyStart()) {
    app.addHook('onListen', reportStartFailure(process))
    refuseLostSwitches(commandLine())
  }
  const settings = readSettings()
  if (isFastifyStart()) {
    app.addHook('onListen', async () => surviveHangup(process, app.log))
    if (settings.logLevel !== undefined && !isLogLevelGiven()) app.log.level = settings.logLevel
  }
  const on = readSwitches(given, settings, alsoKnown)
  const csp = readPolicy(given, settings)
  const isWorker = readWorker(given)
  const ownRoutes = [routes, ...await loadRoutes(given.routes)]
  if (on.auth === undefined && settings.protect.length > 0) throw new ProtectWithoutAuth()

  stopGently(app, settings.stop)
  if (isProduction()) logAccess(app)
  if (settings.metrics !== undefined) measure(app, isWorker ? 'primary' : settings.metrics)
  let answeredBy = 'app'
  app.addHook('onRoute', (route) => {
    route.config = { answeredBy, ...route.config }
    // Each page shows who is logged in.
    if (on.auth && answeredBy === 'templates') route.onRequest = [optionalAuth, route.onRequest ?? []].flat()
  })

  const setSecurityHeaders = createSecurityHeaders(csp)
  if (!app.hasRequestDecorator('cspNonce')) app.decorateRequest('cspNonce')
  app.addHook('onRequest', async (request, reply) => setSecurityHeaders(request, reply))
  if (!isProduction()) warnOfInlineCode(app, csp)
  answerErrors(app, setSecurityHeaders)

  // params comes first, for it names what is declared after it.
  answeredBy = 'params'
  if (on.params) await app.register(params, on.params)
  answeredBy = 'auth'
  if (on.auth) await app.register(auth, authOptions(on.auth, settings, isWorker))
  answeredBy = 'app'
  shedLoad(app)
  answeredBy = 'static'
  if (on.static) await registerStatic(app, on.static, settings, hasOurPages(on))
  answeredBy = 'templates'
  if (on.templates) {
    const views = { root: settings.viewsDir ?? viewsDir, fallback: viewsDir }
    await app.register(templates, templatesOptions(app, on, { ...views, builtInLogin: !hasUsers(on.auth, settings) }))
    if (views.root === viewsDir && app.hasView('source')) showSources(app, packageRoot, on)
  }
  answeredBy = 'hello'
  if (on.hello) await app.register(hello, { path: helloPath(on), ...on.hello })
  answeredBy = 'reload'
  if (readReload(given)) reloadPages(app, foldersOf(on, settings))
  answeredBy = 'own'
  for (const plugin of ownRoutes) await app.register(plugin)

  app.addHook('onListen', async () => {
    if (isProduction()) app.log.info(factsOf(on, settings), 'fastify-quickstart listens')
    const address = app.server.address()
    if (typeof address !== 'object' || address === null) return // a Unix socket, which no browser opens
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    app.log.info(`Open http://${host}:${address.port}${app.prefix.replace(/\/$/, '')}/ in a browser`)
  })
}

export { quickstart, quickstart as default }

function authOptions (own: Partial<AuthOptions>, settings: Settings, isWorker: boolean): AuthOptions {
  const options: AuthOptions = {
    ...(settings.usersFile !== undefined && !namesUsers(own) && { htpasswd: settings.usersFile }),
    ...(settings.realm !== undefined && { realm: settings.realm }),
    protect: settings.protect,
    ...own
  }
  if (own.throttle !== false) {
    const shared = settings.redisUrl === undefined ? { cluster: isWorker } : { redis: settings.redisUrl }
    options.throttle = { ...shared, ...own.throttle }
  }
  return options
}

/** Whether anybody but the tutorial's own user can log in. */
function hasUsers (own: Partial<AuthOptions> | undefined, settings: Settings): boolean {
  return namesUsers(own) || settings.usersFile !== undefined
}

function namesUsers ({ users, htpasswd, verify }: Partial<AuthOptions> = {}): boolean {
  return users !== undefined || htpasswd !== undefined || verify !== undefined
}

const publicDir = join(packageRoot, 'public')
const viewsDir = join(packageRoot, 'views')

/** Whether pages of the suite may be shown: those that a folder of views from the settings lacks, too. */
function hasOurPages ({ templates }: Switches): boolean {
  return templates !== undefined && templates.root === undefined
}

async function registerStatic (
  app: FastifyInstance,
  own: Partial<StaticOptions>,
  settings: Settings,
  hasOurPages: boolean
): Promise<void> {
  await app.register(staticFiles, { root: settings.publicDir ?? publicDir, ...own })
  // The suite's own pages keep their style beside somebody else's public files, which come first.
  if ((own.root ?? settings.publicDir) !== undefined && hasOurPages) {
    await app.register(staticFiles, { root: publicDir, prefix: '/static/quickstart/' })
  }
}

/** The folders whose files a page is made of. */
function foldersOf (on: Switches, settings: Settings): string[] {
  return [
    ...(on.static === undefined ? [] : [on.static.root ?? settings.publicDir ?? publicDir]),
    ...(on.templates === undefined ? [] : [on.templates.root ?? settings.viewsDir ?? viewsDir])
  ].map((folder) => folder instanceof URL ? fileURLToPath(folder) : folder)
}

function logToTerminal () {
  // Whoever reads the log may go away. The server stays.
  process.stdout.on('error', () => {})
  return developmentLog(process.stdout)
}

/** What an operator asks first of a server that runs. */
function factsOf (on: Switches, settings: Settings): object {
  const { version } = createRequire(import.meta.url)('#package.json') as { version: string } // npm needs it to be there
  return {
    version,
    node: process.version,
    environment: process.env.NODE_ENV,
    topics: Object.entries(on).filter(([, options]) => options !== undefined).map(([topic]) => topic),
    trustProxy: settings.trustProxy,
    ...settings.stop
  }
}

/** Whether `fastify start` was told a level, which wins over the setting. */
function isLogLevelGiven (): boolean {
  return process.env.FASTIFY_LOG_LEVEL !== undefined || commandLine().some((word) => /^(?:--log-level|-l)/.test(word))
}

/** The settings; undefined where they are wrong: quickstart() reads them again and says what is wrong with them. */
function settingsIfRight (): Settings | undefined {
  try {
    return readSettings()
  } catch {
    return undefined
  }
}
