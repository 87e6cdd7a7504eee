/** How many lines are shown before and after the one that is wrong. */
const linesAround = 3

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

/** Cuts the lines around a line of a source, numbered, that line marked with `>`. */
export function cutExcerpt (source: string, wrong: number): string {
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
