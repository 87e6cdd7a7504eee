/** What the app and the command need of auth beyond its public interface. The package does not export it. */
import type { FastifyInstance } from 'fastify'
import { guards, type LoginCounts } from './guard.ts'
import type { HashingLoad } from './accounts/passwords.ts'

export { parseHtpasswd, withUser } from './accounts/htpasswd.ts'
export { isSupportedHash, nameProblem, passwordProblem } from './accounts/passwords.ts'
export { loginNeeds } from './protect.ts'

/** The logins of a context and of those around it since the start, by outcome, and the passwords being hashed now. */
export function loginCounts (app: FastifyInstance): { outcomes: LoginCounts, hashing: HashingLoad } {
  const outcomes = { remembered: 0, right: 0, wrong: 0, throttled: 0, busy: 0 }
  const hashing = { running: 0, waiting: 0 }
  for (const guard of guards.all(app)) {
    // Its keys are those of LoginCounts.
    for (const outcome of Object.keys(outcomes) as Array<keyof LoginCounts>) outcomes[outcome] += guard.counts[outcome]
    hashing.running += guard.hashing.running
    hashing.waiting += guard.hashing.waiting
  }
  return { outcomes, hashing }
}
