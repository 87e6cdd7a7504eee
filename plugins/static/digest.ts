import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'

export function sha256 (bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** What a big file was when it was read through. */
export interface Snapshot extends Reading {
  /** In bytes. */
  length: number
  /** In milliseconds since 1970. */
  modified: number
  /** All that the file system said of it. */
  stamp: string
}

interface Reading {
  /** SHA-256 of the bytes. */
  digest: Buffer
  /** Whatever is written to the file from now on gives it another stamp. */
  isSettled: boolean
}

/** Readings of big files, by their stamps; requests that arrive together share one. */
const remembered = new LRUCache<string, Promise<Reading>>({ max: 1000 })

/** What was written as lately as this may be written again within the same tick of the file system's clock. */
const settled = 2000 // milliseconds

/** An open file as it is now. It is read only if it has changed since it was read last. */
export async function snapshotOf (handle: FileHandle): Promise<Snapshot> {
  const stat = await handle.stat({ bigint: true })
  const stamp = stampOf(stat)
  const length = Number(stat.size)
  const reading = remembered.get(stamp) ?? read(handle, length, stamp)
  remembered.set(stamp, reading)
  try {
    const { digest, isSettled } = await reading
    if (!isSettled) remembered.delete(stamp)
    return { digest, isSettled, length, modified: Number(stat.mtimeMs), stamp }
  } catch (error) {
    remembered.delete(stamp)
    throw error
  }
}

/** Whether an open file still begins with the bytes of a snapshot. More may have come after them, as to a log. */
export async function stillHolds (handle: FileHandle, { digest, isSettled, length, stamp }: Snapshot): Promise<boolean> {
  const stat = await handle.stat({ bigint: true })
  if (isSettled && stampOf(stat) === stamp) return true
  return stat.size >= length && digest.equals(await readThrough(handle, length))
}

async function read (handle: FileHandle, length: number, stamp: string): Promise<Reading> {
  const digest = await readThrough(handle, length)
  const after = await handle.stat({ bigint: true })
  return { digest, isSettled: stampOf(after) === stamp && Date.now() - Number(after.ctimeMs) > settled }
}

function stampOf ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

/** Reads as many bytes as the file had at first: should it grow meanwhile, these are the ones that are sent. */
async function readThrough (handle: FileHandle, length: number): Promise<Buffer> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(Math.min(length, 1024 * 1024))
  for (let position = 0; position < length;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, length - position), position)
    if (bytesRead === 0) break
    hash.update(chunk.subarray(0, bytesRead))
    position += bytesRead
  }
  return hash.digest()
}
