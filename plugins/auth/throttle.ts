import { hash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { Counts } from './failure-counts.ts'
import type { ThrottleOptions } from './options.ts'

/** A login that wants to be checked. */
export interface Guess {
  name: string
  /** The client's address; `undefined` over a Unix socket. */
  address: string | undefined
  /** The same for equal guesses. Those that are checked at the same time share a place. */
  key: string
}

/** How a guess ended. `'uncounted'`: it was not checked, or an equal one that is counted was checked for it. */
export type Verdict = 'right' | 'wrong' | 'uncounted'

/** Decides whether a guess may be checked. */
export interface Throttle {
  /** Returns the seconds to wait; 0 where the guess may be checked. It must be settled then, whatever happens. */
  enter: (guess: Guess) => Promise<number>
  /** Counts a wrong guess, or forgives for a right one, and gives its places back. */
  settle: (guess: Guess, verdict: Verdict) => Promise<void>
}

/** Lets every guess be checked. */
export const noThrottle: Throttle = { enter: async () => 0, settle: async () => {} }

/**
 * Slows guessers down. Failures are counted by name and address, and by address; at the limit, nothing is checked for a
 * while. Guesses that are being checked take places beside the failures, so that those sent in parallel do not slip by.
 * A guess that finds no place waits a second: nobody is shut out for what has not failed.
 */
export function createThrottle (counts: Counts, options: ThrottleOptions): Throttle {
  const { perLogin = 10, perAddress = 100, block = 900 } = options
  const addresses = new Limit(counts, perAddress, block)
  const logins = new Limit(counts, perLogin, block)

  return {
    async enter (guess) {
      const [address, login] = hashKeys(guess)
      // The address first: once it is shut out, the names that it makes up leave no trace.
      const wait = await addresses.enter(address, guess.key)
      if (wait > 0) return wait
      return await leaveUnlessIn(logins.enter(login, guess.key), () => addresses.leave(address, guess.key))
    },

    async settle (guess, verdict) {
      const [address, login] = hashKeys(guess)
      try {
        if (verdict === 'wrong') {
          await addresses.countFailure(address)
          await logins.countFailure(login)
        }
        // A right login forgives the failures of its name from its address; those with other names stay.
        if (verdict === 'right') await logins.forgive(login)
      } finally {
        addresses.leave(address, guess.key)
        logins.leave(login, guess.key)
      }
    }
  }
}

/** Passes on the seconds to wait, and leaves a place that is not used: the guess has to wait, or counting failed. */
async function leaveUnlessIn (waiting: Promise<number>, leave: () => void): Promise<number> {
  const isIn = await waiting.then((seconds) => seconds === 0, () => false)
  if (!isIn) leave()
  return await waiting
}

/** One of the two limits: the failures of each key, and the guesses that are being checked beside them. */
class Limit {
  readonly #counts: Counts
  readonly #limit: number
  /** Seconds for which a key is shut out. */
  readonly #block: number
  readonly #places = new Map<string, Places>()

  constructor (counts: Counts, limit: number, block: number) {
    this.#counts = counts
    this.#limit = limit
    this.#block = block
  }

  /** Takes a place. Returns the seconds to wait when there is none, else 0. */
  async enter (key: string, guess: string): Promise<number> {
    // Take the place before awaiting, so that a guess that fails meanwhile is counted before it gives up its place.
    let places = this.#places.get(key)
    if (places === undefined) this.#places.set(key, places = new Places())
    const place = places.take(guess)
    return await leaveUnlessIn(this.#readWait(key, place), () => this.leave(key, guess))
  }

  /** Returns the seconds to wait by the failures so far and the number of one's place. */
  async #readWait (key: string, place: number): Promise<number> {
    const count = await this.#counts.run((limiter) => limiter.get(key))
    if (count === null || count.msBeforeNext <= 0) return place <= this.#limit ? 0 : 1
    const { consumedPoints: failures, msBeforeNext } = count
    // More than the block is a clock that was set back.
    if (failures >= this.#limit) return Math.min(Math.ceil(msBeforeNext / 1000), this.#block)
    return failures + place <= this.#limit ? 0 : 1
  }

  leave (key: string, guess: string): void {
    const places = this.#places.get(key)!
    if (places.leave(guess) === 0) this.#places.delete(key)
  }

  async countFailure (key: string): Promise<void> {
    const { consumedPoints } = await this.#counts.run((limiter) => limiter.consume(key))
    if (consumedPoints < this.#limit) return
    await this.#counts.run((limiter) => limiter.set(key, consumedPoints, this.#block))
  }

  async forgive (key: string): Promise<void> {
    await this.#counts.run((limiter) => limiter.delete(key))
  }
}

/** The guesses of one key that are being checked. Equal ones share a place: a page of twenty parts is one login. */
class Places {
  readonly #taken = new Map<string, { place: number, inside: number }>()

  /** Returns the number of the place: how many different guesses are being checked, this one included. */
  take (guess: string): number {
    const taken = this.#taken.get(guess) ?? { place: this.#taken.size + 1, inside: 0 }
    taken.inside++
    this.#taken.set(guess, taken)
    return taken.place
  }

  /** Returns how many places are still taken. */
  leave (guess: string): number {
    const taken = this.#taken.get(guess)!
    taken.inside--
    if (taken.inside === 0) this.#taken.delete(guess)
    return this.#taken.size
  }
}

/** Returns the keys of a guess's two counts: of one length, and with no name or address to be read in them. */
function hashKeys ({ name, address }: Guess): [address: string, login: string] {
  const network = findNetwork(address)
  return [`a${hash('sha256', network, 'base64')}`, `l${hash('sha256', `${network} ${name}`, 'base64')}`]
}

/** Returns an IPv4 address, or the /64 of an IPv6 address: whoever has one address of a /64 has all of them. */
export function findNetwork (address: string | undefined): string {
  if (address === undefined) return 'socket' // a Unix socket has no address
  if (isIPv4(address)) return address // most are, and each login asks
  const bare = address.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2') // some proxies add the port
  if (!ipaddr.isValid(bare)) return bare // what a proxy made up
  const parsed = ipaddr.process(bare) // an IPv4 address mapped into IPv6 is that IPv4 address
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  // RFC 6052: behind a NAT64, the last 32 bits are the IPv4 address.
  if (parsed.range() === 'rfc6052') return new ipaddr.IPv4(parsed.toByteArray().slice(12)).toString()
  return parsed.parts.slice(0, 4).join(':')
}
