import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { addVary } from '../../lib/vary.ts'
import { listAcceptedCodings } from './accept-encoding.ts'
import { isModifiedSince, matchesTag, selectRange } from './conditions.ts'
import type { OpenableFile } from './files/disk.ts'
import { MethodNotAllowed, NotAcceptable, PreconditionFailed, RangeNotSatisfiable } from './errors.ts'
import type { FallbackLookUp } from './fallback.ts'
import type { Files, Found } from './files/files.ts'
import type { ServedFile } from './files/representation.ts'
import type { IndexLookUp } from './folder-index.ts'
import { type FileUrls, readName } from './urls.ts'

/** The files that are served below one path. */
export interface Folder {
  files: Files
  urls: FileUrls
  /** Whether a file belongs to another route, which no URL leads to. Such a file is not served. */
  isElsewhere: (name: string) => boolean
  /** Finds the index of a folder. Absent without the option `index`. */
  findIndex?: IndexLookUp | undefined
  /** Finds what answers where there is no file. Absent without the option `fallback`. */
  findFallback?: FallbackLookUp | undefined
}

/** Sends the answer to a GET or HEAD. Synchronous for a file in memory: a promise would cost time. */
export function answer (request: FastifyRequest, reply: FastifyReply, folder: Folder): void | Promise<FastifyReply> {
  const found = lookUp(request, folder) ?? folder.findFallback?.(request, reply)
  if (found === undefined) {
    reply.callNotFound()
  } else if (typeof found === 'string') {
    setCacheControl(request, reply, 'no-cache')
    reply.redirect(found, 308)
  } else if ('open' in found.file) {
    return answerFromDisk(request, reply, found.file, found)
  } else {
    send(request, reply, found.file, found.cacheControl)
  }
}

/**
 * Refuses a method that would change a file, before the body is read.
 *
 * @throws `FST_QUICKSTART_STATIC_METHOD_NOT_ALLOWED`
 */
export function refuse (request: FastifyRequest, reply: FastifyReply, folder: Folder): FastifyReply {
  if (typeof lookUp(request, folder) !== 'object') {
    reply.callNotFound()
    return reply
  }
  // RFC 9110 section 15.5.6: a 405 says what is allowed.
  reply.header('allow', 'GET, HEAD')
  throw new MethodNotAllowed(request.method)
}

/**
 * Returns the file for a request, or the one URL of a file or folder that it spells otherwise. An escape is looked at
 * before any look-up, so its redirect does not tell whether there is a file.
 */
function lookUp (request: FastifyRequest, folder: Folder): Found | string | undefined {
  const { files, urls, isElsewhere, findIndex } = folder
  const url = request.raw.url!
  const name = readName(request)
  if (url.includes('%')) {
    if (!urls.isOwn(url)) return undefined
    const spelling = urls.otherSpelling(url)
    if (spelling !== undefined) return spelling
  }
  const found = findIndex === undefined ? files.find(name) : findIndex(name, url)
  return typeof found !== 'object' || !isElsewhere(found.name) ? found : undefined
}

async function answerFromDisk (
  request: FastifyRequest, reply: FastifyReply, file: OpenableFile, { name, asked, cacheControl }: Found
): Promise<FastifyReply> {
  // Pipelined requests arrive together, and one is answered at a time (RFC 9112 section 9.3.2). Those that wait for
  // their turn keep no file open and none of its bytes. Where the connection is gone, the turn never comes.
  if (reply.raw.socket === null) await once(reply.raw, 'socket')

  let isGone = false
  reply.raw.once('close', () => { isGone = true })
  const open = await file.open()
  if (open === undefined) {
    reply.callNotFound()
    return reply
  }
  try {
    if (isGone) return reply
    // Under a fingerprint that is not of this content, the answer must not be kept.
    const isCurrent = asked === name || asked === open.link
    send(request, reply, open, isCurrent ? cacheControl : 'no-cache')
  } finally {
    await open.release()
  }
  return reply
}

