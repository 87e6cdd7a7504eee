import type { FastifyBaseLogger } from 'fastify'

/**
 * Signals that say that native code has failed. Such code cannot go on: where JavaScript listens to one of them, the
 * process runs into the same fault again and again, and neither ends nor answers.
 */
export const crashSignals = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

/** The part of `process` that is used here. */
interface SignalledProcess {
  stdout: { isTTY?: boolean }
  on: (event: 'SIGHUP', listener: () => void) => unknown
  removeAllListeners: (event: 'SIGHUP' | typeof crashSignals[number]) => unknown
}

/** Lets a fault of native code end the process, as it does where nobody listens to its signal. */
export function dieOfCrashes (process: SignalledProcess): void {
  for (const signal of crashSignals) process.removeAllListeners(signal)
}

/**
 * Makes SIGHUP what an operator sends after a change of the users: it does not end the process. There is nothing to
 * do, for each login looks at the files of users and groups. On a terminal it still ends the process, for there it
 * says that the terminal is gone.
 */
export function surviveHangup (process: SignalledProcess, log: FastifyBaseLogger): void {
  if (process.stdout.isTTY === true) return
  process.removeAllListeners('SIGHUP')
  process.on('SIGHUP', () => {
    log.info('SIGHUP: changed files of users and groups hold from the next login on; other changes need a restart')
  })
}
