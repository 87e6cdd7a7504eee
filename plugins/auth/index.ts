import { availableParallelism } from 'node:os'
import basicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler, onSendHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Outcome } from './attempts.js'
import { Attempts, letIn as rememberedLogin } from './attempts.js'
import { keepPrivate } from './cache-control.js'
import { createChallenge, defaultRealm } from './challenge.js'
import { checkAuthOptions } from './check-options.js'
import type { Check, OwnCheck } from './checks.js'
import { createHashCheck, createOwnCheck } from './checks.js'
import type { RedisClient } from './counts.js'
import { connectRedisCounts, memoryCounts, RedisCounts } from './counts.js'
import { arePossible, isBasic, isOneShortHeader } from './credentials.js'
import { CheckFailed, InvalidOption, LoginFailed, LoginRequired, NoUsers, TooBusy, TooManyFailures } from './errors.js'
import { createHashingQueue } from './hashing-queue.js'
import { HeldAnswers } from './held-answers.js'
import { Protection } from './protect.js'
import { secretPage } from './secret-page.js'
import { Throttle } from './throttle.js'
import type { UserLookup, UserMap, UserSource } from './users.js'
import { htpasswdUsers, lookupUsers, mapUsers, tutorialUsers } from './users.js'
import { VerifiedLogins } from './verified-logins.js'

export { hash } from './password-hash.js'
export type { OwnCheck, RedisClient, UserLookup, UserMap }

/** Who is logged in. */
export interface User {
  name: string
}

/** What a request has been through: null, no guard; true, a guard that did not let it in (yet); else the guard that did. */
const guard = Symbol('fastify-quickstart.auth.guard')

declare module 'fastify' {
  interface FastifyInstance {
    /** Lets a request through that has a right login, and answers any other. An onRequest hook, for a route or for a whole plugin. */
    requiresAuth: onRequestHookHandler
  }
  interface FastifyRequest {
    /** Who is logged in, on a guarded route; null where nobody was asked. */
    user: User | null
    [guard]: null | true | onRequestHookHandler
  }
  interface FastifyContextConfig {
    /** `false` leaves the route out of what the option `protect` guards, as for the status page that a load balancer asks for. */
    auth?: false
  }
}

/** How guessers are slowed down. */
export interface ThrottleOptions {
  /** Failures of one name from one address before it is shut out. Default 10. */
  perLogin?: number
  /** Failures from one address (of IPv6, from one /64), whatever the names, before it is shut out. Default 100. */
  perAddress?: number
  /** Seconds after which failures are forgotten, counted from the first: at most 2,147,483. Default 900. */
  window?: number
  /** Seconds for which one is shut out: at most 2,147,483. Default 900. */
  block?: number
  /** Seconds for which the answers 429 and 503 are held back, so that nobody can ask for many of them. 0 for not at all. Default 1. */
  delay?: number
  /** A URL (needs the package ioredis), or a client made by ioredis: instances of the app then count together. Default: each in its own memory. */
  redis?: string | RedisClient
  /**
   * In front of each key in Redis. Apps that share a Redis but not their users need one each. Default `'fastify-quickstart'`.
   * Registrations in one app have keys of their own, by prefix and order.
   */
  keyPrefix?: string
}

/** Options of the auth plugin. At most one of `users`, `htpasswd` and `verify`. */
export interface AuthOptions {
  /** Password hashes by name, as an object, a Map, or a function that finds one (null for nobody). Read at each request. */
  users?: UserMap | UserLookup
  /** Path of an htpasswd file (argon2id, or bcrypt as `htpasswd -B` makes it). Read again when it changes. */
  htpasswd?: string
  /** Your own check of a name and password, made at each request. Only `true` lets anyone in; each other answer is a failed login. */
  verify?: OwnCheck
  /** What the browser says one logs in to: printable ASCII, or a function of the request. Default `'Login Required'`. */
  realm?: string | ((request: FastifyRequest) => string)
  /** The secret page's path, below the prefix it is registered with; false for no page. Default `'/secret'`. */
  path?: string | false
  /** Paths of routes to guard, of those declared after this plugin; `'/x/*'` is every route under `/x/`. Default `[]`. */
  protect?: readonly string[]
  /** How guessers are slowed down; false for not at all. */
  throttle?: ThrottleOptions | false
  /** How many right logins are remembered (default 10,000) and for how many seconds (default 3600); false for none. */
  cache?: { max?: number, ttl?: number } | false
  /**
   * How many passwords are hashed at once (default: one less than there are cores, of at least 1 and at most 3, since node has four threads
   * for it and for reading files) and how many may wait (default 100). Past that, 503.
   */
  hashing?: { parallel?: number, queue?: number }
}

