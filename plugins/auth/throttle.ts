import { hash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Counts } from './failure-counts.ts'
import { TooBusy } from './errors.ts'
import type { ThrottleOptions } from './options.ts'
import { singleFlight } from './single-flight.ts'

/** A login that is about to be checked. */
export interface Guess {
  name: string
  /** The client's address; `undefined` over a Unix socket. */
  address: string | undefined
  /** The same for equal logins, and for no others. */
  key: string
  /** Whether equal logins get the same answer, so that those that come together are one guess. */
  sharesAnswer: boolean
}

/** How a guess ended. */
export type Outcome =
  | { kind: 'right' | 'wrong' }
  /** It was not checked. `retryAfter` is in seconds. */
  | { kind: 'throttled' | 'busy', retryAfter: number }

/** Runs the check of a guess, if it may be made now. */
export type TryGuess = (guess: Guess, check: () => Promise<boolean>) => Promise<Outcome>

/** Seconds after which a login that found the queue of hashes full may try again. */
const retryWhenBusy = 2

/** Checks each guess, without a limit. */
export const withoutThrottle: TryGuess = async (guess, check) => {
  try {
    return { kind: await check() ? 'right' : 'wrong' }
  } catch (error) {
    if (error instanceof TooBusy) return { kind: 'busy', retryAfter: retryWhenBusy }
    throw error
  }
}

/**
 * Slows guessers down. Failures are counted by name and address, and by address; at the limit, nothing is checked for a
 * while. Guesses that are being checked take places beside the failures, so that those sent in parallel do not slip by;
 * a login that finds no place waits a second, and nobody is shut out for what has not failed.
 */
export class Throttle {
  readonly #counts: Counts
  readonly #limits: Required<Pick<ThrottleOptions, 'perLogin' | 'perAddress' | 'block'>>
  /** The guesses that are being checked here, by the key of their count. */
  readonly #places = new Map<string, Places>()
  readonly #share = singleFlight<Outcome>()

  constructor (counts: Counts, { perLogin = 10, perAddress = 100, block = 900 }: ThrottleOptions) {
    this.#counts = counts
    this.#limits = { perLogin, perAddress, block }
  }

  /**
   * Checks a guess unless its name or address is shut out. If `check` throws, that is a failure too: otherwise it would
   * be a way to guess unseen.
   */
  readonly tryGuess: TryGuess = async (guess, check) => {
    if (!guess.sharesAnswer) return await this.#tryOne(guess, check)
    return await this.#share(`${guess.key} ${guess.address}`, async () => await this.#tryOne(guess, check))
  }

  async #tryOne (guess: Guess, check: () => Promise<boolean>): Promise<Outcome> {
    const [address, login] = keysOf(guess)
    // The address first: once it is shut out, the names that it makes up leave no trace.
    const retryAfter = await this.#enter(address, this.#limits.perAddress, guess.key) ||
      await this.#enterLogin(login, address, guess.key)
    if (retryAfter > 0) return { kind: 'throttled', retryAfter }

