import { checkOptions } from '../options.js'
import { isRealm } from './challenge.js'
import { InvalidOption } from './errors.js'
import type { AuthOptions, ThrottleOptions } from './index.js'

/**
 * Checks every option of the plugin.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_OPTION` when one is unknown, does not fit, or contradicts another
 */
export function checkAuthOptions (options: AuthOptions): void {
  checkOptions<AuthOptions>('auth', options, {
    users: { accepts: (value) => typeof value === 'function' || isObject(value), expected: 'names with password hashes (an object or a Map), or a function that finds the hash of a name', secret: true },
    htpasswd: { accepts: isText, expected: 'the path of an htpasswd file' },
    verify: { accepts: isFunction, expected: 'a function of name, password and request' },
    realm: { accepts: (value) => isRealm(value) || isFunction(value), expected: 'printable ASCII text, or a function of the request' },
    path: { accepts: (value) => value === false || isPath(value), expected: 'a path that starts with "/", or false' },
    protect: { accepts: (value) => Array.isArray(value) && value.every(isPath), expected: 'a list of route paths that start with "/"' },
    throttle: { accepts: isObjectOrFalse, expected: 'an object, or false' },
    cache: { accepts: isObjectOrFalse, expected: 'an object with max and ttl, or false' },
    hashing: { accepts: isObject, expected: 'an object with parallel and queue' }
  })
  const sources = (['users', 'htpasswd', 'verify'] as const).filter((name) => options[name] !== undefined)
  if (sources.length > 1) throw new InvalidOption(`options "${sources.join('" and "')}" exclude each other; expected one of users, htpasswd, verify`)

  const count = { accepts: (value: unknown) => Number.isSafeInteger(value) && value as number > 0, expected: 'a whole number above 0' }
  const countOrNone = { accepts: (value: unknown) => value === 0 || count.accepts(value), expected: 'a whole number, or 0' }
  // Longer than a timer of Node's can be set for, it would count as none.
  const seconds = { accepts: (value: unknown) => count.accepts(value) && value as number <= 2_147_483, expected: 'a whole number of seconds from 1 to 2147483' }
  checkOptions<ThrottleOptions>('auth', options.throttle || {}, {
    perLogin: count,
    perAddress: count,
    window: seconds,
    block: seconds,
    delay: { accepts: (value) => typeof value === 'number' && value >= 0 && value <= 60, expected: 'a number of seconds from 0 to 60' },
    redis: { accepts: (value) => isRedisUrl(value) || isRedisClient(value), expected: 'a redis:// or rediss:// URL, or a client made by ioredis', secret: true },
    keyPrefix: { accepts: isText, expected: 'a text' }
  })
  // A table for all of them is made at the start.
  const logins = { accepts: (value: unknown) => count.accepts(value) && value as number <= 10_000_000, expected: 'a whole number from 1 to 10000000' }
  checkOptions('auth', options.cache || {}, { max: logins, ttl: seconds })
  checkOptions('auth', options.hashing ?? {}, { parallel: count, queue: countOrNone })
}

function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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

function isRedisUrl (value: unknown): boolean {
  return typeof value === 'string' && /^rediss?:\/\//.test(value)
}

function isRedisClient (value: unknown): boolean {
  return isObject(value) && 'status' in value && 'defineCommand' in value
}
