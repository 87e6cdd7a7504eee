import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { findContentType, isCompressible } from './content-type.ts'

/** One encoded form of a file: what RFC 9110 section 3.2 calls a representation. */
export interface Representation {
  /** The strong entity tag, in its quotes. */
  readonly etag: string
  /** How many bytes there are. */
  readonly length: number
  /** All the bytes, or a function that reads a part of them; both ends belong to it. */
  readonly body: Buffer | ((first: number, last: number) => Readable)
}

/** A file that is ready to be sent: its fields, and its representations by their codings. */
export interface ServedFile {
  /** The Content-Type. */
  readonly type: string
  /** The HTTP-date that is sent, and that dates in requests are compared with. */
  readonly lastModified: string
  /** There are encoded forms of it, or may be soon. */
  readonly varies: boolean
  readonly identity: Representation
  readonly br?: Representation | undefined
  readonly gzip?: Representation | undefined
}

/** Creates the fields of a file, by its name and when it was modified, in milliseconds since 1970. */
export function createFields (name: string, modified: number): Pick<ServedFile, 'type' | 'lastModified' | 'varies'> {
  const type = findContentType(name)
  // RFC 9110 section 8.8.2.1: not later than the answer itself.
  return { type, lastModified: new Date(Math.min(modified, Date.now())).toUTCString(), varies: isCompressible(type) }
}

/** Creates a strong validator of content alone (RFC 9110 section 8.8.1): 128 bits, the same on every server. */
export function createEntityTag (digest: Buffer): string {
  return `"${digest.toString('base64url', 0, 16)}"`
}

export function hashBytes (bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
