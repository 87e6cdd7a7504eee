import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { OperatorError } from './make-app.ts'

/** Where the server listens on the network. */
export interface Place {
  host: string
  /** 0 is any free port. */
  port: number
}

/**
 * What the flags say, else PORT and HOST, else 127.0.0.1:5001. To be called when .env is read: the defaults are read
 * once.
 *
 * @throws OperatorError for a PORT that is not one
 */
export function readPlace (port?: number, address?: string): Place {
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string }
  // Its address is missing beside FASTIFY_SOCKET, which is for fastify-cli alone.
  return { host: address ?? (process.env.HOST || '127.0.0.1'), port: port ?? readPort('PORT', String(defaults.port)) }
}

/** As in a URL: an IPv6 address has brackets. */
export function describePlace ({ host, port }: Place): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** @throws OperatorError for what is not a port, which begins with the name of the flag or setting */
export function readPort (name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text)
  throw new OperatorError(`${name} is "${text}"; it takes a number from 0 to 65535`)
}

/**
 * Tries whether the host is an address of this machine. Its port may be in use, by the server that runs now.
 *
 * @throws what the system says, as a start would
 */
export async function tryHost ({ host, port }: Place): Promise<void> {
  const server = createServer().listen(0, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw Object.assign(error as NodeJS.ErrnoException, { port }) // a server that cannot listen says so with this
  }
  server.close()
}
