import { hash as digest, randomBytes } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { InvalidUser, NoUsers } from './errors.js'
import { Htpasswd } from './htpasswd.js'
import { hash, isSupportedHash, looksLikeHash, nameProblem, passwordProblem } from './password-hash.js'

/** A stored hash by name: in a plain object or a Map. */
export type UserMap = Readonly<Record<string, string>> | ReadonlyMap<string, string>

/** The stored hash of a name, or null when there is no such user. */
export type UserLookup = (name: string, request: FastifyRequest) => string | null | undefined | Promise<string | null | undefined>

/** Where the stored hashes come from. */
export interface UserSource {
  /** What is stored for a name right now. Not checked yet: a map can change, and a lookup can answer anything. */
  find (name: string, request: FastifyRequest): unknown
  /** The same at no cost, where there is no host to ask, who is to be asked once a request. */
  current?: (name: string, request: FastifyRequest) => unknown
  /**
   * A stored hash that an unknown name is checked against, so that it takes as long as a wrong password.
   *
   * @param number which one: any whole number from 0, the same for one name
   */
  decoy (number: number): string | undefined
}

/** The tutorial's login, for a host that has named no users and is not in production. */
export async function tutorialUsers (log: FastifyBaseLogger): Promise<UserSource> {
  log.warn('fastify-quickstart/auth: no users are configured, so anybody can log in as admin with the password secret')
  return await mapUsers({ admin: 'secret' }, false)
}

/**
 * Users in an object or a Map, read anew at each request.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a user that could not log in, and in production for a plain password
 */
export async function mapUsers (users: UserMap, production: boolean): Promise<UserSource> {
  const get: (name: string) => string | undefined = users instanceof Map
    ? (name) => users.get(name)
    // Own properties alone: `constructor` is no user.
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
  // Until a user is found whose hash is one still, as after a change of the map.
  const fallback = find(names[0]!) as string // checked above
  return {
    find,
    current: find,
    decoy: (number) => {
      const stored = find(names[number % names.length]!)
      return typeof stored === 'string' && isSupportedHash(stored) ? stored : fallback
    }
  }
}

function checkUser (name: unknown, value: unknown, production: boolean): void {
  const who = `user ${JSON.stringify(name)} in option "users"`
  const problem = typeof name === 'string' ? nameProblem(name) : 'a name that is no string'
  if (problem !== null) throw new InvalidUser(`${who}: ${problem}`)
  if (typeof value !== 'string') throw new InvalidUser(`${who}: expected a password hash, which is a string`)
  if (isSupportedHash(value)) return
  if (looksLikeHash(value)) throw new InvalidUser(`${who}: unknown or damaged hash; expected argon2id or bcrypt`)
  if (production) throw new InvalidUser(`${who}: a plain password is refused in production; npx fastify-quickstart hash-password makes a hash of it`)
  const wrong = passwordProblem(value)
  if (wrong !== null) throw new InvalidUser(`${who}: ${wrong}`)
}

/** Users of the host's own, asked for by name at each request. */
export async function lookupUsers (lookup: UserLookup): Promise<UserSource> {
  // Until a user has been seen, an unknown name is checked against a hash as we make them.
  const unseen = await hash(randomBytes(16).toString('base64'))
  // One of each kind, for they take different times: the last one seen would tell whose kind is another.
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
    find (name, request) {
      const found = lookup(name, request)
      return isPromise(found) ? Promise.resolve(found).then(see) : see(found)
    },
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
export function htpasswdUsers (path: string, log: FastifyBaseLogger): UserSource {
  const file = new Htpasswd(path, log)
  if (file.hashes.length === 0) throw new NoUsers(`${path} holds no user; npx fastify-quickstart hash-password alice prints a line for it`)
  return {
    find: (name) => file.find(name),
    // What `app.inject` makes is no message from the network: it can follow a change within one turn.
    current: (name, request) => request.raw instanceof IncomingMessage ? file.findThisTurn(name) : file.find(name),
    decoy: (number) => file.hashes[number % file.hashes.length]
  }
}

/** Picks the hash that an unknown name is checked against: for one name always the same, and unguessable which. */
export function createDecoyPicker (source: UserSource): (name: string) => string | undefined {
  const key = randomBytes(32).toString('base64')
  return (name) => source.decoy(Number.parseInt(digest('sha512-256', key + name).slice(0, 12), 16))
}

export function isPromise (value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
