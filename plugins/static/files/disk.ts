import {
  closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, realpathSync, statSync
} from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { copyBytes } from '../../../lib/own-memory.ts'
import { type Digests, takeSnapshot, streamPart } from './big-file.ts'
import { Unreadable } from '../errors.ts'
import { addFingerprint, isPublicName, isPublicPath } from './names.ts'
import { createEntityTag, createFields, type ServedFile, hashBytes } from './representation.ts'

/** Files up to this many bytes are read at once, so that the tag and the bytes are of one moment. */
const readAtOnce = 1024 * 1024

// Between look-up and opening, a link or a pipe may have come to lie under the name: neither follow the one nor wait
// for the other. (Windows has neither flag; undefined counts as 0.)
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The system's codes for a name that leads to nothing. */
const nothingThere = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL'])

/**
 * Finds a file by its name, as it is on the disk now.
 * Synchronous, since it asks for directory entries alone, which the kernel has at hand.
 *
 * @returns `undefined` when there is no such file or it must not be served
 * @throws `FST_QUICKSTART_STATIC_UNREADABLE` when the system does not let us look
 */
export function findOnDisk (root: string, name: string, digests: Digests): FileOnDisk | undefined {
  if (!isPublicName(name)) return undefined
  try {
    const realRoot = realpathSync.native(root)
    const path = realpathSync.native(join(realRoot, name))
    if (path !== join(realRoot, name) && !leadsInside(realRoot, name)) return undefined
    return statSync(path).isFile() ? new FileOnDisk(name, path, realRoot, digests) : undefined
  } catch (error) {
    return ignoreMissing(error)
  }
}

/**
 * Returns `undefined` for an error that means that there is no such file. Any other is the cause: it names the path.
 */
function ignoreMissing (error: unknown): undefined {
  // The file system throws system errors.
  if (!nothingThere.has(String((error as NodeJS.ErrnoException).code))) throw new Unreadable({ cause: error })
}

/** Follows a name segment by segment: no link may leave root, come to something hidden, or go in a circle. */
function leadsInside (realRoot: string, name: string): boolean {
  const passed = new Set([realRoot])
  let here = realRoot
  for (const segment of name.split('/')) {
    const next = join(here, segment)
    here = realpathSync.native(next)
    // Where upper and lower case are one (macOS, Windows), a path that resolves to another without a link is a second
    // spelling.
    const sameSpelling = here === next || lstatSync(next).isSymbolicLink()
    if (!sameSpelling || passed.has(here) || !isPublicPath(realRoot, here)) return false
    passed.add(here)
  }
  return true
}

/** Reads a file at start. Throws the error of the system, or one of its own for a file outside the folder. */
export function readInside (path: string, realRoot: string): Buffer {
  const fd = openSync(path, flags)
  try {
    if (!liesInside(fd, path, realRoot)) throw new Error('it was moved while it was opened')
    return copyBytes(readFileSync(fd))
  } finally {
    closeSync(fd)
  }
}

/**
 * Whether an open file lies in the folder. Between look-up and opening, a folder on its way may have become a link that
 * leads elsewhere.
 */
function liesInside (fd: number, path: string, realRoot: string): boolean {
  let openedPath: string
  try {
    openedPath = readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // Only Linux can tell. Elsewhere the file must be the one that the path leads to, without a link, a moment later.
    const [opened, found] = [fstatSync(fd, { bigint: true }), statSync(path, { bigint: true })]
    return opened.dev === found.dev && opened.ino === found.ino && realpathSync.native(path) === path
  }
  return isPublicPath(realRoot, openedPath)
}

/** A file that is open for one answer. */
export interface OpenFile extends ServedFile {
  /** Its name with the fingerprint of what is in it now. */
  readonly link: string
  /** Closes the file, unless a part of it is being streamed: the stream closes it at its end. */
  readonly release: () => Promise<void>
}

/** A file to open for each answer. */
export interface OpenableFile {
  /**
   * @returns `undefined` when the file is not there any more
   * @throws `FST_QUICKSTART_STATIC_UNREADABLE` when the system does not let us read it
   */
  open: () => Promise<OpenFile | undefined>
}

/** A file that is opened for each answer, and so is always as it is on the disk now. Its bytes go out uncompressed. */
export class FileOnDisk implements OpenableFile {
  readonly #name: string
  readonly #path: string
  readonly #realRoot: string
  readonly #digests: Digests

  /**
   * @param name its name below root
   * @param path where it lies, with every link resolved
   * @param realRoot the folder that it must lie in, with every link resolved
   * @param digests what is known of big files in that folder
   */
  constructor (name: string, path: string, realRoot: string, digests: Digests) {
    this.#name = name
    this.#path = path
    this.#realRoot = realRoot
    this.#digests = digests
  }

  async open (): Promise<OpenFile | undefined> {
    const handle = await this.#openHandle().catch(ignoreMissing)
    if (handle === undefined) return undefined
    try {
      return await this.#read(handle)
    } catch (error) {
      await handle.close()
      throw new Unreadable({ cause: error })
    }
  }

  async #openHandle (): Promise<FileHandle | undefined> {
    const handle = await open(this.#path, flags)
    try {
      if (liesInside(handle.fd, this.#path, this.#realRoot) && (await handle.stat()).isFile()) return handle
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return undefined
  }

  async #read (handle: FileHandle): Promise<OpenFile> {
    const stat = await handle.stat()
    const [name, fields] = [this.#name, createFields(this.#name, stat.mtimeMs)]
    if (stat.size > readAtOnce) {
      const snapshot = await takeSnapshot(handle, this.#path, this.#digests)
      const { digest, length } = snapshot
      let isStreaming = false
      const body = (first: number, last: number) => {
        isStreaming = true
        return streamPart(handle, snapshot, first, last)
      }
      return {
        ...fields,
        identity: { etag: createEntityTag(digest), length, body },
        link: addFingerprint(name, digest),
        release: async () => { if (!isStreaming) await handle.close() }
      }
    }

    // A file that has grown meanwhile is sent as far as it went; one that has shrunk gives what is left of it.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(stat.size), 0, stat.size, 0)
    const body = buffer.subarray(0, bytesRead)
    const digest = hashBytes(body)
    return {
      ...fields,
      identity: { etag: createEntityTag(digest), length: bytesRead, body },
      link: addFingerprint(name, digest),
      release: async () => await handle.close()
    }
  }
}
