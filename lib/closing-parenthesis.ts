/**
 * Where the parenthesis closes that opens at `start`, by find-my-way's count: what a backslash stands before does not
 * count. The length of the text where it does not close.
 */
export function closingParenthesis (text: string, start: number): number {
  let depth = 0
  for (let index = start; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '(') depth++
    else if (text[index] === ')' && --depth === 0) return index
  }
  return text.length
}
