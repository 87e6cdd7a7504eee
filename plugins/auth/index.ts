import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { readBasePath } from '../../lib/router.ts'
import { AccountFiles } from './accounts/account-files.ts'
import { type Accounts, createHashedAccounts, createOwnAccounts } from './accounts/accounts.ts'
import { createGroupLookup } from './accounts/groups.ts'
import { createBoundedVerify } from './accounts/passwords.ts'
import { createUsers } from './accounts/users.ts'
import { createChallenge, createCredentialsReader } from './authorization.ts'
import { InvalidOption } from './errors.ts'
import { createCounts } from './failure-counts.ts'
import { Guard, guards, standing, type Standing } from './guard.ts'
import { HeldAnswers } from './held-answers.ts'
import { createGuardHook } from './hooks.ts'
import { Login } from './login.ts'
import { monitored } from './monitoring.ts'
import { type AuthOptions, checkAuthOptions, type User } from './options.ts'
import { protectRoutes } from './protect.ts'
import { createLogoutPage, createSecretPage } from './routes.ts'
import { createThrottle, noThrottle } from './throttle.ts'
import { createOriginTest } from './trusted-origins.ts'

export type { GroupLookup, Groups } from './accounts/groups.ts'
export type { Needs } from './guard.ts'
export { type GuardHook, optionalAuth, requiresAuth, requiresGroup } from './hooks.ts'
export type { AuthOptions, OwnCheck, RedisClient, ThrottleOptions, User, UserLookup, UserMap } from './options.ts'
export { hash, verify } from './accounts/passwords.ts'
export { loginNeeds } from './protect.ts'
export { logOut, type LogoutHandler } from './routes.ts'

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
  const writeChallenge = createChallenge(options.realm)
  const files = new AccountFiles(app)
  const accounts = await createAccounts(options, files, app)
  const findGroups = createGroupLookup(options.groups, files)
  const failures = throttle === false ? undefined : await createCounts(app, throttle)
  const held = new HeldAnswers(throttle === false ? 0 : throttle.delay ?? 1)

  const login = new Login({
    readCredentials: await createCredentialsReader(app),
    accounts,
    memory: options.cache === false ? false : { max: 10_000, ttl: 3600, ...options.cache },
    throttle: throttle === false || failures === undefined ? noThrottle : createThrottle(failures, throttle),
    held
  })
  const isTrustedOrigin = createOriginTest(trustedOrigins)
  const guard = new Guard({ login, writeChallenge, findGroups, isTrustedOrigin, userProperty: decoratorName })
  const requiresThis = createGuardHook('login', guard)

  decorateRequest(app, decoratorName)
  guards.add(app, guard)
  monitored.add(app, { login, hashing: accounts.hashing, files, failures })
  protectRoutes(app, protect, requiresThis)
  app.addHook('preClose', async () => held.release())

  await app.register(async (child) => {
    if (path !== false) {
      const logoutUrl = logout === false ? undefined : readBasePath(child) + logout
      const secretPage = createSecretPage(guard.readUser, readBasePath(app), logoutUrl)
      child.get(path, { onRequest: requiresThis, config: { name: 'secret' } }, secretPage)
    }
    if (logout !== false) {
      child.get(logout, { config: { name: 'logout', auth: false } }, createLogoutPage(guard))
    }
  }, { prefix: options.prefix })
}

async function createAccounts (options: AuthOptions, files: AccountFiles, app: FastifyInstance): Promise<Accounts> {
  if (options.verify !== undefined) return createOwnAccounts(options.verify)
  const { parallel = Math.max(1, Math.min(availableParallelism() - 1, 3)), queue = 100 } = options.hashing ?? {}
  return createHashedAccounts(await createUsers(options, files, app.log), createBoundedVerify({ parallel, queue }))
}

function decorateRequest (app: FastifyInstance, userProperty: string): void {
  const around = guards.all(app)
  if (around.length === 0) app.decorateRequest(standing, null)
  if (!app.hasRequestDecorator(userProperty)) app.decorateRequest(userProperty, null)
  else if (!around.some((guard) => guard.userProperty === userProperty)) {
    throw new InvalidOption(`option "decoratorName" is "${userProperty}", which another plugin has taken`)
  }
}
