import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedCodings } from './accept-encoding.js'
import { sha256, type Snapshot, snapshotOf, stillHolds } from './digest.js'
import { NotAcceptable, Unreadable } from './errors.js'
import { fingerprinted } from './fingerprint.js'
import { isMissing } from './locate.js'
import { answer, represent, varyByEncoding } from './representation.js'

/** Files up to this many bytes are read at once, so that the tag and the bytes are of one moment. */
const readAtOnce = 1024 * 1024

/** Bigger ones go out in parts of this many bytes. */
const partSize = 128 * 1024

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
      return (await snapshotOf(handle)).digest
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
      if ('bytes' in content) return reply.send(content.bytes.subarray(part.first, part.last + 1))
      streams = true
      return reply.send(streamPart(handle, content, part.first, Math.min(part.last, content.length - 1), reply))
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

/** A file that is read at once. */
interface Content {
  bytes: Buffer
  digest: Buffer
  length: number
  modified: number
}

/** `undefined` for what is no regular file. */
async function read (handle: FileHandle): Promise<Content | Snapshot | undefined> {
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return undefined
    if (stat.size > readAtOnce) return await snapshotOf(handle)

    // A file that has grown meanwhile is sent as far as it went; one that has shrunk gives what is left of it.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(stat.size), 0, stat.size, 0)
    const bytes = buffer.subarray(0, bytesRead)
    return { bytes, digest: sha256(bytes), length: bytesRead, modified: stat.mtimeMs }
  } catch (error) {
    throw new Unreadable({ cause: error })
  }
}

/**
 * Streams a part of an open file, and closes it. Length and tag are announced by then, so a file that turns out to be another one, or
 * shorter, ends the connection before the last bytes: anything else would leave the client with what it takes for whole.
 */
function streamPart (handle: FileHandle, snapshot: Snapshot, first: number, last: number, reply: FastifyReply): Readable {
  async function * parts (): AsyncGenerator<Buffer> {
    let held = Buffer.alloc(0)
    for (let position = first; position <= last;) {
      const size = Math.min(partSize, last - position + 1)
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, position)
      if (bytesRead === 0) break
      yield held
      held = buffer.subarray(0, bytesRead)
      position += bytesRead
    }
    if (await stillHolds(handle, snapshot)) yield held
    else reply.raw.destroy()
  }

  const stream = Readable.from(parts(), { objectMode: false })
  stream.once('close', () => { handle.close().catch(() => {}) })
  // Also where a hook of the host has put something else in the place of the stream.
  reply.raw.once('close', () => stream.destroy())
  return stream
}
