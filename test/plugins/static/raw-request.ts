import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'

export interface RawAnswer {
  status: number
  /** By lower-case name. */
  fields: Record<string, string>
  body: Buffer
}

/** Sends a request byte for byte as given over a socket of its own; no client tidies the target or the fields. */
export async function rawRequest (
  app: FastifyInstance, method: string, target: string, fields: Record<string, string> = {}
): Promise<RawAnswer> {
  const socket = connectTo(app)
  socket.write(requestText(method, target, { connection: 'close', ...fields }), 'latin1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return parse(Buffer.concat(chunks))
}

/**
 * Returns a function like `rawRequest` that sends one request after the other over the same connection, for long
 * tables. The connection is opened anew where the server has closed it.
 */
export function keepConnected (t: Test, app: FastifyInstance) {
  let socket: Socket | undefined
  t.teardown(() => socket?.destroy())

  return async function request (
    method: string, target: string, fields: Record<string, string> = {}
  ): Promise<RawAnswer> {
    const isNew = socket === undefined || socket.destroyed
    if (socket === undefined || isNew) socket = connectTo(app)
    socket.write(requestText(method, target, fields), 'latin1')
    const answer = await readAnswer(socket, method)
    // The server closed the connection after the answer before.
    if (answer === undefined && !isNew) return await request(method, target, fields)
    if (answer === undefined) throw new Error(`no answer to ${method} ${target}`)
    if (answer.fields.connection === 'close') socket.destroy()
    return answer
  }
}

function connectTo (app: FastifyInstance): Socket {
  return connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
}

function requestText (method: string, target: string, fields: Record<string, string>): string {
  const lines = Object.entries({ host: 'test', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Reads one answer with a Content-Length. Undefined when the connection is closed without one. */
function readAnswer (socket: Socket, method: string): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0)
    const read = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      if (!bytes.includes('\r\n\r\n')) return
      const answer = parse(bytes)
      const length = method === 'HEAD' ? 0 : Number(answer.fields['content-length'] ?? 0)
      if (answer.body.length >= length) end(answer)
    }
    const close = (): void => end(undefined)
    const end = (answer: RawAnswer | undefined): void => {
      socket.off('data', read).off('close', close).off('error', close)
      resolve(answer)
    }
    socket.on('data', read).on('close', close).on('error', close)
  })
}

function parse (answer: Buffer): RawAnswer {
  const end = answer.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = answer.subarray(0, end).toString('latin1').split('\r\n')
  const fields = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  }))
  return { status: Number(statusLine.split(' ')[1]), fields, body: answer.subarray(end + 4) }
}
