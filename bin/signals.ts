import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import cluster from 'node:cluster'
import { inspect } from 'node:util'
import { crashSignals, surviveHangup } from '../app/operation/process-signals.ts'
import { readSettings } from '../app/settings/settings.ts'
import { leaveQuietly } from '../app/operation/stopping.ts'

/** What a worker and the primary of `--workers` say to each other. */
export interface Messages {
  /** The worker listens, at a place that begins a sentence. */
  fromWorker: { listening: string }
  /** The worker shall stop: all of them stop, or another has taken its place. */
  toWorker: 'stop' | 'replaced'
}

/** Whether this process is a worker of `--workers`. */
export function isWorker (): boolean {
  return cluster.isWorker
}

/** Stops the server at a signal and after an uncaught error. */
export function stopWithSignals (app: FastifyInstance): void {
  const isOnTerminal = process.stdout.isTTY === true // SIGHUP says that the terminal is gone
  closeGently(app, isOnTerminal ? [] : ['SIGHUP'])
  surviveHangup(process, app.log)
}

/**
 * Serves until the primary says otherwise. A signal may come besides: a terminal and a supervisor send it to all
 * processes of a group. The primary alone decides what a second one means.
 */
export function workUntilTold (app: FastifyInstance, where: string): void {
  const { close } = closeGently(app, ['SIGHUP', 'SIGINT', 'SIGTERM'])
  let isLeaving = false
  function leave (): void {
    if (!isLeaving) close()
    isLeaving = true
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  process.on('SIGHUP', () => {}) // the primary has it too, and replaces the workers one by one
  process.on('message', (message: Messages['toWorker']) => {
    if (message === 'replaced') leaveQuietly(app)
    if (message === 'replaced' || message === 'stop') leave()
  })
  process.send!({ listening: where } satisfies Messages['fromWorker']) // a worker has a channel to its primary
}

function closeGently (app: FastifyInstance, skip: closeWithGrace.AllEvents[]) {
  const { graceSeconds } = readSettings().stop
  // The app ends by itself within the grace. This is for a hook that hangs.
  const delay = graceSeconds * 1000 + 1000
  return closeWithGrace({ delay, logger: app.log, skip: [...crashSignals, ...skip] }, async (reason) => {
    if ('err' in reason) app.log.fatal({ err: asError(reason.err) }, 'an uncaught error ends the server')
    if ('signal' in reason) app.log.info(`${reason.signal}: the server stops; a second signal ends it at once`)
    await app.close()
    // For a falsy error the exit code would be 0.
    if ('err' in reason) process.exit(1)
  })
}

/** Anything can be thrown. The log shows the stack of an error alone. */
function asError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${inspect(thrown)}`)
}
