import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { challengeMaker, credentialsReader } from './authorization.ts'
import { openCounts } from './failure-counts.ts'
import { InvalidOption } from './errors.ts'
import { openGroups } from './accounts/groups.ts'
import { Guard, guards, standing, type Standing } from './guard.ts'
import { HeldAnswers, Throttle, withoutThrottle } from './throttle.ts'
import { createGuardHook } from './hooks.ts'
import { hashLogins, type Logins, ownLogins } from './login.ts'
import { type AuthOptions, checkAuthOptions, type User } from './options.ts'
import { logoutPage, secretPage } from './routes.ts'
import { boundedVerify } from './accounts/passwords.ts'
import { protectRoutes } from './protect.ts'
import { openUsers } from './accounts/users.ts'

export type { GroupLookup, Groups } from './accounts/groups.ts'
export { type GuardHook, type Needs, optionalAuth, requiresAuth, requiresGroup } from './hooks.ts'
export type { AuthOptions, OwnCheck, RedisClient, ThrottleOptions, User, UserLookup, UserMap } from './options.ts'
export { hash, verify } from './accounts/passwords.ts'
export { loginNeeds } from './protect.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is logged in, behind a guard; else null. */
    user: User | null
    [standing]: Standing
  }
  interface FastifyContextConfig {
    /** `false` leaves the route out of what the option `protect` guards, as for a load balancer's status page. */
    auth?: false
  }
}

/**
 * Basic authentication: a page that needs a login, and guards for the host's own routes.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import auth, { hash, requiresAuth } from 'fastify-quickstart/auth'
 *
 * const app = Fastify()
 * await app.register(auth, { users: { alice: await hash('correct horse') } })
 * app.get('/results', { onRequest: requiresAuth }, async (request) => ({ hello: request.user?.name }))
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_OPTION` when an option is unknown, does not fit, or contradicts another
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a user that could not log in, and in production for a plain password
 * @throws `FST_QUICKSTART_AUTH_INVALID_GROUP` for a groups file that is missing or has a broken line
 * @throws `FST_QUICKSTART_AUTH_NO_USERS` in production when no users are configured, and for an empty map or file
 * @throws `FST_QUICKSTART_AUTH_PROTECT_NOTHING` for an entry of `protect` that names no route
 * @throws `FST_QUICKSTART_AUTH_REDIS_MISSING` when `throttle.redis` is a URL and the package ioredis is not installed
 */
export const auth = fp(registerAuth, { fastify: '5.x', name: 'fastify-quickstart/auth' })
export default auth

async function registerAuth (app: FastifyInstance, options: AuthOptions & { prefix?: string }): Promise<void> {
  checkAuthOptions(options)
  const { path = '/secret', logout = false, protect = [], trustedOrigins = [], throttle = {}, decoratorName = 'user' } =
    options
  const held = new HeldAnswers(throttle === false ? 0 : throttle.delay ?? 1)
  const challengeFor = challengeMaker(options.realm)
  const guard = new Guard({
    readCredentials: await credentialsReader(app),
    challengeFor,
    logins: await openLogins(app, options),
    tryGuess: throttle === false ? withoutThrottle : new Throttle(await openCounts(app, throttle), throttle).tryGuess,
    held,
    groupsOf: openGroups(options.groups, app.log),
    trustedOrigins: new Set(trustedOrigins),
    userProperty: decoratorName
  })
  const requiresThis = createGuardHook('login', guard)

  if (guards.nearest(app) === undefined) app.decorateRequest(standing, null)
  if (!app.hasRequestDecorator(decoratorName)) app.decorateRequest(decoratorName, null)
  else if (!guards.all(app).some(({ userProperty }) => userProperty === decoratorName)) {
    throw new InvalidOption(`option "decoratorName" is "${decoratorName}", which another plugin has taken`)
  }
  guards.add(app, guard)

  protectRoutes(app, protect, requiresThis)
  app.addHook('preClose', async () => held.release())

  await app.register(async (child) => {
    if (path !== false) {
      child.get(path, { onRequest: requiresThis, config: { name: 'secret' } }, secretPage(guard.userOf))
    }
    if (logout !== false) child.get(logout, { config: { name: 'logout', auth: false } }, logoutPage(challengeFor))
  }, { prefix: options.prefix })
}

async function openLogins (app: FastifyInstance, options: AuthOptions): Promise<Logins> {
  if (options.verify !== undefined) return ownLogins(options.verify)
  const { parallel = Math.max(1, Math.min(availableParallelism() - 1, 3)), queue = 100 } = options.hashing ?? {}
  const memory = options.cache === false ? false : { max: 10_000, ttl: 3600, ...options.cache }
  return hashLogins(await openUsers(options, app.log), memory, boundedVerify({ parallel, queue }))
}