    let outcome: Outcome = { kind: 'wrong' }
    try {
      outcome = await withoutThrottle(guess, check)
    } finally {
      if (outcome.kind === 'wrong') await this.#countFailure(address, this.#limits.perAddress)
      if (outcome.kind === 'wrong') await this.#countFailure(login, this.#limits.perLogin)
      // A right login forgives the failures of its name from its address; those with other names stay.
      if (outcome.kind === 'right') await this.#counts.run((limiter) => limiter.delete(login))
      this.#leave(address, guess.key)
      this.#leave(login, guess.key)
    }
    return outcome
  }

  async #enterLogin (login: string, address: string, guess: string): Promise<number> {
    const retryAfter = await this.#enter(login, this.#limits.perLogin, guess)
    if (retryAfter > 0) this.#leave(address, guess)
    return retryAfter
  }

  /** Takes a place. Answers the seconds to wait when there is none, else 0. */
  async #enter (key: string, limit: number, guess: string): Promise<number> {
    // Before the count is asked for: a guess that fails meanwhile is counted before it gives up its place.
    let places = this.#places.get(key)
    if (places === undefined) this.#places.set(key, places = new Places())
    const place = places.take(guess)
    const count = await this.#counts.run((limiter) => limiter.get(key))
    const { consumedPoints, msBeforeNext } = count ?? { consumedPoints: 0, msBeforeNext: 0 }
    const failures = msBeforeNext > 0 ? consumedPoints : 0
    if (failures >= limit) {
      this.#leave(key, guess)
      return Math.min(Math.ceil(msBeforeNext / 1000), this.#limits.block) // more than that is a clock that was set back
    }
    if (failures + place > limit) {
      this.#leave(key, guess)
      return 1
    }
    return 0
  }

  async #countFailure (key: string, limit: number): Promise<void> {
    const { consumedPoints } = await this.#counts.run((limiter) => limiter.consume(key))
    if (consumedPoints < limit) return
    await this.#counts.run((limiter) => limiter.set(key, consumedPoints, this.#limits.block))
  }

  #leave (key: string, guess: string): void {
    const places = this.#places.get(key)!
    if (places.leave(guess) === 0) this.#places.delete(key)
  }
}

/** Guesses that are being checked. Equal ones share a place: a page of twenty parts is one login. */
class Places {
  readonly #taken = new Map<string, { place: number, inside: number }>()

  /** Answers the place: how many different guesses are being checked, this one included. */
  take (guess: string): number {
    const taken = this.#taken.get(guess) ?? { place: this.#taken.size + 1, inside: 0 }
    taken.inside++
    this.#taken.set(guess, taken)
    return taken.place
  }

  /** Answers how many places are still taken. */
  leave (guess: string): number {
    const taken = this.#taken.get(guess)!
    taken.inside--
    if (taken.inside === 0) this.#taken.delete(guess)
    return this.#taken.size
  }
}

/** The keys of a guess's two counts: of one length, and with no name or address to be read in them. */
function keysOf ({ name, address }: Guess): [address: string, login: string] {
  const network = networkOf(address)
  return [`a${hash('sha256', network, 'base64')}`, `l${hash('sha256', `${network} ${name}`, 'base64')}`]
}

/** An IPv4 address, or the /64 of an IPv6 address: whoever has one address of a /64 has all of them. */
function networkOf (address: string | undefined): string {
  if (address === undefined) return 'socket' // a Unix socket has no address
  const bare = address.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2') // some proxies add the port
  if (!ipaddr.isValid(bare)) return bare // what a proxy made up
  const parsed = ipaddr.process(bare) // an IPv4 address mapped into IPv6 is that IPv4 address
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  // RFC 6052: behind a NAT64, the last 32 bits are the IPv4 address.
  if (parsed.range() === 'rfc6052') return new ipaddr.IPv4(parsed.toByteArray().slice(12)).toString()
  return parsed.parts.slice(0, 4).join(':')
}

/**
 * Keeps the refusals of guessers back for a while: a client that guesses in a closed loop then sends a request a
 * second, not a thousand.
 */
export class HeldAnswers {
  /** More than these are answered at once, so that nobody ties up memory by guessing. */
  static readonly most = 1000
  readonly #milliseconds: number
  readonly #held = new Map<() => void, NodeJS.Timeout>()
  #isOpen = true

  constructor (seconds: number) {
    this.#milliseconds = seconds * 1000
  }

  /** Waits before an answer may go out. */
  async hold (): Promise<void> {
    if (this.#milliseconds === 0 || !this.#isOpen || this.#held.size >= HeldAnswers.most) return
    await new Promise<void>((resolve) => {
      const answer = (): void => {
        clearTimeout(this.#held.get(answer))
        this.#held.delete(answer)
        resolve()
      }
      this.#held.set(answer, setTimeout(answer, this.#milliseconds))
    })
  }

  /** Lets all answers go, when the app closes. */
  release (): void {
    this.#isOpen = false
    for (const answer of [...this.#held.keys()]) answer()
  }
}
