import type { FastifyReply, FastifyRequest } from 'fastify'
import { keepPrivate } from './cache-control.ts'
import { InvalidOption, NotRegistered } from './errors.ts'
import { type Guard, guards, type Needs } from './guard.ts'

/** An onRequest hook, for a server of whatever kind: HTTP, HTTPS or HTTP/2. */
export type GuardHook = (request: unknown, reply: unknown, done: (error?: Error) => void) => void

/**
 * By the names of guard hooks what they ask for, so that a route's guards can be listed. Fastify binds a hook to each
 * context that it is in, and a bound function keeps its name alone.
 */
const needsByName = new Map<string, Needs>()

/**
 * Creates a hook that guards by `guard`, or, where that is left out, by the guard of the context that the route is in.
 * It takes all three arguments: called in a host's own function without the third, it could not stop a request.
 */
export function createGuardHook (needs: Needs, guard?: Guard): GuardHook {
  const hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    if (typeof done !== 'function') {
      throw new InvalidOption('a guard is a hook of three arguments; expected it in { onRequest: requiresAuth }')
    }
    const found = guard ?? guards.nearest(request.server)
    if (found === undefined) done(refuseUnguarded(request, reply))
    else found.admit(needs, request, reply, done)
  }
  const name = `fastify-quickstart/auth: ${JSON.stringify(needs)}`
  needsByName.set(name, needs)
  Object.defineProperty(hook, 'name', { value: name })
  return hook as GuardHook // all servers' requests have what is used of them
}

/** Returns the error for a route whose context has no auth, and says in the log what to do. */
export function refuseUnguarded (request: FastifyRequest, reply: FastifyReply): Error {
  const { method, routeOptions: { url } } = request
  request.log.error(`fastify-quickstart/auth: ${method} ${url} has a guard, but auth is not registered in its ` +
    'context, so nobody gets in; register auth there or around it, or give the route to the option "routes" of the app')
  keepPrivate(reply, () => false)
  return new NotRegistered()
}

/**
 * Lets a request through that has a right login, and answers any other with 401. An onRequest hook, for a route or for
 * a whole plugin. It goes by the auth plugin of the route's context, found when a request comes: where there is none,
 * it refuses everything with `FST_QUICKSTART_AUTH_NOT_REGISTERED` (500) and says so in the log.
 *
 * ```ts
 * import { requiresAuth } from 'fastify-quickstart/auth'
 *
 * app.get('/results', { onRequest: requiresAuth }, async (request) => `Hello ${request.user?.name}`)
 * ```
 */
export const requiresAuth: GuardHook = createGuardHook('login')

/**
 * Fills `request.user` where a right login is sent, and lets a request without any through with `null`. So it does with
 * another scheme than Basic, such as Bearer. A wrong login is answered with 401, and counted. An onRequest hook like
 * `requiresAuth`.
 */
export const optionalAuth: GuardHook = createGuardHook('optional')

/**
 * Creates an onRequest hook like `requiresAuth` that lets in the members of one of the groups: who is logged in and in
 * none of them is answered with `FST_QUICKSTART_AUTH_NOT_IN_GROUP` (403).
 *
 * @param groups names of groups, as the option `groups` has them
 * @throws `FST_QUICKSTART_AUTH_INVALID_OPTION` without a name, for what is not one, and when it is given to Fastify as
 * a hook itself: write `requiresGroup('admins')`
 */
export function requiresGroup (...groups: readonly string[]): GuardHook {
  const names: readonly unknown[] = groups // JavaScript may pass anything
  if (names.length === 0 || names.some((name) => typeof name !== 'string' || name === '')) {
    throw new InvalidOption("requiresGroup takes names of groups; expected requiresGroup('admins') or several")
  }
  return createGuardHook(groups)
}

// Fastify binds each hook to its context when it starts: so it does not start with this function itself for a hook.
Object.defineProperty(requiresGroup, 'bind', {
  value () {
    throw new InvalidOption("requiresGroup is no hook by itself; expected requiresGroup('admins'), which makes one")
  }
})

/** Lists what the guards among a route's hooks ask for, in their order. */
export function listNeeds (hooks: unknown): Needs[] {
  return [hooks].flat().flatMap((hook) => {
    const needs = typeof hook === 'function' ? needsByName.get(hook.name.replace(/^bound /, '')) : undefined
    return needs === undefined ? [] : [needs]
  })
}
