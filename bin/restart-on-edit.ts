import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { createFilesState } from '../app/development/files-state.ts'

/** A program, and what it is made of. */
export interface EditedProgram {
  /** Node's words for it. */
  args: readonly string[]
  /** Absolute paths of files and folders. Folders `public` and `views`, packages and builds in them do not count. */
  paths: readonly string[]
}

/** Node's own kinds of files. A program may write others itself, such as JSON. */
const sources = {
  skips: /(?:^|\/)(?:\.[^/]*|node_modules|dist|coverage|public|views)$/,
  counts: /\.[cm]?[jt]s$/
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Milliseconds between two looks at the files. */
const interval = 200

/** Milliseconds after a change: several files may be saved together. */
const settling = 100

/** Milliseconds for the program to end by itself. */
const patience = 5000

/**
 * Runs a program, and starts it anew when a file of it is saved. One that fails is started by the next edit.
 *
 * @returns the program's exit code, when it is over or a signal has ended it
 */
export async function restartOnEdit ({ args, paths }: EditedProgram): Promise<number> {
  const readState = createFilesState(paths, sources)
  let state = readState()
  let program = start(args)
  const told = new AbortController()

  function tell (signal: NodeJS.Signals): void {
    if (told.signal.aborted) program.kill('SIGKILL')
    // A terminal has sent its Ctrl-C to the program too, where a second one would end it at once.
    else if (signal !== 'SIGINT' || process.stdin.isTTY !== true) program.kill('SIGTERM')
    told.abort()
  }
  for (const signal of signals) process.on(signal, tell)

  while (!told.signal.aborted && program.exitCode !== 0) {
    await setTimeout(interval)
    if (readState() === state) continue
    await setTimeout(settling)
    state = readState()
    await stop(program)
    if (!told.signal.aborted) program = start(args)
  }
  if (!hasEnded(program)) await once(program, 'exit')
  for (const signal of signals) process.off(signal, tell)
  return program.exitCode ?? 0
}

function start (args: readonly string[]): ChildProcess {
  const program = spawn(process.execPath, args, { stdio: 'inherit' })
  program.once('exit', (code, signal) => {
    if (code === 0 || program.killed || signal === 'SIGINT') return
    const how = signal ?? `exit code ${code}`
    process.stderr.write(`The server has ended (${how}). It starts again when you save a file.\n`)
  })
  return program
}

async function stop (program: ChildProcess): Promise<void> {
  if (hasEnded(program)) return
  const ended = once(program, 'exit')
  program.kill('SIGTERM')
  const impatience = globalThis.setTimeout(() => program.kill('SIGKILL'), patience)
  await ended
  clearTimeout(impatience)
}

function hasEnded ({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
