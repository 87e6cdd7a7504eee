import { hash as digest, randomBytes } from 'node:crypto'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { isDirectAndLocal } from '../../../lib/direct-client.ts'
import { InvalidUser, NoUsers } from '../errors.ts'
import { parseHtpasswd } from './htpasswd.ts'
import type { AuthOptions, UserLookup, UserMap } from '../options.ts'
import { hash, isSupportedHash, looksLikeHash, nameProblem, passwordProblem } from './passwords.ts'
import { RereadFile } from './reread-file.ts'

/** Where the stored hashes come from. */
export interface UserSource {
  /** What is stored for a name right now. Not checked yet: a map can change, and a function can answer anything. */
  find (name: string, request: FastifyRequest): unknown
  /** Whether `find` asks the host's function, which is to be asked once a request. */
  isFunction: boolean
  /**
   * A stored hash to check an unknown name against, so that it takes as long as a wrong password.
   *
   * @param number which one: any whole number from 0
   */
  decoy (number: number): string
}

/**
 * The users that the options name, or else the tutorial's.
 *
 * @throws `FST_QUICKSTART_AUTH_NO_USERS` in production where none are named, and what the sources below throw
 */
export async function openUsers ({ users, htpasswd }: AuthOptions, log: FastifyBaseLogger): Promise<UserSource> {
  const production = process.env.NODE_ENV === 'production'
  if (htpasswd !== undefined) return htpasswdUsers(htpasswd, log)
  if (typeof users === 'function') return await lookupUsers(users)
  if (users !== undefined) return await mapUsers(users, production)
  if (!production) return await tutorialUsers(log)
  throw new NoUsers(
    'no users are configured; set QUICKSTART_USERS_FILE, or one of the options "users", "htpasswd" and "verify"'
  )
}

/** The tutorial's login, for a host that names no users and is not in production. It works on this machine alone. */
async function tutorialUsers (log: FastifyBaseLogger): Promise<UserSource> {
  log.warn('fastify-quickstart/auth: no users are configured, so anybody on this machine can log in as admin ' +
    'with the password secret')
  const users = await mapUsers({ admin: 'secret' }, false)
  return {
    ...users,
    find (name, request) {
      if (isDirectAndLocal(request)) return users.find(name, request)
      request.log.warn('fastify-quickstart/auth: admin / secret works on this machine alone, and through no proxy; ' +
        'configure users to log in from elsewhere')
      return null
    }
  }
}

/**
 * Users in an object or a Map, read anew at each request.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a user that could not log in, and in production for a plain password
 */
async function mapUsers (users: UserMap, production: boolean): Promise<UserSource> {
  const get: (name: string) => string | undefined = users instanceof Map
    ? (name) => users.get(name)
    // Own properties alone: `constructor` is not a user. What is not a Map is an object.
    : (name) => Object.hasOwn(users, name) ? (users as Record<string, string>)[name] : undefined
  const hashed = new Map<string, { plain: string, stored: string }>()
  const names: string[] = []

  for (const [name, value] of users instanceof Map ? users : Object.entries(users)) {
    checkUser(name, value, production)
    names.push(name)
    if (!isSupportedHash(value)) hashed.set(name, { plain: value, stored: await hash(value) })
  }
  if (names.length === 0) throw new NoUsers('option "users" holds no user; expected names with a password hash')

  function find (name: string): unknown {
    const value = get(name)
    const made = hashed.get(name)
    return made !== undefined && made.plain === value ? made.stored : value
  }
  const fallback = find(names[0]!) as string // checked above
  return {
    find,
    isFunction: false,
    // The map may have changed, and hold something else by now.
    decoy: (number) => {
      const stored = find(names[number % names.length]!)
      return typeof stored === 'string' && isSupportedHash(stored) ? stored : fallback
    }
  }
}

function checkUser (name: unknown, value: unknown, production: boolean): void {
  const who = `user ${JSON.stringify(name)} in option "users"`
  const problem = typeof name === 'string' ? nameProblem(name) : 'a name that is not a string'
  if (problem !== null) throw new InvalidUser(`${who}: ${problem}`)
  if (typeof value !== 'string') throw new InvalidUser(`${who}: expected a password hash, which is a string`)
  if (isSupportedHash(value)) return
  if (looksLikeHash(value)) throw new InvalidUser(`${who}: unknown or damaged hash; expected argon2id or bcrypt`)
  if (production) {
    throw new InvalidUser(`${who}: a plain password is refused in production; ` +
      'npx fastify-quickstart hash-password makes a hash of it')
  }
  const wrong = passwordProblem(value)
  if (wrong !== null) throw new InvalidUser(`${who}: ${wrong}`)
}

/** Users of the host's own, asked for by name at each request. */
async function lookupUsers (lookup: UserLookup): Promise<UserSource> {
  // Until a user has been seen, an unknown name is checked against a hash as we make them.
  const unseen = await hash(randomBytes(16).toString('base64'))
  // One of each kind: kinds take different times, so the last one seen would tell which kind another user has.
  const seen = new Map<string, string>()
  let decoys: string[] = []
  function see (value: unknown): unknown {
    if (typeof value !== 'string') return value
    const kind = kindOf(value)
    if (!seen.has(kind) && seen.size < mostKinds && isSupportedHash(value)) {
      seen.set(kind, value)
      decoys = [...seen.values()]
    }
    return value
  }
  return {
    find: async (name, request) => see(await lookup(name, request)),
    isFunction: true,
    decoy: (number) => decoys[number % decoys.length] ?? unseen
  }
}

const mostKinds = 20

/** What the time of a check depends on: algorithm and parameters, which stand before the salt. */
function kindOf (stored: string): string {
  return stored.startsWith('$argon2') ? stored.split('$', 4).join('$') : stored.slice(0, 7)
}

/**
 * Users of an htpasswd file, which is read again when it changes.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` when the file is missing or a line of it is broken
 */
function htpasswdUsers (path: string, log: FastifyBaseLogger): UserSource {
  const file = new RereadFile(path, parseHtpasswd, log, InvalidUser)
  const first = file.content.values().next().value
  if (first === undefined) {
    throw new NoUsers(`${path} holds no user; npx fastify-quickstart hash-password alice --file ${path} adds one`)
  }
  let decoys: { of: Map<string, string>, hashes: string[] } | undefined
  return {
    find: (name, request) => file.contentFor(request).get(name),
    isFunction: false,
    decoy (number) {
      const users = file.content
      if (decoys?.of !== users) decoys = { of: users, hashes: [...users.values()] }
      return decoys.hashes[number % decoys.hashes.length] ?? first // an emptied file has none
    }
  }
}

/** Picks the hash that an unknown name is checked against: always the same for one name, and nobody can tell which. */
export function decoyPicker (source: UserSource): (name: string) => string {
  const key = randomBytes(32).toString('base64')
  return (name) => source.decoy(Number.parseInt(digest('sha256', key + name).slice(0, 12), 16))
}
