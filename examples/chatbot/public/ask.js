/** Asks the server, and yields its events: server-sent events, which EventSource of the browser reads for GET alone. */
import { EventSourceParserStream } from '../eventsource-parser/stream.js'

/**
 * @param {string} url
 * @param {{ question: string, history: string[], conversation: string }} body
 * @param {AbortSignal} signal
 * @yields {{ event: string, data: object }} place, thinking, token, done and error: docs/model.md
 * @throws where there is no answer; `isRefused` where asking the same again is of no use
 */
export async function * eventsFor (url, body, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(body),
    signal
  }).catch((error) => { throw signal.aborted ? error : new Error('The server cannot be reached.') })
  if (!response.ok) {
    const { message } = await response.json().catch(() => ({}))
    const error = new Error(message ?? `The server answered ${response.status}.`)
    throw Object.assign(error, { isRefused: [400, 413].includes(response.status) })
  }

  const texts = response.body.pipeThrough(new TextDecoderStream())
  const events = texts.pipeThrough(new EventSourceParserStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await events.read()
      if (done) break
      yield { event: value.event, data: JSON.parse(value.data) }
    }
  } catch (error) {
    if (signal.aborted) throw error // else a connection that broke, in words of the browser's
  } finally {
    events.cancel().catch(() => {})
  }
  throw new Error('The connection ended before the answer did.')
}
