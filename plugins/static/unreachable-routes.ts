import type { FastifyInstance } from 'fastify'
import { listPrintedRoutes } from '../../lib/router.ts'

/**
 * Creates the test whether a file belongs to a route that no URL leads to. The router decodes the path of a request, so
 * none comes to a route `/static/a#b/*` or `/static/a%40b/*`. What it was to guard must not be served past it.
 *
 * @param base the path that the files' URLs begin with
 */
export function createUnreachableTest (app: FastifyInstance, base: string): (name: string) => boolean {
  const files = new Set<string>()
  const folders = new Set<string>()
  const start = base.replaceAll('::', ':').toLowerCase()
  for (const { path, methods } of listPrintedRoutes(app)) {
    const text = path.replaceAll('%25', '%').toLowerCase() // the router shows a `%` as its escape
    if (!methods.includes('GET') || !text.startsWith(start)) continue
    const rest = text.slice(start.length)
    if (/^[\w./~*-]*$/.test(rest)) continue // a URL can be written in one way alone, and leads there
    for (const name of [rest, decode(rest)]) {
      if (name.endsWith('/*')) folders.add(name.slice(0, -1))
      else files.add(name)
    }
  }
  return (name) => {
    if (files.size + folders.size === 0) return false
    const lowerCase = name.toLowerCase()
    return files.has(lowerCase) || [...folders].some((folder) => lowerCase.startsWith(folder))
  }
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // an escape of something else, which names no file
  }
}
