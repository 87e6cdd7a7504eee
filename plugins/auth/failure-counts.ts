import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { RateLimiterCluster, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { contextsAround } from '../../lib/per-context.ts'
import { RedisMissing } from './errors.ts'
import type { RedisClient, ThrottleOptions } from './options.ts'

/** What is asked of the place where counts are kept. */
export type Limiter = Pick<RateLimiterMemory, 'get' | 'consume' | 'set' | 'delete'>

/**
 * A place where counts are kept: in memory, in the primary of node:cluster, or in Redis with the memory for when Redis
 * is away.
 */
export interface Counts {
  run<T> (operation: (limiter: Limiter) => Promise<T>): Promise<T>
  close (): void
}

/**
 * What is used of the package ioredis. Its own types in a declaration would make every host that checks its libraries
 * install it.
 */
interface RedisPackage {
  Redis: new (url: string, options: object) => RedisClient & {
    once (event: 'ready' | 'close', listener: () => void): Pick<InstanceType<RedisPackage['Redis']>, 'once'>
    disconnect (): void
  }
}

/** How counts are kept. */
interface CountsOptions {
  /** Seconds after its first failure that a count lasts. */
  window: number
  /** In front of each key in Redis. */
  keyPrefix: string
}

/** Milliseconds that a login waits for Redis before it counts as away. */
const patience = 500
/** Milliseconds for which it is left alone after that. */
const restPeriod = 2000

/** How often the plugin has been registered in an app, kept by its outermost context. */
const registrations = Symbol('fastify-quickstart/auth: registrations')

/**
 * Opens the place that the options name; it is closed with the app. Two registrations in one app have counts of their
 * own, and the same ones in each process.
 *
 * @throws `FST_QUICKSTART_AUTH_REDIS_MISSING` when it is a URL and the package ioredis is not installed
 */
export async function openCounts (app: FastifyInstance, options: ThrottleOptions): Promise<Counts> {
  const { redis, cluster = false, window = 900, keyPrefix = 'fastify-quickstart' } = options
  const root = contextsAround(app).at(-1)! // an app is around itself
  if (!root.hasDecorator(registrations)) root.decorate(registrations, { count: 0 })
  const number = ++root.getDecorator<{ count: number }>(registrations).count
  const how = { window, keyPrefix: `${keyPrefix}:auth${app.prefix}${number === 1 ? '' : `#${number}`}` }
  const counts = await open()
  app.addHook('onClose', async () => counts.close())
  return counts

  async function open (): Promise<Counts> {
    if (typeof redis === 'string') return await connectRedisCounts(redis, how, app.log)
    if (redis !== undefined) return new RedisCounts(redis, how, app.log)
    return cluster ? clusterCounts(how) : memoryCounts(how)
  }
}

/** The limits are the throttle's to judge, so a limiter of the library never refuses. */
const unlimited = { points: Number.MAX_SAFE_INTEGER, blockDuration: 0 }

function memoryCounts ({ window }: CountsOptions): Counts {
  const limiter = new RateLimiterMemory({ ...unlimited, duration: window })
  return { run: (operation) => operation(limiter), close () {} }
}

/** Counts in the primary of node:cluster, shared by its workers. */
function clusterCounts ({ window, keyPrefix }: CountsOptions): Counts {
  const primary = new RateLimiterCluster({ ...unlimited, duration: window, keyPrefix })
  // Blocking is the only way to set a count there. It takes the key over its limit, so that `consume` would reject.
  const limiter: Limiter = {
    get: (key) => primary.get(key),
    consume: (key) => primary.penalty(key),
    set: (key, points, seconds) => primary.block(key, seconds),
    delete: (key) => primary.delete(key)
  }
  return { run: (operation) => operation(limiter), close () {} }
}

/** Counts in Redis, shared by every instance of the app, and in memory while Redis is away. */
class RedisCounts implements Counts {
  readonly #client: RedisClient
  readonly #shared: Limiter
  readonly #own: Counts
  readonly #log: FastifyBaseLogger
  readonly #onClose: () => void
  #isAway = false
  #nextTry = 0
  readonly #wentAway = (error?: Error): void => this.#leave(error?.message ?? 'the connection closed')
  readonly #cameBack = (): void => this.#return()

  constructor (client: RedisClient, options: CountsOptions, log: FastifyBaseLogger, onClose = (): void => {}) {
    const { window: duration, keyPrefix } = options
    this.#client = client
    const redis = { storeClient: client, keyPrefix, rejectIfRedisNotReady: true }
    this.#shared = new RateLimiterRedis({ ...unlimited, ...redis, duration })
    this.#own = memoryCounts(options)
    this.#log = log
    this.#onClose = onClose
    client.on('ready', this.#cameBack)
    client.on('close', this.#wentAway)
    client.on('error', this.#wentAway)
    // A client made with lazyConnect waits for its first command, and gets none before it is ready.
    if (client.status === 'wait') client.connect().catch(() => {}) // told by the events too
  }

  async run<T> (operation: (limiter: Limiter) => Promise<T>): Promise<T> {
    if (this.#client.status === 'ready' && Date.now() >= this.#nextTry) {
      try {
        const result = await inTime(operation(this.#shared))
        this.#return()
        return result
      } catch (error) {
        this.#nextTry = Date.now() + restPeriod
        this.#leave((error as Error).message) // the client rejects with nothing but errors
      }
    } else if (!this.#isAway) {
      this.#leave(`its state is ${this.#client.status}`)
    }
    return await this.#own.run(operation)
  }

  close (): void {
    this.#client.off('ready', this.#cameBack)
    this.#client.off('close', this.#wentAway)
    this.#client.off('error', this.#wentAway)
    this.#onClose()
  }

  #leave (reason: string): void {
    if (this.#isAway) return
    this.#isAway = true
    this.#log.warn(`fastify-quickstart/auth: Redis is away (${reason}); failed logins are counted in memory`)
  }

  #return (): void {
    this.#nextTry = 0
    if (!this.#isAway) return
    this.#isAway = false
    this.#log.info('fastify-quickstart/auth: Redis is back; failed logins are counted there')
  }
}

/**
 * Counts in the Redis at a URL, over a connection of our own.
 *
 * @throws `FST_QUICKSTART_AUTH_REDIS_MISSING` when the package ioredis is not installed
 */
async function connectRedisCounts (
  url: string,
  options: CountsOptions,
  log: FastifyBaseLogger
): Promise<Counts> {
  const { Redis }: RedisPackage = await import('ioredis').catch(() => { throw new RedisMissing() })
  const client = new Redis(url, {
    // What cannot be sent now is counted in memory, not sent later.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    retryStrategy: (times: number) => Math.min(times * 100, 2000)
  })
  client.on('error', () => {}) // the counts listen until they are closed; an error after that must not end the process
  const counts = new RedisCounts(client, options, log, () => client.disconnect())
  // Do not begin in memory what Redis has counts of, and do not hold the start for long where it is down.
  await inTime(new Promise<void>((resolve) => client.once('ready', resolve).once('close', resolve))).catch(() => {})
  return counts
}

async function inTime<T> (promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${patience} ms`)), patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
