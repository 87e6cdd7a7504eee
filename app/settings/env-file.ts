import { lstatSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { InvalidSetting } from './errors.ts'

/**
 * Returns the variables in the file `.env` of the current folder, none where there is no such file. A byte order mark
 * is skipped, and each kind of line end is one.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_SETTING` for a file that cannot be read, is not UTF-8 text, or has a line in
 * which a variable would be lost
 */
export function readEnvFile (): Record<string, string> {
  const bytes = readBytes()
  if (bytes.includes(0) || /^(?:\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))) {
    throw new InvalidSetting('.env is not UTF-8 text, or has a NUL byte in it; save it as UTF-8')
  }
  // Node's parser takes a mark, a CR alone and a tab for a part of a name.
  const text = bytes.toString().replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n').replaceAll(/^[ \t]+(?=\w)/gm, '')
  const variables = parseEnv(text) as Record<string, string> // each has a text
  const inner = findInnerVariable(text)
  if (inner !== undefined) {
    throw new InvalidSetting(`.env: line ${inner.line} has ${inner.name} in the value of another variable; ` +
      'give it a line of its own, or put the value into quotes')
  }
  const lost = findLostVariable(text, variables)
  if (lost !== undefined) throw new InvalidSetting(`.env: line ${lost} is not NAME=value`)
  return variables
}

/** Puts the variables of `.env` into the environment, which wins. */
export function loadEnvFile (): void {
  for (const [name, value] of Object.entries(readEnvFile())) process.env[name] ??= value
}

function readBytes (): Buffer {
  try {
    return readFileSync('.env')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // a system error
    if (code !== 'ENOENT') throw new InvalidSetting(`.env cannot be read (${code})`)
    if (lstatSync('.env', { throwIfNoEntry: false }) === undefined) return Buffer.alloc(0)
    throw new InvalidSetting('.env is a link to a file that does not exist')
  }
}

/** A value in quotes with what stands before it on its line, where it may go on over several lines. */
const quotedValue = /^((?:export[ \t]+)?[\w.-]+[ \t]*=[ \t]*)(["'`])[^]*?\2/gm

/**
 * Finds the first setting that stands behind another variable on its line: Node's parser takes it for a part of that
 * one's value, or drops it behind a value in quotes.
 */
function findInnerVariable (text: string): { name: string, line: number } | undefined {
  const unquoted = text.replaceAll(quotedValue, (all, before: string) => '\n'.repeat(countLines(all) - 1) + before)
  const found = /^[^#\n]*=[^#\n]*?[ \t;](QUICKSTART_\w+)[ \t]*=/m.exec(unquoted)
  // The group takes part in each match.
  return found === null ? undefined : { name: found[1]!, line: countLines(unquoted.slice(0, found.index)) }
}

function countLines (text: string): number {
  return text.split('\n').length
}

/**
 * The number of the first line that Node's parser takes for a part of another variable, or undefined. A line without
 * an equals sign is taken for the beginning of the next one's name; a quote that is never closed swallows what follows.
 */
function findLostVariable (text: string, variables: Record<string, string>): number | undefined {
  const broken = Object.keys(variables).filter((name) => /[\s\p{C}]/u.test(name)).map((name) => text.indexOf(name))
  const lost = [...text.matchAll(/^[^\w#\n]*(?:export\s+)?(QUICKSTART_\w*)/gm)]
    .filter(([, name = '']) => !Object.hasOwn(variables, name)).map(({ index }) => index)
  const [first] = [...broken, ...lost].sort((a, b) => a - b)
  return first === undefined ? undefined : countLines(text.slice(0, first))
}
