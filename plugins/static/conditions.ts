import type { IncomingHttpHeaders } from 'node:http'
import { acceptedCodings } from './accept-encoding.js'
import { parseHttpDate } from './http-date.js'

/** What a request's conditions are held against: one encoded form of a file. */
export interface Validators {
  /** The strong entity tag, in its quotes. */
  readonly etag: string
  /** When the file was last modified, as the HTTP-date that is sent. */
  readonly lastModified: string
  /** The bytes of the encoded form. */
  readonly length: number
  /** There are other encoded forms, or may be soon, of the same date. */
  readonly varies: boolean
}

/** A part of the bytes; both ends belong to it. */
export interface ByteRange { readonly first: number, readonly last: number }

/** What a request is to be answered with. */
export type Verdict = 'whole' | 'not modified' | 'precondition failed' | 'not satisfiable' | ByteRange

/** Evaluates the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2. */
export function evaluate (method: string, headers: IncomingHttpHeaders, validators: Validators): Verdict {
  const ifMatch = headers['if-match']
  const ifUnmodifiedSince = headers['if-unmodified-since']
  const ifNoneMatch = headers['if-none-match']
  const ifModifiedSince = headers['if-modified-since']
  const range = headers.range

  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators.etag, 'strong')) return 'precondition failed'
  } else if (ifUnmodifiedSince !== undefined) {
    if (isModifiedSince(ifUnmodifiedSince, validators) === true) return 'precondition failed'
  }

  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, validators.etag, 'weak')) return 'not modified'
  } else if (ifModifiedSince !== undefined) {
    if (isModifiedSince(ifModifiedSince, validators) === false) return 'not modified'
  }

  // Section 14.2: Range has a meaning for GET alone.
  if (range === undefined || method !== 'GET') return 'whole'
  const ifRange = headers['if-range']
  if (ifRange !== undefined && ifRange !== validators.etag && !(ifRange === validators.lastModified && isStrongDate(headers, validators))) return 'whole'
  return selectRange(range, validators.length)
}

/**
 * Section 13.1.5: a weak validator never matches in If-Range, so a date must be to the second the one that was sent; and it is no strong one
 * (section 8.8.2.2) where the bytes that the client has a part of may have been encoded otherwise.
 */
function isStrongDate (headers: IncomingHttpHeaders, { varies }: Validators): boolean {
  return !varies || acceptedCodings(headers['accept-encoding']).length === 1
}

/** Whether If-Match or If-None-Match names the entity tag, or anything at all (`*`). */
function matches (field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (field === etag || field === '*') return true
  // Section 8.8.3: a comma may stand inside a tag, so the list cannot be split at commas.
  const member = /[ \t,]*(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y
  for (let tag = member.exec(field); tag !== null; tag = member.exec(field)) {
    if (tag[2] === etag && (comparison === 'weak' || tag[1] === undefined)) return true
  }
  return false
}

/** `undefined` for a date that is none: then the condition does not count (sections 13.1.3 and 13.1.4). */
function isModifiedSince (field: string, { lastModified }: Validators): boolean | undefined {
  if (field === lastModified) return false
  const since = parseHttpDate(field)
  return since === undefined ? undefined : Date.parse(lastModified) > since
}

/** Section 14.1.2. What is no single valid range of bytes is ignored, as section 14.2 allows, and the whole is sent. */
function selectRange (field: string, length: number): Verdict {
  const range = /^bytes=(?:(\d+)-(\d*)|-(\d+))[ \t,]*$/i.exec(field)
  if (range === null) return 'whole'
  const [, from, to, suffix] = range

  if (from === undefined) {
    const wanted = Number(suffix)
    if (wanted === 0) return 'not satisfiable'
    // The last bytes of nothing are nothing, and Content-Range has no way to say so.
    return length === 0 ? 'whole' : { first: Math.max(0, length - wanted), last: length - 1 }
  }

  // Compared as they are written: beyond 2^53 two of them may be one Number.
  if (to !== '' && BigInt(to!) < BigInt(from)) return 'whole'
  const first = Number(from)
  const last = to === '' ? Infinity : Number(to)
  return first < length ? { first, last: Math.min(last, length - 1) } : 'not satisfiable'
}
