/** @typedef {import('./contender-process.js').Answer} Answer */

/**
 * Makes sure of an answer before it is timed, so that nobody wins by doing less.
 *
 * @param {string} who
 * @param {Answer} answer
 * @typedef {object} Expected
 * @property {number} status
 * @property {Buffer | string} body
 * @property {(body: Buffer) => Buffer | string} [read]
 * @property {Record<string, RegExp>} headers
 * @property {string[]} [lacks]
 *
 * @param {Expected} expected
 */
export function checkAnswer (who, answer, { status, body, read = (bytes) => bytes, headers, lacks = [] }) {
  if (answer.status !== status) throw new Error(`${who} answers ${answer.status} instead of ${status}`)
  const got = read(answer.body)
  if (!Buffer.from(got).equals(Buffer.from(body))) {
    throw new Error(`${who} answers other bytes than expected: ${JSON.stringify(got.toString().slice(0, 300))} instead of ${JSON.stringify(body.toString().slice(0, 300))}`)
  }
  for (const [name, pattern] of Object.entries(headers)) {
    if (lacks.includes(name)) continue
    const value = String(answer.headers[name] ?? '')
    // What lacks the charset alone still has the type.
    const tested = name === 'content-type' && lacks.includes('charset') ? `${value.split(';')[0]}; charset=utf-8` : value
    if (!pattern.test(tested)) throw new Error(`${who} answers with ${name}: ${JSON.stringify(value)}, which does not match ${pattern}`)
  }
}
