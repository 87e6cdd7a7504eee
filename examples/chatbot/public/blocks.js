/**
 * Splits a text into code, between lines of three backquotes or more as Markdown has them, and what is around it. For
 * the page without JavaScript; a fence that nothing closes ends with the text.
 *
 * @param {string} text
 * @returns {{ isCode: boolean, text: string }[]}
 */
export function blocksOf (text) {
  const blocks = [{ isCode: false, lines: [] }]
  let fence // the backquotes that opened the code
  for (const line of text.split('\n')) {
    const [, quotes] = /^ {0,3}(`{3,})[^`]*$/.exec(line) ?? []
    if (fence === undefined && quotes !== undefined) {
      fence = quotes
      blocks.push({ isCode: true, lines: [] })
    } else if (fence !== undefined && quotes?.startsWith(fence) && line.trim() === quotes) {
      fence = undefined
      blocks.push({ isCode: false, lines: [] })
    } else {
      blocks.at(-1).lines.push(line)
    }
  }
  return blocks.map(({ isCode, lines }) => ({ isCode, text: lines.join('\n').replace(/^\n+|\s+$/g, '') }))
    .filter(({ text }) => text !== '')
}
