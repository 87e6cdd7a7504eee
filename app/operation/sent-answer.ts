import type { FastifyRequest } from 'fastify'
import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'

export const byClient = 'by the client'

/** An answer as its connection has it, once it has ended. */
export interface SentAnswer {
  /** How many bytes of it have been sent. */
  bytes: () => number
  /** Who cut it, as far as the connection knows. */
  cut: () => string | undefined
  /** Whether it is one of many on a connection of HTTP/2, where a response that is cut finishes too. */
  isShared: boolean
}

/** To be called when the request comes. */
export function watchAnswer ({ raw }: FastifyRequest): SentAnswer {
  // Fastify's types leave HTTP/2 out.
  return 'stream' in raw ? watchStream(raw as unknown as Http2ServerRequest) : watchSocket(raw.socket)
}

function watchSocket (socket: Socket): SentAnswer {
  const before = socket.bytesWritten
  return {
    bytes: () => socket.bytesWritten - before,
    cut () {
      const { code = '' } = (socket.errored ?? {}) as NodeJS.ErrnoException // a socket's errors are the system's
      return socket.readableEnded || /^(?:ECONNRESET|EPIPE)$/.test(code) ? byClient : undefined
    },
    isShared: false
  }
}

/** Counts what is written to a stream of HTTP/2, which does not tell. */
function watchStream ({ stream }: Http2ServerRequest): SentAnswer {
  const { session } = stream
  let bytes = 0
  for (const name of ['write', 'end'] as const) {
    const send = stream[name] as (...words: unknown[]) => unknown // the overloads of both
    Object.assign(stream, {
      [name] (...words: unknown[]) {
        const [chunk, encoding] = words
        if (typeof chunk === 'string') bytes += Buffer.byteLength(chunk, encoding as BufferEncoding | undefined)
        else if (chunk instanceof Uint8Array) bytes += chunk.length
        return send.apply(stream, words)
      }
    })
  }
  return {
    bytes: () => bytes,
    cut () {
      if (!stream.aborted) return undefined
      if (stream.rstCode !== 0) return byClient
      return session?.destroyed === true ? 'with the connection' : 'by the server'
    },
    isShared: true
  }
}
