import type { FastifyReply, FastifyRequest } from 'fastify'
import { copyString } from '../copy-string.js'
import { acceptedCodings, type Coding } from './accept-encoding.js'
import { contentType, isCompressible } from './content-type.js'
import { sha256 } from './digest.js'
import { NotAcceptable } from './errors.js'
import { fingerprinted } from './fingerprint.js'
import { type PackedBytes, Packer, unpack } from './packed-bytes.js'
import { answer, entityTag, represent, type Representation, varyByEncoding } from './representation.js'

interface Encoded extends Representation, PackedBytes {
  /** All of its bytes, once somebody has asked for them: a view that is made anew for each answer would cost more than the answer's fields. */
  whole: Buffer | undefined
}

/** Field by field: what is spread gets a shape of its own from V8, which takes more memory than the fields do. */
function encoded ({ lastModified, type, varies }: Representation, coding: Coding, etag: string, { block, offset, length }: PackedBytes): Encoded {
  return { etag, lastModified, length, type, coding, varies, block, offset, whole: undefined }
}

/** A file whose every answer is decided when it is read. There may be many, so each holds little beside its bytes. */
export class MemoryFile {
  readonly name: string
  /** Its name with the fingerprint of what is in it. */
  readonly link: string
  readonly identity: Encoded
  /** The compressed forms; each appears when it is made, and is there only if it is worth sending. */
  br: Encoded | undefined = undefined
  gzip: Encoded | undefined = undefined

  /**
   * @param name its name below root
   * @param bytes what is in it
   * @param modified when it was modified, in milliseconds since 1970
   * @param varies compressed forms of it lie beside it. Default `false`
   * @param packer packs the bytes together with those of other files
   */
  constructor (name: string, bytes: Buffer, modified: number, varies = false, private readonly packer = new Packer()) {
    const digest = sha256(bytes)
    const representation = represent({ name, modified, digest, length: bytes.length, varies })
    this.name = copyString(name)
    this.link = copyString(fingerprinted(name, digest))
    this.identity = encoded(representation, 'identity', representation.etag, packer.pack(bytes))
  }

  get isCompressible (): boolean {
    return isCompressible(contentType(this.name))
  }

  get bytes (): Buffer {
    return unpack(this.identity)
  }

  /** Adds a compressed form, to be sent to whom accepts it from now on. */
  addEncoding (coding: Exclude<Coding, 'identity'>, bytes: Buffer): void {
    this[coding] = encoded(this.identity, coding, entityTag(sha256(bytes)), this.packer.pack(bytes))
  }

  /** Takes another file for a compressed form of this one. */
  adopt (coding: Exclude<Coding, 'identity'>, { identity }: MemoryFile): void {
    this[coding] = encoded(this.identity, coding, identity.etag, identity)
  }

  /** Answers a GET or HEAD. Nothing here waits for anything, and no reply is returned: Fastify would wait for it. */
  send (request: FastifyRequest, reply: FastifyReply, cacheControl: string): void {
    const selected = this.select(request, reply)
    const part = answer(request, reply, selected, cacheControl)
    if (part === undefined) return
    // Node sends no body after HEAD, whatever it is given.
    reply.send(part.last < selected.length ? unpack(selected, part.first, part.last) : selected.whole ??= unpack(selected))
  }

  private select (request: FastifyRequest, reply: FastifyReply): Encoded {
    for (const coding of acceptedCodings(request.headers['accept-encoding'])) {
      const form = this[coding]
      if (form !== undefined) return form
    }
    varyByEncoding(reply)
    throw new NotAcceptable()
  }
}
