import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedCodings, type Coding } from './accept-encoding.js'
import { isCompressible, contentType } from './content-type.js'
import { NotAcceptable } from './errors.js'
import { sha256 } from './digest.js'
import { answer, represent, varyByEncoding, type Representation } from './representation.js'

interface Encoded { readonly representation: Representation, readonly bytes: Buffer }

/** A file whose every answer is decided when it is read. */
export class MemoryFile {
  readonly digest: Buffer
  readonly identity: Encoded
  /** The compressed forms; each appears when it is made, and is there only if it is worth sending. */
  br: Encoded | undefined = undefined
  gzip: Encoded | undefined = undefined

  /**
   * @param name its name below root
   * @param bytes what is in it
   * @param modified when it was modified, in milliseconds since 1970
   * @param varies compressed forms of it lie beside it. Default `false`
   */
  constructor (readonly name: string, readonly bytes: Buffer, readonly modified: number, private readonly varies = false) {
    this.digest = sha256(bytes)
    this.identity = { representation: represent({ name, modified, digest: this.digest, length: bytes.length, varies }), bytes }
  }

  get isCompressible (): boolean {
    return isCompressible(contentType(this.name))
  }

  /** Adds a compressed form, to be sent to whom accepts it from now on. */
  addEncoding (coding: Exclude<Coding, 'identity'>, bytes: Buffer): void {
    const { name, modified, varies } = this
    this[coding] = { representation: represent({ name, modified, digest: sha256(bytes), length: bytes.length, coding, varies }), bytes }
  }

  /** Answers a GET or HEAD. Nothing here waits for anything, and no reply is returned: Fastify would wait for it. */
  send (request: FastifyRequest, reply: FastifyReply, cacheControl: string): void {
    const { representation, bytes } = this.select(request, reply)
    const part = answer(request, reply, representation, cacheControl)
    if (part === undefined) return
    // Node sends no body after HEAD, whatever it is given.
    reply.send(part.last === Infinity ? bytes : bytes.subarray(part.first, part.last + 1))
  }

  private select (request: FastifyRequest, reply: FastifyReply): Encoded {
    for (const coding of acceptedCodings(request.headers['accept-encoding'])) {
      const encoded = this[coding]
      if (encoded !== undefined) return encoded
    }
    varyByEncoding(reply)
    throw new NotAcceptable()
  }
}
