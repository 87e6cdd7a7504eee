import type { FastifyRequest } from 'fastify'
import type { OwnCheck } from '../options.ts'
import { escapeControls } from '../../../lib/escape-controls.ts'
import { createSingleFlight } from '../single-flight.ts'
import { createDecoyPicker } from './decoys.ts'
import { type BoundedVerify, type HashingLoad, isSupportedHash } from './passwords.ts'
import type { UserSource } from './users.ts'

/** A login whose password is to be checked. */
export interface LoginToCheck {
  name: string
  password: string
  /** The hash to check it against; null for an unknown name. */
  stored: string | null
  /** The same for equal names and passwords, and for no others. */
  key: string
  request: FastifyRequest
}

/** Who can log in, and how a login is checked. */
export interface Accounts {
  /** Returns the stored hash of a name, or null. Rejects when the host's function throws. */
  find: (name: string, request: FastifyRequest) => Promise<string | null>
  /** Synchronous look-up; absent when the host's function must be called. */
  findNow?: (name: string, request: FastifyRequest) => unknown
  /** Checks a password. `isFirst` is false for a login that shares the answer of an equal one. */
  check: (login: LoginToCheck) => { result: Promise<boolean>, isFirst: boolean }
  /** The passwords that are being hashed. */
  hashing: () => HashingLoad
}

/** Creates accounts whose passwords are checked against stored hashes. */
export function createHashedAccounts (users: UserSource, { verify, load }: BoundedVerify): Accounts {
  const pickDecoy = createDecoyPicker(users.hashes, users.firstHash)
  /** Equal checks that come together cost one hash, from however many addresses they come. */
  const share = createSingleFlight<boolean>()

  return {
    hashing: load,
    ...(!users.isFunction && { findNow: users.find }),

    async find (name, request) {
      const found: unknown = await users.find(name, request)
      if (typeof found === 'string' && isSupportedHash(found)) return found
      if (found !== null && found !== undefined) {
        const kind = typeof found === 'string' ? 'another text' : `of type ${typeof found}`
        request.log.error({ name: escapeControls(name) }, 'fastify-quickstart/auth: what is stored for this user is ' +
          `not an argon2id or bcrypt hash but ${kind}, so the login is refused`)
      }
      return null
    },

    check ({ name, password, stored, key }) {
      const decoy = pickDecoy(name) // for a known name too, so that both take the same time
      // An unknown name shares no check with the user whose hash it is checked against.
      return share(stored === null ? key : `${key} ${stored}`, async () => {
        return await verify(stored ?? decoy, password) && stored !== null
      })
    }
  }
}

/** Creates accounts that the host's own function checks, at each request. Only `true` lets anyone in. */
export function createOwnAccounts (verify: OwnCheck): Accounts {
  async function ask ({ name, password, request }: LoginToCheck): Promise<boolean> {
    return await verify(name, password, request) === true
  }
  return {
    find: async () => null,
    // No answer is shared: the function may look at the rest of the request.
    check: (login) => ({ result: ask(login), isFirst: true }),
    hashing: () => ({ running: 0, waiting: 0 })
  }
}
