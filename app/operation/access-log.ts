import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { basePath } from '../../lib/router.ts'

/** Bytes that a connection had sent before a request, so that those of its answer can be told. */
const sentBefore = Symbol('fastify-quickstart.sent-before')

declare module 'fastify' {
  interface FastifyRequest {
    [sentBefore]: number
  }
}

/**
 * Logs one line for each request when its answer is sent, but none for health checks: method, path without the query
 * (which may hold secrets), status, bytes with the headers, milliseconds, address, user and request id.
 */
export function logAccess (app: FastifyInstance): void {
  const health = `${basePath(app)}/health`
  app.decorateRequest(sentBefore, 0)
  app.addHook('onRequest', async (request) => { request[sentBefore] = request.raw.socket.bytesWritten })
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.url !== health) logAnswer(request, reply)
  })
}

/** Logs the line of one request. The router's own refusals come to no hook. */
export function logAnswer (request: FastifyRequest, reply: FastifyReply): void {
  const { method, url, ip, user } = request
  request.log.info({
    method,
    path: url.replace(/\?.*/s, ''),
    status: reply.statusCode,
    bytes: request.raw.socket.bytesWritten - (request[sentBefore] ?? 0),
    ms: Math.round(reply.elapsedTime * 10) / 10,
    address: ip,
    user: user?.name
  }, 'answered')
}

/** Leaves out Fastify's own two lines for a request. A hook of pino's, for every log method. */
export function oneLinePerRequest (
  this: FastifyBaseLogger,
  words: Parameters<FastifyBaseLogger['info']>,
  log: (...words: Parameters<FastifyBaseLogger['info']>) => void
): void {
  const message: unknown = words[1]
  if (message !== 'incoming request' && message !== 'request completed') log.apply(this, words)
}
