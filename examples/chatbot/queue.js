import { EventEmitter, once } from 'node:events'
import { PassThrough, pipeline } from 'node:stream'

/** An error whose message the person who asked may read. */
export class AnswerError extends Error {
  constructor (statusCode, message, more) {
    super(message)
    Object.assign(this, { statusCode }, more)
  }
}

/**
 * Who is answered when, and for how long.
 *
 * Each user has one answer at a time, and one a round: somebody with ten questions does not hold up nine others.
 * Within a round, who came first is first. It emits `move` when somebody's place may be another one.
 */
export class FairQueue extends EventEmitter {
  #limits
  #waiting = [] // questions, as they came
  #answering = new Map() // the question of each user who is being answered
  #round = 0
  #nextRounds = new Map() // the first round in which a user may be answered again

  /** @param {object} limits the MODEL_* of model.js from MODEL_SLOTS on */
  constructor (limits) {
    super()
    this.#limits = limits
    this.setMaxListeners(0)
  }

  /**
   * Puts a question into the queue and tells its story: `{ event: 'place', place }` while it waits (0: its turn has
   * come), `{ event: 'token', text }` for each piece of the answer, and `{ event: 'done' }`.
   *
   * @param {string} user who asks
   * @param {AbortController} controller its abort takes the question out of the queue, or stops the answer
   * @param {(signal: AbortSignal) => AsyncIterable<string>} run asks the model
   * @throws {AnswerError} 429 at once where the user has enough waiting; later on whatever ends the story early
   */
  answer (user, controller, run) {
    const most = this.#limits.MODEL_WAITING
    if (this.#waiting.filter((question) => question.user === user).length >= most) {
      const message = `Too many questions at once: ${most} of yours are waiting. Ask again when one is answered.`
      throw new AnswerError(429, message, { retryAfter: 5 })
    }
    const question = { user, controller }
    this.#waiting.push(question)
    controller.signal.addEventListener('abort', () => this.#leave(question), { once: true })
    this.#advance()
    return this.#tell(question, run)
  }

  /** Ends the stories of all, for this reason. */
  close (reason) {
    for (const { controller } of [...this.#waiting, ...this.#answering.values()]) controller.abort(reason)
  }

  async * #tell (question, run) {
    const { controller, controller: { signal } } = question
    try {
      for (let told; told !== 0;) {
        const place = this.#line().indexOf(question) + 1
        if (place === told) await once(this, 'move', { signal })
        else yield { event: 'place', place: told = place }
      }
      signal.throwIfAborted()
      yield * this.#limited(run(signal), controller)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new AnswerError(502, 'The model failed to answer.', { cause: error })
    } finally {
      this.#leave(question)
    }
  }

  /** The model's answer, until it ends or reaches a limit. The model need not listen to the signal. */
  async * #limited (answer, controller) {
    const { MODEL_ANSWER_LENGTH: most, MODEL_ANSWER_SECONDS: whole, MODEL_SILENT_SECONDS: silent } = this.#limits
    const stop = (message) => controller.abort(new AnswerError(504, message))
    const pieces = answer[Symbol.asyncIterator]()
    const end = setTimeout(stop, whole * 1000, `The answer took longer than ${whole} seconds and was stopped.`)
    const silence = setTimeout(stop, silent * 1000, `The model wrote nothing for ${silent} seconds and was stopped.`)
    const aborted = once(controller.signal, 'abort')
    try {
      for (let length = 0; length <= most;) {
        const { done, value: text } = await Promise.race([pieces.next(), aborted])
        controller.signal.throwIfAborted()
        if (done) return yield { event: 'done' }
        if (typeof text !== 'string') throw new TypeError(`the model yielded ${typeof text}; expected text`)
        silence.refresh()
        yield { event: 'token', text: text.slice(0, most - length) }
        length += text.length
      }
      yield { event: 'done', message: `The answer was cut after ${most} characters.` }
    } finally {
      clearTimeout(end)
      clearTimeout(silence)
      pieces.return?.().catch(() => {}) // not awaited: a model that does not listen would keep us here
    }
  }

  #leave (question) {
    this.#waiting = this.#waiting.filter((other) => other !== question)
    if (this.#answering.get(question.user) === question) this.#answering.delete(question.user)
    this.#advance()
  }

  /** Gives free slots to those whose turn it is. */
  #advance () {
    while (this.#answering.size < this.#limits.MODEL_SLOTS) {
      const question = this.#line().find(({ user }) => !this.#answering.has(user))
      if (question === undefined) break
      this.#waiting.splice(this.#waiting.indexOf(question), 1)
      this.#answering.set(question.user, question)
      this.#round = Math.max(this.#round, question.round)
      this.#nextRounds.set(question.user, question.round + 1)
    }
    this.emit('move')
  }

  /** All that wait, in their order: a user's first question is due in the user's next round, the next a round later. */
  #line () {
    const nextRounds = new Map(this.#nextRounds)
    for (const question of this.#waiting) {
      question.round = Math.max(this.#round, nextRounds.get(question.user) ?? 0)
      nextRounds.set(question.user, question.round + 1)
    }
    return this.#waiting.toSorted((one, other) => one.round - other.round)
  }
}

export const eventHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'private, no-store',
  'x-accel-buffering': 'no' // nginx passes each event on at once
}

/** An answer as server-sent events, with comments in between: no proxy is to take a slow model for a dead one. */
export function eventStream (steps, signal, onError) {
  const stream = new PassThrough()
  const heartbeat = setInterval(() => stream.writableNeedDrain || stream.write(': the model is at work\n\n'), 15_000)
  // A client that does not read is not waited for.
  signal.addEventListener('abort', () => setTimeout(() => stream.destroy(), 5000).unref(), { once: true })

  async function * write () {
    try {
      for await (const { event, ...data } of steps) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    } catch (error) {
      onError(error)
      yield `event: error\ndata: ${JSON.stringify({ statusCode: error.statusCode, message: error.message })}\n\n`
    }
  }
  pipeline(write, stream, () => clearInterval(heartbeat))
  return stream
}

/** The same in one piece: the answer's text, and what there is to say of it. */
export async function wholeAnswer (steps) {
  const whole = { answer: '', notice: undefined }
  for await (const { text = '', message } of steps) {
    whole.answer += text
    whole.notice = message
  }
  return whole
}
