import type { FastifyRequest } from 'fastify'

/** Fields that proxies, tunnels and CDNs add to what they pass on. */
const forwardingFields =
  /^(?:forwarded|via|x-real-ip|x-client-ip|true-client-ip|(?:x-forwarded|x-original|x-envoy|cf|cdn|fastly|fly)-.*)$/

/**
 * Whether a request was made on this machine and came straight here: over the loopback address, to one of its names
 * (not to a foreign site's that was pointed here), and through no proxy. Only such a client is the developer.
 */
export function isDirectAndLocal ({ headers, raw }: FastifyRequest): boolean {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(`${raw.socket.remoteAddress}`) &&
    /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(`${headers.host ?? headers[':authority']}`) &&
    !Object.keys(headers).some((name) => forwardingFields.test(name))
}
