import type { FastifyRequest } from 'fastify'

/**
 * Fields that proxies, tunnels and content networks add to what they pass on. So many, as some send none of the
 * standard ones (Forwarded, Via, X-Forwarded-For) and put `localhost` into Host.
 */
const addedOnTheWay = new RegExp([
  '^(?:via|(?:warp|cdn|cf|fly|fastly|ngrok|tailscale|surrogate|incap)-.*)$',
  '^x-(?:amz|amzn|appengine|arr|azure|cloud|edge|envoy|fd|ms|nf|sucuri|varnish|vercel)(?:-|$)',
  '^x-(?:host|proto|request-start|scheme)(?:-|$)',
  'forward|proxy|proxied|original|originating|via$',
  '(?:client|real|remote|source|connecting|user|cluster)-?(?:ip|addr|host)'
].join('|'))

/**
 * Whether a request was made on this machine and came straight here: over the loopback address, to one of its names
 * (not to a foreign site's that was pointed here), and through no proxy. Only such a client is the developer.
 */
export function isDirectAndLocal ({ headers, raw }: FastifyRequest): boolean {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(`${raw.socket.remoteAddress}`) &&
    /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(`${headers.host ?? headers[':authority']}`) &&
    // nginx adds nothing by default, but asks in HTTP/1.0, which no browser does.
    raw.httpVersion !== '1.0' &&
    !Object.keys(headers).some((name) => addedOnTheWay.test(name))
}
