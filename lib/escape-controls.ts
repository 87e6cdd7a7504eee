/** Characters that change how a terminal shows the rest of a line: control, format, line separators. */
const controls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Escapes such characters in a text. */
export function escapeControls (text: string): string {
  return text.replace(controls, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

/** Escapes such characters in a line of JSON, which stays the same JSON; the end of the line stays too. */
export function escapeInJson (line: string): string {
  if (!/[^\n\x20-\x7e]/.test(line)) return line
  return line.replace(controls, (character) => character === '\n' ? character : escapeUnits(character))
}

/** JSON has escapes for units of UTF-16 alone. */
function escapeUnits (character: string): string {
  return character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
