import type { FastifyReply, FastifyRequest } from 'fastify'
import { perContext } from '../../lib/per-context.ts'
import { authorizationOf, type Credentials, type ReadCredentials } from './authorization.ts'
import { keepPrivate } from './cache-control.ts'
import { isCrossSite } from './cross-site.ts'
import * as errors from './errors.ts'
import type { GroupLookup } from './accounts/groups.ts'
import type { HeldAnswers, Outcome, TryGuess } from './throttle.ts'
import type { Logins } from './login.ts'
import type { User } from './options.ts'
import type { HashingLoad } from './accounts/passwords.ts'

/**
 * Where a request stands. `null`: no guard has seen it; `'refused'`: one has, and has not admitted it (yet);
 * `'anonymous'`: `optionalAuth` let it through without a login; a guard: the one that admitted it.
 */
export type Standing = null | 'refused' | 'anonymous' | Guard

export const standing = Symbol('fastify-quickstart/auth: standing')

/** The guard of each context that the plugin is registered in. */
export const guards = perContext<Guard>('fastify-quickstart/auth')

/** What a guard goes by; each has a file of its own. */
export interface GuardRules {
  readCredentials: ReadCredentials
  challengeFor: (request: FastifyRequest) => string
  logins: Logins
  tryGuess: TryGuess
  held: HeldAnswers
  groupsOf: GroupLookup
  trustedOrigins: ReadonlySet<string>
  /** The request's property that takes the user. */
  userProperty: string
}

/** What each login came to, since the start. */
export interface LoginCounts {
  remembered: number
  right: number
  wrong: number
  throttled: number
  busy: number
}

/** What becomes of a login that does not get in: the line in the log, and the answer. */
const refusals = {
  wrong: { says: 'login failed', Refusal: errors.LoginFailed },
  throttled: { says: 'login refused after too many failures', Refusal: errors.TooManyFailures },
  busy: { says: 'login refused, too many are being checked', Refusal: errors.TooBusy }
}

type Done = (error?: Error) => void

/** What becomes of one request that is guarded: read `admit` from top to bottom. */
export class Guard {
  readonly #rules: GuardRules
  /** The request's property that takes the user. */
  readonly userProperty: string
  readonly counts: LoginCounts = { remembered: 0, right: 0, wrong: 0, throttled: 0, busy: 0 }

  constructor (rules: GuardRules) {
    this.#rules = rules
    this.userProperty = rules.userProperty
  }

  /** The passwords that are being hashed for it. */
  get hashing (): HashingLoad {
    return this.#rules.logins.hashing()
  }

  /**
   * Lets a request in that has a right login, and refuses any other.
   *
   * @param isOptional whether a request without any login goes on too
   */
  admit (request: FastifyRequest, reply: FastifyReply, done: Done, isOptional = false): void {
    if (request[standing] === this) {
      done() // this very guard has admitted it already, in front of the plugin or by `protect`
      return
    }
    request[standing] = 'refused'
    keepPrivate(reply, () => request[standing] !== 'refused')
    if (isCrossSite(request, this.#rules.trustedOrigins)) {
      done(new errors.CrossSite())
      return
    }
    if (isOptional && request.headers.authorization === undefined) {
      request[standing] = 'anonymous'
      done()
      return
    }
    const name = this.#rules.logins.recall(authorizationOf(request), request)
    const user = name === null ? this.#logIn(request, reply) : this.#userOf(name, request)
    if (!(user instanceof Promise)) {
      this.counts.remembered++
      this.#letIn(user, request, done) // with no promise on its way, which would cost more than the rest of it
      return
    }
    user.then((user) => this.#letIn(user, request, done), (error: Error & { statusCode?: number }) => {
      if (error.statusCode === 401) reply.header('www-authenticate', this.#rules.challengeFor(request))
      done(error)
    })
  }

  /** Checks the login that a request carries. Answers whose it is, or throws the refusal. */
  async #logIn (request: FastifyRequest, reply: FastifyReply): Promise<User> {
    const credentials = this.#rules.readCredentials(request, reply)
    if (credentials === null) throw new errors.LoginRequired()

    const { name } = credentials
    const outcome = await this.#check(credentials, request).catch((error: unknown) => checkFailed(error, name, request))
    this.counts[outcome.kind]++
    if (outcome.kind === 'remembered' || outcome.kind === 'right') return await this.#userOf(name, request)

    const { says, Refusal } = refusals[outcome.kind]
    request.log.warn({ name: printable(name), address: request.ip }, says)
    if ('retryAfter' in outcome) {
      await this.#rules.held.hold()
      reply.header('retry-after', outcome.retryAfter)
    }
    throw new Refusal()
  }

  async #check (credentials: Credentials, request: FastifyRequest): Promise<Outcome | { kind: 'remembered' }> {
    const login = await this.#rules.logins.find(credentials, request)
    if (login.isRemembered) return { kind: 'remembered' } // in a header spelled another way, or of a function's user
    return await this.#rules.tryGuess({ ...login, name: credentials.name, address: request.ip }, login.check)
  }

  #userOf (name: string, request: FastifyRequest): User | Promise<User> {
    const groups = this.#rules.groupsOf(name, request)
    if (!(groups instanceof Promise)) return { name, groups }
    return groups.then((groups) => ({ name, groups }), (error: unknown) => checkFailed(error, name, request))
  }

  #letIn (user: User, request: FastifyRequest, done: Done): void {
    request[standing] = this
    usersOf(request)[this.userProperty] = user
    done()
  }

  /** Who has been admitted. */
  readonly userOf = (request: FastifyRequest): User => usersOf(request)[this.userProperty]!

  /** Lets a user in who is in one of the groups, and nobody else. */
  admitMember (groups: readonly string[], request: FastifyRequest, reply: FastifyReply, done: Done): void {
    this.admit(request, reply, (error) => {
      if (error !== undefined) {
        done(error)
        return
      }
      if (this.userOf(request).groups.some((group) => groups.includes(group))) {
        done()
        return
      }
      request[standing] = 'refused'
      done(new errors.NotInGroup())
    })
  }
}

function usersOf (request: FastifyRequest): Record<string, User> {
  // The property has a name that is an option, and so not known to the type.
  return request as unknown as Record<string, User>
}

/** What the host's function threw is for the log alone. */
function checkFailed (error: unknown, name: string, request: FastifyRequest): never {
  request.log.error({ err: error, name: printable(name), address: request.ip }, 'the login could not be checked')
  throw new errors.CheckFailed()
}

/** Escapes what changes how a terminal shows the rest of a line: control and format characters, line separators. */
function printable (name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
