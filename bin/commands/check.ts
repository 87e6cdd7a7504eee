import type { RouteOptions } from 'fastify'
import { readSettings } from '../../app/settings/settings.ts'
import { appFlags, makeApp, readFlags } from '../make-app.ts'
import { describePlace, readPlace, tryHost } from '../place.ts'

/**
 * Makes the app as a start would, without listening at its port: settings, users, views, public files, routes and
 * the address are read and checked. Prints what will be on.
 *
 * @returns exit code 0
 * @throws what a start would throw
 */
export async function check (args: readonly string[]): Promise<number> {
  const { 'log-level': level = 'error', ...options } = readFlags(args, appFlags)
  const declared: RouteOptions[] = []
  const app = await makeApp(options, level, (server) => {
    server.addHook('onRoute', (route) => { declared.push(route) })
  })
  await app.close()
  const place = readPlace()
  await tryHost(place)

  const { usersFile, protect, redisUrl, trustProxy, metrics, publicDir, viewsDir } = readSettings()
  const lines: [name: string, value: string][] = [
    ['environment', process.env.NODE_ENV ?? 'development'],
    ['listens at', describePlace(place)],
    ['routes', topicsOf(declared)],
    ['users', usersFile ?? 'not from a file'],
    ['public files', publicDir ?? 'built in'],
    ['views', viewsDir ?? 'built in'],
    ['needs a login', protect.join(', ') || 'the secret page, and what your own routes guard'],
    ['failed logins', redisUrl === undefined ? 'counted in memory' : 'counted in Redis'],
    ['proxies', trustProxy === false ? 'none is trusted' : String(trustProxy)],
    ['metrics', metrics === undefined ? 'off' : describePlace(metrics)]
  ]
  process.stdout.write(`ready\n${lines.map(([name, value]) => `  ${name.padEnd(14)} ${value}\n`).join('')}`)
  return 0
}

/** The topics that answer, each with the number of its routes. */
function topicsOf (declared: readonly RouteOptions[]): string {
  const counts = new Map<string, number>()
  for (const { method, config } of declared) {
    const topic = config!.answeredBy! // the app says it of each route
    if (method !== 'HEAD') counts.set(topic, (counts.get(topic) ?? 0) + 1)
  }
  return [...counts].map(([topic, count]) => `${topic} ${count}`).join(', ')
}
