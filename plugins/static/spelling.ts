/**
 * Makes the test for URLs that lead to a file by another spelling than its own. The router decodes a path and matches what it finds, so
 * `/%73tatic/app.js` and `/static/a%2Fb` would do too; but whoever guards `/static/` by its text, or `/static/a/*` by a route, has not heard of these.
 *
 * @param base the path that the files' URLs begin with, as a route has it: its parameters may be anything
 * @param isStrict whether a route below that path has reserved characters
 */
export function createSpellingTest (base: string, isStrict: () => boolean): (url: string) => boolean {
  const segments = base.split('/').map((segment) => /[:*]/.test(segment) ? '[^/]*' : encodeURI(segment).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  // A request to a proxy has the scheme and the host in front (RFC 9112 section 3.2.2). Slashes may be doubled if the router lets them be.
  const beginning = new RegExp(`^(?:[a-z][a-z\\d+.-]*://[^/?#]*)?${segments.join('/+')}`, 'i')

  return (url) => {
    if (!url.includes('%')) return false
    return !beginning.test(url) || escapedSlash.test(url) || (isStrict() && escapedReserved.test(url))
  }
}

const escapedSlash = /^[^?#]*%2f/i

/*
 * The router matches a path with the escapes of reserved characters left in, and decodes them for the parameters alone. So `%40` leads past
 * a route that has an `@`, to whatever has a wildcard there. (`&` is left out: in a page it is not safe to stand for itself.)
 */
const escapedReserved = /^[^?#]*%(?:2[4bc]|3[abd]|40)/i
const reserved = /[$+,;=@]|::/

/** Whether a route's path has such characters. */
export function hasReserved (path: string): boolean {
  return reserved.test(path)
}

/** A file's name as a URL has it: those characters stand for themselves, as they do in a route. */
export function encodeName (name: string): string {
  return name.split('/').map((segment) => encodeURIComponent(segment).replace(/%(?:2[4BC]|3[ABD]|40)/g, decodeURIComponent)).join('/')
}
