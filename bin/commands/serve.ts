import { availableParallelism } from 'node:os'
import { removeDeadSocket } from '../../app/operation/dead-socket.ts'
import { loadEnvFile } from '../../app/settings/env-file.ts'
import { appFlags, makeApp } from '../make-app.ts'
import { announce, listenAt, placeFlags, readPlace } from '../place.ts'
import { OperatorError, readFlags } from '../read-flags.ts'
import { stopWithSignals } from '../signals.ts'
import { isWorker, workUntilTold } from '../worker.ts'
import { superviseWorkers } from '../workers.ts'

/** All flags of a start. */
export const serveFlags = {
  ...appFlags,
  ...placeFlags,
  workers: { type: 'string', short: 'w' },
  reload: { type: 'boolean' }
} as const

/** Starts the server. Ends once it listens, with exit code 0. */
export async function serve (args: readonly string[]): Promise<number> {
  const { port, address, socket, workers, 'log-level': level, ...options } = readFlags(args, serveFlags)
  loadEnvFile()
  const place = readPlace({ port, address, socket })
  for (const stream of [process.stdout, process.stderr]) {
    stream.off('error', stayWithoutReader).on('error', stayWithoutReader) // once, however often this is called
  }
  if ('path' in place && !isWorker()) await removeDeadSocket(place.path)
  if (workers !== undefined && !isWorker()) return await superviseWorkers(countWorkers(workers), level)

  const app = await makeApp({ ...options, worker: isWorker() }, level)
  try {
    const where = await listenAt(app, place)
    if (isWorker()) {
      workUntilTold(app, where)
    } else {
      stopWithSignals(app)
      announce(where)
    }
    return 0
  } catch (error) {
    await app.close()
    throw error
  }
}

/** Whoever reads the log may go away. The server stays. */
function stayWithoutReader (): void {}

/** @throws OperatorError for what is neither `auto` nor a number */
function countWorkers (text: string): number {
  if (text === 'auto') return availableParallelism()
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new OperatorError(`--workers is "${text}"; it takes a number from 1 to 999, or auto for one for each core`)
}
