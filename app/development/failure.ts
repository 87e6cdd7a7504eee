import { readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { cutExcerpt, toOneLine } from '../../lib/excerpt.ts'
import { readFrame, splitStack } from '../../lib/stack-frames.ts'

/** Where something failed. */
interface Place {
  file: string
  line: number
  excerpt: string
}

/** An error that knows its place, such as that of a template. */
type PlacedError = Error & Place & { reason: string }

/** How many causes are followed: an error may be its own. */
const maxCauses = 5

/** Bytes of a source file; the lines of a bigger one are not shown. */
const maxSource = 1_048_576

/**
 * Says why something failed, in one line with the causes, and where: the line of one's own code that is nearest to the
 * innermost cause. With `--enable-source-maps` a stack names the sources, and so does this.
 *
 * @param thrown an error, or anything else
 */
export function explainFailure (thrown: unknown): { reason: string } & Partial<Place> {
  const chain = listCauses(thrown)
  const reasons = new Set(chain.map(describeThrown))
  const place = chain.map(findPlace).findLast((found) => found !== undefined)
  return { reason: [...reasons].join('; caused by: '), ...place }
}

/** Lists what was thrown and its causes, down to the first that knows its place. */
function listCauses (thrown: unknown): unknown[] {
  const chain = [thrown]
  let last = thrown
  while (chain.length <= maxCauses && last instanceof Error && last.cause !== undefined && !isPlaced(last)) {
    last = last.cause
    chain.push(last)
  }
  return chain
}

function describeThrown (thrown: unknown): string {
  if (!(thrown instanceof Error)) return toOneLine(`${inspect(thrown)} was thrown, which is not an Error`)
  if (isPlaced(thrown)) return thrown.reason
  return toOneLine(String(thrown.message || thrown.name)) // an error's own code may have put something else there
}

function findPlace (thrown: unknown): Place | undefined {
  if (!(thrown instanceof Error)) return undefined
  if (isPlaced(thrown)) return { file: toOneLine(thrown.file), line: thrown.line, excerpt: thrown.excerpt }
  if (typeof thrown.stack !== 'string') return undefined
  const [, ...frames] = splitStack(thrown.stack, String(thrown.message))
  for (const text of frames) {
    const frame = readFrame(text)
    const file = frame && findOwnFile(frame.file)
    if (file) return { file: toOneLine(file), line: frame.line, excerpt: readExcerpt(file, frame.line) }
  }
  return undefined
}

function isPlaced (error: Error): error is PlacedError {
  const { file, line, reason, excerpt } = error as Partial<PlacedError>
  return typeof line === 'number' && [file, reason, excerpt].every((text) => typeof text === 'string')
}

/** Returns the path of a file of one's own code, which is neither Node's nor in node_modules. */
function findOwnFile (named: string): string | undefined {
  if (!/\.[cm]?[jt]sx?$/.test(named) || /[\\/]node_modules[\\/]/.test(named)) return undefined
  try {
    const file = named.startsWith('file:') ? fileURLToPath(named) : named
    return isAbsolute(file) ? file : undefined
  } catch {
    return undefined // the URL of no file of this machine
  }
}

/** Returns the lines around one of a source file; none where it cannot be read. */
function readExcerpt (file: string, line: number): string {
  try {
    const stat = statSync(file)
    return stat.isFile() && stat.size <= maxSource ? cutExcerpt(readFileSync(file, 'utf8'), line) : ''
  } catch {
    return ''
  }
}
