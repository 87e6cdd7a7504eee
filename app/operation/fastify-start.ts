import type { FastifyInstance } from 'fastify'
import { parseArgs } from 'node:util'
import { removeDeadSocket } from './dead-socket.ts'
import { dieOfCrashes, surviveHangup } from './process-signals.ts'
import { reportStartFailure } from './start-failure.ts'
import { refuseLostSwitches } from '../settings/quickstart-options.ts'
import type { Settings } from '../settings/settings.ts'

/**
 * Makes a failed start one line, to be called before anything can fail.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_OPTION` for a switch that fastify-cli drops without a word
 */
export function explainStartFailures (app: FastifyInstance): void {
  app.addHook('onListen', reportStartFailure(process, app.server))
  refuseLostSwitches(readCommandLine())
}

/**
 * Does for `fastify start` what the package's command does by itself: signals, the log's level as it is set, and a
 * socket that a killed server has left.
 */
export function followOperator (app: FastifyInstance, { logLevel }: Settings): void {
  app.addHook('onListen', async () => surviveHangup(process, app.log))
  // fastify-cli listens to all signals once the app is loaded, and anew when it stops.
  for (const hook of ['onReady', 'preClose'] as const) app.addHook(hook, async () => dieOfCrashes(process))
  const words = readCommandLine()
  const socket = readSocket(words)
  if (socket !== undefined) app.addHook('onReady', async () => await removeDeadSocket(socket))
  if (logLevel !== undefined && !isLogLevelGiven(words)) app.log.level = logLevel
}

/**
 * Returns the words of the command line, all of them. fastify-cli takes its own out of process.argv before it loads the
 * app, and hands on neither a word that it does not know nor the socket; Node has them in its report alone.
 */
function readCommandLine (): string[] {
  // Node documents the report's fields; @types/node calls it an object.
  const { header } = process.report.getReport() as { header: { commandLine: string[] } }
  return header.commandLine
}

/** Whether `fastify start` was told a level, which wins over the setting. */
function isLogLevelGiven (words: readonly string[]): boolean {
  return process.env.FASTIFY_LOG_LEVEL !== undefined || words.some((word) => /^(?:--log-level|-l)/.test(word))
}

/** Returns the path of the Unix socket that `fastify start` was told to listen on. */
function readSocket (words: string[]): string | undefined {
  const { values } = parseArgs({
    args: words,
    options: { socket: { type: 'string', short: 's' } },
    strict: false
  })
  return typeof values.socket === 'string' ? values.socket : process.env.FASTIFY_SOCKET
}
