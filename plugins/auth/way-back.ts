/** Printable ASCII without a backslash, that does not begin as an address of another host does, however encoded. */
const plainPath = /^\/(?!\/|%(?:25)*(?:2f|5c))[!-[\]-~]*$/i

/**
 * Returns the path and query to go back to after a login; undefined for what is not a path of this app. OWASP's
 * Unvalidated Redirects and Forwards cheat sheet: a login leads to no other site.
 *
 * @param back what the client sent
 * @param base the path that the app is below, without a slash at its end
 */
export function findWayBack (back: unknown, base: string): string | undefined {
  if (typeof back !== 'string' || !plainPath.test(back)) return undefined
  // As a browser reads it: dot segments are gone.
  const { pathname, search } = new URL(back, 'http://localhost')
  const isOurs = plainPath.test(pathname) && (pathname === base || pathname.startsWith(`${base}/`))
  return isOurs ? pathname + search : undefined
}
