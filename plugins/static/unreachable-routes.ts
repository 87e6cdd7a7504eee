import type { FastifyInstance } from 'fastify'

/**
 * Returns the files that a route names, by itself or by a folder above it, in a text that no URL matches. The router
 * decodes the path of a request, so none comes to `/static/a#b/*` or `/static/a%40b/*`; what such a route was to guard
 * must not be served past it.
 *
 * @param base the path that the files' URLs begin with
 * @param names of the files that there are
 */
export function filesOfUnreachableRoutes (app: FastifyInstance, base: string, names: Iterable<string>): Set<string> {
  const asked = new Map<string, boolean>()
  const isRoute = (path: string): boolean => {
    let isThere = asked.get(path)
    if (isThere === undefined) asked.set(path, isThere = app.hasRoute({ method: 'GET', url: base + path }))
    return isThere
  }

  const found = new Set<string>()
  for (const name of names) {
    if (/^[\w./~-]*$/.test(name)) continue // a route can name these in one way alone
    const asIs = name.replaceAll(':', '::')
    const encoded = name.split('/').map(encodeURIComponent).join('/')
    if ([asIs, encoded].some((text) => pathsNaming(text).some(isRoute))) found.add(name)
  }
  return found
}

/** The paths of routes that name a file: its own, and those of everything in a folder above it. */
function pathsNaming (text: string): string[] {
  // A route has `*` at its end alone, so it cannot name what comes after one.
  const star = text.indexOf('*')
  const named = star === -1 ? text : text.slice(0, star)
  const folders = Array.from(named.matchAll(/\//g), ({ index }) => `${named.slice(0, index)}/*`)
  return star === -1 ? [text, ...folders] : folders
}
