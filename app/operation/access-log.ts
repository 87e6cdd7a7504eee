import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readBasePath } from '../../lib/router.ts'
import { byClient, watchAnswer } from './sent-answer.ts'

/** Logs one line for each request when its answer has been sent, or cut, but none for health checks. */
export function logAccess (app: FastifyInstance): void {
  if (isNoLog(app.log)) return
  const health = `${readBasePath(app)}/health`
  app.addHook('onRequest', (request, reply, done) => {
    if (writesInfo(request.log) && request.routeOptions.url !== health) logAnswer(request, reply)
    done()
  })
}

/** Whether this is what Fastify has with `logger: false`: it has no level, and its functions do nothing. */
function isNoLog ({ level, info }: Partial<FastifyBaseLogger>): boolean {
  return level === undefined && info?.name === 'noop'
}

/** Whether a line of level info is written. A logger that is not pino may be unable to say. */
function writesInfo (log: FastifyBaseLogger & { isLevelEnabled?: (level: string) => boolean }): boolean {
  return log.isLevelEnabled?.('info') !== false
}

/**
 * Logs the line of one request when its answer has been sent: method, path without the query (which may hold secrets),
 * status, bytes, milliseconds, address, user and request id. The bytes are those of the connection, headers included;
 * over HTTP/2, where many answers share one, those of the body.
 *
 * An answer that was not sent whole has `cut`: `by the client`, which left, `by the server`, or over HTTP/2 `with the
 * connection`. Where the client left before the answer began, the status is 499, as nginx has it.
 */
export function logAnswer (request: FastifyRequest, reply: FastifyReply): void {
  const answer = watchAnswer(request)
  const { method, url, ip } = request // a connection that has ended has no address
  function log (cut?: string): void {
    const hasLeft = cut === byClient && !reply.raw.headersSent
    request.log.info({
      method,
      path: url.replace(/\?.*/s, ''),
      status: hasLeft ? 499 : reply.statusCode,
      bytes: answer.bytes(),
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: ip,
      user: request.user?.name,
      cut
    }, 'answered')
  }
  function logCut (): void { log(answer.cut() ?? 'by the server') }
  reply.raw.once('close', logCut).once('finish', () => {
    reply.raw.off('close', logCut)
    log(answer.isShared ? answer.cut() : undefined)
  })
}

/** Leaves out Fastify's own lines for a request. A hook of pino's, for every log method. */
export function keepOneLinePerRequest (
  this: FastifyBaseLogger,
  words: Parameters<FastifyBaseLogger['info']>,
  log: (...words: Parameters<FastifyBaseLogger['info']>) => void
): void {
  const message: unknown = words[1]
  if (!fastifysOwn.has(message)) log.apply(this, words)
}

const fastifysOwn = new Set<unknown>(['incoming request', 'request completed', 'stream closed prematurely'])
