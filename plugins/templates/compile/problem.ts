/** How many lines are shown before and after the one that is wrong. */
const linesAround = 3

/** A mistake in a template: where it is, what is wrong, and the lines around it. */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem'
  /** The template's absolute path. */
  readonly file: string
  /** Line of the mistake, from 1. */
  readonly line: number
  /** The mistake in one sentence, on one line. */
  readonly reason: string
  /** The lines around it, numbered, the wrong one marked with `>`. */
  readonly excerpt: string

  constructor (file: string, line: number, reason: string, source: string, cause?: unknown) {
    const oneLine = toOneLine(reason)
    const excerpt = cutExcerpt(source, line)
    super(`${file}:${line}: ${oneLine}\n${excerpt}`, { cause })
    this.file = file
    this.line = line
    this.reason = oneLine
    this.excerpt = excerpt
    // The frames of this object would tell of the compiler. Those of the template are in the cause.
    this.stack = `${this.name}: ${this.message}`
  }
}

/**
 * Spells out control characters, and those that turn the direction of writing. A client's text in a reason could
 * otherwise move the cursor of a terminal, or forge a line of a log.
 */
export function toOneLine (text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
    return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const shortEscapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function cutExcerpt (source: string, wrong: number): string {
  const lines = source.split(/\r\n|\n/)
  const first = Math.max(wrong - linesAround, 1)
  const last = Math.min(wrong + linesAround, lines.length)
  const width = String(last).length
  return lines.slice(first - 1, last).map((text, index) => {
    const number = first + index
    const shown = text.split('\t').map(toOneLine).join('\t')
    return `${number === wrong ? '>' : ' '} ${String(number).padStart(width)} | ${shown}`.trimEnd()
  }).join('\n')
}
