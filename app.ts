import createError from '@fastify/error'
import underPressure from '@fastify/under-pressure'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cardsOf } from './app/cards.js'
import { answerError, answerNotFound, answerRouterError, answerRouterErrorsAs } from './app/error-answers.js'
import { setSecurityHeaders } from './app/security-headers.js'
import { readSettings, type Settings } from './app/settings.js'
import { commandLine, isFastifyStart, reportStartFailure } from './app/start-failure.js'
import { type QuickstartOptions, readSwitches, refuseLostSwitches, type Switches } from './app/switches.js'
import auth, { type AuthOptions } from './plugins/auth/index.js'
import hello from './plugins/hello/index.js'
import params from './plugins/params/index.js'
import staticFiles, { type StaticOptions } from './plugins/static/index.js'
import templates, { type TemplatesOptions } from './plugins/templates/index.js'

export type { QuickstartOptions }

/** The package's folder, from app.ts and from dist/app.js alike. */
const root = dirname(fileURLToPath(import.meta.resolve('#package.json')))

const ProtectWithoutAuth = createError('FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH', 'QUICKSTART_PROTECT names pages that need a login, but auth is off; switch auth on or take QUICKSTART_PROTECT away', 500, TypeError)

/**
 * What the server itself needs, where this app is the whole server: `fastify start --options dist/app.js`, or
 * `Fastify(options)` in code of your own.
 */
export const options = {
  // Addresses and scheme of the client come from X-Forwarded-* only when the request comes from a trusted proxy.
  trustProxy: trustedProxies(),
  // A client gets this long, in milliseconds, to send its headers, to send a whole request, and to be silent.
  http: { headersTimeout: 15_000 },
  requestTimeout: 30_000,
  connectionTimeout: 120_000,
  // Bytes of a request's body; more is 413.
  bodyLimit: 1_048_576,
  // UTF-16 units of one parameter in a path: room for 1,024 characters, where an emoji is two units. More is 414.
  routerOptions: { maxParamLength: 2048 },
  // No password and no session in a log, whoever adds headers to it.
  logger: { redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie'] },
  frameworkErrors: answerRouterError
} satisfies FastifyHttpOptions<Server>

/** What arrives among the app's options and is no switch of it. */
const alsoKnown = new Set([...Object.keys(options), 'prefix', 'logLevel', 'logSerializers', 'skipOverride'])

/**
 * The root app: registers each topic that is on, and what a whole app needs around them.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_SETTING` or `FST_QUICKSTART_APP_INVALID_OPTION` where a setting or a switch is
 * wrong, `FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH` where pages are to be protected and auth is off, and what the plugins
 * throw when their options are wrong
 */
export default async function quickstart (app: FastifyInstance, given: QuickstartOptions): Promise<void> {
  if (isFastifyStart()) {
    app.addHook('onListen', reportStartFailure(process))
    refuseLostSwitches(commandLine())
  }
  const settings = readSettings()
  const on = readSwitches(given, settings, alsoKnown)
  if (on.auth === undefined && settings.protect.length > 0) throw new ProtectWithoutAuth()

  app.addHook('onRequest', async (request, reply) => setSecurityHeaders(request.raw, reply.raw))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  answerRouterErrorsAs(app)

  // auth comes first, for it guards what is declared after it; params next, for it names what is declared after it.
  if (on.auth) await app.register(auth, authOptions(on.auth, settings))
  await app.register(underPressure, { exposeStatusRoute, maxEventLoopDelay: 1000, retryAfter: 5 })
  if (on.params) await app.register(params, on.params)
  if (on.static) await registerStatic(app, on.static, settings)
  if (on.templates) await app.register(templates, templatesOptions(app, on, settings))
  if (on.hello) await app.register(hello, { path: helloPath(on), ...on.hello })

  app.addHook('onListen', async () => {
    const address = app.server.address()
    if (typeof address !== 'object' || address === null) return // a Unix socket, which no browser opens
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    app.log.info(`Open http://${host}:${address.port}${app.prefix.replace(/\/$/, '')}/ in a browser`)
  })
}

/** Whoever watches over the server has no login, so `/*` in QUICKSTART_PROTECT is all but this. */
const exposeStatusRoute = { url: '/health', routeOpts: { config: { auth: false as const } } }

function authOptions (own: Partial<AuthOptions>, settings: Settings): AuthOptions {
  return {
    ...(settings.usersFile !== undefined && !namesUsers(own) && { htpasswd: settings.usersFile }),
    ...(settings.realm !== undefined && { realm: settings.realm }),
    protect: settings.protect,
    ...own,
    ...(settings.redisUrl !== undefined && own.throttle !== false && { throttle: { redis: settings.redisUrl, ...own.throttle } })
  }
}

function namesUsers (own: Partial<AuthOptions> = {}): boolean {
  return own.users !== undefined || own.htpasswd !== undefined || own.verify !== undefined
}

async function registerStatic (app: FastifyInstance, own: Partial<StaticOptions>, settings: Settings): Promise<void> {
  const publicDir = join(root, 'public')
  await app.register(staticFiles, { root: settings.publicDir ?? publicDir, ...own })
  // The suite's own pages keep their style beside somebody else's public files, which come first.
  if (settings.publicDir !== undefined && settings.viewsDir === undefined) {
    await app.register(staticFiles, { root: publicDir, prefix: '/static/quickstart/' })
  }
}

function templatesOptions (app: FastifyInstance, on: Switches, settings: Settings): TemplatesOptions {
  const prefix = app.prefix.replace(/\/$/, '')
  const cards = cardsOf(on, {
    prefix,
    helloPath: on.hello?.path ?? helloPath(on),
    scriptUrl: on.static && assetUrl(app, 'app.js'),
    secretPath: on.auth?.path ?? '/secret',
    builtInUser: process.env.NODE_ENV !== 'production' && settings.usersFile === undefined && !namesUsers(on.auth)
  })
  return {
    root: settings.viewsDir ?? join(root, 'views'),
    index: { path: '/', view: 'index', data: { cards } },
    context: { home: `${prefix}/`, static: on.static !== undefined },
    ...on.templates
  }
}

/** The index page takes `/` where there is one. */
function helloPath ({ templates }: Switches): string {
  return templates === undefined || templates.index === false ? '/' : '/hello'
}

/** The URL of a public file, or undefined where there is no such file. */
function assetUrl (app: FastifyInstance, name: string): string | undefined {
  try {
    return app.asset(name)
  } catch {
    return undefined
  }
}

function trustedProxies (): boolean | string[] {
  try {
    return readSettings().trustProxy
  } catch {
    // quickstart() reads the settings again and says what is wrong with them.
    return false
  }
}
