import type { FastifyReply, FastifyRequest } from 'fastify'
import { LoggedOut } from './errors.ts'
import type { User } from './options.ts'

/** What the templates topic adds to a host. */
interface RenderingHost { hasView?: (name: string) => boolean }
interface RenderingReply { render: (view: string, data: object) => unknown }

/**
 * Makes the handler of the secret page: the view `secret` where the host has one, else plain text. It looks at each
 * request, for the views may be registered after this.
 */
export function secretPage (userOf: (request: FastifyRequest) => User) {
  return async function secret (request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const user = userOf(request)
    // Both are there, or neither. A topic does not import the types of another.
    if ((request.server as RenderingHost).hasView?.('secret') === true) {
      return (reply as unknown as RenderingReply).render('secret', { user })
    }
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff')
    return `Hello ${user.name}, this is the secret page.`
  }
}

/** Makes the handler of the logout page: it refuses the login that comes along, so that the browser forgets it. */
export function logoutPage (challengeFor: (request: FastifyRequest) => string) {
  return async function logout (request: FastifyRequest, reply: FastifyReply): Promise<never> {
    reply.header('cache-control', 'no-store').header('www-authenticate', challengeFor(request))
    throw new LoggedOut()
  }
}
