import type { FastifyRequest } from 'fastify'
import type { Attempts, Outcome } from './attempts.js'
import { letIn } from './attempts.js'
import { isSupportedHash, verify as verifyHash } from './password-hash.js'
import type { UserSource } from './users.js'
import { createDecoyPicker, isPromise } from './users.js'
import type { VerifiedLogins } from './verified-logins.js'

/** Says how a login ended: at once when it is remembered, since a promise per request costs more than all the rest of it. */
export type Check = (name: string, password: string, request: FastifyRequest) => typeof letIn | Promise<Outcome>

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
    if (typeof stored === 'string' && name !== '') {
      const mac = verified.mac(name, password, stored)
      if (verified.has(mac)) return letIn
      if (isSupportedHash(stored)) return checkHash(mac, stored, true)
      request.log.error({ name }, 'fastify-quickstart/auth: what is stored for this user is no argon2id or bcrypt hash, so the login is refused')
    }
    // As much work as for a wrong password. Its MAC can never be that of a real login, whoever's hash is borrowed.
    const decoy = pickDecoy(name)
    return checkHash(verified.mac(name, password, `unknown ${decoy}`), decoy, false)

    function checkHash (mac: string, hash: string | undefined, known: boolean): Promise<Outcome> {
      return attempts.run(mac, { name, address: request.ip }, () => share(mac, async () => {
        const right = hash !== undefined && await enqueue(() => verifyHash(hash, password)) && known
        if (right) verified.add(mac)
        return right
      }))
    }
  }

  /** Equal logins that arrive together cost one hash, from however many addresses they come. */
  function share (mac: string, check: () => Promise<boolean>): Promise<boolean> {
    let result = underWay.get(mac)
    if (result === undefined) {
      result = check().finally(() => underWay.delete(mac))
      underWay.set(mac, result)
    }
    return result
  }

  return (name, password, request) => {
    const stored = source.find(name, request)
    return isPromise(stored)
      ? stored.then((found) => decide(found, name, password, request))
      : decide(stored, name, password, request)
  }
}

/** Checks logins with the host's own function, at each request. Only `true` lets anyone in. */
export function createOwnCheck (verify: OwnCheck, verified: VerifiedLogins, attempts: Attempts): Check {
  return (name, password, request) => attempts.run(
    verified.mac(name, password, ''),
    { name, address: request.ip },
    async () => (await verify(name, password, request)) === true
  )
}
