import type { FastifyRequest } from 'fastify'
import { checkOptions, isCount, isObject } from '../../lib/check-options.ts'
import { isRealm } from './authorization.ts'
import { InvalidOption } from './errors.ts'
import { isOriginPattern } from './trusted-origins.ts'
import type { Groups } from './accounts/groups.ts'

/** Who is logged in. */
export interface User {
  /** The name that was sent with the right password. */
  name: string
  /** The groups that the user is in, of those that the option `groups` knows. */
  groups: readonly string[]
}

/** A stored hash by name: in a plain object or a Map. */
export type UserMap = Readonly<Record<string, string>> | ReadonlyMap<string, string>

/** The stored hash of a name, or null when there is no such user. */
export type UserLookup = (name: string, request: FastifyRequest) => Found | Promise<Found>
type Found = string | null | undefined

/** Your own check of a login. */
export type OwnCheck = (name: string, password: string, request: FastifyRequest) => boolean | Promise<boolean>

/** The parts of a client of the package ioredis that are used here, so that the host can pass its own. */
export interface RedisClient {
  /** `ready` while commands can be sent; `wait` before the first, with ioredis's `lazyConnect`. */
  readonly status: string
  /** Connects a client that waits. */
  connect (): Promise<unknown>
  /** Listens to what becomes of the connection. */
  on (event: 'ready' | 'close' | 'error', listener: (error?: Error) => void): unknown
  /** Ends that. */
  off (event: 'ready' | 'close' | 'error', listener: (error?: Error) => void): unknown
}

/** How guessers are slowed down. */
export interface ThrottleOptions {
  /** Failures of one name from one address before it is shut out. Default 10. */
  perLogin?: number
  /** Failures from one address (of IPv6, from one /64), whatever the names, before it is shut out. Default 100. */
  perAddress?: number
  /** Seconds after which failures are forgotten, counted from the first: at most 2,147,483. Default 900. */
  window?: number
  /** Seconds for which one is shut out: at most 2,147,483. Default 900. */
  block?: number
  /** Seconds for which the answers 429 and 503 are held back, so that nobody can ask for many: 0 to 60. Default 1. */
  delay?: number
  /**
   * A URL (needs the package ioredis), or a client made by ioredis: instances of the app then count together. Default:
   * each in its own memory.
   */
  redis?: string | RedisClient
  /**
   * Whether the workers of node:cluster count together, in its primary, which makes `new RateLimiterClusterMaster()` of
   * the package rate-limiter-flexible. For `fastify-quickstart --workers`. Ignored where `redis` is given. Default
   * `false`.
   */
  cluster?: boolean
  /**
   * In front of each key in Redis. Apps that share a Redis but not their users need one each. Default
   * `'fastify-quickstart'`. Registrations in one app have keys of their own, by prefix and order.
   */
  keyPrefix?: string
}

/** Options of the auth plugin. At most one of `users`, `htpasswd` and `verify`. */
export interface AuthOptions {
  /**
   * Password hashes by name, as an object, a Map, or a function that finds one (null for an unknown name). Read at
   * each request. Default: admin / secret outside production, which works on this machine alone; in production none.
   */
  users?: UserMap | UserLookup
  /** Path of an htpasswd file (argon2id, or bcrypt as `htpasswd -B` makes it). Read again when it changes. */
  htpasswd?: string
  /** Your own check of a name and password, made at each request. Only `true` lets in; all else is a failed login. */
  verify?: OwnCheck
  /** Who is in which group, for `requiresGroup` and `request.user.groups`. Default: nobody is in any. */
  groups?: Groups
  /** The name of the place one logs in to: printable ASCII, or a function of the request. Default 'Login Required'. */
  realm?: string | ((request: FastifyRequest) => string)
  /**
   * The secret page's path, below the prefix it is registered with; false for no page. Default `'/secret'`. With
   * `?back=/path` it leads back to that path of the app after the login.
   */
  path?: string | false
  /** Path of a page that makes a browser forget its login; false for none. Default `false`. */
  logout?: string | false
  /** Paths of routes to guard, as they are declared; `'/x/*'` is every route under `/x/`. Default `[]`. */
  protect?: readonly string[]
  /**
   * Origins, such as `https://app.example.com`, whose pages may send requests that change something (any method but
   * GET, HEAD and OPTIONS) to a guarded route, and open WebSockets on it. `https://*.example.com` stands for one label
   * in front, and an app's shell has one like `capacitor://localhost`. Default `[]`: the app's own pages alone.
   */
  trustedOrigins?: readonly string[]
  /** How guessers are slowed down; false for not at all. */
  throttle?: ThrottleOptions | false
  /** The memory of right logins, which then cost no hashing; false for none. */
  cache?: {
    /** How many right logins are remembered. Default 10,000. */
    max?: number
    /** For how many seconds each is. Default 3600. */
    ttl?: number
  } | false
  /** How much of the machine the hashing of passwords may take. */
  hashing?: {
    /**
     * How many are hashed at once. Default: one less than there are cores, at least 1 and at most 3, for Node has four
     * threads for this and for reading files.
     */
    parallel?: number
    /** How many may wait for it; past that, 503. Default 100. */
    queue?: number
  }
  /** The name under which a request has its user, where `request.user` belongs to another plugin. Default `'user'`. */
  decoratorName?: string
}

