/* eslint-disable no-control-regex -- that is what terminals send */

/** Milliseconds to wait for the rest of a sequence, as in Node's readline. */
const patience = 500

/** A sequence may begin with these, after an Escape. */
const openers = '[O\\]PX^_'

/** Text that is no control character. */
const text = '[^\\x00-\\x1f\\x7f]*'

/**
 * Sequences that keys without a character send, and that terminals send by themselves (ECMA-48): arrow and function
 * keys, Alt with a character, the place of the cursor, the focus, the marks around a paste, the mouse, answers about
 * colours and kind.
 */
const sequence = new RegExp('\\x1b+(?:' + [
  '\\[\\[[A-E]', // the function keys of the Linux console
  '\\[M[^]{3}', // the mouse as in X10
  '\\[(?!M|\\[)[0-?]*[ -/]*[@-~]',
  'O[0-9;]*[@-~]',
  `[\\]PX^_]${text}(?:\\x07|\\x1b\\\\)`,
  `[^\\x00-\\x1f\\x7f${openers}]`
].join('|') + ')', 'uy')

/** The beginning of one, to the end of what has been read. */
const beginning = new RegExp(`\\x1b+(?:\\[(?:\\[|M[^]{0,2}|[0-?]*[ -/]*)|O[0-9;]*|[\\]PX^_]${text}\\x1b?)?$`, 'uy')

/** One that a control character such as Enter has cut off. */
const torso = new RegExp(`\\x1b+(?:\\[[0-?]*[ -/]*|O[0-9;]*|[\\]PX^_]${text})?`, 'uy')

/** Reads the keys that are pressed on a terminal in raw mode, and leaves out all sequences, over several reads too. */
export class TerminalKeys {
  #rest = ''
  #timer: NodeJS.Timeout | undefined
  #last = ''

  /** Returns the characters of the keys. Enter is `\r`, whichever way a line ends. */
  read (chunk: string): string[] {
    this.close()
    // Escape by itself, and then a key that does not belong to it.
    if (/^\x1b+$/.test(this.#rest) && !new RegExp(`^[\\x1b${openers}]`).test(chunk)) this.#rest = ''
    const input = (this.#rest + chunk).replaceAll('\x9b', '\x1b[') // what terminals send in 8 bits for it
    this.#rest = ''
    const keys: string[] = []
    for (let index = 0; index < input.length;) {
      if (input[index] === '\x1b') {
        index = this.#skip(input, index)
        continue
      }
      const key = String.fromCodePoint(input.codePointAt(index)!)
      index += key.length
      if (key !== '\n') keys.push(key)
      else if (this.#last !== '\r') keys.push('\r')
      this.#last = key
    }
    return keys
  }

  /** Forgets a sequence that has begun. */
  close (): void {
    clearTimeout(this.#timer)
  }

  /** Returns where a sequence ends. Of one that goes on in the next read, the beginning is kept for a while. */
  #skip (input: string, start: number): number {
    sequence.lastIndex = beginning.lastIndex = torso.lastIndex = start
    if (sequence.test(input)) return sequence.lastIndex
    if (beginning.test(input)) {
      this.#rest = input.slice(start)
      this.#timer = setTimeout(() => { this.#rest = '' }, patience)
      return input.length
    }
    torso.test(input) // it is one, if only an Escape by itself
    return torso.lastIndex
  }
}
