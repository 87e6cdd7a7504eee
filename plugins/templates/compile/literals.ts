import { tokenizer, tokTypes } from 'acorn'

/** A bracket with no partner. */
export interface StrayBracket {
  bracket: string
  /** Line of the code, from 1. */
  line: number
}

const brackets = new Map([
  [tokTypes.braceL, '{'], [tokTypes.parenL, '('], [tokTypes.bracketL, '['], [tokTypes.dollarBraceL, '${'],
  [tokTypes.braceR, '}'], [tokTypes.parenR, ')'], [tokTypes.bracketR, ']']
])
const opens: Record<string, string[]> = { '}': ['{', '${'], ')': ['('], ']': ['['] }

/** Finds the first bracket that closes nothing or, where there is none, the innermost one that is never closed. */
export function findStrayBracket (code: string): StrayBracket | undefined {
  const open: StrayBracket[] = []
  try {
    for (const { type, start } of tokenizer(code, { ecmaVersion: 'latest' })) {
      const bracket = brackets.get(type)
      if (bracket === undefined) continue
      const stray = { bracket, line: code.slice(0, start).split('\n').length }
      const partners = opens[bracket]
      if (partners === undefined) open.push(stray)
      else if (!partners.includes(open.pop()?.bracket ?? '')) return stray
    }
  } catch {
    return undefined // not JavaScript: where its brackets are cannot be told
  }
  return open.at(-1)
}

const literals = new Set([tokTypes.string, tokTypes.regexp, tokTypes.template, tokTypes.backQuote])

/**
 * Writes dots over the strings, regular expressions and comments in a template's tags. Eta looks for the end of a tag
 * by quotes. It takes the quote in `// it's` or `/"/` for the start of a string, and knows few escapes (`'\-'`).
 *
 * @returns a text of the same length and lines; undefined where a tag is not closed or holds what is not JavaScript
 */
export function maskLiterals (source: string): string | undefined {
  const openTag = /<%[-_]?\s*[=~]?\s*/g
  let masked = ''
  while (openTag.exec(source) !== null) {
    const start = openTag.lastIndex
    masked += source.slice(masked.length, start)
    const end = maskTag(source.slice(start), (from, to) => {
      masked += source.slice(masked.length, start + from)
      masked += source.slice(start + from, start + to).replace(/[^\r\n]/g, '.')
    })
    if (end === undefined) return undefined
    openTag.lastIndex = start + end
  }
  return masked + source.slice(masked.length)
}

/**
 * Finds the literals of one tag.
 *
 * @param code from the tag's first character to the end of the template
 * @returns where the tag ends
 */
function maskTag (code: string, mask: (from: number, to: number) => void): number | undefined {
  let end: number | undefined
  const onComment = (isBlock: boolean, text: string, from: number, to: number): void => {
    if (end !== undefined) return
    const closing = isBlock ? -1 : code.slice(from, to).search(/\s*[-_]?%>/)
    mask(from, closing === -1 ? to : from + closing)
    if (closing !== -1) end = code.indexOf('%>', from) + 2
  }
  try {
    for (const { type, start, end: to } of tokenizer(code, { ecmaVersion: 'latest', onComment })) {
      if (end !== undefined) break
      if (type === tokTypes.modulo && code[start + 1] === '>') return start + 2
      if (literals.has(type)) mask(start, to)
    }
  } catch {
    // The text after the tag is not JavaScript. `end` tells whether the tag was.
  }
  return end
}
