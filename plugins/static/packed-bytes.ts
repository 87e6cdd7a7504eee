/** Bytes that lie in a block which they may share with others. */
export interface PackedBytes {
  readonly block: Buffer
  readonly offset: number
  readonly length: number
}

const blockSize = 64 * 1024
const mostShared = blockSize / 8

/** Packs small files into shared blocks. In a buffer of its own each would take some 200 bytes more. */
export class Packer {
  #block = Buffer.alloc(0)
  #used = 0

  pack (bytes: Buffer): PackedBytes {
    const { length } = bytes
    if (length > mostShared) {
      // A copy of what is a part of some larger buffer, which would stay in memory with it.
      const isWhole = bytes.buffer.byteLength === length
      return { block: isWhole ? bytes : Buffer.from(bytes), offset: 0, length }
    }
    if (this.#used + length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(blockSize)
      this.#used = 0
    }
    const packed = { block: this.#block, offset: this.#used, length }
    this.#used += bytes.copy(this.#block, this.#used)
    return packed
  }
}

/** A part of them; `last` belongs to it, and may lie beyond the end. */
export function unpack ({ block, offset, length }: PackedBytes, first = 0, last = Infinity): Buffer {
  return block.subarray(offset + first, offset + Math.min(last + 1, length))
}
