import { inspect } from 'node:util'
import { TemplateProblem } from '../engine/problem.ts'

/** What is known of a template whose file stands in a stack trace. */
interface Located {
  file: string
  source: string
  lines: number[]
}

/** The errors whose stacks name the template's lines already: an error may be thrown twice. */
const translated = new WeakSet<Error>()

/**
 * Finds the template's line that an error was thrown from, and has the error's stack name the template's lines.
 *
 * @param what was rendered, in words
 * @param find the template of a file
 */
export function locate (error: unknown, what: string, find: (file: string) => Located | undefined): Error {
  if (!(error instanceof Error)) return new Error(`${what}: ${inspect(error)}`, { cause: error })
  if (typeof error.stack !== 'string') return new Error(`${what}: ${error.message}`, { cause: error })

  let at: { template: Located, line: number } | undefined
  const isTranslated = translated.has(error)
  // The message stands before the frames. It may hold what a client sent, and what looks like a frame.
  const framesAt = error.stack.indexOf(error.message) + error.message.length
  const frames = error.stack.slice(framesAt).split('\n').map((frame) => {
    const place = placeOf(frame)
    const template = place && find(place.file)
    if (place === undefined || template === undefined) return frame
    const line = isTranslated ? place.line : template.lines[place.line - 1]!
    if (line === 0) return place.start + place.file + place.end
    at ??= { template, line }
    return `${place.start}${place.file}:${line}:${place.column}${place.end}`
  })
  // Not an assignment: that would throw for a frozen error.
  Reflect.set(error, 'stack', error.stack.slice(0, framesAt) + frames.join('\n'))
  translated.add(error)
  return at === undefined
    ? new Error(`${what}: ${error.message}`, { cause: error })
    : new TemplateProblem(at.template.file, at.line, error.message, at.template.source, error)
}

/** Reads a line of V8's: `    at name (file:line:column)` or `    at async file:line:column`. Linear in its length. */
function placeOf (frame: string) {
  if (!frame.startsWith('    at ')) return undefined
  const numbers = /:(\d+):(\d+)(\)?)$/.exec(frame)
  if (numbers === null) return undefined
  const [, line, column, end] = numbers
  const prefix = frame.startsWith('    at async ') ? '    at async ' : '    at '
  const from = end === '' ? prefix.length : frame.indexOf(' (') + 2
  return { start: frame.slice(0, from), file: frame.slice(from, numbers.index), line: Number(line), column, end: end! }
}
