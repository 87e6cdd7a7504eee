import { appFlags, makeApp } from '../make-app.ts'
import { readFlags } from '../read-flags.ts'
import { createRouteList, type ListedRoute } from '../route-list.ts'

/** Prints the routes of the app, as these flags and settings make it. */
export async function printRoutes (args: readonly string[]): Promise<number> {
  const { 'log-level': level = 'error', ...options } = readFlags(args, appFlags)
  const list = createRouteList()
  const app = await makeApp(options, level, list.routerOptions)
  process.stdout.write(formatTable(list.read(app)))
  await app.close()
  return 0
}

const head = ['METHOD', 'PATH', 'NAME', 'ANSWERED BY', 'LOGIN']

function formatTable (routes: readonly ListedRoute[]): string {
  const lines = [head, ...routes.map(formatRoute)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length))) // as many as in head
  const pad = (cell: string, column: number) => cell.padEnd(widths[column]!)
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

function formatRoute (route: ListedRoute): string[] {
  const { methods, path, constraints, name, answeredBy } = route
  const place = [path, ...constraints.map((constraint) => `(${constraint})`)].join(' ')
  return [methods.join(', '), place, name, answeredBy, describeLogin(route)].map(escapeControls)
}

/** The route's demand, the strictest last: a login, one of a member of a group, or one if there is any. */
function describeLogin ({ needs }: ListedRoute): string {
  const groups = needs.flatMap((need) => typeof need === 'string' ? [] : `group ${need.join(' or ')}`)
  if (groups.length > 0) return groups.join(', ')
  if (needs.includes('login')) return 'needed'
  return needs.includes('optional') ? 'optional' : ''
}

/** A path may hold a line break, which would break the table. */
function escapeControls (text: string): string {
  return text.replace(/\p{Cc}/gu, encodeURIComponent)
}
