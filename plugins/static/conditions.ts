import { parseHttpDate } from './http-date.ts'

/*
 * The fields by which a request sets conditions, each as a rule of its own. Which of them counts, and in what order, is
 * in answer.ts.
 */

/** Whether If-Match or If-None-Match names the entity tag, or anything at all (`*`). RFC 9110 section 8.8.3.2. */
export function matchesTag (field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (field === etag || field === '*') return true
  // A comma may stand inside a tag, so the list cannot be split at commas.
  const member = /[ \t,]*(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y
  for (let tag = member.exec(field); tag !== null; tag = member.exec(field)) {
    if (tag[2] === etag && (comparison === 'weak' || tag[1] === undefined)) return true
  }
  return false
}

/** `undefined` where the field is not a date: then the condition does not count (sections 13.1.3 and 13.1.4). */
export function isModifiedSince (field: string, lastModified: string): boolean | undefined {
  if (field === lastModified) return false
  const since = parseHttpDate(field)
  return since === undefined ? undefined : Date.parse(lastModified) > since
}

/** A part of the bytes; both ends belong to it. */
export interface ByteRange { readonly first: number, readonly last: number }

/**
 * Returns the part that Range names (section 14.1.2), and `undefined` for the whole: all but one valid range of bytes
 * is ignored, as section 14.2 allows. Of an empty file a range from its beginning is the whole, as with nginx and Go.
 */
export function selectRange (field: string, length: number): ByteRange | 'not satisfiable' | undefined {
  const range = /^bytes=(?:(\d+)-(\d*)|-(\d+))[ \t,]*$/i.exec(field)
  if (range === null) return undefined
  const [, from, to, suffix] = range

  if (from === undefined) {
    const wanted = Number(suffix)
    if (wanted === 0) return 'not satisfiable'
    return length === 0 ? undefined : { first: Math.max(0, length - wanted), last: length - 1 }
  }

  // Compared as they are written: beyond 2^53 two of them may be one Number.
  if (to !== '' && BigInt(to!) < BigInt(from)) return undefined
  const first = Number(from)
  if (first === 0 && length === 0) return undefined
  const last = to === '' ? Infinity : Number(to)
  return first < length ? { first, last: Math.min(last, length - 1) } : 'not satisfiable'
}
