import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { checkOptions } from '../../lib/check-options.ts'

/** Options of the hello plugin. */
export interface HelloOptions {
  /** The route's path, below the prefix it is registered with. Default `'/'`. */
  path?: string
  /** The text to answer with. Default `'Hello World!'`. */
  message?: string
}

/**
 * Adds a route that answers `GET /` with a line of plain text.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import hello from 'fastify-quickstart/hello'
 *
 * const app = Fastify()
 * await app.register(hello, { message: 'Hello from my model!' })
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_HELLO_INVALID_OPTION` when an option is unknown or does not fit
 */
const hello = fp(async (app: FastifyInstance, options: HelloOptions): Promise<void> => {
  checkOptions<HelloOptions>('hello', options, {
    path: {
      accepts: (value) => typeof value === 'string' && value.startsWith('/'),
      expected: 'a path that starts with "/"'
    },
    message: { accepts: (value) => typeof value === 'string', expected: 'a string' }
  })
  const { path = '/', message = 'Hello World!' } = options

  // nosniff: whatever the message holds, no browser takes it for markup.
  app.get(path, (request, reply) => {
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff').send(message)
  })
}, { fastify: '5.x', name: 'fastify-quickstart/hello', encapsulate: true })

export { hello, hello as default }
