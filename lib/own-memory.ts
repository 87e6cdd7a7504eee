/**
 * The same text in a piece of memory of its own. V8 keeps a part of a string as a reference into the whole of it, and
 * a joined one as a tree of its parts; what is held for long is better off without.
 */
export function copyString (text: string): string {
  return Buffer.from(text).toString()
}
