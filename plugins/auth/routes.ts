import type { FastifyReply, FastifyRequest } from 'fastify'
import { keepPrivate } from './cache-control.ts'
import { LoggedOut } from './errors.ts'
import { type Guard, guards } from './guard.ts'
import { refuseUnguarded } from './hooks.ts'
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
    if (wayBack !== undefined && readPath(wayBack) !== logoutUrl) return reply.redirect(wayBack, 303)
    const user = userOf(request)
    // Both are there, or neither. A topic does not import the types of another.
    if ((request.server as RenderingHost).hasView?.('secret') === true) {
      return (reply as unknown as RenderingReply).render('secret', { user })
    }
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff')
    return `Hello ${user.name}, this is the secret page.`
  }
}

/** Returns the path of a URL without its query, decoded byte by byte: the same for each spelling of an ASCII path. */
function readPath (url: string): string {
  const path = url.replace(/\?.*/, '')
  return path.replace(/%([\da-f]{2})/gi, (escape, code: string) => String.fromCharCode(parseInt(code, 16)))
}

/** A handler, for a server of whatever kind: HTTP, HTTPS or HTTP/2. */
export type LogoutHandler = (request: unknown, reply: unknown) => Promise<never>

/**
 * Creates the handler of a logout page: it refuses the login that comes along, so that the browser forgets it.
 *
 * @param guard whose realm it is; default: that of the context that the route is in
 */
export function createLogoutPage (guard?: Guard): LogoutHandler {
  async function logOut (request: FastifyRequest, reply: FastifyReply): Promise<never> {
    const found = guard ?? guards.nearest(request.server)
    if (found === undefined) throw refuseUnguarded(request, reply)
    keepPrivate(reply, () => false)
    found.forget(request, reply)
    throw new LoggedOut()
  }
  return logOut as LogoutHandler // all servers' requests have what is used of them
}

/**
 * The handler of a logout page of your own, in place of the option `logout`. It goes by the auth plugin of the route's
 * context, as the guards do.
 *
 * ```ts
 * import { logOut } from 'fastify-quickstart/auth'
 *
 * app.get('/logout', { config: { name: 'logout' } }, logOut)
 * ```
 */
export const logOut: LogoutHandler = createLogoutPage()
