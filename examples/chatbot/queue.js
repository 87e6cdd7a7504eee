import { EventEmitter, once } from 'node:events'
import { PassThrough, pipeline } from 'node:stream'

/** An error whose message the person who asked may read. */
export class AnswerError extends Error {
  constructor (message, statusCode, options) {
    super(message, options)
    this.statusCode = statusCode
  }
}

/**
 * The messages for the model, out of what a client sent: `{ question, history }`.
 *
 * @throws {AnswerError} 400 for what does not fit, 413 for what is too long
 */
export function conversationOf (body, { MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH }) {
  const { question, history = [] } = Object(body)
  const messages = typeof history === 'string' ? parse(history) : history // as text in a form
  if (!Array.isArray(messages) || !messages.every(isMessage)) {
    throw new AnswerError('The history is not a list of { role: "user" or "assistant", content: text }.', 400)
  }
  if (typeof question !== 'string' || question.trim() === '') throw new AnswerError('There is no question.', 400)
  // A form sends line breaks as CR LF.
  const text = question.replaceAll('\r\n', '\n')
  checkLength('question', text.length, MODEL_QUESTION_LENGTH, 'Shorten it.')
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0)
  checkLength('conversation', characters, MODEL_HISTORY_LENGTH, 'Start a new one.')
  return [...messages.map(({ role, content }) => ({ role, content })), { role: 'user', content: text }]
}

function isMessage (message) {
  const { role, content } = Object(message)
  return (role === 'user' || role === 'assistant') && typeof content === 'string'
}

function checkLength (what, length, most, advice) {
  if (length <= most) return
  throw new AnswerError(`The ${what} has ${length} characters; at most ${most} are taken. ${advice}`, 413)
}

function parse (text) {
  try {
    return JSON.parse(text || '[]')
  } catch {
    return undefined
  }
}

/**
 * Who is answered when, and for how long.
 *
 * Each user has one answer at a time, and one a round: somebody with ten questions does not hold up nine others.
 * Within a round, who came first is first.
 */
export class FairQueue {
  #settings
  #freeSlots
  /** Each user who asks, or was answered in this round: `{ name, answering, waiting, round }`. */
  #users = new Map()
  #round = 0
  #arrivals = 0

  /** @param {object} settings those of server.js */
  constructor (settings) {
    this.#settings = settings
    this.#freeSlots = settings.MODEL_SLOTS
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
    const ticket = this.#join(user)
    controller.signal.addEventListener('abort', () => this.#leave(ticket), { once: true })
    return this.#tell(ticket, controller, run)
  }

  async * #tell (ticket, controller, run) {
    const { signal } = controller
    try {
      for (let told; ticket.place > 0;) {
        if (ticket.place === told) await once(ticket, 'move', { signal })
        else yield { event: 'place', place: told = ticket.place }
      }
      yield { event: 'place', place: 0 }
      signal.throwIfAborted()
      yield * this.#limited(run(signal), controller)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new AnswerError('The model failed to answer. Try again.', 502, { cause: error })
    } finally {
      this.#leave(ticket)
    }
  }

  /** The model's answer, until it ends or reaches a limit. Does not depend on the model's listening to the signal. */
  async * #limited (answer, controller) {
    const pieces = answer[Symbol.asyncIterator]()
    const { MODEL_ANSWER_LENGTH: most, MODEL_ANSWER_SECONDS: whole, MODEL_SILENT_SECONDS: silent } = this.#settings
    const stopAfter = (seconds, message) =>
      setTimeout(() => controller.abort(new AnswerError(message, 504)), seconds * 1000)
    const end = stopAfter(whole, `The answer took longer than ${whole} seconds and was stopped.`)
    const silence = stopAfter(silent, `The model wrote nothing for ${silent} seconds and was stopped.`)
    const aborted = once(controller.signal, 'abort').then(() => { throw controller.signal.reason })
    aborted.catch(() => {}) // heard below, where somebody still waits

    try {
      for (let length = 0; ;) {
        const { done, value: text } = await Promise.race([pieces.next(), aborted])
        if (done) break
        if (typeof text !== 'string') throw new TypeError(`the model yielded ${typeof text}; expected text`)
        silence.refresh()
        yield { event: 'token', text: text.slice(0, most - length) }
        length += text.length
        if (length > most) {
          yield { event: 'done', message: `The answer was cut after ${most} characters.` }
          return
        }
      }
      yield { event: 'done' }
    } finally {
      clearTimeout(end)
      clearTimeout(silence)
      // Not awaited: a model that does not listen would keep us here.
      pieces.return?.().catch(() => {})
    }
  }

  #join (name) {
    const most = this.#settings.MODEL_WAITING
    const user = this.#users.get(name) ?? { name, answering: false, waiting: [], round: 0 }
    if (user.waiting.length >= most) {
      const message = `Too many questions at once: ${most} of yours are waiting. Ask again when one is answered.`
      throw Object.assign(new AnswerError(message, 429), { retryAfter: 5 })
    }
    // Who comes back has missed the rounds in between.
    if (user.waiting.length === 0) user.round = Math.max(user.round, this.#round)
    const arrival = this.#arrivals++
    const ticket = Object.assign(new EventEmitter(), { user, arrival, place: Infinity, hasLeft: false })
    user.waiting.push(ticket)
    this.#users.set(name, user)
    this.#advance()
    return ticket
  }

  #leave (ticket) {
    if (ticket.hasLeft) return
    ticket.hasLeft = true
    const { user } = ticket
    if (ticket.place === 0) {
      user.answering = false
      this.#freeSlots++
    } else {
      user.waiting.splice(user.waiting.indexOf(ticket), 1)
    }
    this.#advance()
  }

  /** Gives free slots to the questions whose turn it is, and tells the others their places. */
  #advance () {
    while (this.#freeSlots > 0) {
      const ticket = this.#line().find(({ user }) => !user.answering)
      if (ticket === undefined) break
      const { user } = ticket
      this.#freeSlots--
      this.#round = Math.max(this.#round, user.round)
      user.round++
      user.answering = true
      user.waiting.shift()
      moveTo(0, ticket)
    }
    for (const [index, ticket] of this.#line().entries()) moveTo(index + 1, ticket)
    for (const { name, answering, waiting, round } of this.#users.values()) {
      if (!answering && waiting.length === 0 && round <= this.#round) this.#users.delete(name)
    }
  }

  /** All that wait, in their order. A user's first question has its turn in `round`, the second one round later. */
  #line () {
    return [...this.#users.values()]
      .flatMap(({ waiting, round }) => waiting.map((ticket, index) => ({ ticket, round: round + index })))
      .sort((one, other) => one.round - other.round || one.ticket.arrival - other.ticket.arrival)
      .map(({ ticket }) => ticket)
  }
}

function moveTo (place, ticket) {
  if (ticket.place === place) return
  ticket.place = place
  ticket.emit('move')
}

/**
 * An answer as server-sent events: one for each step, and a comment every 15 seconds, so that nobody on the way takes a
 * slow model for a dead one.
 *
 * @param {AsyncIterable<{ event: string }>} steps
 * @param {AbortSignal} signal fired when the answer is stopped
 * @param {(error: Error) => void} onError is told what an `error` event tells the client
 */
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
