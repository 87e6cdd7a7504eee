import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Reads a file of users, `name:password` or `name:hash` a line.
 *
 * @param {string} file
 * @returns {Map<string, string>} the passwords or hashes by name
 */
export function readUsers (file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/**
 * @param {string | undefined} expected
 * @param {string} given
 */
export function isSamePassword (expected, given) {
  if (expected === undefined) return false
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
