import type { FastifyBaseLogger } from 'fastify'
import type { Digests } from './big-file.ts'
import { FileOnDisk, findOnDisk, type OpenableFile } from './disk.ts'
import type { FileLeftOnDisk, LoadedFolder } from './memory.ts'
import { DiskSiblings } from './siblings.ts'

/** The start waits for the fingerprints of files that have so many bytes together. */
const readAtStart = 64 * 1024 * 1024
/** And no more than so many are read for the others, beside the app's other work. */
const mostRead = 1024 * 1024 * 1024

/** The files that are over the caps. They have fingerprints too, and compressed forms that lie beside them. */
export class FilesLeftOnDisk {
  readonly #root: string
  readonly #realRoot: string
  readonly #digests: Digests = new Map()
  readonly #siblings: DiskSiblings
  readonly #smallOnes: FileLeftOnDisk[]
  readonly #bigOnes: FileLeftOnDisk[]
  /** The name to link each file by: its plain one until the file has been read. */
  readonly #links: Map<string, string>

  constructor (root: string, { kept, onDisk, realRoot }: LoadedFolder, log: FastifyBaseLogger) {
    const isWithin = (limit: number) => ({ size }: FileLeftOnDisk): boolean => (limit -= size) >= 0
    this.#root = root
    this.#realRoot = realRoot
    this.#links = new Map(onDisk.map(({ name }) => [name, name]))
    this.#smallOnes = onDisk.filter(isWithin(readAtStart))
    this.#bigOnes = onDisk.filter(isWithin(mostRead)).slice(this.#smallOnes.length)
    this.#siblings = new DiskSiblings((name) => kept.get(name) ?? this.#find(name), log)
  }

  get names (): Iterable<string> {
    return this.#links.keys()
  }

  /** The name to link a file by. */
  link (name: string): string | undefined {
    return this.#links.get(name)
  }

  /** The file of a name, with what lies beside it. */
  find (name: string): OpenableFile | undefined {
    const file = this.#find(name)
    if (file === undefined) return undefined
    return {
      open: async () => {
        const open = await file.open()
        return open && await this.#siblings.join(name, open)
      }
    }
  }

  /** Reads files for their fingerprints, and decodes what lies beside them. */
  async readSmallOnes (): Promise<void> {
    await this.#read(this.#smallOnes, new AbortController().signal)
  }

  async readBigOnes (signal: AbortSignal): Promise<void> {
    await this.#read(this.#bigOnes, signal)
  }

  #find (name: string): FileOnDisk | undefined {
    return this.#links.has(name) ? findOnDisk(this.#root, name, this.#digests) : undefined
  }

  async #read (files: FileLeftOnDisk[], signal: AbortSignal): Promise<void> {
    for (const { name, realPath } of files) {
      if (signal.aborted) return
      const open = await new FileOnDisk(name, realPath, this.#realRoot, this.#digests).open().catch(() => undefined)
      if (open === undefined) continue
      this.#links.set(name, open.link)
      await this.#siblings.check(name, open.identity, signal)
      await open.release()
    }
  }
}
