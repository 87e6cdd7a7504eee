import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import type { Collection, Found } from './collection.js'
import { DiskFile } from './disk-file.js'
import { fingerprinted, withoutFingerprint } from './fingerprint.js'
import { listFiles, type FoundFile } from './folder.js'
import { locate } from './locate.js'
import { MemoryFile } from './memory-file.js'

/** How much may be kept in memory. */
export interface MemoryCaps {
  /** A file of more bytes than this stays on the disk. Default 8388608 (8 MiB). */
  maxFileSize?: number
  /** The bytes of all that is kept, compressed forms included; the smallest files go first. Default 268435456 (256 MiB). */
  maxTotalSize?: number
}

/** What a fingerprint names never changes (RFC 8246). The seconds are a year. */
const immutable = 'public, max-age=31536000, immutable'

/** Files on the disk get fingerprints too, but a start reads no more bytes than this for it: a second or two. */
const mostReadForFingerprints = 1024 * 1024 * 1024

export interface LoadedFolder {
  collection: Collection
  /** What is in memory, the smallest first. */
  files: MemoryFile[]
  /** The bytes that the caps leave for compressed forms. */
  room: number
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
  let room = caps.maxTotalSize
  for (const source of found) {
    const bytes = source.size <= Math.min(caps.maxFileSize, room) ? read(source, log) : undefined
    if (bytes === undefined) {
      onDisk.push(source)
      continue
    }
    room -= bytes.length
    const varies = names.has(`${source.name}.br`) || names.has(`${source.name}.gz`)
    files.set(source.name, new MemoryFile(source.name, bytes, source.modified, varies))
  }

  for (const [name, file] of files) {
    const [br, gzip] = [files.get(`${name}.br`), files.get(`${name}.gz`)]
    if (br !== undefined) file.addEncoding('br', br.bytes)
    if (gzip !== undefined) file.addEncoding('gzip', gzip.bytes)
  }

  /** The name to link each file by. */
  const links = new Map<string, string>()
  for (const [name, { digest }] of files) links.set(name, fingerprinted(name, digest))
  for (const [name, digest] of await digests(onDisk)) links.set(name, digest === undefined ? name : fingerprinted(name, digest))

  /** By the name in the URL. A file that happens to have the name of another with its fingerprint wins. */
  const inMemory = new Map<string, Found>()
  const lookedUp = new Map<string, string>()
  for (const [name, link] of links) {
    const file = files.get(name)
    for (const asked of link === name || names.has(link) ? [name] : [name, link]) {
      if (file === undefined) lookedUp.set(asked, name)
      else inMemory.set(asked, { file, asked, cacheControl: asked === name ? cacheControl : immutable })
    }
  }

  function find (asked: string): Found | undefined {
    const found = inMemory.get(asked)
    if (found !== undefined) return found
    const name = lookedUp.get(asked)
    const path = name === undefined ? undefined : locate(root, name)
    return name === undefined || path === undefined ? undefined : { file: new DiskFile(name, path), asked, cacheControl: asked === name ? cacheControl : immutable }
  }

  return {
    files: [...files.values()],
    room,
    collection: {
      find: (asked) => {
        const found = find(asked)
        if (found !== undefined) return found
        // A page from before the last deployment, or from an instance that has the next one: the file as it is here is better than none.
        const name = withoutFingerprint(asked)
        const current = name !== undefined && links.has(name) ? find(name) : undefined
        return current && { ...current, cacheControl: 'no-cache' }
      },
      assetName: (name) => links.get(name)
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

/** The digests of files that stay on the disk, as far as they are to be had in reasonable time. */
async function digests (files: FoundFile[]): Promise<Map<string, Buffer | undefined>> {
  const digests = new Map<string, Buffer | undefined>()
  let read = 0
  for (const { name, path, size } of files) {
    read += size
    digests.set(name, read > mostReadForFingerprints ? undefined : await new DiskFile(name, path).digest().catch(() => undefined))
  }
  return digests
}
