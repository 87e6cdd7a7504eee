import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'

export const root = resolve(import.meta.dirname, '..', '..')

const run = promisify(execFile)

/** What npm says of a packed tarball. */
export interface Packed {
  /** Absolute path of the tarball. */
  tarball: string
  /** Paths of the files in it. */
  files: string[]
  size: number
  unpackedSize: number
}

/**
 * A new folder outside the repository, so that nothing of the repository is found from it. Removed when the test
 * ends.
 */
export async function newFolder (t: Test): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'quickstart-')))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Packs the package as it would be published. It is built already. */
export async function pack (t: Test): Promise<Packed> {
  const folder = await newFolder(t)
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root })
  const [packed] = JSON.parse(stdout) as {
    filename: string, size: number, unpackedSize: number, files: { path: string }[]
  }[]
  if (packed === undefined) throw new Error('npm packed nothing')
  return { ...packed, tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path).sort() }
}

/** Installs packages, and what the folder's package.json names, as somebody else would. */
export async function install (folder: string, ...packages: string[]): Promise<void> {
  if (!existsSync(join(folder, 'package.json'))) {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'somebody-elses-app', private: true, type: 'module' }))
  }
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages], { cwd: folder, env: ownEnvironment() })
}

/** A package with the range that this repository names, such as `fastify@^5.12.0`. */
export async function withRange (name: string): Promise<string> {
  const { peerDependencies, devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
  return `${name}@${devDependencies?.[name] ?? peerDependencies?.[name]}`
}

/** Runs a program to its end. */
export async function runToEnd (
  command: string, args: string[], folder: string, env: Record<string, string> = {}
): Promise<{ code: number, output: string }> {
  const program = spawn(command, args, { cwd: folder, env: { ...ownEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const [code] = await once(program, 'close') as [number]
  return { code, output }
}

/** A program with one server or more. */
interface Running {
  /** Addresses of its servers, without a slash at their end. */
  addresses: string[]
  /** Sends a signal to the program and its children, as a terminal does, and waits for its end. */
  stop: (signal: NodeJS.Signals) => Promise<void>
}

/** Starts a program, and waits until its servers have printed their addresses. Stopped when the test ends. */
export async function startProgram (
  t: Test, count: number, command: string, args: string[], folder: string, env: Record<string, string> = {}
): Promise<Running> {
  // A group of its own, for `npm start` has the server as a grandchild.
  const program = spawn(command, args, { cwd: folder, env: { ...ownEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = once(program, 'close')
  const stop = async (signal: NodeJS.Signals) => {
    const isOver = program.exitCode !== null || program.signalCode !== null
    if (!isOver && program.pid !== undefined) process.kill(-program.pid, signal)
    await ended
  }
  t.teardown(() => stop('SIGTERM'))
  const addresses = await new Promise<string[]>((resolve, reject) => {
    let output = ''
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        const addresses = output.match(/http:\/\/127\.0\.0\.1:\d+(?=\D)/g) ?? []
        if (addresses.length >= count) resolve(addresses)
      })
    }
    ended.then(() => reject(new Error(`the program ended before it listened:\n${output}`)), reject)
  })
  return { addresses, stop }
}

/** The same, for who needs the addresses alone. */
export async function startServers (...args: Parameters<typeof startProgram>): Promise<string[]> {
  return (await startProgram(...args)).addresses
}

/** Starts a program with one server. */
export async function startServer (
  ...[t, ...rest]: [t: Test, command: string, args: string[], folder: string, env?: Record<string, string>]
): Promise<string> {
  const [address = ''] = await startServers(t, 1, ...rest)
  return address
}

/** The environment without the marks that npm and tap leave in it for their own child processes. */
function ownEnvironment (): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|npm_config_strict_allow_scripts$|TAP|_TAPJS|NODE_OPTIONS$|NODE_V8|NODE_ENV$|QUICKSTART_|PORT$|HOST$)/.test(name)))
}
