import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { RateLimiterCluster, type RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { listContextsAround } from '../../lib/per-context.ts'
import { RedisMissing } from './errors.ts'
import type { RedisClient, ThrottleOptions } from './options.ts'

/** The operations on one count. A key's first letter is its kind. */
export type Limiter = Pick<RateLimiterMemory, 'get' | 'consume' | 'set' | 'delete'>

/**
 * A place where counts are kept: in memory, in the primary of node:cluster, or in Redis with the memory for when Redis
 * is away.
 */
export interface Counts {
  run<T> (operation: (limiter: Limiter) => Promise<T>): Promise<T>
  close (): void
  /** Whether the place is Redis, and the memory stands in for it. */
  readonly isAway: boolean
}

/**
 * The parts of the package ioredis that are used here. Its own types in a declaration would make every host that checks
 * its libraries install it.
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
/** Milliseconds before Redis is tried again. */
const restPeriod = 2000

/** Counts of each kind that are kept in memory: the oldest go first. A kind takes 11 MB at the most. */
const mostInMemory = 50_000
/** The same, of those that a worker has in the primary of node:cluster. A kind takes 11 MB at the most. */
const mostInPrimary = 10_000

/** How often the plugin has been registered in an app, kept by its outermost context. */
const registrations = Symbol('fastify-quickstart/auth: registrations')

/**
 * Creates the place that the options name; it is closed with the app. Two registrations in one app have counts of their
 * own, and the same ones in each process.
 *
 * @throws `FST_QUICKSTART_AUTH_REDIS_MISSING` when it is a URL and the package ioredis is not installed
 */
export async function createCounts (app: FastifyInstance, options: ThrottleOptions): Promise<Counts> {
  const { redis, cluster = false, window = 900, keyPrefix = 'fastify-quickstart' } = options
  const root = listContextsAround(app).at(-1)! // an app is around itself
  if (!root.hasDecorator(registrations)) root.decorate(registrations, { count: 0 })
  const number = ++root.getDecorator<{ count: number }>(registrations).count
  const how: CountsOptions = { window, keyPrefix: `${keyPrefix}:auth${app.prefix}${number === 1 ? '' : `#${number}`}` }
  const counts = await create()
  app.addHook('onClose', async () => counts.close())
  return counts

  async function create (): Promise<Counts> {
    if (typeof redis === 'string') return await connectRedisCounts(redis, how, app.log)
    if (redis !== undefined) return new RedisCounts(redis, how, app.log)
    return cluster ? createClusterCounts(how) : createMemoryCounts(how)
  }
}

/** The limits are the throttle's to judge, so a limiter of the library never refuses. */
const unlimited = { points: Number.MAX_SAFE_INTEGER, blockDuration: 0 }

function createMemoryCounts ({ window }: CountsOptions): Counts {
  const limiter = new MemoryLimiter(window)
  return { run: (operation) => operation(limiter), close () {}, isAway: false }
}

/** Keeps counts in memory: unlike RateLimiterMemory without a timer for each, and so many at most. */
class MemoryLimiter implements Limiter {
  readonly #window: number
  readonly #counts = new BoundedMap<{ failures: number, expires: number }>(mostInMemory)

  constructor (window: number) {
    this.#window = window
  }

  async get (key: string): Promise<RateLimiterRes | null> {
    const count = this.#counts.get(key)
    return count === undefined ? null : new RateLimiterRes(0, count.expires - Date.now(), count.failures, false)
  }

  async consume (key: string): Promise<RateLimiterRes> {
    const count = this.#counts.get(key)
    if (count === undefined || count.expires <= Date.now()) return await this.set(key, 1, this.#window)
    count.failures++
    return new RateLimiterRes(0, count.expires - Date.now(), count.failures, false)
  }

  async set (key: string, failures: number, seconds: number): Promise<RateLimiterRes> {
    this.#counts.set(key, { failures, expires: Date.now() + seconds * 1000 })
    return new RateLimiterRes(0, seconds * 1000, failures, false)
  }

  async delete (key: string): Promise<boolean> {
    return this.#counts.delete(key)
  }
}

/** A map with so many keys of each kind at most, which is a key's first letter. The oldest key goes first. */
class BoundedMap<Value> {
  readonly #most: number
  readonly #kinds = new Map<string, Map<string, Value>>()

  constructor (most: number) {
    this.#most = most
  }

  get (key: string): Value | undefined {
    return this.#kinds.get(key[0]!)?.get(key)
  }

  delete (key: string): boolean {
    return this.#kinds.get(key[0]!)?.delete(key) === true
  }

  /** Sets a key, which is the youngest then. Returns the key that has to go for it. */
  set (key: string, value: Value): string | undefined {
    let kind = this.#kinds.get(key[0]!)
    if (kind === undefined) this.#kinds.set(key[0]!, kind = new Map())
    kind.delete(key)
    kind.set(key, value)
    if (kind.size <= this.#most) return undefined
    const [oldest] = kind.keys() as Iterable<string> as [string] // it holds more than none
    kind.delete(oldest)
    return oldest
  }
}

/** Counts in the primary of node:cluster, shared by its workers. Each worker bounds its own. */
function createClusterCounts ({ window, keyPrefix }: CountsOptions): Counts {
  const primary = new RateLimiterCluster({ ...unlimited, duration: window, keyPrefix })
  const own = new BoundedMap<true>(mostInPrimary)
  function note (key: string): void {
    const oldest = own.set(key, true)
    if (oldest !== undefined) primary.delete(oldest).catch(() => {}) // it ends with its window all the same
  }
  // Blocking is the only way to set a count there. It takes the key over its limit, so that `consume` would reject.
  const limiter: Limiter = {
    get: (key) => primary.get(key),
    consume: (key) => {
      note(String(key))
      return primary.penalty(key)
    },
    set: (key, points, seconds) => primary.block(key, seconds),
    delete: (key) => {
      own.delete(String(key))
      return primary.delete(key)
    }
  }
  return { run: (operation) => operation(limiter), close () {}, isAway: false }
}

/** Counts in Redis, shared by every instance of the app, and in memory while Redis is away. */
class RedisCounts implements Counts {
  readonly #client: RedisClient
  readonly #shared: Limiter
  readonly #own: Counts
  readonly #log: FastifyBaseLogger
  readonly #onClose: () => void
  isAway = false
  #nextTry = 0
  readonly #wentAway = (error?: Error): void => this.#leave(error?.message ?? 'the connection closed')
  readonly #cameBack = (): void => this.#return()

  constructor (client: RedisClient, options: CountsOptions, log: FastifyBaseLogger, onClose = (): void => {}) {
    const { window: duration, keyPrefix } = options
    this.#client = client
    const redis = { storeClient: client, keyPrefix, rejectIfRedisNotReady: true }
    this.#shared = new RateLimiterRedis({ ...unlimited, ...redis, duration })
    this.#own = createMemoryCounts(options)
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
        this.#leave((error as Error).message) // the client rejects with errors alone
      }
    } else if (!this.isAway) {
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
    if (this.isAway) return
    this.isAway = true
    this.#log.warn(`fastify-quickstart/auth: Redis is away (${reason}); failed logins are counted in memory`)
  }

  #return (): void {
    this.#nextTry = 0
    if (!this.isAway) return
    this.isAway = false
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
    // A count that cannot be sent now is kept in memory, not sent later.
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
