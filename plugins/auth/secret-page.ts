import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from './index.js'

/** What the templates topic adds to a host. */
interface RenderingHost { hasView?: (name: string) => boolean }
interface RenderingReply { render: (view: string, data: object) => unknown }

/** Answers with the view `secret` where the host has one, else with plain text. Asked at each request: the views may be registered after this. */
export async function secretPage (request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const user = request.user as User // the guard in front has seen to it
  if ((request.server as RenderingHost).hasView?.('secret') === true) {
    return (reply as unknown as RenderingReply).render('secret', { user })
  }
  return reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff').send(`Hello ${user.name}, this is the secret page.`)
}
