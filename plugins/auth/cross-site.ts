import type { FastifyRequest } from 'fastify'

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether another site's page has made a browser send this request. A browser adds the login it knows to whatever any
 * page sends here, so a form on a foreign page could change things in the name of whoever looks at it (OWASP:
 * Cross-Site Request Forgery).
 *
 * Browsers tell where a request comes from in Sec-Fetch-Site, which no page can set; where it is missing (over plain
 * HTTP except to localhost, or from before 2023), in Origin. Programs that send neither act for no page, and pass.
 * Go's net/http.CrossOriginProtection goes by the same rule.
 *
 * @param trusted origins whose pages may
 */
export function isCrossSite ({ method, headers, host }: FastifyRequest, trusted: ReadonlySet<string>): boolean {
  if (safeMethods.has(method)) return false
  const { origin } = headers
  if (origin !== undefined && trusted.has(origin)) return false
  const site = headers['sec-fetch-site']
  // none: the person's own doing, as in the address bar
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined && !isOriginOf(origin, host)
}

/** Compares host and port alone: behind a proxy, the scheme that the browser used is not known for sure. */
function isOriginOf (origin: string, host: string): boolean {
  // Scheme, host and port, and nothing else (RFC 6454 section 6.2). A sandboxed page sends `null`.
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(origin) || !URL.canParse(origin)) return false
  const { protocol, host: originHost } = new URL(origin)
  const own = `${protocol}//${host}` // the port may be written out in one and left out in the other
  return URL.canParse(own) && new URL(own).host === originHost
}
