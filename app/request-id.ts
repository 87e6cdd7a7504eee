import proxyAddr from '@fastify/proxy-addr'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What a trusted proxy may call a request. Anything else could forge lines of a log. */
const wellFormed = /^[\w.:+/=-]{1,128}$/

/**
 * Makes the function that names requests: by the X-Request-Id that a trusted proxy sends, else by a name that no
 * other instance gives.
 *
 * @param trustProxy whose word counts, as in Fastify's option of that name
 */
export function createRequestId (trustProxy: boolean | string[]): (request: IncomingMessage) => string {
  const isTrusted = Array.isArray(trustProxy) ? proxyAddr.compile(trustProxy) : () => trustProxy
  return ({ headers: { 'x-request-id': given }, socket: { remoteAddress } }) => {
    const isGiven = typeof given === 'string' && wellFormed.test(given)
    // A Unix socket has no address. Fastify trusts only `true` there.
    return isGiven && (trustProxy === true || isTrusted(remoteAddress ?? '', 0)) ? given : randomUUID()
  }
}
