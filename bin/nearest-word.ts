/**
 * Returns the word that a mistyped one most likely stands for: the one that fewest changes of a letter lead to (one
 * more, one less, another, or two neighbours swapped), if these are no more than a third of its letters.
 */
export function findNearestWord (typed: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, changes: countChanges(typed, word) }))
    .filter(({ word, changes }) => changes <= Math.max(1, Math.ceil(word.replace(/^-+/, '').length / 3)))
    .sort((a, b) => a.changes - b.changes)
  return ranked[0]?.word
}

/** The optimal string alignment distance of two words. */
function countChanges (from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    const above = rows[row - 1]!
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current.push(Math.min(
        above[column]! + 1,
        current[column - 1]! + 1,
        above[column - 1]! + (isSame ? 0 : 1),
        isSwapped ? rows[row - 2]![column - 2]! + 1 : Infinity
      ))
    }
    rows.push(current)
  }
  return rows[from.length]![to.length]!
}
