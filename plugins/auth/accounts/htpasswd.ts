import { isSupportedHash, findNameProblem } from './passwords.ts'

/** A name, its hash, and perhaps a comment, which begins with `#` or a word: not with `$`, as a second hash does. */
const entry = /^([^:]*):\s*([^\s:]*)\s*(?::\s*(?:[#\p{L}\p{N}_].*)?)?$/u

/**
 * Reads the text of an htpasswd file: the hashes by name, in the file's order.
 *
 * @throws a plain error that names the line when one is broken
 */
export function parseHtpasswd (text: string): Map<string, string> {
  const users = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (isComment(line)) continue
    const broken = (problem: string) => new Error(`line ${index + 1}: ${problem}`)

    if (!line.includes(':')) throw broken('expected name:hash')
    const [, name, stored] = entry.exec(line.trim()) ?? [null, readName(line), '']
    const problem = findNameProblem(name!) // the pattern's first part takes part in each match
    if (problem !== null) throw broken(problem)
    if (users.has(name!)) throw broken(`the name "${name}" is there twice`)
    if (!isSupportedHash(stored!)) {
      throw broken('unknown or damaged hash; expected argon2id, or bcrypt as htpasswd -B makes it')
    }
    users.set(name!, stored!)
  }
  return users
}

/**
 * The text of an htpasswd file with a user's line put in the place of that user's old one, or at the end.
 *
 * @param stored the user's new hash, or null to take the user out
 */
export function setUser (text: string, name: string, stored: string | null): string {
  const lines = text.split(/(?<=\n)/)
  const place = lines.findIndex((line) => !isComment(line) && readName(line) === name)
  if (stored === null) return lines.filter((_, index) => index !== place).join('')
  const line = `${name}:${stored}\n`
  if (place !== -1) return lines.with(place, line).join('')
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}`
}

/** Whether a line says nothing: it is blank, or begins with `#`. The same in a groups file. */
export function isComment (line: string): boolean {
  return /^\s*(?:#|$)/.test(line)
}

/** As Apache does, without the blanks in front. */
function readName (line: string): string {
  return line.trimStart().split(':', 1)[0]! // split gives one part at least
}
