import type { RouteOptions } from 'fastify'
import { appFlags, makeApp, readFlags } from './app.js'

/** Prints the routes of the app, as these flags and settings make it. */
export async function routes (args: readonly string[]): Promise<number> {
  const { 'log-level': level = 'error', ...options } = readFlags(args, appFlags)
  const declared: RouteOptions[] = []
  const app = await makeApp(options, level, (server) => {
    server.addHook('onRoute', (route) => { declared.push(route) })
  })
  process.stdout.write(table(declared))
  await app.close()
  return 0
}

const head = ['METHOD', 'PATH', 'NAME', 'ANSWERED BY', 'LOGIN']

function table (declared: readonly RouteOptions[]): string {
  const lines = [head, ...declared.filter(isOwn(declared)).map(describe).sort(byPath)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length))) // as many as in head
  const pad = (cell: string, column: number) => cell.padEnd(widths[column]!)
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/** Leaves out the HEAD route that comes with a GET. */
function isOwn (declared: readonly RouteOptions[]): (route: RouteOptions) => boolean {
  const gets = new Set(declared.filter(({ method }) => method === 'GET').map(({ url }) => url))
  return ({ method, url }) => method !== 'HEAD' || !gets.has(url)
}

function describe (route: RouteOptions): string[] {
  const { name = '', answeredBy = '' } = route.config ?? {}
  return [[route.method].flat().join(', '), route.url, name, answeredBy, loginOf(route)]
}

/** Whether a login is needed. */
function loginOf ({ onRequest }: RouteOptions): string {
  return [onRequest].flat().some((hook) => hook?.name === 'requiresAuth') ? 'needed' : ''
}

function byPath ([methodA = '', pathA = '']: string[], [methodB = '', pathB = '']: string[]): number {
  return pathA < pathB ? -1 : pathA > pathB ? 1 : methodA < methodB ? -1 : 1
}