/**
 * Basic authentication: a page that needs a login, and guards for the host's own routes.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import auth, { hash } from 'fastify-quickstart/auth'
 *
 * const app = Fastify()
 * await app.register(auth, { users: { alice: await hash('correct horse') } })
 * app.get('/results', { onRequest: app.requiresAuth }, async (request) => ({ hello: request.user?.name }))
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_OPTION` when an option is unknown, does not fit, or contradicts another
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a user that could not log in, and in production for a plain password
 * @throws `FST_QUICKSTART_AUTH_NO_USERS` in production when no users are configured, and for an empty map or file
 * @throws `FST_QUICKSTART_AUTH_PROTECT_NOTHING` and `FST_QUICKSTART_AUTH_PROTECT_TOO_LATE` for an entry of `protect` that guards nothing, or not all
 * @throws `FST_QUICKSTART_AUTH_REDIS_MISSING` when `throttle.redis` is a URL and the package ioredis is not installed
 */
async function auth (app: FastifyInstance, options: AuthOptions & { prefix?: string }): Promise<void> {
  checkAuthOptions(options)
  const { realm = defaultRealm, path = '/secret', protect = [] } = options
  const protection = new Protection(protect, app)
  const throttled = options.throttle === false ? null : await openThrottle(app, options.throttle)
  const held = new HeldAnswers(options.throttle === false ? 0 : options.throttle?.delay ?? 1)
  const logins = await openCheck(app, options, new Attempts(throttled))
  const challengeFor = createChallenge(realm)

  // One guard may run inside another's context; it then shares the outer one's decorators and hook.
  if (!app.hasRequestDecorator(guard)) {
    app.decorateRequest(guard, null)
    app.decorateRequest('user', null)
    app.addHook('onSend', keepGuardedPrivate)
    // After the route's own, which may say something else of caching.
    app.addHook('onRoute', (route) => {
      if (route.onSend !== undefined) route.onSend = [...[route.onSend].flat(), keepGuardedPrivate]
    })
  }

  // In a context of its own, so that nothing but the guard reaches the host.
  let readCredentials: onRequestHookHandler
  await app.register(async (child) => {
    await child.register(basicAuth, { validate, strictCredentials: false, utf8: true })
    readCredentials = child.basicAuth as onRequestHookHandler // its type is that of three hooks, and this is the first
  })

  const requiresAuth: onRequestHookHandler = function requiresAuth (request, reply, done) {
    if (typeof done !== 'function') throw new InvalidOption('requiresAuth is a hook of three arguments; expected { onRequest: app.requiresAuth }')
    if (request[guard] === requiresAuth) {
      done() // let in by this very guard already, in front of the plugin or by `protect`
      return
    }
    request[guard] = true
    if (!isOneShortHeader(request)) {
      refuse(new LoginRequired(), request, reply, done)
      return
    }
    const authorization = request.headers.authorization as string // isOneShortHeader has seen to it
    const remembered = logins.recall(authorization, request)
    if (remembered !== null) {
      request[guard] = requiresAuth
      letIn(remembered, request, done)
      return
    }
    if (!isBasic(authorization)) {
      refuse(new LoginRequired(), request, reply, done)
      return
    }
    readCredentials.call(app, request, reply, (error) => {
      if (error === undefined) {
        request[guard] = requiresAuth
        done()
      } else {
        // What @fastify/basic-auth says of a bad header becomes an error of this plugin's.
        refuse(ownErrors.has(error.constructor) ? error : new LoginRequired(), request, reply, done)
      }
    })
  }
  app.decorate('requiresAuth', requiresAuth)

  app.addHook('onRoute', (route) => {
    if (!protection.guards(route)) return
    route.onRequest = [requiresAuth, ...[route.onRequest ?? []].flat()]
  })
  app.addHook('onReady', async () => protection.check(app))
  app.addHook('preClose', async () => held.release())

  if (path !== false) {
    await app.register(async (child) => {
      child.get(path, { onRequest: requiresAuth, config: { name: 'secret' } }, secretPage)
    }, { prefix: options.prefix })
  }

  function refuse (error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (error.statusCode === 401) reply.header('www-authenticate', challengeFor(request))
    done(error)
  }

  /** Called by @fastify/basic-auth with what the header held. A remembered login goes straight through, with no promise on its way. */
  function validate (name: string, password: string, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (!arePossible(name, password)) {
      done(new LoginRequired())
      return
    }
    try {
      const outcome = logins.check(name, password, request)
      if (outcome === rememberedLogin) letIn(name, request, done)
      else conclude(Promise.resolve(outcome), name, request, reply, done)
    } catch (error) {
      fail(error, name, request, done)
    }
  }

  function conclude (outcome: Promise<Outcome>, name: string, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    outcome.then((outcome) => {
      if (outcome.kind === 'in') {
        letIn(name, request, done)
        return
      }
      const { says, Refusal } = refusals[outcome.kind]
      request.log.warn({ name, address: request.ip }, says)
      if (outcome.kind === 'wrong') {
        done(new Refusal())
        return
      }
      held.hold(() => {
        reply.header('retry-after', outcome.retryAfter)
        done(new Refusal())
      })
    }, (error: unknown) => fail(error, name, request, done))
  }
}

