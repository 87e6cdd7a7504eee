import { hash, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LruMap } from 'toad-cache'
import { copyString } from '../../lib/own-memory.ts'
import type { Credentials } from './authorization.ts'
import type { OwnCheck } from './options.ts'
import { type boundedVerify, type HashingLoad, isSupportedHash } from './accounts/passwords.ts'
import { singleFlight } from './single-flight.ts'
import { decoyPicker, type UserSource } from './accounts/users.ts'

/** A login that a request asks for. */
export interface Login {
  /** The same for equal logins, and for no others. */
  key: string
  /** Whether equal logins get the same answer. */
  sharesAnswer: boolean
  /** Whether it was right before, and what is stored for its name has not changed since. */
  isRemembered: boolean
  /** Whether it is right. */
  check: () => Promise<boolean>
}

/** A login that was right: whose it is, and the hash that it was checked against. Another hash makes it void. */
interface KnownLogin {
  name: string
  stored: string
}

/** How logins are checked. */
export interface Logins {
  /** Whose remembered login a header is, or null; it must then be read, and checked. */
  recall: (authorization: string | undefined, request: FastifyRequest) => string | null
  /** The passwords that are being hashed. */
  hashing: () => HashingLoad
  /** Finds out what there is to check. */
  find: (credentials: Credentials, request: FastifyRequest) => Promise<Login>
}

/**
 * Makes what is kept instead of a login: the same for equal logins, and worthless to whoever reads it. The key, of this
 * process and this registration alone, goes in front. HMAC would add that nobody can extend a message whose MAC they
 * know; these MACs never leave the process.
 */
function macMaker (): (authorization: string) => string {
  const key = randomBytes(32).toString('base64')
  return (authorization) => hash('sha256', key + authorization, 'base64')
}

/** A login's header as nearly every client writes it. No two logins have the same, for a name holds no colon. */
function headerOf ({ name, password }: Credentials): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

/**
 * Logins that are checked against stored hashes. Those that were right are remembered, by their MAC: no password is
 * kept, and nothing of a login that was wrong.
 *
 * @param memory how many logins are remembered and for how many seconds; false for none
 */
export function hashLogins (
  users: UserSource,
  memory: { max: number, ttl: number } | false,
  { verify, load }: ReturnType<typeof boundedVerify>
): Logins {
  const macOf = macMaker()
  const decoyFor = decoyPicker(users)
  const remembered = memory === false ? null : new LruMap<KnownLogin>(memory.max, memory.ttl * 1000)
  /** Equal checks that come together cost one hash, from however many addresses they come. */
  const share = singleFlight<boolean>()

  return {
    hashing: load,
    recall (authorization, request) {
      if (authorization === undefined || remembered === null || users.isFunction) return null
      const login = remembered.get(macOf(authorization))
      return login !== undefined && users.find(login.name, request) === login.stored ? login.name : null
    },

    async find (credentials, request) {
      const { name, password } = credentials
      const mac = macOf(headerOf(credentials))
      const found: unknown = await users.find(name, request)
      const stored = typeof found === 'string' && isSupportedHash(found) ? found : null
      if (stored === null && found !== null && found !== undefined) {
        const kind = typeof found === 'string' ? 'another text' : `of type ${typeof found}`
        request.log.error({ name }, 'fastify-quickstart/auth: what is stored for this user is not an argon2id or ' +
          `bcrypt hash but ${kind}, so the login is refused`)
      }
      // An unknown name shares no check with the user whose hash it is checked against.
      const key = stored === null ? mac : `${mac} ${stored}`
      return {
        key,
        sharesAnswer: true,
        isRemembered: stored !== null && remembered?.get(mac)?.stored === stored,
        check: async () => await share(key, async () => {
          const isRight = await verify(stored ?? decoyFor(name), password) && stored !== null
          // Copies: a part of a string keeps the whole of it in memory, here the password and the users file.
          if (isRight) remembered?.set(mac, { name: copyString(name), stored: copyString(stored) })
          return isRight
        })
      }
    }
  }
}

/** Logins that the host's own function checks, at each request. Only `true` lets anyone in. */
export function ownLogins (verify: OwnCheck): Logins {
  const macOf = macMaker()
  return {
    recall: () => null,
    hashing: () => ({ running: 0, waiting: 0 }),
    find: async (credentials, request) => ({
      key: macOf(headerOf(credentials)),
      sharesAnswer: false, // the function may look at the rest of the request
      isRemembered: false,
      check: async () => await verify(credentials.name, credentials.password, request) === true
    })
  }
}
