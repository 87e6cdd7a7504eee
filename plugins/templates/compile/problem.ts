import { cutExcerpt, toOneLine } from '../../../lib/excerpt.ts'

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
