import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** How many logins are remembered, and for how many seconds. */
export interface CacheOptions {
  max: number
  ttl: number
}

/**
 * The logins that were right, so that the next request with the same one costs no hashing.
 * Only keyed MACs are kept: no name, no password, and none of a login that was wrong.
 */
export class VerifiedLogins {
  // A key of this process and this instance alone: two instances never know each other's logins.
  readonly #key = randomBytes(32).toString('base64')
  readonly #remembered: LRUCache<string, true> | null

  constructor (options: CacheOptions | false) {
    this.#remembered = options === false
      ? null
      : new LRUCache({ max: options.max, ttl: options.ttl * 1000, ttlResolution: 1000 })
  }

  /**
   * The MAC of a login, bound to the hash it is checked against, so that another hash makes it another login.
   *
   * The lengths in front make the text unambiguous: no two logins make the same one. Key first, then message, in one hash
   * is a sound MAC with SHA-512/256, whose output holds half of its state, so nobody can carry on from it
   * (with SHA-256 or SHA-512 they could, which is what HMAC is for). It costs a third of HMAC's time in node.
   */
  mac (name: string, password: string, stored: string): string {
    return hash('sha512-256', `${this.#key}${name.length}:${name}${password.length}:${password}${stored}`, 'base64')
  }

  has (mac: string): boolean {
    return this.#remembered !== null && this.#remembered.get(mac) === true
  }

  add (mac: string): void {
    this.#remembered?.set(mac, true)
  }
}
