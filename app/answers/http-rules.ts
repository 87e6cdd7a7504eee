import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { listContextsAround } from '../../lib/per-context.ts'
import { refuseTunnels } from './client-errors.ts'

const MissingHost = createError('FST_QUICKSTART_APP_MISSING_HOST', 'A request needs the header Host', 400)

const InvalidHost = createError(
  'FST_QUICKSTART_APP_INVALID_HOST', 'The header Host takes one name or address, with or without a port', 400
)

const UnknownExpectation = createError(
  'FST_QUICKSTART_APP_UNKNOWN_EXPECTATION', 'The server cannot do what the header Expect asks for', 417
)

/**
 * Refuses a request without Host, or with more than one or with one that is no name or address (RFC 9112 section 3.2),
 * and one with an expectation that is not known (RFC 9110 section 10.1.1), as the app refuses others: Node itself
 * answers without a body, headers or a line in the log, or takes the first of several. The first needs Node's option
 * `requireHostHeader: false`, as `options` of app.ts has it. CONNECT is refused, too.
 */
export function keepHttpRules (app: FastifyInstance): void {
  refuseTunnels(app)
  const outermost = listContextsAround(app).at(-1)!
  outermost.addHook('onRequest', ({ raw: { httpVersion, headers, rawHeaders } }, reply, done) => {
    if (httpVersion === '1.1' && headers.host === undefined) done(new MissingHost())
    else if (!isHost(headers.host, rawHeaders)) done(new InvalidHost())
    else if (httpVersion !== '1.0' && !isKnown(headers.expect)) done(new UnknownExpectation())
    else done()
  })
  // Node hands such a request to this event alone.
  app.server.on('checkExpectation', function (this: Server, request: IncomingMessage, response: ServerResponse) {
    this.emit('request', request, response)
  })
}

/** Whether Host is absent, or stands there once, with the characters of RFC 3986 section 3.2 alone. */
function isHost (host: string | undefined, rawHeaders: readonly string[]): boolean {
  if (host === undefined) return true
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) { // names and values in turn
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === 'host') count++
  }
  return count < 2 && !/[^\w.~!$&'()*+,;=:%[\]-]/.test(host)
}

/** Whether the header is absent, or one that Node has answered already. */
function isKnown (expect: string | undefined): boolean {
  return expect === undefined || /(?:^|\W)100-continue(?:$|\W)/i.test(expect)
}
