// How an answer is told, how long it may take, and how long it may be.

/** An error whose message the person who asked may read. */
export class AnswerError extends Error {
  constructor (statusCode, message, more) {
    super(message)
    Object.assign(this, { statusCode }, more)
  }
}

/** The notices for an answer that ended for one of these reasons. */
const notices = {
  length: 'The model reached its limit of length. There may be more to say.',
  refusal: 'The model refused to answer this.',
  tools: 'The model asked for a tool, and there is none here.',
  empty: 'The model answered nothing.'
}

/**
 * Tells a model's answer as events until it ends or reaches a limit. The model need not listen to the signal.
 *
 * @param {AsyncIterable<string | object>} answer see the queue
 * @param {AbortController} controller
 * @param {object} limits the MODEL_ANSWER_LENGTH, MODEL_ANSWER_SECONDS and MODEL_SILENT_SECONDS of settings.js
 * @throws {TypeError} for a piece that is neither text nor anything else that is known
 */
export async function * limitAnswer (answer, controller, limits) {
  const { MODEL_ANSWER_LENGTH: most, MODEL_ANSWER_SECONDS: whole, MODEL_SILENT_SECONDS: silent } = limits
  const { signal } = controller
  const pieces = answer[Symbol.asyncIterator]()
  let wake = () => {}
  signal.addEventListener('abort', () => wake({}), { once: true })
  // Not Promise.race with a promise of the abort, which would remember each piece until the answer ends.
  const next = () => new Promise((resolve, reject) => {
    wake = resolve
    pieces.next().then(resolve, reject)
  })
  const stopAfter = (seconds, message) => {
    return setTimeout(() => controller.abort(new AnswerError(504, message)), seconds * 1000)
  }
  let end, silence, reason
  const watch = () => {
    clearTimeout(silence)
    silence = stopAfter(silent, `The model wrote nothing for ${silent} seconds and was stopped.`)
    end ??= stopAfter(whole, `The answer took longer than ${whole} seconds and was stopped.`)
  }
  const waitUntilLoaded = (seconds) => {
    clearTimeout(silence)
    clearTimeout(end)
    silence = stopAfter(seconds, `The model did not load within ${seconds} seconds.`)
    end = undefined // it begins when the model has loaded
  }

  try {
    let length = 0
    let thought = 0
    watch()
    for (;;) {
      signal.throwIfAborted()
      const { done, value } = await next()
      signal.throwIfAborted()
      if (done) break
      const { thinking, loading, reason: ended } = Object(value)
      if (loading !== undefined) {
        waitUntilLoaded(loading)
        continue
      }
      watch()
      if (typeof value === 'string') {
        if (value !== '' && length < most) yield { event: 'token', text: value.slice(0, most - length) }
        length += value.length
        if (length <= most) continue
        return yield { event: 'done', reason: 'length', message: `The answer was cut after ${most} characters.` }
      }
      if (typeof thinking === 'string') {
        if (thinking !== '' && thought < most) yield { event: 'thinking', text: thinking.slice(0, most - thought) }
        thought += thinking.length
      } else if (typeof ended === 'string') {
        if (Object.hasOwn(notices, ended)) reason = ended // another one, such as stop, is the usual end
      } else throw new TypeError(`the model yielded ${typeof value}; expected text`)
    }
    if (length === 0) reason ??= 'empty'
    yield { event: 'done', ...(reason && { reason, message: notices[reason] }) }
  } finally {
    clearTimeout(end)
    clearTimeout(silence)
    pieces.return?.().catch(() => {}) // not awaited: a model that does not listen would keep us here
  }
}
