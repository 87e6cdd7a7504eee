import { findStrayBracket } from './literals.ts'
import type { Part } from './parse.ts'
import { TemplateProblem } from './problem.ts'

/** The template that V8 refused. */
interface Refused {
  parts: Part[]
  /** The template's line for each line of the code. */
  lines: number[]
  file: string
  source: string
}

/** Translates V8's error about the code to the template's terms. */
export function explainSyntaxError (error: SyntaxError, { parts, lines, file, source }: Refused): TemplateProblem {
  const explain = (line: number, reason: string): TemplateProblem =>
    new TemplateProblem(file, line, reason, source, error)
  const tags = parts.filter((part) => typeof part !== 'string')

  const comment = tags.find((tag) => tag.code.startsWith('#'))
  if (comment !== undefined) return explain(comment.line, '"<%#" starts no comment in Eta; write <%/* … */%>')

  // V8 reports a bracket left open at the very end; where it was opened is what helps.
  const stray = findStrayBracket(tags.map((tag) => tag.code).join('\n'))
  if (stray !== undefined) {
    const tagLines = tags.flatMap((tag) => tag.code.split('\n').map((_, index) => tag.line + index))
    const fault = '{(${['.includes(stray.bracket) ? 'is never closed' : 'closes nothing'
    return explain(tagLines[stray.line - 1]!, `"${stray.bracket}" ${fault}`)
  }

  // V8 writes the place in the first line of the stack: `views/index.eta:12`.
  const line = Number(/:(\d+)\n/.exec(error.stack!)![1])
  const isIncomplete = error.message.includes('__out')
  return explain(lines[line - 1]!, isIncomplete ? 'the code in this tag is not complete' : error.message)
}
