import type { FastifyInstance } from 'fastify'
import { createPerContext } from '../../lib/per-context.ts'
import type { AccountFiles } from './accounts/account-files.ts'
import type { HashingLoad } from './accounts/passwords.ts'
import type { Counts } from './failure-counts.ts'
import type { Login, LoginCounts } from './login.ts'

/** The parts of a registration that metrics ask. */
export interface Monitored {
  login: Login
  hashing: () => HashingLoad
  files: AccountFiles
  /** `undefined` without a throttle. */
  failures: Counts | undefined
}

/** The figures of each context that the plugin is registered in. */
export const monitored = createPerContext<Monitored>('fastify-quickstart/auth: monitored')

/** The logins of a context and of those around it since the start, by outcome, and the passwords being hashed now. */
export function readLoginCounts (app: FastifyInstance): { outcomes: LoginCounts, hashing: HashingLoad } {
  const outcomes = { remembered: 0, right: 0, wrong: 0, throttled: 0, busy: 0 }
  const hashing = { running: 0, waiting: 0 }
  for (const { login, hashing: load } of monitored.all(app)) {
    // Its keys are those of LoginCounts.
    for (const outcome of Object.keys(outcomes) as Array<keyof LoginCounts>) outcomes[outcome] += login.counts[outcome]
    hashing.running += load().running
    hashing.waiting += load().waiting
  }
  return { outcomes, hashing }
}

/** Whether a context, or one around it, can no longer read its users or groups: those read before are in force. */
export function areAccountsUnreadable (app: FastifyInstance): boolean {
  return monitored.all(app).some(({ files }) => files.areUnreadable())
}

/** Whether a context, or one around it, counts failed logins in memory because its Redis is away. */
export function isRedisAway (app: FastifyInstance): boolean {
  return monitored.all(app).some(({ failures }) => failures?.isAway === true)
}
