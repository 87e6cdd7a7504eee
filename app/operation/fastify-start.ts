import type { FastifyInstance } from 'fastify'
import { dieOfCrashes, surviveHangup } from './process-signals.ts'
import { commandLine } from './start-failure.ts'
import type { Settings } from '../settings/settings.ts'

/** Does for `fastify start` what the package's command does by itself: signals, and the log's level as it is set. */
export function followOperator (app: FastifyInstance, { logLevel }: Settings): void {
  app.addHook('onListen', async () => surviveHangup(process, app.log))
  // fastify-cli listens to all signals once the app is loaded, and anew when it stops.
  for (const hook of ['onReady', 'preClose'] as const) app.addHook(hook, async () => dieOfCrashes(process))
  if (logLevel !== undefined && !isLogLevelGiven()) app.log.level = logLevel
}

/** Whether `fastify start` was told a level, which wins over the setting. */
function isLogLevelGiven (): boolean {
  return process.env.FASTIFY_LOG_LEVEL !== undefined || commandLine().some((word) => /^(?:--log-level|-l)/.test(word))
}
