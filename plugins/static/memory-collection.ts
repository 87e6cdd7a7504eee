import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import type { Collection, ServedFile } from './collection.js'
import { DiskFile } from './disk-file.js'
import { fingerprinted, withoutFingerprint } from './fingerprint.js'
import { listFiles, type FoundFile } from './folder.js'
import { locate } from './locate.js'
import { MemoryFile } from './memory-file.js'
import { Packer } from './packed-bytes.js'

/** How much may be kept in memory. */
export interface MemoryCaps {
  /** A file of more bytes than this stays on the disk. Default 8388608 (8 MiB). */
  maxFileSize?: number
  /** The bytes of all that is kept, compressed forms included; the smallest files go first. Default 268435456 (256 MiB). */
  maxTotalSize?: number
}

/** What a fingerprint names never changes (RFC 8246). The seconds are a year. */
const immutable = 'public, max-age=31536000, immutable'

/** Files on the disk get fingerprints too. For those that have so many bytes together the start waits, since that takes no second. */
const readAtStart = 64 * 1024 * 1024
/** And no more than so many are read for the others, which goes on beside the app's other work. */
const mostRead = 1024 * 1024 * 1024

export interface LoadedFolder {
  collection: Collection
  /** What is in memory, the smallest first. */
  files: Iterable<MemoryFile>
  /** The bytes that the caps leave for compressed forms. */
  room: number
  /** Reads the big files that stay on the disk, for their fingerprints; until then they are linked by their plain names. */
  fingerprintBigOnes: (signal: AbortSignal) => Promise<void>
}

/**
 * Reads the folder: from now on it is served as it is now, but for the bytes of what is over the caps.
 *
 * @param cacheControl for a URL without fingerprint
 */
export async function loadFolder (root: string, caps: Required<MemoryCaps>, cacheControl: string, log: FastifyBaseLogger): Promise<LoadedFolder> {
  const found = [...listFiles(root, log)].sort((a, b) => a.size - b.size)
  const names = new Set(found.map(({ name }) => name))

  const files = new Map<string, MemoryFile>()
  const onDisk: FoundFile[] = []
  const packer = new Packer()
  let room = caps.maxTotalSize
  for (const source of found) {
    const bytes = source.size <= Math.min(caps.maxFileSize, room) ? read(source, log) : undefined
    if (bytes === undefined) {
      onDisk.push(source)
      continue
    }
    room -= bytes.length
    const varies = names.has(`${source.name}.br`) || names.has(`${source.name}.gz`)
    const file = new MemoryFile(source.name, bytes, source.modified, varies, packer)
    files.set(file.name, file)
  }

  for (const [name, file] of files) {
    const [br, gzip] = [files.get(`${name}.br`), files.get(`${name}.gz`)]
    // An empty one is what a build leaves that has failed: nothing is the compressed form of nothing.
    if (br !== undefined && br.identity.length > 0) file.adopt('br', br)
    if (gzip !== undefined && gzip.identity.length > 0) file.adopt('gzip', gzip)
  }

  /** The name to link each file by that stays on the disk. */
  const linksOnDisk = new Map(onDisk.map(({ name }) => [name, name]))
  const isWithin = (limit: number): (file: FoundFile) => boolean => ({ size }) => (limit -= size) >= 0
  const smallOnes = onDisk.filter(isWithin(readAtStart))
  const bigOnes = onDisk.filter(isWithin(mostRead)).slice(smallOnes.length)
  await fingerprint(smallOnes, linksOnDisk)

  const linkOf = (name: string): string | undefined => files.get(name)?.link ?? linksOnDisk.get(name)

  function open (name: string): ServedFile | undefined {
    const file = files.get(name)
    if (file !== undefined) return file
    const path = linksOnDisk.has(name) ? locate(root, name) : undefined
    return path === undefined ? undefined : new DiskFile(name, path)
  }

  return {
    files: files.values(),
    room,
    fingerprintBigOnes: async (signal) => await fingerprint(bigOnes, linksOnDisk, signal),
    collection: {
      find: (asked) => {
        // A file that happens to have the name of another with its fingerprint wins.
        const plain = open(asked)
        if (plain !== undefined) return { file: plain, asked, cacheControl }
        const name = withoutFingerprint(asked)
        const file = name === undefined ? undefined : open(name)
        if (name === undefined || file === undefined) return undefined
        // A page from before the last deployment, or from an instance that has the next one, asks for what is not here: the file as it is is better than none.
        return { file, asked, cacheControl: linkOf(name) === asked ? immutable : 'no-cache' }
      },
      assetName: (name) => open(name) === undefined ? undefined : linkOf(name)
    }
  }
}

/** `undefined` when it cannot be read; then it is tried again when somebody asks for it. */
function read ({ name, path }: FoundFile, log: FastifyBaseLogger): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    log.warn({ file: name, err: error }, 'static: a file cannot be read')
    return undefined
  }
}

async function fingerprint (files: FoundFile[], links: Map<string, string>, signal?: AbortSignal): Promise<void> {
  for (const { name, path } of files) {
    if (signal?.aborted === true) return
    const digest = await new DiskFile(name, path).digest().catch(() => undefined)
    if (digest !== undefined) links.set(name, fingerprinted(name, digest))
  }
}