/** Sends one file for one request, whatever it asks for: 406, 412, 304, 416, 206 or 200, in this order. */
function send (request: FastifyRequest, reply: FastifyReply, file: ServedFile, cacheControl: string): void {
  const { headers, method } = request
  const { type, lastModified } = file

  // The representation that the client likes best.
  const codings = listAcceptedCodings(headers['accept-encoding'])
  const coding = codings.find((coding) => file[coding] !== undefined)
  if (file.varies || coding === undefined) addVary(reply, 'Accept-Encoding')
  if (coding === undefined) throw new NotAcceptable()
  const { etag, length, body } = file[coding]!

  // RFC 9110 section 13.2.2 gives the order of the conditions, and which ones count beside others.
  const ifMatch = headers['if-match']
  const ifUnmodifiedSince = headers['if-unmodified-since']
  if (ifMatch !== undefined) {
    if (!matchesTag(ifMatch, etag, 'strong')) throw new PreconditionFailed()
  } else if (ifUnmodifiedSince !== undefined) {
    if (isModifiedSince(ifUnmodifiedSince, lastModified) === true) throw new PreconditionFailed()
  }

  let isNotModified = false
  const ifNoneMatch = headers['if-none-match']
  const ifModifiedSince = headers['if-modified-since']
  if (ifNoneMatch !== undefined) {
    isNotModified = matchesTag(ifNoneMatch, etag, 'weak')
  } else if (ifModifiedSince !== undefined) {
    isNotModified = isModifiedSince(ifModifiedSince, lastModified) === false
  }
  if (isNotModified) {
    // Section 15.4.5: no more than a cache needs to update what it has.
    setCacheControl(request, reply, cacheControl)
    reply.code(304).header('etag', etag).send()
    return
  }

  // Section 14.2: Range has a meaning for GET alone. Section 13.1.5: If-Range takes a strong validator, and a date is
  // not one (section 8.8.2.2) where the part that the client has may have been encoded otherwise.
  const ifRange = headers['if-range']
  const heedsRange = method === 'GET' && headers.range !== undefined && (ifRange === undefined || ifRange === etag ||
    (ifRange === lastModified && (!file.varies || codings.length === 1)))
  const range = heedsRange ? selectRange(headers.range!, length) : undefined
  if (range === 'not satisfiable') {
    reply.header('content-range', `bytes */${length}`)
    throw new RangeNotSatisfiable()
  }

  setCacheControl(request, reply, cacheControl)
  reply.header('content-type', type)
  if (coding !== 'identity') reply.header('content-encoding', coding)
  reply.header('etag', etag)
  reply.header('last-modified', lastModified)
  reply.header('accept-ranges', 'bytes')
  reply.header('x-content-type-options', 'nosniff')
  if (range !== undefined) {
    reply.code(206)
    reply.header('content-range', `bytes ${range.first}-${range.last}/${length}`)
  }
  const { first, last } = range ?? { first: 0, last: length - 1 }
  reply.header('content-length', String(last - first + 1))

  if (method === 'HEAD') {
    reply.send()
  } else if (typeof body === 'function') {
    sendStream(reply, body(first, last))
  } else {
    reply.send(range === undefined ? body : body.subarray(first, last + 1))
  }
}

/**
 * Sends a part of a file on the disk. Length and tag are announced by then: where the bytes turn out to be others or
 * fewer, the answer is broken off, so that the client does not take what it has for the whole.
 */
function sendStream (reply: FastifyReply, stream: Readable): void {
  stream.once('error', () => {
    // Fastify destroys the connection. A stream of HTTP/2 would end without an error by that.
    const raw: ServerResponse & { stream?: ServerHttp2Stream } = reply.raw
    raw.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
  })
  // Also where a hook of the host has put something else in the place of the stream.
  reply.raw.once('close', () => stream.destroy())
  reply.send(stream)
}

/** A Cache-Control of the host's stands: a guard knows better than this plugin who may keep the answer. */
function setCacheControl (request: FastifyRequest, reply: FastifyReply, cacheControl: string): void {
  if (reply.hasHeader('cache-control')) return
  // RFC 9111 section 3.5: `public` would let a shared cache hand out to anyone what was asked for with a login.
  const hasLogin = request.headers.authorization !== undefined
  reply.header('cache-control', hasLogin ? cacheControl.replace('public', 'private') : cacheControl)
}
