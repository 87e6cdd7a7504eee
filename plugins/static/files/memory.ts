import { realpathSync, statSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { walkFolder } from '../../../lib/walk-folder.ts'
import type { CompressedCoding } from './compression.ts'
import { isCompressible } from './content-type.ts'
import { readInside } from './disk.ts'
import { addFingerprint, isPublicName, isPublicPath } from './names.ts'
import { createEntityTag, createFields, type Representation, type ServedFile, hashBytes } from './representation.ts'

/** How much may be kept in memory. */
export interface MemoryCaps {
  /** A file of more bytes than this stays on the disk. Default 8388608 (8 MiB). */
  maxFileSize?: number
  /**
   * The bytes of all that is kept, compressed forms included; the smallest files go first.
   * Default 268435456 (256 MiB).
   */
  maxTotalSize?: number
}

/** A representation whose bytes are all in memory. */
interface Kept extends Representation {
  readonly body: Buffer
}

/** A file whose every answer is decided when it is read. */
export class MemoryFile implements ServedFile {
  readonly type: string
  readonly lastModified: string
  varies: boolean
  readonly identity: Kept
  /** The compressed forms; each appears when it is made, and is there only if it is worth sending. */
  br: Kept | undefined = undefined
  gzip: Kept | undefined = undefined
  /** Its name with the fingerprint of what is in it. */
  readonly link: string

  /**
   * @param name its name below root
   * @param bytes what is in it
   * @param modified when it was modified, in milliseconds since 1970
   */
  constructor (name: string, bytes: Buffer, modified: number) {
    const digest = hashBytes(bytes)
    const { type, lastModified, varies } = createFields(name, modified)
    this.type = type
    this.lastModified = lastModified
    this.varies = varies
    this.identity = { etag: createEntityTag(digest), length: bytes.length, body: bytes }
    this.link = addFingerprint(name, digest)
  }

  get isCompressible (): boolean {
    return isCompressible(this.type)
  }

  /** Adds a compressed form, to be sent from now on to clients that accept it. */
  add (coding: CompressedCoding, bytes: Buffer): void {
    this.varies = true
    this[coding] = { etag: createEntityTag(hashBytes(bytes)), length: bytes.length, body: bytes }
  }
}

/** A file that stays on the disk, as it was at start. */
export interface FileLeftOnDisk {
  name: string
  /** Where it lies, with every link resolved. */
  realPath: string
  /** In bytes. */
  size: number
}

/** The files of a folder, as they were at start. */
export interface LoadedFolder {
  /** The files in memory, by name; the smallest first. */
  kept: Map<string, MemoryFile>
  /** The files that stay on the disk; the smallest first. */
  onDisk: FileLeftOnDisk[]
  /** The folder, with every link resolved. */
  realRoot: string
  /** The bytes that the caps leave for compressed forms. */
  room: number
}

/** Reads a folder into memory, as far as the caps allow. */
export function loadFolder (root: string, caps: MemoryCaps, log: FastifyBaseLogger): LoadedFolder {
  const { maxFileSize = 8 * 1024 * 1024, maxTotalSize = 256 * 1024 * 1024 } = caps
  const realRoot = realpathSync.native(root)
  const kept = new Map<string, MemoryFile>()
  const onDisk: FileLeftOnDisk[] = []
  let room = maxTotalSize
  for (const { name, realPath, size, mtimeMs } of findFiles(realRoot, log)) {
    const bytes = size <= Math.min(maxFileSize, room) ? read(name, realPath, realRoot, log) : undefined
    if (bytes === undefined) {
      onDisk.push({ name, realPath, size })
    } else {
      room -= bytes.length
      kept.set(name, new MemoryFile(name, bytes, mtimeMs))
    }
  }
  return { kept, onDisk, realRoot, room }
}

/** Returns every file below the folder that may be served, the smallest first. */
function findFiles (realRoot: string, log: FastifyBaseLogger): (FileLeftOnDisk & { mtimeMs: number })[] {
  const leftOut = (file: string, reason: 'link' | NodeJS.ErrnoException): void => {
    if (reason !== 'link') log.warn({ file, err: reason }, 'static: left out: it cannot be read')
    else log.warn({ file }, 'static: left out: a link that leads out of root, to a hidden file, or in a circle')
  }
  const mayLieAt = (path: string): boolean => isPublicPath(realRoot, path)
  const found: (FileLeftOnDisk & { mtimeMs: number })[] = []
  for (const { name, realPath } of walkFolder(realRoot, { accepts: isPublicName, mayLieAt, leftOut })) {
    try {
      const { size, mtimeMs } = statSync(realPath)
      found.push({ name, realPath, size, mtimeMs })
    } catch (error) {
      leftOut(name, error as NodeJS.ErrnoException) // statSync throws nothing else
    }
  }
  return found.sort((a, b) => a.size - b.size)
}

/** `undefined` when it cannot be read; then it is tried again when somebody asks for it. */
function read (name: string, realPath: string, realRoot: string, log: FastifyBaseLogger): Buffer | undefined {
  try {
    return readInside(realPath, realRoot)
  } catch (error) {
    log.warn({ file: name, err: error }, 'static: a file cannot be read')
    return undefined
  }
}
