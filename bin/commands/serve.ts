import type { FastifyInstance } from 'fastify'
import { availableParallelism } from 'node:os'
import { appFlags, makeApp, OperatorError, readFlags } from '../make-app.ts'
import { removeDeadSocket } from '../dead-socket.ts'
import { readPlace, readPort } from '../place.ts'
import { isWorker, stopWithSignals, workUntilTold } from '../signals.ts'
import { superviseWorkers } from '../workers.ts'

const flags = {
  ...appFlags,
  port: { type: 'string', short: 'p' },
  address: { type: 'string', short: 'a' },
  socket: { type: 'string', short: 's' },
  workers: { type: 'string', short: 'w' },
  reload: { type: 'boolean' }
} as const

/** What fits into the system's sockaddr_un, of Linux and macOS; Node would cut the rest off. */
const maxSocketPath = 103

/** Whoever reads the log may go away. The server stays. */
function stayWithoutReader (): void {}

/** Starts the server. Ends once it listens, with exit code 0. */
export async function serve (args: readonly string[]): Promise<number> {
  const { port: portText, address, socket, workers, 'log-level': level, ...options } = readFlags(args, flags)
  const port = portText === undefined ? undefined : readPort('--port', portText)
  if (socket !== undefined && (port ?? address) !== undefined) {
    throw new OperatorError('--socket and --port or --address exclude each other')
  }
  if (socket === '' || Buffer.byteLength(socket ?? '') > maxSocketPath) {
    throw new OperatorError(`--socket takes a path of 1 to ${maxSocketPath} bytes`)
  }
  if (address === '') throw new OperatorError('--address takes a name or an address of this machine') // it would be all
  for (const stream of [process.stdout, process.stderr]) {
    stream.off('error', stayWithoutReader).on('error', stayWithoutReader) // once, however often this is called
  }

  if (workers !== undefined && !isWorker()) {
    if (socket !== undefined) await removeDeadSocket(socket)
    return await superviseWorkers(countWorkers(workers), level)
  }

  const app = await makeApp({ ...options, worker: isWorker() }, level)
  try {
    const where = await listen(app, { port, address, socket })
    if (isWorker()) {
      workUntilTold(app, where)
    } else {
      stopWithSignals(app)
      process.stdout.write(`${where}. Ctrl-C stops the server.\n`)
    }
    return 0
  } catch (error) {
    await app.close()
    throw error
  }
}

/** @throws OperatorError for what is neither `auto` nor a number */
function countWorkers (text: string): number {
  if (text === 'auto') return availableParallelism()
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new OperatorError(`--workers is "${text}"; it takes a number from 1 to 999, or auto for one for each core`)
}

interface PlaceFlags {
  port: number | undefined
  address: string | undefined
  socket: string | undefined
}

/** Answers, as the beginning of a sentence, where the server is to be found. */
async function listen (app: FastifyInstance, { port, address, socket }: PlaceFlags): Promise<string> {
  if (socket !== undefined) {
    if (!isWorker()) await removeDeadSocket(socket)
    await app.listen({ path: socket })
    return `Listening on the socket ${socket}`
  }
  const url = await app.listen(readPlace(port, address))
  return `Open ${url}/ in a browser`
}
