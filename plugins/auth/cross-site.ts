import type { FastifyRequest } from 'fastify'

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether another site's page has made a browser send this request. A browser adds the login it knows to whatever any
 * page sends here, so a form on a foreign page could change things in the name of whoever looks at it (OWASP:
 * Cross-Site Request Forgery). So could its script by a WebSocket, which it may open to any site, and read.
 *
 * Browsers tell where a request comes from in Sec-Fetch-Site, which no page can set; where it is missing (over plain
 * HTTP except to localhost, for a WebSocket, or from before 2023), in Origin. Programs that send neither act for no
 * page, and pass. Go's net/http.CrossOriginProtection goes by the same rule.
 *
 * @param isTrusted whether the pages of an origin may
 */
export function isCrossSite (request: FastifyRequest, isTrusted: (origin: string) => boolean): boolean {
  const { origin, upgrade, 'sec-fetch-site': site } = request.headers
  // Most requests are answered here.
  if (origin === undefined && site === undefined) return false
  if (site === 'same-origin' || site === 'none') return false // none: the person's own doing, as in the address bar
  if (!mayChange(request) && upgrade === undefined) return false
  if (origin !== undefined && isTrusted(origin)) return false
  return site !== undefined || !isOriginOf(origin!, request.host)
}

/**
 * Whether a request may change something, by the methods that its route was declared with: what the host puts in front
 * of a route may have given the request another one (method-override), but the router went by the one it came with.
 */
function mayChange ({ method, headers, routeOptions }: FastifyRequest): boolean {
  const declared = [routeOptions.method ?? method].flat() // the handler of a 404 has none
  if (!declared.some((method) => safeMethods.has(method))) return true
  if (declared.every((method) => safeMethods.has(method))) return false
  // A route of both kinds. A browser sends no body with a method that changes nothing, and a length with any other.
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  return hasBody || !safeMethods.has(method)
}

/** Compares host and port alone: behind a proxy, the scheme that the browser used is not known for sure. */
function isOriginOf (origin: string, host: string): boolean {
  // Scheme, host and port, and nothing else (RFC 6454 section 6.2). A sandboxed page sends `null`.
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(origin) || !URL.canParse(origin)) return false
  const { protocol, host: originHost } = new URL(origin)
  const own = `${protocol}//${host}` // the port may be written out in one and left out in the other
  return URL.canParse(own) && new URL(own).host === originHost
}
