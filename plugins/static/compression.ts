import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, type BrotliOptions, type ZlibOptions } from 'node:zlib'
import type { MemoryFile } from './memory-file.js'

/*
 * How hard to compress, measured on 0.76 MB of JavaScript, JSON and Markdown (one core, Node 20):
 *
 *   brotli  5   28   MB/s  18.4 % of the size       gzip  6   40 MB/s  19.6 %
 *   brotli  9    7   MB/s  17.6 %                   gzip  9   19 MB/s  19.5 %
 *   brotli 10    1.4 MB/s  16.1 %
 *   brotli 11    0.6 MB/s  15.7 %
 *
 * 9 is the last step that costs a start seconds rather than minutes. Who wants 11 lays `.br` files beside the others when
 * the site is built. The quality never depends on the machine or the time left, so every server makes the same bytes.
 */
const brotliQuality = 9
const gzipLevel = 9

/** One of libuv's four threads stays free for the files, names and passwords of the rest of the app. */
const atOnce = Math.min(availableParallelism(), 3)

/**
 * Compresses files on the threads of libuv, a few at a time; each form is served as soon as it is there.
 *
 * @param files the files, in the order to take them; those that do not shrink are left alone
 * @param room how many bytes all compressed forms may take together
 * @param signal aborted when no further form shall be begun
 */
export async function compress (files: Iterable<MemoryFile>, room: number, signal: AbortSignal): Promise<void> {
  const queue = files[Symbol.iterator]()
  let left = room

  async function work (): Promise<void> {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const file = next.value
      if (!file.isCompressible) continue
      for (const coding of ['br', 'gzip'] as const) {
        if (file[coding] !== undefined) continue
        if (signal.aborted) return
        const bytes = await encode[coding](file.bytes)
        if (bytes === undefined || bytes.length > left) continue
        left -= bytes.length
        file.addEncoding(coding, bytes)
      }
    }
  }

  await Promise.all(Array.from({ length: atOnce }, work))
}

const encode = {
  br: async (bytes: Buffer) => await smaller(bytes, promisify<Buffer, BrotliOptions, Buffer>(brotliCompress), {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      // With a window that fits, a file of 1.5 kB takes 0.1 ms; with the usual one of 4 MB, 1.9 ms. The bytes are as few.
      [constants.BROTLI_PARAM_LGWIN]: Math.min(22, Math.max(16, Math.ceil(Math.log2(bytes.length + 16))))
    }
  }),
  gzip: async (bytes: Buffer) => await smaller(bytes, promisify<Buffer, ZlibOptions, Buffer>(gzip), { level: gzipLevel })
}

/** `undefined` where the result would not be smaller. */
async function smaller<Options extends object> (bytes: Buffer, encoder: (bytes: Buffer, options: Options) => Promise<Buffer>, options: Options): Promise<Buffer | undefined> {
  if (bytes.length < 2) return undefined
  try {
    // zlib gives up where more than maxOutputLength comes out.
    return await encoder(bytes, { ...options, maxOutputLength: bytes.length - 1 })
  } catch {
    return undefined
  }
}
