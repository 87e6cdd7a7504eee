import type { FastifyReply, FastifyRequest } from 'fastify'
import { copyString } from '../copy-string.js'
import type { Coding } from './accept-encoding.js'
import { evaluate, type ByteRange, type Validators } from './conditions.js'
import { contentType, isCompressible } from './content-type.js'
import { PreconditionFailed, RangeNotSatisfiable } from './errors.js'

/** What is to be said of one encoded form of a file. */
export interface Representation extends Validators {
  /** The Content-Type. */
  readonly type: string
  readonly coding: Coding
}

export interface RepresentationSource {
  /** The file's name, for its type. */
  name: string
  /** When it was modified, in milliseconds since 1970. */
  modified: number
  /** SHA-256 of its bytes. */
  digest: Buffer
  /** How many bytes there are. */
  length: number
  /** There are encodings beside those that the type asks for. Default `false`. */
  varies?: boolean
}

/** The form of a file that is not encoded. */
export function represent ({ name, modified, digest, length, varies = false }: RepresentationSource): Representation {
  const type = contentType(name)
  return {
    etag: entityTag(digest),
    // RFC 9110 section 8.8.2.1: not later than the answer itself.
    lastModified: new Date(Math.min(modified, Date.now())).toUTCString(),
    length,
    type,
    coding: 'identity',
    varies: varies || isCompressible(type)
  }
}

/** A strong validator of content alone (RFC 9110 section 8.8.1), so that every server gives the same one: 128 bits of SHA-256. */
export function entityTag (digest: Buffer): string {
  return copyString(`"${digest.toString('base64url', 0, 16)}"`)
}

const everything: ByteRange = { first: 0, last: Infinity }

/**
 * Sets the status and the fields of an answer.
 *
 * @returns which bytes are to follow, or `undefined` when the answer is sent already
 * @throws `FST_QUICKSTART_STATIC_PRECONDITION_FAILED` and `FST_QUICKSTART_STATIC_RANGE_NOT_SATISFIABLE`
 */
export function answer (request: FastifyRequest, reply: FastifyReply, representation: Representation, cacheControl: string): ByteRange | undefined {
  const { type, coding, etag, lastModified, length, varies } = representation
  if (varies) varyByEncoding(reply)

  const verdict = evaluate(request.method, request.headers, representation)
  if (verdict === 'precondition failed') throw new PreconditionFailed()
  if (verdict === 'not satisfiable') {
    reply.header('content-range', `bytes */${length}`)
    throw new RangeNotSatisfiable()
  }

  // What the host has said of caching stands: a guard knows better than this plugin who may keep the answer.
  if (!reply.hasHeader('cache-control')) {
    // RFC 9111 section 3.5: `public` would let a shared cache hand out to anyone what was asked for with a login.
    reply.header('cache-control', request.headers.authorization === undefined ? cacheControl : cacheControl.replace('public', 'private'))
  }
  if (verdict === 'not modified') {
    // RFC 9110 section 15.4.5: no more than a cache needs to update what it has.
    reply.code(304).header('etag', etag).send()
    return undefined
  }

  reply.header('content-type', type)
  if (coding !== 'identity') reply.header('content-encoding', coding)
  reply.header('etag', etag)
  reply.header('last-modified', lastModified)
  reply.header('accept-ranges', 'bytes')
  reply.header('x-content-type-options', 'nosniff')
  if (verdict === 'whole') {
    reply.header('content-length', String(length))
    return everything
  }

  const { first, last } = verdict
  reply.code(206)
  reply.header('content-range', `bytes ${first}-${last}/${length}`)
  reply.header('content-length', String(last - first + 1))
  return verdict
}

/** Says that the answer depends on Accept-Encoding, beside what the host may have said before, such as `Origin` for CORS. */
export function varyByEncoding (reply: FastifyReply): void {
  const before = reply.getHeader('vary')
  if (before === undefined) {
    reply.header('vary', 'Accept-Encoding')
  } else if (!/(?:^|,)[ \t]*(?:\*|accept-encoding)[ \t]*(?:,|$)/i.test(String(before))) {
    reply.header('vary', `${String(before)}, Accept-Encoding`)
  }
}
