import { Eta, type EtaParseError } from 'eta'
import { TemplateProblem } from './problem.ts'

/** A part of a template: a tag, or (a string, escaped for single quotes) the text between two. */
export type Part = string | Tag

export interface Tag {
  /** `i` puts out escaped (`<%=`), `r` raw (`<%~`), `e` runs code. */
  kind: 'e' | 'i' | 'r'
  code: string
  /** The template's line on which the code starts, from 1. */
  line: number
}

const eta = new Eta()

/**
 * Has Eta parse a template, and finds the line of each tag, which Eta does not tell.
 *
 * @param masked what Eta reads in the place of the source: as long, with the tags in the same places
 * @throws TemplateProblem for a tag, string or comment that is not closed
 */
export function parseTemplate (file: string, source: string, masked = source): Part[] {
  let parsed
  try {
    parsed = eta.parse(masked)
  } catch (error) {
    // Eta's message: `unclosed tag at line 3 col 5:` and an excerpt of its own.
    const [, reason, line] = /^(.*) at line (\d+)/.exec((error as EtaParseError).message)!
    throw new TemplateProblem(file, Number(line), reason!, source, error)
  }
  const openTag = /<%[-_]?\s*[=~]?\s*/g // as Eta has it; text holds no `<%`, so each match opens the next tag
  let line = 1
  let counted = 0
  return parsed.map((part) => {
    if (typeof part === 'string') return part
    openTag.exec(source)
    const start = openTag.lastIndex
    line += countNewlines(source.slice(counted, start))
    counted = start
    openTag.lastIndex = start + part.val.length
    // Eta's parser makes these kinds alone; its type is any text.
    return { kind: part.t as Tag['kind'], code: source.slice(start, openTag.lastIndex), line }
  })
}

function countNewlines (text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
