import type { FastifyInstance } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { transportSecurity } from './security-headers.ts'

/** Statuses for what is not a request, by the error's code. All else is 400. */
const statuses: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413
}

/** Answers and logs what Node's parser refuses: it never becomes a request. Fastify's option `clientErrorHandler`. */
export function answerClientError (this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  const { code = '' } = error
  if (code === 'ECONNRESET' || socket.destroyed) return // nobody is there to read an answer
  const statusCode = statuses[code] ?? 400
  endConnection(this, socket, { statusCode, code, message: 'This is not a well-formed request.' })
  socket.destroy(error)
}

/** Answers and logs CONNECT, with which a client asks a proxy for a tunnel. Node itself just ends the connection. */
export function refuseTunnels (app: FastifyInstance): void {
  app.server.on('connect', (request, socket) => {
    const refusal = { statusCode: 405, code: 'CONNECT', message: 'This server is not a proxy.' }
    endConnection(app, socket as Socket, refusal) // a connection of a server is one
    socket.destroy()
  })
}

/** RFC 9112 section 9.6: the connection ends with such an answer. */
function endConnection (app: FastifyInstance, socket: Socket, refusal: Refusal): void {
  const { statusCode, code, message } = refusal
  app.log.info({ status: statusCode, code, address: socket.remoteAddress }, 'not a request')
  const phrase = STATUS_CODES[statusCode]
  const body = JSON.stringify({ statusCode, error: phrase, message })
  const head = [
    `HTTP/1.1 ${statusCode} ${phrase}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
    "Content-Security-Policy: default-src 'none'",
    'X-Content-Type-Options: nosniff',
    ...(statusCode === 405 ? ['Allow: '] : []),
    // Without a request no proxy says how it came.
    ...(socket instanceof TLSSocket ? [`Strict-Transport-Security: ${transportSecurity}`] : [])
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
}

interface Refusal {
  statusCode: number
  code: string
  message: string
}
