/**
 * Splits a stack into its header and its frames. The message, which ends the header, may hold what a client sent, and
 * what looks like a frame.
 */
export function splitStack (stack: string, message: string): [header: string, ...frames: string[]] {
  const at = stack.indexOf(`${message}\n    at `)
  // The message may have been changed since.
  const end = at === -1 ? stack.indexOf('\n    at ') : at + message.length
  return end === -1 ? [stack] : [stack.slice(0, end), ...stack.slice(end + 1).split('\n')]
}

/** Reads a line of V8's: `    at name (file:line:column)` or `    at async file:line:column`. Linear in its length. */
export function readFrame (text: string) {
  if (!text.startsWith('    at ')) return undefined
  const numbers = /:(\d+):(\d+)(\)?)$/.exec(text)
  if (numbers === null) return undefined
  const [, line, column, end] = numbers
  const prefix = text.startsWith('    at async ') ? '    at async ' : '    at '
  const from = end === '' ? prefix.length : text.indexOf(' (') + 2
  return { start: text.slice(0, from), file: text.slice(from, numbers.index), line: Number(line), column, end: end! }
}
