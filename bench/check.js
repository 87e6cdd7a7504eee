/** @typedef {import('./contender-process.js').Answer} Answer */

/**
 * @typedef {object} Expected
 * @property {number} status
 * @property {Buffer | string} body
 * @property {(body: Buffer) => Buffer | string} [read]
 * @property {Record<string, RegExp>} headers
 * @property {string[]} [lacks]
 */

/**
 * @typedef {object} Copied an answer that others are to send too
 * @property {Record<string, unknown>} headers
 * @property {string} body in base64
 */

/** Fields that belong to one answer or one connection, and so are not copied. */
const ownFields = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])

/**
 * Makes sure of an answer before it is timed, so that nobody wins by doing less.
 *
 * @param {string} who
 * @param {Answer} answer
 * @param {Expected} expected
 */
export function checkAnswer (who, answer, { status, body, read = (bytes) => bytes, headers, lacks = [] }) {
  if (answer.status !== status) throw new Error(`${who} answers ${answer.status} instead of ${status}`)
  const got = read(answer.body)
  if (!Buffer.from(got).equals(Buffer.from(body))) {
    const [is, shouldBe] = [got.toString(), body.toString()]
    const from = Math.max(0, Array.from(is).findIndex((character, index) => character !== shouldBe[index]) - 20)
    const shown = (/** @type {string} */ text) => JSON.stringify(text.slice(from, from + 120))
    throw new Error(`${who} answers other bytes than expected, from ${from} on: ${shown(is)} instead of ${shown(shouldBe)}`)
  }
  for (const [name, pattern] of Object.entries(headers)) {
    if (lacks.includes(name)) continue
    const value = String(answer.headers[name] ?? '')
    // What lacks the charset alone still has the type.
    const tested = name === 'content-type' && lacks.includes('charset') ? `${value.split(';')[0]}; charset=utf-8` : value
    if (!pattern.test(tested)) throw new Error(`${who} answers with ${name}: ${JSON.stringify(value)}, which does not match ${pattern}`)
  }
}

/**
 * Copies what others are to send to be compared with this answer: the request id is then always the same.
 *
 * @param {Answer} answer
 * @returns {Copied}
 */
export function copyAnswer ({ headers, body }) {
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ownFields.has(name))),
    body: body.toString('base64')
  }
}

/**
 * Makes sure that an answer has the very fields and bytes of another one.
 *
 * @param {string} who
 * @param {Answer} answer
 * @param {Copied} copied
 */
export function checkCopy (who, answer, copied) {
  const own = copyAnswer(answer)
  for (const name of new Set([...Object.keys(copied.headers), ...Object.keys(own.headers)])) {
    const [got, expected] = [own.headers[name], copied.headers[name]]
    if (got !== expected) throw new Error(`${who} answers with ${name}: ${got} instead of ${expected}`)
  }
  if (own.body !== copied.body) throw new Error(`${who} answers other bytes than the suite`)
}
