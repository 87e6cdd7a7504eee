import type { FastifyReply, FastifyRequest } from 'fastify'
import { createPerContext } from '../../lib/per-context.ts'
import type { GroupLookup } from './accounts/groups.ts'
import { sendsBasic } from './authorization.ts'
import { keepPrivate } from './cache-control.ts'
import { isCrossSite } from './cross-site.ts'
import { CrossSite, NotInGroup } from './errors.ts'
import type { Login } from './login.ts'
import { failCheck } from './login-log.ts'
import type { User } from './options.ts'

/** A guard's demand: any login, a login if there is one, or one of a member of these groups. */
export type Needs = 'login' | 'optional' | readonly string[]

/**
 * Where a request stands. `null`: no guard has seen it; `'refused'`: one has, and has not admitted it (yet);
 * `'anonymous'`: `optionalAuth` let it through without a login; a guard: the one that admitted it.
 */
export type Standing = null | 'refused' | 'anonymous' | Guard

export const standing = Symbol('fastify-quickstart/auth: standing')

/** The guard of each context that the plugin is registered in. */
export const guards = createPerContext<Guard>('fastify-quickstart/auth')

/** The rules that a guard goes by; each has a file of its own. */
export interface GuardRules {
  login: Login
  writeChallenge: (request: FastifyRequest) => string
  findGroups: GroupLookup
  isTrustedOrigin: (origin: string) => boolean
  /** The request's property that takes the user. */
  userProperty: string
}

type Done = (error?: Error) => void

/** Decides about one guarded request after the other: read `admit` from top to bottom. */
export class Guard {
  readonly #rules: GuardRules
  /** The request's property that takes the user. */
  readonly userProperty: string

  constructor (rules: GuardRules) {
    this.#rules = rules
    this.userProperty = rules.userProperty
  }

  /** Lets a request in that has what is needed, and refuses any other. */
  admit (needs: Needs, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (request[standing] === this) { // admitted already: by `protect`, or in front of the plugin
      this.#letIn(this.readUser(request), needs, request, done)
      return
    }
    request[standing] = 'refused'
    keepPrivate(reply, () => request[standing] !== 'refused')
    if (isCrossSite(request, this.#rules.isTrustedOrigin)) {
      done(new CrossSite())
      return
    }
    if (needs === 'optional' && !sendsBasic(request)) {
      request[standing] = 'anonymous'
      done()
      return
    }
    const remembered = this.#rules.login.recall(request)
    const user = remembered === null ? this.#logIn(request, reply) : this.#findUser(remembered, request)
    if (!(user instanceof Promise)) {
      this.#letIn(user, needs, request, done) // synchronous: a promise would cost more than the check
      return
    }
    user.then((user) => this.#letIn(user, needs, request, done), (error: Error & { statusCode?: number }) => {
      if (error.statusCode === 401) reply.header('www-authenticate', this.#rules.writeChallenge(request))
      done(error)
    })
  }

  async #logIn (request: FastifyRequest, reply: FastifyReply): Promise<User> {
    return await this.#findUser(await this.#rules.login.logIn(request, reply), request)
  }

  #findUser (name: string, request: FastifyRequest): User | Promise<User> {
    const groups = this.#rules.findGroups(name, request)
    if (!(groups instanceof Promise)) return { name, groups }
    return groups.then((groups) => ({ name, groups }), (error: unknown) => failCheck(error, name, request))
  }

  #letIn (user: User, needs: Needs, request: FastifyRequest, done: Done): void {
    readUsers(request)[this.userProperty] = user
    if (typeof needs !== 'string' && !user.groups.some((group) => needs.includes(group))) {
      request[standing] = 'refused'
      done(new NotInGroup())
      return
    }
    request[standing] = this
    done()
  }

  /** Has the browser forget its login, by the challenge that goes with a 401. Nobody is logged in from here on. */
  forget (request: FastifyRequest, reply: FastifyReply): void {
    reply.header('www-authenticate', this.#rules.writeChallenge(request))
    readUsers(request)[this.userProperty] = null
  }

  /** Returns who has been admitted. */
  readonly readUser = (request: FastifyRequest): User => readUsers(request)[this.userProperty]!
}

function readUsers (request: FastifyRequest): Record<string, User | null> {
  // The property has a name that is an option, and so not known to the type.
  return request as unknown as Record<string, User | null>
}
