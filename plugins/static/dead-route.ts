import type { FastifyInstance } from 'fastify'

/**
 * Whether a route names a file, or a folder above it, in a text that no URL matches: the router decodes the path of a
 * request, so it never comes to `/static/a#b/*` or `/static/a%40b/*`. What such a route guards is not served here.
 */
export function hasDeadRoute (app: FastifyInstance, base: string, name: string): boolean {
  if (/^[\w./~-]*$/.test(name)) return false // a route can name these in one way alone
  return [name, name.split('/').map(encodeURIComponent).join('/')].some((text) => {
    const segments = text.split('/')
    const paths = segments.map((_, index) => index === segments.length - 1
      ? base + text
      : `${base}${segments.slice(0, index + 1).join('/')}/*`)
    return paths.some((url) => app.hasRoute({ method: 'GET', url }))
  })
}
