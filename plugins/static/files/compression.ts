import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import {
  brotliCompress, brotliDecompress, constants, gunzip, gzip, type BrotliOptions, type Gunzip, type ZlibOptions
} from 'node:zlib'
import { copyBytes } from '../../../lib/own-memory.ts'
import type { Coding } from '../accept-encoding.ts'

export type CompressedCoding = Exclude<Coding, 'identity'>

/** A file as far as compression needs it. */
export interface Compressible {
  readonly isCompressible: boolean
  readonly identity: { readonly body: Buffer }
  readonly br: object | undefined
  readonly gzip: object | undefined
  add: (coding: CompressedCoding, bytes: Buffer) => void
}

/*
 * How hard to compress, measured on 0.76 MB of JavaScript, JSON and Markdown (one core, Node 20):
 *
 *   brotli  5   28   MB/s  18.4 % of the size       gzip  6   40 MB/s  19.6 %
 *   brotli  9    7   MB/s  17.6 %                   gzip  9   19 MB/s  19.5 %
 *   brotli 10    1.4 MB/s  16.1 %
 *   brotli 11    0.6 MB/s  15.7 %
 *
 * 9 is the last step that costs a start seconds rather than minutes. Whoever wants 11 puts `.br` files beside the
 * others when the site is built. The quality never depends on the machine or the time left, so every server makes the
 * same bytes.
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
export async function compress (files: Iterable<Compressible>, room: number, signal: AbortSignal): Promise<void> {
  const queue = files[Symbol.iterator]()
  let left = room

  async function work (): Promise<void> {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const file = next.value
      if (!file.isCompressible) continue
      for (const coding of ['br', 'gzip'] as const) {
        if (file[coding] !== undefined) continue
        if (signal.aborted) return
        const bytes = await encode[coding](file.identity.body)
        if (bytes === undefined || bytes.length > left) continue
        left -= bytes.length
        file.add(coding, bytes)
      }
    }
  }

  await Promise.all(Array.from({ length: atOnce }, work))
}

/** `undefined` where the result would not be smaller. */
const encode = {
  br: async (bytes: Buffer) => await encodeSmaller(bytes, promisify<Buffer, BrotliOptions, Buffer>(brotliCompress), {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      // With a window that fits, a file of 1.5 kB takes 0.1 ms; with the usual one of 4 MB, 1.9 ms. Both give as few
      // bytes.
      [constants.BROTLI_PARAM_LGWIN]: Math.min(22, Math.max(16, Math.ceil(Math.log2(bytes.length + 16))))
    }
  }),
  gzip: async (bytes: Buffer) => {
    return await encodeSmaller(bytes, promisify<Buffer, ZlibOptions, Buffer>(gzip), { level: gzipLevel })
  }
}

async function encodeSmaller<Options extends object> (
  bytes: Buffer, encoder: (bytes: Buffer, options: Options) => Promise<Buffer>, options: Options
): Promise<Buffer | undefined> {
  if (bytes.length < 2) return undefined
  try {
    // zlib gives up where more than maxOutputLength comes out.
    return copyBytes(await encoder(bytes, { ...options, maxOutputLength: bytes.length - 1 }))
  } catch {
    return undefined
  }
}

/** Whether some bytes are a compressed form of others: all of them, and of nothing else. */
export async function decodesTo (coding: CompressedCoding, encoded: Buffer, bytes: Buffer): Promise<boolean> {
  try {
    // zlib refuses a limit of 0.
    const options = { maxOutputLength: Math.max(1, bytes.length), info: true }
    const decoded: unknown = coding === 'br'
      ? await promisify<Buffer, BrotliOptions, unknown>(brotliDecompress)(encoded, options)
      : await promisify<Buffer, ZlibOptions, unknown>(gunzip)(encoded, options)
    const { buffer, engine } = decoded as { buffer: Buffer, engine: Gunzip } // @types/node does not know `info`
    return buffer.equals(bytes) && engine.bytesWritten === encoded.length
  } catch {
    return false
  }
}
