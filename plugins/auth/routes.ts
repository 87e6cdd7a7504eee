import type { FastifyReply, FastifyRequest } from 'fastify'
import { keepPrivate } from './cache-control.ts'
import { LoggedOut } from './errors.ts'
import type { User } from './options.ts'
import { findWayBack } from './way-back.ts'

/** The parts of the templates topic that are used here, where it is registered. */
interface RenderingHost { hasView?: (name: string) => boolean }
interface RenderingReply { render: (view: string, data: object) => unknown }

/**
 * Creates the handler of the secret page: the view `secret` where the host has one, else plain text. It looks at each
 * request, as the views may be registered after this. With `?back=/path` of the same app it leads there.
 *
 * @param base the path that the app is below
 * @param logoutUrl the path of the logout page, to which nobody is led
 */
export function createSecretPage (
  userOf: (request: FastifyRequest) => User, base: string, logoutUrl: string | undefined
) {
  return function secret (request: FastifyRequest, reply: FastifyReply): unknown {
    const { back } = Object(request.query) as { back?: unknown } // a parser of the host's may give anything
    const wayBack = findWayBack(back, base)
    if (wayBack !== undefined && wayBack !== logoutUrl) return reply.redirect(wayBack, 303)
    const user = userOf(request)
    // Both are there, or neither. A topic does not import the types of another.
    if ((request.server as RenderingHost).hasView?.('secret') === true) {
      return (reply as unknown as RenderingReply).render('secret', { user })
    }
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff')
    return `Hello ${user.name}, this is the secret page.`
  }
}

/** Creates the handler of the logout page: it refuses the login that comes along, so that the browser forgets it. */
export function createLogoutPage (writeChallenge: (request: FastifyRequest) => string) {
  return async function logout (request: FastifyRequest, reply: FastifyReply): Promise<never> {
    keepPrivate(reply, () => false)
    reply.header('www-authenticate', writeChallenge(request))
    throw new LoggedOut()
  }
}
