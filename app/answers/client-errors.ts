import type { FastifyInstance } from 'fastify'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
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
  // Over HTTP/2 Node gives an answer in the place of the socket, as the connection has other requests.
  app.server.on('connect', (request: IncomingMessage, connection: Duplex | Http2ServerResponse) => {
    const refusal = { statusCode: 405, code: 'CONNECT', message: 'This server is not a proxy.' }
    if (connection instanceof Http2ServerResponse) {
      logRefusal(app, request.socket, refusal)
      const { fields, body } = createAnswer(refusal, connection.stream.session?.encrypted === true)
      connection.writeHead(refusal.statusCode, fields).end(body)
    } else {
      endConnection(app, connection as Socket, refusal) // a connection of a server is one
      connection.destroy()
    }
  })
}

/** RFC 9112 section 9.6: the connection ends with such an answer. */
function endConnection (app: FastifyInstance, socket: Socket, refusal: Refusal): void {
  logRefusal(app, socket, refusal)
  const { fields, body } = createAnswer(refusal, socket instanceof TLSSocket)
  const head = [
    `HTTP/1.1 ${refusal.statusCode} ${STATUS_CODES[refusal.statusCode]}`,
    'Connection: close',
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function logRefusal (app: FastifyInstance, { remoteAddress: address }: Socket, { statusCode, code }: Refusal): void {
  app.log.info({ status: statusCode, code, address }, 'not a request')
}

function createAnswer ({ statusCode, message }: Refusal, isEncrypted: boolean) {
  const body = JSON.stringify({ statusCode, error: STATUS_CODES[statusCode], message })
  const fields = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Content-Security-Policy': "default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
    ...(statusCode === 405 && { Allow: '' }),
    // Without a request no proxy says how it came.
    ...(isEncrypted && { 'Strict-Transport-Security': transportSecurity })
  }
  return { fields, body }
}

interface Refusal {
  statusCode: number
  code: string
  message: string
}
