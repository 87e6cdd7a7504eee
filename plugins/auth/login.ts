import { hash, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LruMap } from 'toad-cache'
import { copyString } from '../../lib/own-memory.ts'
import type { Accounts } from './accounts/accounts.ts'
import { type Credentials, readAuthorization, type ReadCredentials } from './authorization.ts'
import { LoginFailed, LoginRequired, TooBusy, TooManyFailures } from './errors.ts'
import type { HeldAnswers } from './held-answers.ts'
import { describeClient, failCheck } from './login-log.ts'
import { findNetwork, type Guess, type Throttle, type Verdict } from './throttle.ts'

/** The rules that a login goes by; each has a file of its own. */
export interface LoginRules {
  readCredentials: ReadCredentials
  accounts: Accounts
  /** How many right logins are remembered and for how many seconds; false for none. */
  memory: { max: number, ttl: number } | false
  throttle: Throttle
  held: HeldAnswers
}

/** The logins since the start, by outcome. */
export interface LoginCounts {
  remembered: number
  right: number
  wrong: number
  throttled: number
  busy: number
}

/** A login that was right: whose it is, and the hash that it was checked against. Another hash makes it void. */
interface KnownLogin {
  name: string
  stored: string
}

/** Seconds after which a login that found the queue of hashes full may try again. */
const retryWhenBusy = 2

/** Whether the name and password of a request are right: read `recall` and `logIn` from top to bottom. */
export class Login {
  readonly counts: LoginCounts = { remembered: 0, right: 0, wrong: 0, throttled: 0, busy: 0 }
  readonly #rules: LoginRules
  readonly #computeMac = createMac()
  /**
   * Right logins by the MAC of them and of the network they came from: no password is kept, and nothing of a login that
   * was wrong. From another network they are checked anew: whoever is shut out there would learn which guess is right.
   */
  readonly #remembered: LruMap<KnownLogin> | null

  constructor (rules: LoginRules) {
    const { memory } = rules
    this.#rules = rules
    this.#remembered = memory === false ? null : new LruMap(memory.max, memory.ttl * 1000)
  }

  /**
   * Returns whose remembered login a request carries, or null for a login that must be checked. Synchronous: a promise
   * would cost more than the rest of it.
   */
  recall (request: FastifyRequest): string | null {
    const { findNow } = this.#rules.accounts
    const authorization = readAuthorization(request)
    if (authorization === undefined || findNow === undefined) return null
    const known = this.#remembered?.get(this.#computeMemoryKey(authorization, request))
    return this.#useRemembered(known, known && findNow(known.name, request))
  }

  /** Checks the login that a request carries. Returns whose it is, or throws the refusal. */
  async logIn (request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const { readCredentials, accounts, throttle } = this.#rules
    const credentials = readCredentials(request, reply)
    if (credentials === null) throw new LoginRequired()
    const { name } = credentials
    const fail = (error: unknown): never => failCheck(error, name, request)

    // It may be remembered: in a header spelled another way, or of a user whom the host's function must find. Any other
    // login is not looked up before the throttle lets it in.
    const authorization = writeAuthorization(credentials)
    const memoryKey = this.#computeMemoryKey(authorization, request)
    const known = this.#remembered?.get(memoryKey)
    const stored = known && await accounts.find(name, request).catch(fail)
    if (this.#useRemembered(known, stored) !== null) return name

    const guess = { name, address: request.ip, key: this.#computeMac(authorization) }
    const seconds = await throttle.enter(guess).catch(fail)
    if (seconds > 0) {
      this.counts.throttled++
      request.log.warn(describeClient(name, request), 'login refused after too many failures')
      throw await this.#holdBack(new TooManyFailures(), seconds, reply)
    }
    const outcome = await this.#check(guess, { password: credentials.password, memoryKey }, stored, request).catch(fail)
    this.counts[outcome]++
    if (outcome === 'busy') {
      request.log.warn(describeClient(name, request), 'login refused, too many are being checked')
      throw await this.#holdBack(new TooBusy(), retryWhenBusy, reply)
    }
    if (outcome === 'wrong') {
      request.log.warn(describeClient(name, request), 'login failed')
      throw new LoginFailed()
    }
    return name
  }

  /** Returns whose remembered login it is, and counts it; null for none, and where another hash is stored by now. */
  #useRemembered (known: KnownLogin | undefined, stored: unknown): string | null {
    if (known === undefined || known.stored !== stored) return null
    this.counts.remembered++
    return known.name
  }

  /**
   * Checks a guess that the throttle has let in, and settles it, however the check ends.
   *
   * @param found what is stored for the name; undefined where it has not been looked up
   */
  async #check (
    guess: Guess,
    { password, memoryKey }: { password: string, memoryKey: string },
    found: string | null | undefined,
    request: FastifyRequest
  ): Promise<'right' | 'wrong' | 'busy'> {
    const { accounts, throttle } = this.#rules
    const { name } = guess
    let isCounted = false // stays so where the users cannot be asked
    let outcome: Verdict | 'busy' = 'uncounted'
    try {
      const stored = found === undefined ? await accounts.find(name, request) : found
      const check = accounts.check({ name, password, stored, key: guess.key, request })
      isCounted = check.isFirst // of equal logins that come together
      outcome = await check.result ? 'right' : 'wrong'
      if (outcome === 'right' && stored !== null) this.#remember(memoryKey, name, stored)
    } catch (error) {
      // Busy is no failure. A check that throws is one: otherwise it would be a way to guess unseen.
      outcome = error instanceof TooBusy ? 'busy' : 'wrong'
      if (outcome === 'wrong') throw error
    } finally {
      await throttle.settle(guess, isCounted && outcome !== 'busy' ? outcome : 'uncounted')
    }
    return outcome
  }

  #computeMemoryKey (authorization: string, { ip }: FastifyRequest): string {
    return this.#computeMac(`${authorization} ${findNetwork(ip)}`)
  }

  #remember (memoryKey: string, name: string, stored: string): void {
    // Copies: a part of a string keeps the whole of it in memory, here the password and the users file.
    this.#remembered?.set(memoryKey, { name: copyString(name), stored: copyString(stored) })
  }

  async #holdBack (refusal: Error, seconds: number, reply: FastifyReply): Promise<Error> {
    await this.#rules.held.hold()
    reply.header('retry-after', seconds)
    return refusal
  }
}

/**
 * Creates the function that makes what is kept instead of a login: the same for equal logins, and worthless to whoever
 * reads it. The key, of this process and this registration alone, goes in front. HMAC would add that nobody can extend
 * a message whose MAC they know; these MACs never leave the process.
 */
function createMac (): (login: string) => string {
  const key = randomBytes(32).toString('base64')
  return (login) => hash('sha256', key + login, 'base64')
}

/** Returns a login's header as nearly every client writes it. No two logins share one: a name holds no colon. */
function writeAuthorization ({ name, password }: Credentials): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}