type Done = (error?: Error) => void

const refusals = {
  wrong: { says: 'login failed', Refusal: LoginFailed },
  throttled: { says: 'login refused after too many failures', Refusal: TooManyFailures },
  busy: { says: 'login refused, too many are being checked', Refusal: TooBusy }
}

const ownErrors = new Set<unknown>([LoginRequired, LoginFailed, TooManyFailures, TooBusy, CheckFailed])

const keepGuardedPrivate: onSendHookHandler = (request, reply, payload, done) => {
  if (request[guard] !== null) keepPrivate(reply, request[guard] !== true)
  done(null, payload)
}

function letIn (name: string, request: FastifyRequest, done: Done): void {
  request.user = { name }
  done()
}

/** What the host's lookup or check threw is for the log alone. */
function fail (error: unknown, name: string, request: FastifyRequest, done: Done): void {
  request.log.error({ err: error, name, address: request.ip }, 'the login could not be checked')
  done(new CheckFailed())
}

/** How often the plugin has been registered in an app, by its server. */
const registrations = new WeakMap<object, number>()

async function openThrottle (app: FastifyInstance, options: ThrottleOptions = {}): Promise<Throttle> {
  const { perLogin = 10, perAddress = 100, window = 900, block = 900, redis, keyPrefix = 'fastify-quickstart' } = options
  // Two registrations of the plugin in one app have counts of their own, and the same ones in each process.
  const before = registrations.get(app.server) ?? 0
  registrations.set(app.server, before + 1)
  const how = { window, keyPrefix: `${keyPrefix}:auth${app.prefix}${before === 0 ? '' : `#${before + 1}`}` }
  const counts = redis === undefined
    ? memoryCounts(how)
    : typeof redis === 'string' ? await connectRedisCounts(redis, how, app.log) : new RedisCounts(redis, how, app.log)
  app.addHook('onClose', async () => counts.close())
  return new Throttle(counts, { perLogin, perAddress, block })
}

async function openCheck (app: FastifyInstance, options: AuthOptions, attempts: Attempts): Promise<Check> {
  const { max = 10_000, ttl = 3600 } = options.cache === false ? {} : options.cache ?? {}
  const verified = new VerifiedLogins(options.cache === false ? false : { max, ttl })
  if (options.verify !== undefined) return createOwnCheck(options.verify, verified, attempts)

  const { parallel = Math.max(1, Math.min(availableParallelism() - 1, 3)), queue = 100 } = options.hashing ?? {}
  return createHashCheck(await openUsers(app, options), verified, attempts, createHashingQueue({ parallel, queue }))
}

async function openUsers (app: FastifyInstance, { users, htpasswd }: AuthOptions): Promise<UserSource> {
  const production = process.env.NODE_ENV === 'production'
  if (htpasswd !== undefined) return htpasswdUsers(htpasswd, app.log)
  if (typeof users === 'function') return await lookupUsers(users)
  if (users !== undefined) return await mapUsers(users, production)
  if (production) throw new NoUsers('no users are configured; set QUICKSTART_USERS_FILE, or one of the options "users", "htpasswd" and "verify"')
  return await tutorialUsers(app.log)
}

export default fp(auth, { fastify: '5.x', name: 'fastify-quickstart/auth' })
