import { hash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Counts } from './counts.js'

/** What each kind of count may rise to, and for how long a guesser is shut out. */
export interface ThrottleLimits {
  /** Failures of one name from one address. */
  perLogin: number
  /** Failures from one address, whatever the names. */
  perAddress: number
  /** Seconds for which a refusal lasts once a limit is passed. */
  block: number
}

/** Who wants in. */
export interface Attempt {
  name: string
  /** `undefined` over a Unix socket. */
  address: string | undefined
}

/** A blocked key's count: far over any limit, so that it is never mistaken for a count of failures. */
const blocked = 1_000_000_000

/**
 * Counts failed logins, by name and address and by address.
 *
 * A point is taken before the password is checked and given back when it was right, so that guesses sent in parallel
 * do not slip by. Points of logins that are still being checked can make others wait, but never block anybody:
 * an office whose people all log in at nine stays open.
 */
export class Throttle {
  readonly #counts: Counts
  readonly #limits: ThrottleLimits
  /** Points taken here for logins whose end is not known yet, by key. */
  readonly #pending = new Map<string, number>()

  constructor (counts: Counts, limits: ThrottleLimits) {
    this.#counts = counts
    this.#limits = limits
  }

  /** Takes a point of each kind. Answers the seconds to wait when there is none left, else 0. */
  async take (attempt: Attempt): Promise<number> {
    const { address, login } = keys(attempt)
    // The address first: once it is blocked, no name it comes up with is stored.
    const wait = await this.#takeOne(address, this.#limits.perAddress)
    if (wait > 0) return wait
    const loginWait = await this.#takeOne(login, this.#limits.perLogin)
    if (loginWait > 0) await this.#giveBack(address)
    return loginWait
  }

  /** One failure more than points were taken for. */
  async countFailure (attempt: Attempt): Promise<void> {
    if (await this.take(attempt) === 0) this.failed(attempt)
  }

  /** The password was wrong: the points stay. */
  failed (attempt: Attempt): void {
    const { address, login } = keys(attempt)
    this.#settle(address)
    this.#settle(login)
  }

  /** The password was right: the failures of this name from this address are forgiven, those of the address with other names are not. */
  async succeeded (attempt: Attempt): Promise<void> {
    const { address, login } = keys(attempt)
    await this.#giveBack(address)
    await this.#counts.run((limiter) => limiter.delete(login))
    this.#settle(login)
  }

  /** The password was not checked after all. */
  async cancelled (attempt: Attempt): Promise<void> {
    const { address, login } = keys(attempt)
    await this.#giveBack(address)
    await this.#giveBack(login)
  }

  async #takeOne (key: string, limit: number): Promise<number> {
    this.#pending.set(key, this.#pendingOf(key) + 1)
    const { consumedPoints, msBeforeNext } = await this.#counts.run((limiter) => limiter.consume(key))
    if (consumedPoints <= limit) return 0
    if (consumedPoints >= blocked) {
      this.#settle(key)
      return Math.max(1, Math.ceil(msBeforeNext / 1000))
    }
    const failures = consumedPoints - this.#pendingOf(key)
    if (failures >= limit) {
      await this.#counts.run((limiter) => limiter.set(key, blocked, this.#limits.block))
      this.#settle(key)
      return this.#limits.block
    }
    await this.#giveBack(key)
    return 1
  }

  async #giveBack (key: string): Promise<void> {
    const { consumedPoints } = await this.#counts.run((limiter) => limiter.reward(key, 1))
    // A count of nothing would be kept for the whole window, and nobody is ever shut out for it.
    if (consumedPoints <= 0 && this.#pendingOf(key) === 1) await this.#counts.run((limiter) => limiter.delete(key))
    this.#settle(key)
  }

  #pendingOf (key: string): number {
    return this.#pending.get(key) ?? 0
  }

  #settle (key: string): void {
    const left = this.#pendingOf(key) - 1
    if (left > 0) this.#pending.set(key, left)
    else this.#pending.delete(key)
  }
}

/** Keys of one length, whatever the name's, and with no name or address to be read in them. */
function keys ({ name, address }: Attempt): { address: string, login: string } {
  const network = networkOf(address)
  return { address: `a${hash('sha256', network, 'base64')}`, login: `l${hash('sha256', `${network} ${name}`, 'base64')}` }
}

/** An IPv4 address, or the /64 of an IPv6 address: whoever has one address of a /64 has all of them. */
function networkOf (address: string | undefined): string {
  if (address === undefined) return 'socket' // a Unix socket has no address
  const bare = address.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2') // some proxies tell the port too
  if (!ipaddr.isValid(bare)) return bare // what a proxy made up
  const parsed = ipaddr.process(bare) // an IPv4 address that was mapped into IPv6 is that IPv4 address
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  // RFC 6052: behind a NAT64, the last 32 bits are the IPv4 address.
  return parsed.range() === 'rfc6052' ? new ipaddr.IPv4(parsed.toByteArray().slice(12)).toString() : parsed.parts.slice(0, 4).join(':')
}
