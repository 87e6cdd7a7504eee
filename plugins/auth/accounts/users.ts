import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { isDirectAndLocal } from '../../../lib/direct-client.ts'
import { copyString } from '../../../lib/own-memory.ts'
import { InvalidUser, NoUsers } from '../errors.ts'
import { parseHtpasswd } from './htpasswd.ts'
import type { AuthOptions, UserLookup, UserMap } from '../options.ts'
import { hash, isSupportedHash, looksLikeHash, findNameProblem, findPasswordProblem } from './passwords.ts'
import type { AccountFiles } from './account-files.ts'
import { takeSample } from './decoys.ts'

/** Where the stored hashes come from. */
export interface UserSource {
  /** Returns what is stored for a name right now. Unchecked: a map can change, and a function can return anything. */
  find: (name: string, request: FastifyRequest) => unknown
  /** Whether `find` asks the host's function, which is to be asked once a request. */
  isFunction: boolean
  /** Lists what is stored right now, unchecked; of a function, what it has returned so far, or a sample of that. */
  hashes: () => Iterable<unknown>
  /** A hash that was there at the start. */
  firstHash: string
}

/**
 * The users that the options name, or else the tutorial's.
 *
 * @throws `FST_QUICKSTART_AUTH_NO_USERS` in production where none are named, and what the sources below throw
 */
export async function createUsers (
  { users, htpasswd }: AuthOptions, files: AccountFiles, log: FastifyBaseLogger
): Promise<UserSource> {
  const isProduction = process.env.NODE_ENV === 'production'
  if (htpasswd !== undefined) return createFileUsers(htpasswd, files)
  if (typeof users === 'function') return await createLookupUsers(users)
  if (users !== undefined) return await createMapUsers(users, isProduction)
  if (!isProduction) return await createTutorialUsers(log)
  throw new NoUsers(
    'no users are configured; set QUICKSTART_USERS_FILE, or one of the options "users", "htpasswd" and "verify"'
  )
}

/** The tutorial's login, for a host that names no users and is not in production. It works on this machine alone. */
async function createTutorialUsers (log: FastifyBaseLogger): Promise<UserSource> {
  log.warn('fastify-quickstart/auth: no users are configured, so anybody on this machine can log in as admin ' +
    'with the password secret')
  const users = await createMapUsers({ admin: 'secret' }, false)
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
async function createMapUsers (users: UserMap, isProduction: boolean): Promise<UserSource> {
  const get: (name: string) => string | undefined = users instanceof Map
    ? (name) => users.get(name)
    // Own properties alone: `constructor` is not a user. Anything but a Map is an object here.
    : (name) => Object.hasOwn(users, name) ? (users as Record<string, string>)[name] : undefined
  const hashed = new Map<string, { plain: string, stored: string }>()
  let firstName: string | undefined

  for (const [name, value] of users instanceof Map ? users : Object.entries(users)) {
    checkUser(name, value, isProduction)
    firstName ??= name
    if (!isSupportedHash(value)) hashed.set(name, { plain: value, stored: await hash(value) })
  }
  if (firstName === undefined) throw new NoUsers('option "users" holds no user; expected names with a password hash')

  function find (name: string): unknown {
    const value = get(name)
    const made = hashed.get(name)
    return made !== undefined && made.plain === value ? made.stored : value
  }
  const listNamesNow = (): Iterable<string> => users instanceof Map ? users.keys() : Object.keys(users)
  return {
    find,
    isFunction: false,
    hashes: () => [...listNamesNow()].map(find),
    firstHash: find(firstName) as string // checked above
  }
}

function checkUser (name: unknown, value: unknown, isProduction: boolean): void {
  const who = `user ${JSON.stringify(name)} in option "users"`
  const problem = typeof name === 'string' ? findNameProblem(name) : 'a name that is not a string'
  if (problem !== null) throw new InvalidUser(`${who}: ${problem}`)
  if (typeof value !== 'string') throw new InvalidUser(`${who}: expected a password hash, which is a string`)
  if (isSupportedHash(value)) return
  if (looksLikeHash(value)) throw new InvalidUser(`${who}: unknown or damaged hash; expected argon2id or bcrypt`)
  if (isProduction) {
    throw new InvalidUser(`${who}: a plain password is refused in production; ` +
      'npx fastify-quickstart hash-password makes a hash of it')
  }
  const wrong = findPasswordProblem(value)
  if (wrong !== null) throw new InvalidUser(`${who}: ${wrong}`)
}

/** Users of the host's own, asked for by name at each request. */
async function createLookupUsers (lookup: UserLookup): Promise<UserSource> {
  let seen = new Set<string>()
  function see (value: unknown): unknown {
    if (typeof value !== 'string' || seen.has(value) || !isSupportedHash(value)) return value
    seen.add(copyString(value))
    if (seen.size > mostSeen) seen = new Set(takeSample(seen))
    return value
  }
  return {
    find: async (name, request) => see(await lookup(name, request)),
    isFunction: true,
    hashes: () => seen,
    // Until a user has been seen, an unknown name is checked against a hash as we make them.
    firstHash: await hash(randomBytes(16).toString('base64'))
  }
}

/** More hashes than these are thinned out to a sample. */
const mostSeen = 200

/**
 * Users of an htpasswd file, which is read again when it changes.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` when the file is missing or a line of it is broken
 */
function createFileUsers (path: string, files: AccountFiles): UserSource {
  const file = files.open(path, parseHtpasswd, InvalidUser)
  const firstHash = file.content.values().next().value
  if (firstHash === undefined) {
    throw new NoUsers(`${path} holds no user; npx fastify-quickstart hash-password alice --file ${path} adds one`)
  }
  return {
    find: (name, request) => file.contentFor(request).get(name),
    isFunction: false,
    hashes: () => file.content.values(),
    firstHash
  }
}
