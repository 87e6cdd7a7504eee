import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { inspect } from 'node:util'
import { crashSignals, surviveHangup } from '../app/operation/process-signals.ts'
import { readSettings } from '../app/settings/settings.ts'

/** Stops the server at a signal and after an uncaught error. */
export function stopWithSignals (app: FastifyInstance): void {
  const isOnTerminal = process.stdout.isTTY === true // SIGHUP says that the terminal is gone
  closeGently(app, isOnTerminal ? [] : ['SIGHUP'])
  surviveHangup(process, app.log)
}

/**
 * Closes the app at a signal and after an uncaught error, and then ends the process.
 *
 * @param skip signals that are left to others
 */
export function closeGently (
  app: FastifyInstance,
  skip: readonly closeWithGrace.AllEvents[]
): { close: () => void } {
  const { graceSeconds } = readSettings().stop
  // The app ends by itself within the grace. This is for a hook that hangs.
  const delay = graceSeconds * 1000 + 1000
  return closeWithGrace({ delay, logger: app.log, skip: [...crashSignals, ...skip] }, async (reason) => {
    if ('err' in reason) app.log.fatal({ err: toError(reason.err) }, 'an uncaught error ends the server')
    if ('signal' in reason) app.log.info(`${reason.signal}: the server stops; a second signal ends it at once`)
    await app.close()
    // For a falsy error the exit code would be 0.
    if ('err' in reason) process.exit(1)
  })
}

/** Anything can be thrown. The log shows the stack of an error alone. */
function toError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${inspect(thrown)}`)
}
