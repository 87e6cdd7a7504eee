import type { BigIntStats } from 'node:fs'

/**
 * Returns everything that the file system says changes when a file does: two versions of a file differ in it, once it
 * is settled.
 */
export function readStamp ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

/**
 * Whether every later write to a file will change its stamp. A file system's clock ticks every few milliseconds (on
 * some every two seconds, in whole seconds), and two writes within one tick have the same stamp. Git calls such a
 * file "racily clean" and reads it again.
 *
 * @param readAt when the file was read, in milliseconds since 1970
 */
export function isSettled ({ ctimeMs, ctimeNs }: BigIntStats, readAt: number): boolean {
  const tick = ctimeNs % 1_000_000_000n === 0n ? 2000 : 50
  return readAt - Number(ctimeMs) > tick
}
