import { isUtf8 } from 'node:buffer'

/**
 * Returns the text of a file of users or groups, without its byte order mark.
 *
 * @throws a plain error for what is not text in UTF-8, by its line where it has lines
 */
export function decodeText (bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  if (mark === 'fffe' || mark === 'feff') throw new Error('the file is in UTF-16; expected UTF-8')
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString().replace(/^\ufeff/, '')

  const lines = bytes.toString('latin1').split('\n').map((line) => Buffer.from(line, 'latin1'))
  const broken = lines.findIndex((line) => !isUtf8(line) || line.includes(0))
  const found = lines[broken]!.includes(0) ? 'a NUL character, as in UTF-16' : 'bytes that are not UTF-8'
  throw new Error(`line ${broken + 1}: ${found}; expected UTF-8`)
}
