// What is written of each answer: a line in the log without its text, a count for the page /usage, and, where
// TRANSCRIPT_FILE is set, the whole of it as a line in that file.
import { randomUUID } from 'node:crypto'
import { openRecords } from './records.js'

/** Days of which the counts are kept. */
const mostDays = 90

/**
 * @param {object} settings
 * @param {string} model its name
 * @param {import('fastify').FastifyBaseLogger} log
 */
export function keepJournal (settings, model, log) {
  const transcript = settings.TRANSCRIPT_FILE ? openRecords('TRANSCRIPT_FILE', settings, log) : undefined
  const days = new Map() // day, such as 2026-05-01 in UTC → user → counts

  /**
   * Passes on what is told of an answer, the end with the answer's id, and writes it down.
   *
   * @param {AsyncIterable<object>} steps
   * @param {object} facts
   * @param {string} facts.user
   * @param {string} facts.question
   * @param {string} [facts.conversation] the id that a page has given it
   * @param {import('fastify').FastifyBaseLogger} facts.log of the request
   */
  async function * follow (steps, { user, question, conversation, log }) {
    const id = randomUUID()
    const texts = { token: '', thinking: '' }
    const came = performance.now()
    let began
    let ended = 'stopped' // unless something else is told
    let failure
    try {
      for await (const step of steps) {
        if (step.place === 0) began = performance.now()
        if (step.event in texts) texts[step.event] += step.text
        if (step.event === 'done') ended = step.reason ?? 'whole'
        yield step.event === 'done' ? { ...step, id } : step
      }
    } catch (error) {
      if (error.statusCode !== 499) failure = error
      throw error
    } finally {
      if (failure) ended = 'failed'
      const now = performance.now()
      const times = { waited: toSeconds((began ?? now) - came), answered: toSeconds(now - (began ?? now)) }
      const line = { user, model, ...times, characters: texts.token.length, ended }
      if (failure) log.error({ ...line, ...describe(failure) }, `no answer: ${reasonOf(failure)}`)
      else log.info(line, 'answer')
      count(user, line)
      const time = new Date().toISOString()
      const { token: answer, thinking } = texts
      const said = { question, answer, ...(thinking && { thinking }) }
      // Where it is lost, the log says so.
      transcript?.append({ time, user, conversation, id, ...said, model, ...times, ended }).catch(() => {})
    }
  }

  function count (user, { answered, characters }) {
    const today = new Date().toISOString().slice(0, 10)
    if (!days.has(today)) days.set(today, new Map())
    if (days.size > mostDays) days.delete(days.keys().next().value)
    const counts = days.get(today).get(user) ?? { answers: 0, seconds: 0, characters: 0 }
    days.get(today).set(user, counts)
    counts.answers++
    counts.seconds += answered
    counts.characters += characters
  }

  /** Returns the counts, the last day first. */
  function listCounts () {
    return [...days].reverse().flatMap(([day, users]) => {
      const rows = [...users].map(([user, counts]) => ({ day, user, ...counts }))
      return rows.sort((one, other) => one.user < other.user ? -1 : 1)
    })
  }

  return { follow, listCounts, close: async () => transcript?.close() }
}

function toSeconds (milliseconds) {
  return Math.round(milliseconds / 100) / 10
}

/** Anything may be thrown. A text is logged as it is. */
function reasonOf ({ cause, message }) {
  if (cause === undefined) return message
  return cause instanceof Error ? cause.message : String(cause)
}

function describe (failure) {
  const { cause = failure } = failure
  return cause instanceof Error ? { err: cause } : {}
}
