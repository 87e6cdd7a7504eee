import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'

export function sha256 (bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** Digests of big files, by all that the file system says of them; requests that arrive together share one reading. */
const remembered = new LRUCache<string, Promise<Buffer>>({ max: 1000 })

/** What was written as lately as this may be written again within the same tick of the file system's clock. */
const settled = 2000 // milliseconds

/** SHA-256 of an open file, which is read only if it has changed since it was read last. */
export async function digestOf (handle: FileHandle): Promise<Buffer> {
  const before = await handle.stat({ bigint: true })
  const key = identify(before)
  const known = remembered.get(key)
  if (known !== undefined) return known

  const reading = readThrough(handle, Number(before.size))
  remembered.set(key, reading)
  try {
    const digest = await reading
    const after = await handle.stat({ bigint: true })
    const isSettled = identify(after) === key && Date.now() - Number(after.ctimeMs) > settled
    if (!isSettled) remembered.delete(key)
    return digest
  } catch (error) {
    remembered.delete(key)
    throw error
  }
}

function identify ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
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
