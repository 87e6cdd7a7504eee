import { removeDeadSocket } from '../../app/operation/dead-socket.ts'
import { describeMetricsPlace } from '../../app/operation/metrics-server.ts'
import { loadEnvFile } from '../../app/settings/env-file.ts'
import { readSettings } from '../../app/settings/settings.ts'
import { appFlags, makeApp } from '../make-app.ts'
import { describePlace, placeFlags, readPlace, tryPlace } from '../place.ts'
import { readFlags } from '../read-flags.ts'
import { createRouteList, type ListedRoute } from '../route-list.ts'
import { listWarnings } from '../start-warnings.ts'

/**
 * Makes the app as a start with these flags would, and tries to listen: settings, users, views, public files, routes,
 * and the address and port, or the socket, are read and checked. Prints what will be on, and warns of what does not
 * stop a start.
 *
 * @returns exit code 0
 * @throws what a start would throw
 */
export async function check (args: readonly string[]): Promise<number> {
  const flags = readFlags(args, { ...appFlags, ...placeFlags })
  const { port, address, socket, 'log-level': level = 'error', ...options } = flags
  loadEnvFile()
  const place = readPlace({ port, address, socket })
  const list = createRouteList()
  const app = await makeApp(options, level, list.routerOptions)
  const routes = list.read(app)
  await app.close()

  const settings = readSettings()
  for (const warning of await listWarnings(settings, place)) {
    process.stderr.write(`fastify-quickstart: warning: ${warning}\n`)
  }
  if ('path' in place) await removeDeadSocket(place.path) // as a start does
  await tryPlace(place)

  const { usersFile, protect, redisUrl, trustProxy, metrics, publicDir, viewsDir, loginTries, loginWaitSeconds } =
    settings
  const lines: [name: string, value: string][] = [
    ['environment', process.env.NODE_ENV ?? 'development'],
    ['listens at', describePlace(place)],
    ['routes', countByTopic(routes)],
    ['tutorial pages', (options.tutorial ?? String(settings.hasTutorial)) === 'true' ? 'on' : 'off'],
    ['users', usersFile ?? 'not from a file'],
    ['public files', publicDir ?? 'built in'],
    ['views', viewsDir ?? 'built in'],
    ['needs a login', protect.join(', ') || describeGuarded(routes)],
    ['failed logins', `counted in ${redisUrl === undefined ? 'memory' : 'Redis'}; ` +
      `${loginTries} of a name from an address, then a wait of ${loginWaitSeconds} seconds`],
    ['proxies', trustProxy === false ? 'none is trusted' : String(trustProxy)],
    ['metrics', metrics === undefined ? 'off' : describeMetricsPlace(metrics)]
  ]
  process.stdout.write(`ready\n${lines.map(([name, value]) => `  ${name.padEnd(14)} ${value}\n`).join('')}`)
  return 0
}

function describeGuarded (routes: readonly ListedRoute[]): string {
  const hasSecretPage = routes.some(({ answeredBy, name }) => answeredBy === 'auth' && name === 'secret')
  return hasSecretPage ? 'the secret page, and what your own routes guard' : 'what your own routes guard'
}

/** Who answers, in the order in which they are registered. */
const answering = ['params', 'auth', 'app', 'static', 'templates', 'hello', 'reload', 'own']

/** Those who answer, each with the number of its routes. */
function countByTopic (routes: readonly ListedRoute[]): string {
  const counts = answering.map((topic) => ({ topic, count: routes.filter(isOf(topic)).length }))
  return counts.filter(({ count }) => count > 0).map(({ topic, count }) => `${topic} ${count}`).join(', ')
}

function isOf (topic: string): (route: ListedRoute) => boolean {
  return ({ methods, answeredBy }) => answeredBy === topic && methods.join() !== 'HEAD'
}
