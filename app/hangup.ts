import type { FastifyBaseLogger } from 'fastify'

/** The part of `process` that is used here. */
interface HangupProcess {
  stdout: { isTTY?: boolean }
  on: (event: 'SIGHUP', listener: () => void) => unknown
  removeAllListeners: (event: 'SIGHUP') => unknown
}

/**
 * Makes SIGHUP what an operator sends after a change of the users: it does not end the process. On a terminal it still
 * does, for there it says that the terminal is gone.
 *
 * @param reload what to do besides. Nothing is needed for files of users and groups: each login looks at them
 */
export function surviveHangup (process: HangupProcess, log: FastifyBaseLogger, reload?: () => void): void {
  if (process.stdout.isTTY === true) return
  process.removeAllListeners('SIGHUP')
  process.on('SIGHUP', () => {
    if (reload !== undefined) reload()
    else log.info('SIGHUP: changed files of users and groups hold from the next login on; other changes need a restart')
  })
}
