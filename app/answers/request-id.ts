import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createProxyTest, type TrustProxy } from './trusted-proxies.ts'

/** A name that a trusted proxy may give a request. Anything else could forge lines of a log. */
const wellFormed = /^[\w.:+/=-]{1,128}$/

/**
 * Makes the function that names requests: by the X-Request-Id that a trusted proxy sends, else by a name that no
 * other instance gives.
 */
export function createRequestId (trustProxy: TrustProxy): (request: IncomingMessage) => string {
  const isTrusted = createProxyTest(trustProxy)
  return ({ headers: { 'x-request-id': given }, socket: { remoteAddress } }) => {
    const isGiven = typeof given === 'string' && wellFormed.test(given)
    return isGiven && isTrusted(remoteAddress) ? given : randomUUID()
  }
}
