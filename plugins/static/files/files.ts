import type { FastifyBaseLogger } from 'fastify'
import type { Digests } from './big-file.ts'
import { findOnDisk, type OpenableFile } from './disk.ts'
import { FilesLeftOnDisk } from './left-on-disk.ts'
import { loadFolder, type MemoryCaps, type MemoryFile } from './memory.ts'
import { removeFingerprint } from './names.ts'
import { adoptSiblings } from './siblings.ts'

/** The file that a name in a URL leads to. */
export interface Found {
  readonly file: MemoryFile | OpenableFile
  readonly name: string
  /** The name that was asked for: the file's own, or that with a fingerprint. */
  readonly asked: string
  readonly cacheControl: string
}

/** The files below a root. */
export interface Files {
  /** Returns the file for a name in a URL, decoded; `undefined` when there is none. */
  find: (name: string) => Found | undefined
  /** Returns the name to link a file by; `undefined` when there is no such file. */
  link: (name: string) => string | undefined
  /** Lists the JavaScript files that have fingerprints, or get them: the names to link them by now. */
  scripts: () => readonly { name: string, link: string }[]
  /** Counts the bytes that are held in memory: files and their compressed forms. */
  bytesInMemory: () => number
}

/** A file under its fingerprint never changes (RFC 8246). The seconds are a year. */
const immutable = 'public, max-age=31536000, immutable'

/** Serves the files as they are on the disk at each request. */
export function createFilesOnDisk (root: string, cacheControl: string): Files {
  const digests: Digests = new Map()
  const rules = createFiles((name) => findOnDisk(root, name, digests), (name) => name, cacheControl)
  return { ...rules, scripts: () => [], bytesInMemory: () => 0 }
}

/** Files that were read at start. */
export interface FilesInMemory {
  files: Files
  /** The files that can be compressed, the smallest first. */
  kept: Iterable<MemoryFile>
  /** The bytes that the caps leave for compressed forms. */
  room: number
  /** Reads the big files on the disk, for their fingerprints; until then they are linked by their plain names. */
  readBigOnes: (signal: AbortSignal) => Promise<void>
}

/** Reads the files at start. Those over the caps are read from the disk at each request. */
export async function readFilesIntoMemory (
  root: string, caps: MemoryCaps, cacheControl: string, log: FastifyBaseLogger
): Promise<FilesInMemory> {
  const folder = loadFolder(root, caps, log)
  const { kept, room } = folder
  await adoptSiblings(kept, log)
  const rest = new FilesLeftOnDisk(root, folder, log)
  await rest.readSmallOnes()

  const scripts = [...kept.keys(), ...rest.names].filter((name) => /\.m?js$/.test(name)).sort()
  const open = (name: string): Found['file'] | undefined => kept.get(name) ?? rest.find(name)
  const findLink = (name: string): string | undefined => kept.get(name)?.link ?? rest.link(name)
  return {
    files: {
      ...createFiles(open, findLink, cacheControl),
      scripts: () => scripts.map((name) => ({ name, link: findLink(name)! })), // each was there at start
      bytesInMemory: () => countBytes(kept.values())
    },
    kept: kept.values(),
    room,
    readBigOnes: async (signal) => await rest.readBigOnes(signal)
  }
}

function countBytes (files: Iterable<MemoryFile>): number {
  // A file `app.js.br` may be the compressed form of `app.js` too.
  const bodies = new Set([...files].flatMap(({ identity, br, gzip }) => [identity.body, br?.body, gzip?.body]))
  return [...bodies].reduce((sum, body) => sum + (body?.length ?? 0), 0)
}

/**
 * @param open gives the file of a name
 * @param findLink gives the name to link a file by that there is
 * @param cacheControl for a URL without a fingerprint
 */
function createFiles (
  open: (name: string) => Found['file'] | undefined,
  findLink: (name: string) => string | undefined,
  cacheControl: string
): Pick<Files, 'find' | 'link'> {
  return {
    find: (asked) => {
      // A real file wins over a fingerprinted name.
      const plain = open(asked)
      if (plain !== undefined) return { file: plain, name: asked, asked, cacheControl }
      const name = removeFingerprint(asked)
      const file = name === undefined ? undefined : open(name)
      if (name === undefined || file === undefined) return undefined
      // A page from before the last deployment, or from an instance that has the next one, asks for another version:
      // this one is better than none, but it must not be kept under that name.
      return { file, name, asked, cacheControl: findLink(name) === asked ? immutable : 'no-cache' }
    },
    link: (name) => open(name) === undefined ? undefined : findLink(name)
  }
}
