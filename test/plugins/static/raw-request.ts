import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

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
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const lines = Object.entries({ host: 'test', connection: 'close', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')

  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return parse(Buffer.concat(chunks))
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
