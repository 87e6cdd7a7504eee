import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import type { FastifyBaseLogger } from 'fastify'
import { type CompressedCoding, decodesTo } from './compression.ts'
import type { FileOnDisk, OpenFile } from './disk.ts'
import type { MemoryFile } from './memory.ts'
import { createEntityTag, type Representation } from './representation.ts'

/*
 * A build may have left `app.js.br` and `app.js.gz` beside `app.js`. They are sent in its place where they decode to
 * its bytes and are smaller.
 */
const extensions: readonly [coding: CompressedCoding, extension: string][] = [['br', '.br'], ['gzip', '.gz']]

/** Adds the siblings of files in memory to them. */
export async function adoptSiblings (files: Map<string, MemoryFile>, log: FastifyBaseLogger): Promise<void> {
  for (const [name, file] of files) {
    for (const [coding, extension] of extensions) {
      const sibling = files.get(name + extension)
      if (sibling === undefined) continue
      const bytes = sibling.identity.body
      if (!await decodesTo(coding, bytes, file.identity.body)) logWrongForm(log, name, extension)
      else if (bytes.length < file.identity.length) file.add(coding, bytes)
    }
  }
}

function logWrongForm (log: FastifyBaseLogger, name: string, extension: string): void {
  log.warn({ file: name + extension }, `static: not used in place of ${name}: it decodes to something else`)
}

/** Gives a file by its name. */
type OpenByName = (name: string) => MemoryFile | FileOnDisk | undefined

/**
 * The siblings of files that stay on the disk. Each is decoded once, at start; from then on a pair is known by its
 * entity tags, so that neither of the two is used with another version of the other.
 */
export class DiskSiblings {
  readonly #pairs = new Set<string>()
  readonly #open: OpenByName
  readonly #log: FastifyBaseLogger

  constructor (open: OpenByName, log: FastifyBaseLogger) {
    this.#open = open
    this.#log = log
  }

  /** Decodes the siblings of an open file, to see whether they are to be sent in its place. */
  async check (name: string, file: Representation, signal: AbortSignal): Promise<void> {
    for (const [coding, extension] of extensions) {
      const sibling = await this.#openSibling(name + extension)
      if (sibling === undefined) continue
      const { identity } = sibling
      if (identity.length < file.length) {
        if (await isFormOf(coding, identity, file, signal)) this.#pairs.add(joinTags(file, identity))
        else if (!signal.aborted) logWrongForm(this.#log, name, extension)
      }
      await sibling.release?.()
    }
  }

  /** Adds to an open file what lies beside it. */
  async join (name: string, file: OpenFile): Promise<OpenFile> {
    const forms: { br?: Representation, gzip?: Representation } = {}
    const releases = [file.release]
    for (const [coding, extension] of extensions) {
      const sibling = await this.#openSibling(name + extension)
      if (sibling === undefined) continue
      if (this.#pairs.has(joinTags(file.identity, sibling.identity))) forms[coding] = sibling.identity
      if (sibling.release !== undefined) releases.push(sibling.release)
    }
    const varies = file.varies || Object.keys(forms).length > 0
    return { ...file, ...forms, varies, release: async () => { for (const release of releases) await release() } }
  }

  /** `undefined` where it is not there, or cannot be read: then the file is sent as it is. */
  async #openSibling (name: string): Promise<Pick<OpenFile, 'identity'> & Partial<OpenFile> | undefined> {
    try {
      const sibling = this.#open(name)
      return sibling !== undefined && 'open' in sibling ? await sibling.open() : sibling
    } catch {
      return undefined
    }
  }
}

function joinTags (file: Representation, form: Representation): string {
  return `${file.etag}${form.etag}`
}

/** Whether a representation decodes to another: to all of it, and to nothing else. */
async function isFormOf (
  coding: CompressedCoding, form: Representation, file: Representation, signal: AbortSignal
): Promise<boolean> {
  const decoder = coding === 'br' ? createBrotliDecompress() : createGunzip()
  const hash = createHash('sha256')
  let length = 0
  try {
    const encoded = typeof form.body === 'function' ? form.body(0, form.length - 1) : Readable.from([form.body])
    await pipeline(encoded, decoder, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        length += chunk.length
        if (length > file.length) throw new Error('It is longer')
        hash.update(chunk)
      }
    }, { signal })
  } catch {
    return false
  }
  return decoder.bytesWritten === form.length && createEntityTag(hash.digest()) === file.etag
}