const pathOrFalse = {
  accepts: (value: unknown) => value === false || isPath(value),
  expected: 'a path that starts with "/", or false'
}
const text = { accepts: isText, expected: 'a text' }
const count = { accepts: isPositive, expected: 'a whole number above 0' }
const countOrNone = { accepts: isCount, expected: 'a whole number, or 0' }
// Node cannot set a timer for longer.
const seconds = {
  accepts: (value: unknown) => isPositive(value) && value <= 2_147_483,
  expected: 'a whole number of seconds from 1 to 2147483'
}

const logins = {
  accepts: (value: unknown) => isPositive(value) && value <= 10_000_000,
  expected: 'a whole number from 1 to 10000000'
}

const expectedOrigins =
  'a list of origins such as "https://app.example.com", "https://*.example.com" or "capacitor://localhost"'

/**
 * Checks every option of the plugin.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_OPTION` when one is unknown, does not fit, or contradicts another
 */
export function checkAuthOptions (options: AuthOptions): void {
  checkOptions<AuthOptions>('auth', options, {
    users: {
      accepts: (value) => typeof value === 'function' || isObject(value),
      expected: 'names with password hashes (an object or a Map), or a function that finds the hash of a name',
      secret: true
    },
    htpasswd: { accepts: isText, expected: 'the path of an htpasswd file' },
    verify: { accepts: isFunction, expected: 'a function of name, password and request' },
    groups: {
      accepts: (value) => isText(value) || isFunction(value) || isGroupMap(value),
      expected: 'groups with lists of user names, a function that finds the groups of a user, or the path of a file'
    },
    realm: {
      accepts: (value) => isRealm(value) || isFunction(value),
      expected: 'printable ASCII text, or a function of the request'
    },
    path: pathOrFalse,
    logout: pathOrFalse,
    protect: {
      accepts: (value) => Array.isArray(value) && value.every(isPath),
      expected: 'a list of route paths that start with "/"'
    },
    trustedOrigins: { accepts: Array.isArray, expected: expectedOrigins },
    throttle: { accepts: isObjectOrFalse, expected: 'an object, or false' },
    cache: { accepts: isObjectOrFalse, expected: 'an object with max and ttl, or false' },
    hashing: { accepts: isObject, expected: 'an object with parallel and queue' },
    decoratorName: text
  })
  const noOrigin = options.trustedOrigins?.find((value) => !isOriginPattern(value))
  if (noOrigin !== undefined) {
    const found = JSON.stringify(noOrigin)
    throw new InvalidOption(`option "trustedOrigins" has ${found} in it; expected ${expectedOrigins}`)
  }
  const sources = (['users', 'htpasswd', 'verify'] as const).filter((name) => options[name] !== undefined)
  if (sources.length > 1) {
    const named = `options "${sources.join('" and "')}"`
    throw new InvalidOption(`${named} exclude each other; expected one of users, htpasswd, verify`)
  }
  checkOptions<ThrottleOptions>('auth', options.throttle || {}, {
    perLogin: count,
    perAddress: count,
    window: seconds,
    block: seconds,
    delay: {
      accepts: (value) => typeof value === 'number' && value >= 0 && value <= 60,
      expected: 'a number of seconds from 0 to 60'
    },
    redis: {
      accepts: (value) => isRedisUrl(value) || isRedisClient(value),
      expected: 'a redis:// or rediss:// URL, or a client made by ioredis',
      secret: true
    },
    cluster: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' },
    keyPrefix: text
  })
  checkOptions('auth', options.cache || {}, { max: logins, ttl: seconds })
  checkOptions('auth', options.hashing ?? {}, { parallel: count, queue: countOrNone })
}

function isObjectOrFalse (value: unknown): boolean {
  return value === false || isObject(value)
}

function isFunction (value: unknown): boolean {
  return typeof value === 'function'
}

function isText (value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isPath (value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/')
}

function isPositive (value: unknown): value is number {
  return isCount(value) && value > 0
}

function isGroupMap (value: unknown): boolean {
  return isObject(value) && Object.values(value).every((names) => Array.isArray(names) && names.every(isText))
}

function isRedisUrl (value: unknown): boolean {
  return typeof value === 'string' && /^rediss?:\/\//.test(value)
}

function isRedisClient (value: unknown): boolean {
  return isObject(value) && 'status' in value && 'defineCommand' in value
}
