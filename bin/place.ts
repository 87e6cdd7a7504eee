import type { FastifyInstance } from 'fastify'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describeListenFailure } from '../app/operation/start-failure.ts'
import { OperatorError } from './read-flags.ts'

/** Flags that say where to listen. */
export const placeFlags = {
  port: { type: 'string', short: 'p' },
  address: { type: 'string', short: 'a' },
  socket: { type: 'string', short: 's' }
} as const

/** Where the server listens: on the network, where port 0 is any free one, or on a Unix socket. */
export type Place = { host: string, port: number } | { path: string }

/** Bytes that fit into sockaddr_un of Linux and macOS; Node would cut the rest off. */
const maxSocketPath = 103

/**
 * Returns what the flags say, else PORT and HOST, else 127.0.0.1:5001. To be called when .env is read.
 *
 * @throws OperatorError for flags that do not fit, and for a PORT that is not one
 */
export function readPlace (flags: { port?: string, address?: string, socket?: string } = {}): Place {
  const { port, address, socket } = flags
  if (socket !== undefined) {
    if ((port ?? address) !== undefined) throw new OperatorError('--socket and --port or --address exclude each other')
    if (socket !== '' && Buffer.byteLength(socket) <= maxSocketPath) return { path: socket }
    throw new OperatorError(`--socket takes a path of 1 to ${maxSocketPath} bytes`)
  }
  // An empty one would be all addresses.
  if (address === '') throw new OperatorError('--address takes a name or an address of this machine')
  // As fastify.config.cjs has it for `npm start`.
  const { HOST, PORT } = process.env
  return {
    host: address ?? (HOST || '127.0.0.1'),
    port: port === undefined ? readPort('PORT', PORT || '5001') : readPort('--port', port)
  }
}

/** As in a URL: an IPv6 address has brackets. */
export function describePlace (place: Place): string {
  if ('path' in place) return place.path
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`
}

/**
 * Lets the app listen.
 *
 * @returns where, as the beginning of a sentence
 * @throws OperatorError where the system refuses it
 */
export async function listenAt (app: FastifyInstance, place: Place): Promise<string> {
  const address = await app.listen(place).catch(refuse)
  return 'path' in place ? `Listening on the socket ${place.path}` : `Open ${address}/ in a browser`
}

/**
 * Tries whether a server could listen there now.
 *
 * @throws OperatorError where the system refuses it
 */
export async function tryPlace (place: Place): Promise<void> {
  const server = createServer().listen(place)
  await once(server, 'listening').catch(refuse)
  server.close()
  await once(server, 'close')
}

/** Tells the operator where the server is to be found. In production the log does so, where all lines are JSON. */
export function announce (where: string): void {
  if (process.env.NODE_ENV !== 'production') process.stdout.write(`${where}. Ctrl-C stops the server.\n`)
}

function readPort (name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text)
  throw new OperatorError(`${name} is "${text}"; it takes a number from 0 to 65535`)
}

/** Makes what the system says one line for the operator. */
function refuse (error: Error): never {
  const line = describeListenFailure(error)
  throw line === undefined ? error : new OperatorError(line)
}
