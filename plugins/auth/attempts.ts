import { QueueFull } from './hashing-queue.js'
import type { Attempt, Throttle } from './throttle.js'

/** How a login ended. `retryAfter` is in seconds. */
export type Outcome =
  | { kind: 'in' }
  | { kind: 'wrong' }
  | { kind: 'throttled', retryAfter: number }
  | { kind: 'busy', retryAfter: number }

export const letIn = { kind: 'in' } as const
const wrong: Outcome = { kind: 'wrong' }
const busy: Outcome = { kind: 'busy', retryAfter: 2 }

/** Equal logins from one address that are under way together. They are one guess, and so cost one point. */
interface Gate {
  wait: Promise<number>
  inside: number
  admitted: boolean
  /** Checks that came to an end, and were not right. */
  wrong: number
  right: boolean
}

/** Runs checks of passwords under the throttle, if there is one. */
export class Attempts {
  readonly #throttle: Throttle | null
  readonly #gates = new Map<string, Gate>()

  constructor (throttle: Throttle | null) {
    this.#throttle = throttle
  }

  /**
   * Asks the throttle, and if it agrees, checks.
   *
   * @param mac the same for equal logins
   * @param check whether the login is right; what it throws counts as a failure, or it would be a way to guess unseen
   * @param answersDiffer equal logins may be answered differently, so that each wrong answer is a failure of its own. Default `false`
   */
  async run (mac: string, attempt: Attempt, check: () => Promise<boolean>, answersDiffer = false): Promise<Outcome> {
    const key = `${mac} ${attempt.address}`
    const gate = this.#enter(key, attempt)
    return await this.#check(gate, check).finally(() => this.#leave(key, gate, attempt, answersDiffer))
  }

  async #check (gate: Gate, check: () => Promise<boolean>): Promise<Outcome> {
    const retryAfter = await gate.wait
    if (retryAfter > 0) return { kind: 'throttled', retryAfter }
    gate.admitted = true
    try {
      if (await check()) {
        gate.right = true
        return letIn
      }
      gate.wrong++
      return wrong
    } catch (error) {
      if (error instanceof QueueFull) return busy
      gate.wrong++
      throw error
    }
  }

  #enter (key: string, attempt: Attempt): Gate {
    let gate = this.#gates.get(key)
    if (gate === undefined) {
      gate = { wait: this.#throttle?.take(attempt) ?? Promise.resolve(0), inside: 0, admitted: false, wrong: 0, right: false }
      this.#gates.set(key, gate)
    }
    gate.inside++
    return gate
  }

  #close (key: string, gate: Gate): void {
    if (this.#gates.get(key) === gate) this.#gates.delete(key)
  }

  /** The last one out tells the throttle what came of it. */
  async #leave (key: string, gate: Gate, attempt: Attempt, answersDiffer: boolean): Promise<void> {
    gate.inside--
    // After a wrong answer, whoever comes now makes a guess of its own.
    if (gate.inside === 0 || (answersDiffer && gate.wrong > 0)) this.#close(key, gate)
    if (gate.inside > 0) return
    if (!gate.admitted || this.#throttle === null) return
    if (gate.right) await this.#throttle.succeeded(attempt)
    else if (gate.wrong > 0) this.#throttle.failed(attempt)
    else await this.#throttle.cancelled(attempt)

    if (!answersDiffer) return
    for (let more = gate.right ? gate.wrong : gate.wrong - 1; more > 0; more--) await this.#throttle.countFailure(attempt)
  }
}
