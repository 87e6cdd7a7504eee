/** How many answers may be held at once. Past that they go out at once: nobody ties up memory by guessing. */
const most = 1000

/**
 * Holds the refusals of guessers back for a while. A client that guesses in a closed loop then sends a request
 * a second, not a thousand, and the event loop stays free for everybody else.
 */
export class HeldAnswers {
  #milliseconds: number
  readonly #held = new Map<() => void, NodeJS.Timeout>()

  constructor (seconds: number) {
    this.#milliseconds = seconds * 1000
  }

  /** Calls `answer` later, or at once when there are too many already. */
  hold (answer: () => void): void {
    if (this.#milliseconds === 0 || this.#held.size >= most) {
      answer()
      return
    }
    this.#held.set(answer, setTimeout(() => {
      this.#held.delete(answer)
      answer()
    }, this.#milliseconds))
  }

  /** Lets all of them go, when the app closes. */
  release (): void {
    for (const [answer, timer] of this.#held) {
      clearTimeout(timer)
      answer()
    }
    this.#held.clear()
    this.#milliseconds = 0
  }
}
