/** How many lines are shown before and after the one that is wrong. */
const linesAround = 3

/** A mistake in a template: where it is, what is wrong, and the lines around it. */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem'
  /** The template's absolute path. */
  readonly file: string
  /** Line of the mistake, from 1. */
  readonly line: number
  /** What is wrong, in one sentence. */
  readonly reason: string
  /** The lines around it, numbered, the wrong one marked with `>`. */
  readonly excerpt: string

  constructor (file: string, line: number, reason: string, source: string, cause?: unknown) {
    const excerpt = excerptOf(source, line)
    super(`${file}:${line}: ${reason}\n${excerpt}`, { cause })
    this.file = file
    this.line = line
    this.reason = reason
    this.excerpt = excerpt
    // Where this object was made tells nobody anything; the template's own frames are in the cause.
    this.stack = `${this.name}: ${this.message}`
  }
}

function excerptOf (source: string, wrong: number): string {
  const lines = source.split(/\r\n|\n/)
  const first = Math.max(wrong - linesAround, 1)
  const last = Math.min(wrong + linesAround, lines.length)
  const width = String(last).length
  return lines.slice(first - 1, last).map((text, index) => {
    const number = first + index
    return `${number === wrong ? '>' : ' '} ${String(number).padStart(width)} | ${text}`.trimEnd()
  }).join('\n')
}
