// How an answer is sent: as events while it comes, or in one piece.
import { finished, PassThrough, pipeline } from 'node:stream'

export const eventHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'private, no-store',
  'x-accel-buffering': 'no' // nginx passes each event on at once
}

/**
 * Makes a stream of texts, with comments in between: no proxy is to take a slow model for a dead one.
 *
 * @param {AsyncIterable<string>} texts
 * @param {AbortSignal} signal
 */
export function eventStream (texts, signal) {
  const stream = new PassThrough()
  const heartbeat = setInterval(() => stream.writableNeedDrain || stream.write(': the model is at work\n\n'), 15_000)
  // A client that does not read is not waited for.
  signal.addEventListener('abort', () => setTimeout(() => stream.destroy(), 5000).unref(), { once: true })
  pipeline(texts, stream, () => clearInterval(heartbeat))
  return stream
}

/**
 * Waits for the end of a response, or of its connection: a response that waits behind another one (pipelining) has no
 * socket yet, and hears nothing of that.
 */
export function untilOver (response, socket) {
  return new Promise((resolve) => {
    const end = () => {
      socket.off('close', end)
      resolve()
    }
    finished(response, end)
    socket.once('close', end)
    if (socket.destroyed) end()
  })
}

/** Lifts the server's limit for idle connections while an answer is told: who waits for a turn may hear nothing. */
export async function * keepOpen (steps, socket, milliseconds) {
  socket.setTimeout(0)
  try {
    yield * steps
  } finally {
    socket.setTimeout(milliseconds)
  }
}

/** The events of an answer as text/event-stream has them; an error is the last one. */
export async function * toEvents (steps) {
  try {
    for await (const { event, ...data } of steps) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  } catch ({ statusCode, message }) {
    yield `event: error\ndata: ${JSON.stringify({ statusCode, message })}\n\n`
  }
}

/** The same in one piece: the answer's text, and what there is to say of it. */
export async function wholeAnswer (steps) {
  const texts = { token: '', thinking: '' }
  let end
  for await (const step of steps) {
    if (step.event in texts) texts[step.event] += step.text
    else end = step
  }
  const { message: notice, reason, id } = end
  return { answer: texts.token, ...(texts.thinking && { thinking: texts.thinking }), notice, reason, id }
}
