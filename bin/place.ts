import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { OperatorError } from './app.js'

/** Where the server listens on the network. */
export interface Place {
  host: string | undefined
  /** 0 is any free port. */
  port: number
}

/**
 * What the flags say, else PORT and HOST, else 127.0.0.1:5001. To be called when .env is read.
 *
 * @throws OperatorError for what is not a port
 */
export function readPlace (port?: string, address?: string): Place {
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string, address?: string }
  const name = port === undefined ? 'PORT' : '--port'
  return { host: address ?? defaults.address, port: readPort(name, String(port ?? defaults.port)) }
}

function readPort (name: string, text: string): number {
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
