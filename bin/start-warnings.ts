import { closeSync, openSync, realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { sep } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describeMetricsPlace, listenInRange } from '../app/operation/metrics-server.ts'
import { publicFolder } from '../app/package-root.ts'
import type { Settings } from '../app/settings/settings.ts'
import { walkFolder } from '../lib/walk-folder.ts'
import { describePlace, type Place } from './place.ts'
import { isSamePlace } from './same-place.ts'

/** Lists what does not stop a start, and is hardly what the operator wants: a sentence each. */
export async function listWarnings (settings: Settings, place: Place): Promise<string[]> {
  return [
    ...warnOfEnvironment(place),
    ...warnOfProxy(settings, place),
    ...warnOfUnreadableFiles(settings),
    ...await warnOfMetrics(settings, place),
    ...await warnOfRedis(settings)
  ]
}

function warnOfEnvironment (place: Place): string[] {
  const { NODE_ENV } = process.env
  if (NODE_ENV === 'production') return []
  const found = NODE_ENV === undefined ? 'NODE_ENV is not set' : `NODE_ENV is "${NODE_ENV}"`
  if (isPublic(place)) {
    return [`${found}, but ${describePlace(place)} can be reached from other machines; set NODE_ENV=production there`]
  }
  if (NODE_ENV === undefined || ['development', 'test'].includes(NODE_ENV)) return []
  return [`${found}, which means development; only NODE_ENV=production is for the internet`]
}

function warnOfProxy ({ trustProxy }: Settings, place: Place): string[] {
  if (process.env.NODE_ENV !== 'production' || trustProxy !== false || isPublic(place)) return []
  // A proxy comes from the address that it asks, and a name may stand for two. A Unix socket has none.
  const addresses = 'host' in place ? { '::1': '::1', localhost: '127.0.0.1,::1' }[place.host] ?? '127.0.0.1' : 'true'
  return [`${describePlace(place)} can be reached by a proxy on this machine alone, and no proxy is trusted: the ` +
    `failed logins of one visitor would shut out all; set QUICKSTART_TRUST_PROXY=${addresses}`]
}

/** Whether another machine may connect. */
function isPublic (place: Place): boolean {
  return 'host' in place && !/^(?:127\.[\d.]+|::1|localhost)$/.test(place.host)
}

/** More of them are counted. */
const mostNames = 10

function warnOfUnreadableFiles ({ publicDir = publicFolder, switches }: Settings): string[] {
  if (!switches.static) return []
  const unreadable: string[] = []
  const note = (name: string, { code }: NodeJS.ErrnoException) => {
    unreadable.push(`${name} among the public files cannot be read (${code}); it will not be served`)
  }
  const root = realpathSync.native(publicDir)
  const files = walkFolder(publicDir, {
    accepts: (name) => !/(?:^|\/)\.(?!well-known(?:\/|$))/.test(name),
    mayLieAt: (realPath) => realPath.startsWith(root + sep),
    leftOut: (name, reason) => { if (reason !== 'link') note(name, reason) }
  })
  for (const { name, path } of files) {
    try {
      closeSync(openSync(path, 'r'))
    } catch (error) {
      note(name, error as NodeJS.ErrnoException) // the file system throws these alone
    }
  }
  if (unreadable.length <= mostNames) return unreadable
  return [...unreadable.slice(0, mostNames), `and ${unreadable.length - mostNames} more public files cannot be read`]
}

async function warnOfMetrics ({ metrics }: Settings, place: Place): Promise<string[]> {
  if (metrics === undefined) return []
  const where = `QUICKSTART_METRICS: ${describeMetricsPlace(metrics)}`
  const isOnePort = metrics.lastPort === undefined || metrics.lastPort === metrics.port // else another one is taken
  if ('host' in place && isOnePort && await isSamePlace(metrics, place)) {
    return [`${where} is where the server itself listens; there would be no metrics`]
  }
  const server = createServer()
  const failure = await listenInRange(server, metrics)
  server.close()
  return failure === undefined ? [] : [`${where} cannot be listened on (${failure}); there would be no metrics`]
}

/** Milliseconds that Redis has to answer. */
const redisPatience = 2000

async function warnOfRedis ({ redisUrl }: Settings): Promise<string[]> {
  if (redisUrl === undefined) return []
  const failure = await askRedis(redisUrl)
  if (failure === undefined) return []
  const { host } = new URL(redisUrl)
  return [`QUICKSTART_REDIS_URL: Redis at ${host} ${describeRedisFailure(failure)}; ` +
    'meanwhile each instance counts failed logins by itself']
}

/** Asks Redis for a sign of life. Returns what went wrong. */
async function askRedis (url: string): Promise<NodeJS.ErrnoException | undefined> {
  const { Redis } = await import('ioredis') // there, or the app could not be made
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
  let cause: NodeJS.ErrnoException | undefined // the call fails with less
  redis.on('error', (error) => { cause ??= error })
  const late = wait(redisPatience, undefined, { ref: false }).then(() => { throw new Error('no answer') })
  try {
    await Promise.race([redis.connect().then(async () => await redis.ping()), late])
  } catch (error) {
    cause ??= error as Error // ioredis and the line above throw errors alone
  }
  redis.disconnect()
  return cause
}

/** Says in a few words what went wrong. What Redis answers may quote the password: its first word alone is told. */
function describeRedisFailure ({ name, code, message }: NodeJS.ErrnoException): string {
  if (name !== 'ReplyError') return `does not answer (${code ?? message})`
  const [kind] = message.split(' ')
  const isLogin = /^(?:NOAUTH|WRONGPASS|ERR invalid password)\b/.test(message)
  return `${isLogin ? 'refused the login' : 'answered with an error'} (${kind})`
}
