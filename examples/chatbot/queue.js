import { setImmediate as letOthers } from 'node:timers/promises'
import { AnswerError, limitAnswer } from './limits.js'

/** Milliseconds between two looks at who waits where. */
const betweenPlaces = 500

/**
 * Who is answered when, and for how long.
 *
 * Each user has one answer at a time, and one a round: somebody with ten questions does not hold up nine others.
 * Within a round, who came first is first. A question costs the same however many wait: all of them stand in one
 * sorted line, and twice a second at most those whose place is another one are told.
 */
export class FairQueue {
  #limits
  #line = [] // all that wait, in the order of their rounds and numbers
  #users = new Map() // name → questions that wait, the one that is answered, and the round of the next one
  #answering = new Set()
  #round = 0
  #number = 0
  #secondsEach // of an answer, as the last ones took
  #placesTimer
  #placesTold = 0
  #hasMoved = false // since the places were told
  #closed

  /** @param {object} limits the MODEL_* of settings.js from MODEL_SLOTS on */
  constructor (limits) {
    this.#limits = limits
  }

  /** How many are answered, and how many wait. */
  get now () {
    return { answering: this.#answering.size, waiting: this.#line.length }
  }

  /**
   * Puts a question into the queue and tells its story: `{ event: 'place', place, seconds }` while it waits (0: its
   * turn has come), `{ event: 'token', text }` for each piece of the answer and `{ event: 'thinking', text }` for what
   * the model thinks before, and `{ event: 'done', reason, message }`, with a reason where the answer is not as usual.
   *
   * @param {string} user who asks
   * @param {AbortController} controller its abort takes the question out of the queue, or stops the answer
   * @param {(signal: AbortSignal) => AsyncIterable<string | object>} run asks the model. It yields text,
   * `{ thinking: text }`, `{ reason }` as the end, and `{ loading: seconds }` where the next piece may take that long
   * @throws {AnswerError} 429 at once where the user has enough waiting; later on whatever ends the story early
   */
  answer (user, controller, run) {
    if (this.#closed !== undefined) throw this.#closed
    const account = this.#users.get(user) ?? { waiting: [], answered: undefined, nextRound: 0 }
    const most = this.#limits.MODEL_WAITING
    if (account.waiting.length >= most) {
      const message = `Too many questions at once: ${most} of yours are waiting. Ask again when one is answered.`
      throw new AnswerError(429, message, { retryAfter: 5 })
    }
    this.#users.set(user, account)
    const question = { user, account, controller, number: ++this.#number, place: undefined, wake: () => {} }
    account.waiting.push(question)
    this.#rank(account)
    controller.signal.addEventListener('abort', () => this.#leave(question), { once: true })
    this.#advance()
    return this.#tell(question, run)
  }

  /** Ends the stories of all, for this reason, and refuses what comes later. */
  close (reason) {
    this.#closed = reason
    for (const { controller } of [...this.#line, ...this.#answering]) controller.abort(reason)
  }

  async * #tell (question, run) {
    const { controller, controller: { signal } } = question
    try {
      for (let told; told !== 0;) {
        signal.throwIfAborted()
        const { place, seconds } = question
        if (place === told) await new Promise((resolve) => { question.wake = resolve })
        else yield { event: 'place', place: told = place, ...(seconds && { seconds }) }
      }
      signal.throwIfAborted()
      yield * limitAnswer(run(signal), controller, this.#limits)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new AnswerError(502, 'The model failed to answer.', { cause: error })
    } finally {
      this.#leave(question)
    }
  }

  #leave (question) {
    const { user, account, account: { waiting } } = question
    if (account.answered === question) {
      account.answered = undefined
      this.#answering.delete(question)
      const seconds = (performance.now() - question.since) / 1000
      this.#secondsEach = this.#secondsEach === undefined ? seconds : 0.8 * this.#secondsEach + 0.2 * seconds
    } else if (waiting.includes(question)) {
      this.#take(question)
      waiting.splice(waiting.indexOf(question), 1)
    } else return // it left before
    if (waiting.length > 0) this.#rank(account)
    // Whose next round has come anyway needs no memory.
    else if (account.answered === undefined && account.nextRound <= this.#round) this.#users.delete(user)
    question.wake()
    this.#advance()
  }

  /** Gives free slots to those whose turn it is. */
  #advance () {
    while (this.#answering.size < this.#limits.MODEL_SLOTS) {
      const question = this.#line.find(({ account }) => account.answered === undefined)
      if (question === undefined) break
      const { account } = question
      this.#take(question)
      account.waiting.shift()
      account.answered = question
      account.nextRound = question.round + 1
      this.#answering.add(question)
      if (question.round > this.#round) this.#beginRound(question.round)
      Object.assign(question, { place: 0, seconds: undefined, since: performance.now() }).wake()
    }
    this.#hasMoved = true
    this.#tellPlacesSoon()
  }

  #beginRound (round) {
    this.#round = round
    for (const [user, { waiting, answered, nextRound }] of this.#users) {
      if (waiting.length === 0 && answered === undefined && nextRound <= round) this.#users.delete(user)
    }
  }

  #tellPlacesSoon () {
    if (this.#line.length === 0 || this.#placesTimer !== undefined) return
    const wait = Math.max(0, this.#placesTold + betweenPlaces - performance.now())
    this.#placesTimer = setTimeout(() => this.#tellPlaces(), wait)
  }

  /** Some at a time, so that nobody else waits for it. Whom it misses when the line moves is told the next time. */
  async #tellPlaces () {
    this.#hasMoved = false
    for (let index = 0; index < this.#line.length; index++) {
      if (index % 50 === 49) await letOthers()
      const question = this.#line[index]
      if (question === undefined || question.place === index + 1) continue
      question.place = index + 1
      const seconds = this.#secondsEach * question.place / this.#limits.MODEL_SLOTS
      question.seconds = seconds >= 1 ? Math.round(seconds) : undefined
      question.wake()
    }
    this.#placesTold = performance.now()
    this.#placesTimer = undefined
    if (this.#hasMoved) this.#tellPlacesSoon()
  }

  /** Puts a user's questions where they belong: the first is due in the user's next round, each other a round later. */
  #rank ({ waiting, nextRound }) {
    for (const [index, question] of waiting.entries()) {
      const round = Math.max(this.#round, nextRound) + index
      if (question.round === round) continue
      if (question.round !== undefined) this.#take(question)
      question.round = round
      this.#line.splice(this.#indexFor(question), 0, question)
    }
  }

  #take (question) {
    this.#line.splice(this.#indexFor(question), 1)
  }

  /** Where a question stands in the line, or is to stand. */
  #indexFor ({ round, number }) {
    let from = 0
    for (let to = this.#line.length; from < to;) {
      const middle = (from + to) >> 1
      const other = this.#line[middle]
      if (other.round < round || (other.round === round && other.number < number)) from = middle + 1
      else to = middle
    }
    return from
  }
}
