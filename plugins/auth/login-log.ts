import type { FastifyRequest } from 'fastify'
import { escapeControls } from '../../lib/escape-controls.ts'
import { CheckFailed } from './errors.ts'

/** Who tries to log in, for a line of the log. Both come from the client: the address too, through a trusted proxy. */
export function describeClient (name: string, { ip }: FastifyRequest): { name: string, address: string | undefined } {
  // Fastify's type leaves out that a request over a Unix socket has no address.
  return { name: escapeControls(name), address: (ip as string | undefined) && escapeControls(ip) }
}

/** Logs what the host's function, or the place where failures are counted, has thrown. The client learns none of it. */
export function failCheck (error: unknown, name: string, request: FastifyRequest): never {
  request.log.error({ err: error, ...describeClient(name, request) }, 'the login could not be checked')
  throw new CheckFailed()
}
