/**
 * Splits a text at its lines of three backquotes, as Markdown has them. Used by the server and by the page.
 *
 * @param {string} text
 * @returns {{ isCode: boolean, text: string }[]}
 */
export function blocksOf (text) {
  return text.split(/^ *```.*(?:\n|$)/m)
    .map((part, index) => ({ isCode: index % 2 === 1, text: part.replace(/^\n+|\s+$/g, '') }))
    .filter(({ text }) => text !== '')
}
