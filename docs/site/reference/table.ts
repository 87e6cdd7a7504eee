/** The cells of a row, in Markdown. The first is what one looks for. */
export type Row = readonly [name: string, ...others: string[]]

/** Writes a table of Markdown. */
export function createTable (head: Row, rows: readonly Row[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(writeCell).join(' | ')} |\n`).join('')
}

/** A cell has one line; lists and paragraphs follow each other in it. */
function writeCell (text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|') || ' '
}
