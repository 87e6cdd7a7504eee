import type { FastifyInstance } from 'fastify'

/** A node of the router's tree: where it hangs, its part of a path, and the methods of the routes that end in it. */
const node = /^((?:[│ ] {3})*)[├└]── (.*?)(?: \(([A-Z-]+(?:, [A-Z-]+)*)\)(?: \{.*\})?)?$/u

/** The paths of all routes that an app has so far, in whichever context. Fastify tells them as a drawing of the router's tree alone. */
export function declaredPaths (app: FastifyInstance): string[] {
  const paths: string[] = []
  const above: string[] = []
  for (const line of app.printRoutes().split('\n')) {
    const match = node.exec(line)
    if (match === null) continue // a second line of a node: another route of the same path
    const [, indent, part, methods] = match as unknown as [string, string, string, string | undefined] // the first two take part in each match
    above.length = indent.length / 4
    above.push(part === '(empty root node)' ? '' : part)
    // `OPTIONS *` is how CORS is answered, whatever the path.
    if (methods !== undefined && !(part === '*' && methods === 'OPTIONS')) paths.push(above.join(''))
  }
  return paths
}
