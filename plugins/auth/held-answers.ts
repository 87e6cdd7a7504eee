/**
 * Holds the refusals of guessers back for a while: a client that guesses in a closed loop then sends a request a
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
