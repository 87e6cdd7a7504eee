import { basename } from 'node:path'

const notOurAddress = 'is not an address of this machine; choose another with HOST or --address'

/** What the operator can do when the server cannot listen, by the system's or Node's error code. */
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
  /** What the system was asked for. */
  syscall?: string
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
 * Whether this process was started by `fastify start`. Anywhere else the app is a guest: it throws, and the host
 * decides what becomes of the process.
 */
export function isFastifyStart (script = String(process.argv[1])): boolean {
  return basename(script) === 'fastify' || /fastify-cli[\\/](?:cli|start)\.js$/.test(script)
}

/** The words that this process was started with, of which fastify-cli takes its own out of process.argv. */
export function commandLine (): string[] {
  // Node documents the report's fields; @types/node calls it an object.
  const { header } = process.report.getReport() as { header: { commandLine: string[] } }
  return header.commandLine
}

/**
 * Makes a failed start one clear line on stderr and exit code 1, where the operator can do something about it.
 * fastify-cli leaves a rejected start to Node or to its own log, which print a stack trace or, at the default log
 * level, nothing.
 *
 * @returns the function to call once the server listens, which leaves errors to fastify-cli again
 */
export function reportStartFailure (process: OperatorProcess): () => void {
  function report (reason: unknown): void {
    const line = describeStartFailure(reason) ?? describeOwnListenFailure(reason)
    if (line !== undefined) {
      process.stderr.write(`fastify-quickstart: ${line}\n`)
      process.exit(1)
    } else if (process.listenerCount('unhandledRejection') === 1) {
      // Without this listener the rejection ends the process with its stack trace. So it does with it.
      throw reason
    }
  }
  process.prependListener('unhandledRejection', report)
  return () => { process.removeListener('unhandledRejection', report) }
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
  const { code = '', hostname, address = '', port } = error
  if (unknownName.has(code)) {
    return `${hostname} is not a name or an address of this machine; choose another with HOST or --address`
  }
  if (port === -1) return `${socketName} ${address} cannot be listened on (${code}); choose another one`
  const failure = listenFailures[code]
  if (failure === undefined || port === undefined) return failure
  return `${address.includes(':') ? `[${address}]` : address}:${port} ${failure}`
}

/** As `describeListenFailure`, of an error that may be of the routes' own: a file, another server, another host. */
function describeOwnListenFailure (reason: unknown): string | undefined {
  const error = Object(reason) as StartError // every field may be missing
  const { syscall = 'listen', hostname } = error
  const isOwn = syscall === 'getaddrinfo' ? isOwnHost(hostname) : syscall === 'listen'
  if (!isOwn) return undefined
  return describeListenFailure(error, error.address === process.env.FASTIFY_SOCKET ? 'FASTIFY_SOCKET' : '--socket')
}

/** Whether the name is where the server was told to listen. */
function isOwnHost (name: string | undefined): boolean {
  if (name === undefined) return false
  const { HOST, FASTIFY_ADDRESS } = process.env
  return [HOST, FASTIFY_ADDRESS].includes(name) ||
    commandLine().some((word) => word === name || word === `--address=${name}`)
}
