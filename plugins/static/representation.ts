import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Coding } from './accept-encoding.js'
import { evaluate, type ByteRange, type Validators } from './conditions.js'
import { contentType, isCompressible } from './content-type.js'
import { PreconditionFailed, RangeNotSatisfiable } from './errors.js'

/** One encoded form of a file, with all that is to be said of it decided beforehand. */
export interface Representation extends Validators {
  /** The fields of a 200, but for two that the request has a say in: Cache-Control and Vary. */
  readonly headers: Readonly<Record<string, string>>
  /** The file is to be had in several encodings, or would be in production. */
  readonly varies: boolean
}

export interface RepresentationSource {
  /** The file's name, for its type. */
  name: string
  /** When it was modified, in milliseconds since 1970. */
  modified: number
  /** SHA-256 of the encoded bytes. */
  digest: Buffer
  /** How many encoded bytes there are. */
  length: number
  coding?: Coding
  /** There are encodings beside those that the type asks for. Default `false`. */
  varies?: boolean
}

export function represent ({ name, modified, digest, length, coding = 'identity', varies = false }: RepresentationSource): Representation {
  const type = contentType(name)
  // A strong validator of content alone (RFC 9110 section 8.8.1), so that every server gives the same one: 132 bits.
  const etag = `"${digest.toString('base64url').slice(0, 22)}"`
  // Section 8.8.2.1: not later than the answer itself.
  const lastModified = new Date(Math.min(modified, Date.now())).toUTCString()
  return {
    etag,
    lastModified,
    length,
    varies: varies || isCompressible(type),
    headers: {
      'content-type': type,
      'content-length': String(length),
      ...(coding !== 'identity' && { 'content-encoding': coding }),
      etag,
      'last-modified': lastModified,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff'
    }
  }
}

const everything: ByteRange = { first: 0, last: Infinity }

/**
 * Sets the status and the fields of an answer.
 *
 * @returns which bytes are to follow, or `undefined` when the answer is sent already
 * @throws `FST_QUICKSTART_STATIC_PRECONDITION_FAILED` and `FST_QUICKSTART_STATIC_RANGE_NOT_SATISFIABLE`
 */
export function answer (request: FastifyRequest, reply: FastifyReply, representation: Representation, cacheControl: string): ByteRange | undefined {
  if (representation.varies) varyByEncoding(reply)

  const verdict = evaluate(request.method, request.headers, representation)
  if (verdict === 'precondition failed') throw new PreconditionFailed()
  if (verdict === 'not satisfiable') {
    reply.header('content-range', `bytes */${representation.length}`)
    throw new RangeNotSatisfiable()
  }

  // What the host has said of caching stands: a guard knows better than this plugin who may keep the answer.
  if (!reply.hasHeader('cache-control')) {
    // RFC 9111 section 3.5: `public` would let a shared cache hand out to anyone what was asked for with a login.
    reply.header('cache-control', request.headers.authorization === undefined ? cacheControl : cacheControl.replace('public', 'private'))
  }
  if (verdict === 'not modified') {
    // RFC 9110 section 15.4.5: no more than a cache needs to update what it has.
    reply.code(304).header('etag', representation.etag).send()
    return undefined
  }

  reply.headers(representation.headers)
  if (verdict === 'whole') return everything

  const { first, last } = verdict
  reply.code(206)
  reply.header('content-range', `bytes ${first}-${last}/${representation.length}`)
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
