import type { FastifyInstance, onRequestHookHandler, RouteOptions } from 'fastify'
import { loginNeeds } from '../../plugins/auth/index.ts'
import { contextsAround } from '../../lib/per-context.ts'
import { appFlags, makeApp, readFlags } from '../make-app.ts'

/** A route, and the context that it is declared in. */
interface DeclaredRoute {
  route: RouteOptions
  context: FastifyInstance
}

/** The onRequest hooks of each context, which a plugin may guard all its routes with. */
const hooksOf = new WeakMap<object, onRequestHookHandler[]>()

/** Notes the hooks that are added from here on: Fastify itself tells those of a route alone. */
function noteHooks (server: FastifyInstance): void {
  const addHook: (this: unknown, name: string, hook: onRequestHookHandler) => FastifyInstance = server.addHook
  Object.assign(server, {
    addHook (this: FastifyInstance, name: string, hook: onRequestHookHandler) {
      if (name === 'onRequest') hooksOf.set(this, [...hooksOf.get(this) ?? [], hook])
      return addHook.call(this, name, hook)
    }
  })
}

/** Prints the routes of the app, as these flags and settings make it. */
export async function routes (args: readonly string[]): Promise<number> {
  const { 'log-level': level = 'error', ...options } = readFlags(args, appFlags)
  const declared: DeclaredRoute[] = []
  const app = await makeApp(options, level, (server) => {
    noteHooks(server)
    server.addHook('onRoute', function (route) { declared.push({ route, context: this }) })
  })
  process.stdout.write(table(declared))
  await app.close()
  return 0
}

const head = ['METHOD', 'PATH', 'NAME', 'ANSWERED BY', 'LOGIN']

function table (declared: readonly DeclaredRoute[]): string {
  const lines = [head, ...declared.filter(isOwn(declared)).map(describe).sort(byPath)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length))) // as many as in head
  const pad = (cell: string, column: number) => cell.padEnd(widths[column]!)
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/** Leaves out the HEAD route that comes with a GET. */
function isOwn (declared: readonly DeclaredRoute[]): (declared: DeclaredRoute) => boolean {
  const gets = new Set(declared.filter(({ route }) => route.method === 'GET').map(({ route }) => route.url))
  return ({ route: { method, url } }) => method !== 'HEAD' || !gets.has(url)
}

function describe (declared: DeclaredRoute): string[] {
  const { route } = declared
  const { name = '', answeredBy = '' } = route.config! // the app gives each route one
  return [[route.method].flat().join(', '), route.url, name, answeredBy, loginOf(declared)]
}

/** What the route asks for, the strictest last: a login, one of a member of a group, or one if there is any. */
function loginOf ({ context, route }: DeclaredRoute): string {
  const around = contextsAround(context).flatMap((context) => hooksOf.get(context) ?? [])
  const needs = loginNeeds(context, { ...route, onRequest: [...around, ...[route.onRequest ?? []].flat()] })
  const groups = needs.flatMap((need) => typeof need === 'string' ? [] : `group ${need.join(' or ')}`)
  if (groups.length > 0) return groups.join(', ')
  return needs.includes('login') ? 'needed' : needs.includes('optional') ? 'optional' : ''
}

/** By path, then by method: no path holds a character below the space. */
function byPath ([methodA, pathA]: string[], [methodB, pathB]: string[]): number {
  return `${pathA} ${methodA}` < `${pathB} ${methodB}` ? -1 : 1
}
