import createError from '@fastify/error'
import type { FastifyError } from 'fastify'
import { errorMonitor, type EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * The error for a start that the operator can do something about, such as a database that is not there: the command and
 * `fastify start` print its message as one line, without a stack, and exit with 1.
 *
 * ```ts
 * import { CannotStart } from 'fastify-quickstart'
 *
 * throw new CannotStart('MODEL_URL is not set; it takes the address of the model')
 * ```
 */
export const CannotStart: new (reason: string) => FastifyError = createError('FST_QUICKSTART_APP_CANNOT_START', '%s')

const notOurAddress = 'is not an address of this machine; choose another with HOST or --address'

/** Advice for an operator whose server cannot listen, by the system's or Node's error code. */
const listenFailures: Record<string, string> = {
  EADDRINUSE: 'is in use; choose another port with PORT or --port',
  EACCES: 'may not be used by this account; choose a port above 1023 with PORT or --port',
  EADDRNOTAVAIL: notOurAddress,
  EAFNOSUPPORT: notOurAddress, // an IPv6 address where there is no IPv6
  EINVAL: notOurAddress, // an IPv6 address of a link, without the link's name
  ERR_SOCKET_BAD_PORT: 'PORT or --port takes a number from 0 to 65535'
}

/** Codes of the system for a name that it does not know, or cannot ask for. */
const unknownName = new Set(['ENOTFOUND', 'EAI_AGAIN'])

/** The setting that leads to an error of a topic, by the error's code. */
const settingBehind: Record<string, string> = {
  FST_QUICKSTART_AUTH_PROTECT_NOTHING: 'QUICKSTART_PROTECT: '
}

/** An error as it ends a start: with a code where it comes from the system, from Node, or from a plugin. */
interface StartError extends Error {
  code?: string
  hostname?: string
  address?: string
  port?: number
}

/** The part of `process` that a report of a failed start needs. */
export interface OperatorProcess {
  stderr: { write: (text: string) => unknown }
  exit: (code: number) => void
  listenerCount: (event: 'unhandledRejection') => number
  prependListener: (event: 'unhandledRejection', listener: (reason: unknown) => void) => unknown
  removeListener: (event: 'unhandledRejection', listener: (reason: unknown) => void) => unknown
}

/**
 * Whether this process was started by `fastify start`, with or without `--watch`. Anywhere else the app is a guest: it
 * throws, and the host decides what becomes of the process.
 */
export function isFastifyStart (script = String(process.argv[1])): boolean {
  return basename(script) === 'fastify' || /fastify-cli[\\/](?:cli|start|lib[\\/]watch[\\/]fork)\.js$/.test(script)
}

/**
 * Makes a failed start one clear line on stderr and exit code 1, where the operator can do something about it.
 * fastify-cli leaves a rejected start to Node or to its own log, which print a stack trace or, at the default level,
 * nothing.
 *
 * @param server the app's own: a failure of another server, or of a connection, is left with its stack
 * @returns the function to call once the server listens, which leaves errors to fastify-cli again
 */
export function reportStartFailure (process: OperatorProcess, server: EventEmitter): () => void {
  const ofServer = new Set<unknown>()
  const note = (error: Error): void => { ofServer.add(error) }
  function report (reason: unknown): void {
    // Node throws this one at once, before it has the server tell of it.
    const isListenFailure = ofServer.has(reason) || (reason as StartError | undefined)?.code === 'ERR_SOCKET_BAD_PORT'
    const line = isListenFailure ? describeOwnFailure(reason as StartError) : describeStartFailure(reason)
    if (line !== undefined) {
      process.stderr.write(`fastify-quickstart: ${line}\n`)
      process.exit(1)
    } else if (process.listenerCount('unhandledRejection') === 1) {
      // Without this listener the rejection ends the process with its stack trace. So it does with it.
      throw reason
    }
  }
  server.on(errorMonitor, note)
  process.prependListener('unhandledRejection', report)
  return () => {
    server.off(errorMonitor, note)
    process.removeListener('unhandledRejection', report)
  }
}

/** Returns what to tell the operator of a failed start, or undefined where it is a fault of the program. */
export function describeStartFailure (reason: unknown): string | undefined {
  const error = reason as StartError | undefined // every field may be missing
  const code = error?.code ?? ''
  if (code === 'FST_ERR_DUPLICATED_ROUTE') {
    return `${error?.message}; choose another path, or switch off the topic that has this one`
  }
  if (/^Not found handler already set /.test(error?.message ?? '')) {
    return 'setNotFoundHandler is called twice for one prefix; one handler answers what no route does'
  }
  if (code.startsWith('FST_QUICKSTART_')) {
    return `${settingBehind[code] ?? ''}${error?.message.replace(/^fastify-quickstart\//, '')}`
  }
  return undefined
}

/**
 * Returns what to tell the operator when the server itself cannot listen, or undefined for another error.
 *
 * @param socketName the flag or setting that names the Unix socket
 */
export function describeListenFailure (error: StartError, socketName = '--socket'): string | undefined {
  const { code = '', hostname, address, port } = error
  if (unknownName.has(code)) {
    return `${hostname} is not a name or an address of this machine; choose another with HOST or --address`
  }
  if (port === -1) return describeSocketFailure(socketName, address!, code) // the system names the path
  const failure = listenFailures[code]
  if (failure === undefined || address === undefined) return failure
  const host = address.includes(':') ? `[${address}]` : address
  return `${port === undefined ? host : `${host}:${port}`} ${failure}` // port 0, which is any, is not told
}

function describeSocketFailure (socketName: string, path: string, code: string): string {
  const folder = dirname(path)
  // For a missing folder Node says EACCES.
  if (['EACCES', 'ENOENT'].includes(code) && !existsSync(folder)) {
    return `${socketName} ${path} cannot be listened on: the folder ${folder} does not exist`
  }
  return `${socketName} ${path} cannot be listened on (${code}); choose another one`
}

/** As `describeListenFailure`, under `fastify start`. */
function describeOwnFailure (error: StartError): string | undefined {
  return describeListenFailure(error, error.address === process.env.FASTIFY_SOCKET ? 'FASTIFY_SOCKET' : '--socket')
}
