import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { copyString } from '../copy-string.js'

/** How many logins are remembered, and for how many seconds. */
export interface CacheOptions {
  max: number
  ttl: number
}

/** A login that was right: whose it is, and the stored hash it was checked against, so that another hash makes it worth nothing. */
interface Login {
  name: string
  stored: string
}

/**
 * The logins that were right, so that the next request with the same one costs no hashing.
 * They are found by keyed MACs: no password is kept, and nothing of a login that was wrong.
 */
export class VerifiedLogins {
  // A key of this process and this instance alone: two instances never know each other's logins.
  readonly #key = randomBytes(32).toString('base64')
  readonly #remembered: LRUCache<string, Login> | null
  /**
   * What the headers of the requests at hand have been recalled as, since requests of one client often come together: one MAC
   * serves them all. Kept no longer than they are themselves, until the event loop goes round. A Map finds its keys by a hash
   * of the whole text, so the time it takes tells nobody how much of another client's header was guessed.
   */
  readonly #thisTurn = new Map<string, Login>()
  readonly #endTurn = (): void => this.#thisTurn.clear()

  constructor (options: CacheOptions | false) {
    this.#remembered = options === false
      ? null
      : new LRUCache({ max: options.max, ttl: options.ttl * 1000, ttlResolution: 1000 })
  }

  /**
   * The MAC of a login, however its header was spelled: that of the header as nearly every client writes it.
   * The colon ends the name, which can hold none, so no two logins make the same text.
   */
  mac (name: string, password: string): string {
    return this.#macOfHeader(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`)
  }

  /** The login that was found right under a MAC. */
  get (mac: string): Login | undefined {
    return this.#remembered?.get(mac)
  }

  /** The login that was found right and is in an Authorization header, if that is spelled the common way. */
  recall (authorization: string): Login | undefined {
    const known = this.#thisTurn.get(authorization)
    if (known !== undefined) return known
    const login = this.get(this.#macOfHeader(authorization))
    if (login === undefined) return undefined
    if (this.#thisTurn.size === 0) setImmediate(this.#endTurn)
    this.#thisTurn.set(authorization, login)
    return login
  }

  add (mac: string, name: string, stored: string): void {
    // Copies: a part of a string keeps all of it in memory, the password that came with the name and the file that the hash is from.
    this.#remembered?.set(mac, { name: copyString(name), stored: copyString(stored) })
  }

  /**
   * The key goes in before the message and after it (an envelope MAC), so nobody can carry on from an output, which is what
   * HMAC is for. In one call of SHA-256, with the digest as one character a byte, it costs a third of HMAC's time in node.
   */
  #macOfHeader (authorization: string): string {
    return hash('sha256', this.#key + authorization + this.#key, 'binary')
  }
}
