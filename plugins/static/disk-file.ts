import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedCodings } from './accept-encoding.js'
import { digestOf, sha256 } from './digest.js'
import { NotAcceptable, Unreadable } from './errors.js'
import { fingerprinted } from './fingerprint.js'
import { isMissing } from './locate.js'
import { answer, represent, varyByEncoding } from './representation.js'

/** Files up to this many bytes are read at once, so that the tag and the bytes are of one moment. */
const readAtOnce = 1024 * 1024

// Between the look-up and the opening a link or a pipe may have come to lie under the name: neither follow the one
// nor wait for the other. (Windows has neither flag; undefined counts as 0.)
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * A file that is opened for each request, and so is always as it is on the disk now. Its bytes go out uncompressed.
 *
 * They do not go out through `reply.sendFile`, which reads the conditions of the request for itself: with its own
 * validators off it answers 412 to every If-Match, and it opens the file by name again, when it may be another one.
 */
export class DiskFile {
  /**
   * @param name its name below root
   * @param path where it lies, with every link resolved
   */
  constructor (readonly name: string, private readonly path: string) {}

  /** SHA-256 of its bytes as they are now. */
  async digest (): Promise<Buffer> {
    const handle = await open(this.path, flags)
    try {
      return await digestOf(handle)
    } finally {
      await handle.close()
    }
  }

  /**
   * Answers a GET or HEAD.
   *
   * @param asked the name that was asked for: under a fingerprint that is not of this content, the answer must not be kept
   * @throws `FST_QUICKSTART_STATIC_UNREADABLE`, `FST_QUICKSTART_STATIC_NOT_ACCEPTABLE`, and what the conditions of the request lead to
   */
  async send (request: FastifyRequest, reply: FastifyReply, cacheControl: string, asked = this.name): Promise<FastifyReply> {
    const handle = await this.open()
    if (handle === undefined) {
      reply.callNotFound()
      return reply
    }

    let streams = false
    try {
      const content = await read(handle)
      if (content === undefined) {
        reply.callNotFound()
        return reply
      }

      const representation = represent({ name: this.name, ...content })
      if (!acceptedCodings(request.headers['accept-encoding']).includes('identity')) {
        varyByEncoding(reply)
        throw new NotAcceptable()
      }
      const isCurrent = asked === this.name || asked === fingerprinted(this.name, content.digest)
      const part = answer(request, reply, representation, isCurrent ? cacheControl : 'no-cache')
      if (part === undefined) return reply
      if (request.method === 'HEAD') return reply.send()
      if (content.bytes !== undefined) return reply.send(content.bytes.subarray(part.first, part.last + 1))
      streams = true
      return reply.send(streamPart(handle, part.first, Math.min(part.last, content.length - 1), reply))
    } finally {
      if (!streams) await handle.close()
    }
  }

  private async open (): Promise<FileHandle | undefined> {
    try {
      return await open(this.path, flags)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw new Unreadable({ cause: error })
    }
  }
}

interface Content {
  /** The bytes themselves, where there are few. */
  bytes?: Buffer
  digest: Buffer
  length: number
  modified: number
}

/** `undefined` for what is no regular file. */
async function read (handle: FileHandle): Promise<Content | undefined> {
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return undefined
    const { size: length, mtimeMs: modified } = stat
    if (length > readAtOnce) return { digest: await digestOf(handle), length, modified }

    // A file that has grown meanwhile is sent as far as it went; one that has shrunk gives what is left of it.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    const bytes = buffer.subarray(0, bytesRead)
    return { bytes, digest: sha256(bytes), length: bytesRead, modified }
  } catch (error) {
    throw new Unreadable({ cause: error })
  }
}

/** Streams from an open file, which the stream closes. The length is announced, so a file that turns out shorter ends the connection. */
function streamPart (handle: FileHandle, first: number, last: number, reply: FastifyReply): NodeJS.ReadableStream {
  const stream = handle.createReadStream({ start: first, end: last })
  stream.once('end', () => {
    // Anything else would leave the client waiting, or taking the next answer for the rest of this one.
    if (stream.bytesRead < last - first + 1) reply.raw.destroy()
  })
  return stream
}
