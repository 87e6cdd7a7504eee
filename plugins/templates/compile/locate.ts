import { inspect } from 'node:util'
import { toOneLine } from '../../../lib/excerpt.ts'
import { readFrame, splitStack } from '../../../lib/stack-frames.ts'
import { TemplateProblem } from './problem.ts'

/** A template whose file may stand in a stack trace. */
interface Located {
  file: string
  source: string
  lines: number[]
}

/** A line of a template. */
interface Place {
  template: Located
  line: number
}

/** The errors whose stacks name the template's lines already: an error may be thrown twice. */
const translated = new WeakSet<Error>()

/** Places of errors whose stacks do not show them. */
const places = new WeakMap<object, Place>()

/** Remembers the template's line that an error belongs to, for an error whose stack does not show it. */
export function rememberPlace (error: unknown, template: Located, line: number): void {
  if (typeof error === 'object' && error !== null) places.set(error, { template, line })
}

/**
 * Finds the template's line that an error was thrown from, and has the error's stack name the template's lines.
 *
 * @param rendered what was rendered, in words
 * @param find the template of a file
 */
export function locateError (
  error: unknown, rendered: string, find: (file: string) => Located | undefined
): Error {
  const describe = (reason: string): Error => new Error(toOneLine(`${rendered}: ${reason}`), { cause: error })
  if (!(error instanceof Error)) return describe(inspect(error))
  const place = translateStack(error, find) ?? places.get(error)
  const reason = String(error.message) // an error's own code may have put something else there
  return place === undefined
    ? describe(reason)
    : new TemplateProblem(place.template.file, place.line, reason, place.template.source, error)
}

/** Returns the innermost place in a template that the stack shows. */
function translateStack (error: Error, find: (file: string) => Located | undefined): Place | undefined {
  if (typeof error.stack !== 'string') return undefined
  let innermost: Place | undefined
  const isTranslated = translated.has(error)
  const [header, ...frames] = splitStack(error.stack, String(error.message))
  const shown = frames.map((text) => {
    const frame = readFrame(text)
    const template = frame && find(frame.file)
    if (frame === undefined || template === undefined) return text
    const line = isTranslated ? frame.line : template.lines[frame.line - 1]!
    if (line === 0) return frame.start + frame.file + frame.end
    innermost ??= { template, line }
    return `${frame.start}${frame.file}:${line}:${frame.column}${frame.end}`
  })
  const stack = [isTranslated ? header : indentLines(header), ...shown].join('\n')
  // Not an assignment: that would throw for a frozen error, and for one whose stack Node made read-only.
  const isSet = Reflect.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true })
  if (isSet) translated.add(error)
  return innermost
}

/** Further lines of a header stand further in than a frame, and so begin no line of a log. */
function indentLines (header: string): string {
  return header.split('\n').map(toOneLine).join('\n      ')
}
