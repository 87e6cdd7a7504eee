import type { FastifyInstance } from 'fastify'
import { surviveHangup } from './hangup.ts'
import { commandLine } from './start-failure.ts'
import type { Settings } from '../settings/settings.ts'

/** Does for `fastify start` what the package's command does by itself: SIGHUP, and the log's level as it is set. */
export function followOperator (app: FastifyInstance, { logLevel }: Settings): void {
  app.addHook('onListen', async () => surviveHangup(process, app.log))
  if (logLevel !== undefined && !isLogLevelGiven()) app.log.level = logLevel
}

/** Whether `fastify start` was told a level, which wins over the setting. */
function isLogLevelGiven (): boolean {
  return process.env.FASTIFY_LOG_LEVEL !== undefined || commandLine().some((word) => /^(?:--log-level|-l)/.test(word))
}
