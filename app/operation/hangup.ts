import type { FastifyBaseLogger } from 'fastify'

/** The part of `process` that is used here. */
interface HangupProcess {
  stdout: { isTTY?: boolean }
  on: (event: 'SIGHUP', listener: () => void) => unknown
  removeAllListeners: (event: 'SIGHUP') => unknown
}

/**
 * Makes SIGHUP what an operator sends after a change of the users: it does not end the process. There is nothing to
 * do, for each login looks at the files of users and groups. On a terminal it still ends the process, for there it
 * says that the terminal is gone.
 */
export function surviveHangup (process: HangupProcess, log: FastifyBaseLogger): void {
  if (process.stdout.isTTY === true) return
  process.removeAllListeners('SIGHUP')
  process.on('SIGHUP', () => {
    log.info('SIGHUP: changed files of users and groups hold from the next login on; other changes need a restart')
  })
}
