/**
 * Returns the same text in memory of its own, to be held for long. V8 keeps a part of a string as a reference into the
 * whole of it, and a joined one as a tree of its parts.
 */
export function copyString (text: string): string {
  return Buffer.from(text).toString()
}

/**
 * Returns the same bytes in memory of their own, to be held for long. Node cuts small buffers out of a slab of 8 to
 * 64 kB, and makes compressed ones in a work buffer of 16 kB.
 */
export function copyBytes (bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(own)
  return own
}
