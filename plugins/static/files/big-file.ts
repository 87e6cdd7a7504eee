import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { isSettled, readStamp } from '../../../lib/file-stamp.ts'

/** The digests of big files that were read through, by their paths; there are never more than there are files. */
export type Digests = Map<string, Reading>

interface Reading {
  /** Everything that the file system said of the file. */
  readonly stamp: string
  /** Every write to the file since then has given it another stamp. */
  readonly isSettled: boolean
  /** SHA-256 of its bytes. Requests that arrive together wait for the same reading. */
  readonly digest: Promise<Buffer>
}

/** A big file as it was when it was read through. */
export interface Snapshot {
  readonly stamp: string
  readonly isSettled: boolean
  readonly digest: Buffer
  /** In bytes. */
  readonly length: number
}

/**
 * So many bytes are read at a time: chunks of 64 KiB cost twice the processor time, those of 1 MiB save little more. A
 * client that reads slowly holds three of them: one in the socket, one in the stream, one that was read ahead.
 */
const chunkSize = 256 * 1024

/** Describes an open file as it is now. It is read only if it has changed since it was read last. */
export async function takeSnapshot (handle: FileHandle, path: string, digests: Digests): Promise<Snapshot> {
  const stat = await handle.stat({ bigint: true })
  const stamp = readStamp(stat)
  const length = Number(stat.size)
  let reading = digests.get(path)
  if (reading?.stamp !== stamp) {
    reading = { stamp, isSettled: isSettled(stat, Date.now()), digest: computeDigest(handle, length) }
    digests.set(path, reading)
  }
  try {
    const digest = await reading.digest
    const after = await handle.stat({ bigint: true })
    const stands = reading.isSettled && readStamp(after) === stamp
    if (!stands) digests.delete(path)
    return { stamp, isSettled: stands, digest, length }
  } catch (error) {
    digests.delete(path)
    throw error
  }
}

/**
 * Streams a part of an open file, and closes it. Fails before the last bytes where the file has become another one or
 * shorter meanwhile. One that has only grown is sent as far as it went.
 */
export function streamPart (handle: FileHandle, snapshot: Snapshot, first: number, last: number): Readable {
  async function * parts (): AsyncGenerator<Buffer> {
    for (let position = first; position <= last;) {
      const size = Math.min(chunkSize, last - position + 1)
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, position)
      position += bytesRead
      const isWhole = bytesRead > 0 && (position <= last || await stillHolds(handle, snapshot))
      if (!isWhole) throw new Error('The file changed while it was sent')
      yield buffer.subarray(0, bytesRead)
    }
  }

  const stream = Readable.from(parts(), { objectMode: false })
  stream.once('close', () => { handle.close().catch(() => {}) })
  return stream
}

/** Whether an open file still begins with the bytes of a snapshot. More may have come after them, as to a log. */
async function stillHolds (handle: FileHandle, { digest, isSettled, length, stamp }: Snapshot): Promise<boolean> {
  const stat = await handle.stat({ bigint: true })
  if (isSettled && readStamp(stat) === stamp) return true
  return stat.size >= length && digest.equals(await computeDigest(handle, length))
}

/** Hashes as many bytes as the file had at first: should it grow meanwhile, these are sent. */
async function computeDigest (handle: FileHandle, length: number): Promise<Buffer> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(chunkSize)
  for (let position = 0; position < length;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunkSize, length - position), position)
    if (bytesRead === 0) break
    hash.update(chunk.subarray(0, bytesRead))
    position += bytesRead
  }
  return hash.digest()
}
