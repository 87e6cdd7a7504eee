import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { surviveHangup } from '../app/hangup.js'
import { readSettings } from '../app/settings.js'
import { appFlags, makeApp, OperatorError, readFlags } from './app.js'
import { removeDeadSocket } from './dead-socket.js'

const flags = {
  ...appFlags,
  port: { type: 'string', short: 'p' },
  address: { type: 'string', short: 'a' },
  socket: { type: 'string', short: 's' },
  reload: { type: 'boolean' }
} as const

/** What fits into the system's sockaddr_un, of Linux and macOS; Node would cut the rest off. */
const maxSocketPath = 103

/** Starts the server. Ends once it listens, with exit code 0. */
export async function serve (args: readonly string[]): Promise<number> {
  const { port, address, socket, 'log-level': level, ...options } = readFlags(args, flags)
  if (port !== undefined && !/^\d{1,5}$/.test(port)) {
    throw new OperatorError(`--port is "${port}"; it takes a number from 0 to 65535`)
  }
  if (socket !== undefined && (port ?? address) !== undefined) {
    throw new OperatorError('--socket and --port or --address exclude each other')
  }
  if (socket !== undefined && Buffer.byteLength(socket) > maxSocketPath) {
    throw new OperatorError(`--socket takes a path of at most ${maxSocketPath} bytes`)
  }
  // Whoever reads the log may go away. The server stays.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

  const app = await makeApp(options, level)
  try {
    const where = await listen(app, { port, address, socket })
    stopWithSignals(app)
    process.stdout.write(`${where}. Ctrl-C stops the server.\n`)
    return 0
  } catch (error) {
    await app.close()
    throw error
  }
}

interface Place {
  port: string | undefined
  address: string | undefined
  socket: string | undefined
}

/** Answers, as the beginning of a sentence, where the server is to be found. */
async function listen (app: FastifyInstance, { port, address, socket }: Place): Promise<string> {
  if (socket !== undefined) {
    await removeDeadSocket(socket)
    await app.listen({ path: socket })
    return `Listening on the socket ${socket}`
  }
  // Read after .env.
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string, address?: string }
  const url = await app.listen({ port: Number(port ?? defaults.port), host: address ?? defaults.address })
  return `Open ${url}/ in a browser`
}

function stopWithSignals (app: FastifyInstance): void {
  const { graceSeconds } = readSettings().stop
  // The app ends by itself within the grace. This is for a hook that hangs.
  const delay = graceSeconds * 1000 + 1000
  closeWithGrace({ delay, logger: app.log, skip: ['SIGHUP'] }, async (reason) => {
    if ('err' in reason) app.log.fatal({ err: asError(reason.err) }, 'an uncaught error ends the server')
    if ('signal' in reason) app.log.info(`${reason.signal}: the server stops; a second signal ends it at once`)
    await app.close()
    // For a falsy error the exit code would be 0.
    if ('err' in reason) process.exit(1)
  })
  surviveHangup(process, app.log)
}

/** Anything can be thrown. The log shows the stack of an error alone. */
function asError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${inspect(thrown)}`)
}
