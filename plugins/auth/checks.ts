import type { FastifyRequest } from 'fastify'
import type { Attempts, Outcome } from './attempts.js'
import { letIn } from './attempts.js'
import { isSupportedHash, verify as verifyHash } from './password-hash.js'
import type { UserSource } from './users.js'
import { createDecoyPicker, isPromise } from './users.js'
import type { VerifiedLogins } from './verified-logins.js'

/** Checks logins, with no promise for one that is remembered: that costs more than all the rest of it. */
export interface Check {
  /** Whose remembered login a header is, or null; it must then be read, and checked. */
  recall (authorization: string, request: FastifyRequest): string | null
  /** How a login ended. */
  check (name: string, password: string, request: FastifyRequest): typeof letIn | Promise<Outcome>
}

/** The host's own check. */
export type OwnCheck = (name: string, password: string, request: FastifyRequest) => boolean | Promise<boolean>

/** Checks logins against stored hashes, and remembers those that were right. */
export function createHashCheck (
  source: UserSource,
  verified: VerifiedLogins,
  attempts: Attempts,
  enqueue: <T>(job: () => Promise<T>) => Promise<T>
): Check {
  const pickDecoy = createDecoyPicker(source)
  const underWay = new Map<string, Promise<boolean>>()

  function decide (stored: unknown, name: string, password: string, request: FastifyRequest): typeof letIn | Promise<Outcome> {
    const mac = verified.mac(name, password)
    if (typeof stored === 'string' && name !== '') {
      if (verified.get(mac)?.stored === stored) return letIn
      if (isSupportedHash(stored)) return checkHash(stored, true)
      request.log.error({ name }, 'fastify-quickstart/auth: what is stored for this user is no argon2id or bcrypt hash, so the login is refused')
    }
    // As much work as for a wrong password.
    return checkHash(pickDecoy(name), false)

    function checkHash (hash: string | undefined, known: boolean): Promise<Outcome> {
      // Logins that are under way are equal when the hash is too. An unknown name is never equal to a known one, whoever's hash it has borrowed.
      const key = known ? `${mac} ${hash}` : mac
      return attempts.run(key, { name, address: request.ip }, () => share(key, async () => {
        const right = hash !== undefined && await enqueue(() => verifyHash(hash, password)) && known
        if (right) verified.add(mac, name, hash)
        return right
      }))
    }
  }

  /** Equal logins that arrive together cost one hash, from however many addresses they come. */
  function share (key: string, check: () => Promise<boolean>): Promise<boolean> {
    let result = underWay.get(key)
    if (result === undefined) {
      result = check().finally(() => underWay.delete(key))
      underWay.set(key, result)
    }
    return result
  }

  return {
    recall (authorization, request) {
      if (source.current === undefined) return null
      const login = verified.recall(authorization)
      return login !== undefined && source.current(login.name, request) === login.stored ? login.name : null
    },
    check (name, password, request) {
      const stored = source.find(name, request)
      return isPromise(stored)
        ? Promise.resolve(stored).then((found) => decide(found, name, password, request))
        : decide(stored, name, password, request)
    }
  }
}

/** Checks logins with the host's own function, at each request. Only `true` lets anyone in. */
export function createOwnCheck (verify: OwnCheck, verified: VerifiedLogins, attempts: Attempts): Check {
  return {
    recall: () => null,
    check: (name, password, request) => attempts.run(
      verified.mac(name, password),
      { name, address: request.ip },
      async () => (await verify(name, password, request)) === true,
      true // it may look at the rest of the request
    )
  }
}
