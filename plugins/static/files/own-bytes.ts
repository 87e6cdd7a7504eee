/**
 * The same bytes in memory of their own. Node cuts small buffers out of a slab of 8 to 64 kB, and makes compressed
 * ones in a work buffer of 16 kB; what is kept for long would keep all of that.
 */
export function ownBytes (bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(own)
  return own
}
