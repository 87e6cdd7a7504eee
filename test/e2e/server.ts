import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { cheap } from '../plugins/auth/logins.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** A port that is free right now. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** Starts the built app through fastify-cli, as `npm start` does, and stops it when the test ends. */
export async function startServer (
  t: Test, { env = {}, flags = [] }: { env?: Record<string, string>, flags?: string[] } = {}
): Promise<{ url: string, process: ChildProcess, log: () => string }> {
  const port = env.PORT ?? await freePort()
  const server = spawn(process.execPath, [join(root, 'node_modules/fastify-cli/cli.js'), 'start', '-c', 'fastify.config.cjs', 'dist/app.js', '--', ...flags], {
    cwd: root,
    env: { ...process.env, PORT: String(port), HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(async () => {
    if (server.exitCode === null) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
  })
  let log = ''
  server.stdout.on('data', (chunk: Buffer) => { log += chunk.toString() })
  server.stderr.on('data', (chunk: Buffer) => { log += chunk.toString() })
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + 20_000
  for (;;) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`the server did not start:\n${log}`)
    try {
      await fetch(`${url}/health`)
      return { url, process: server, log: () => log }
    } catch {
      await setTimeout(50)
    }
  }
}

/** A file of users in which alice's password is `right`. */
export const usersFile = `alice:${cheap.bcrypt('right')}\n`

/** The Authorization header of alice. */
export const asAlice = { authorization: `Basic ${btoa('alice:right')}` }

/** An instance of the command. */
export interface Instance {
  child: ChildProcess
  port: number
  url: string
  log: () => string
}

/**
 * Starts the built command in production in a folder with a file `users`, as the documentation does, and kills it when
 * the test ends. Without NODE_OPTIONS: by them tap would put code of its own into the process that is measured.
 */
export async function startInstance (
  t: Test, folder: string, env: Record<string, string> = {}, { node = [] as string[], args = [] as string[] } = {}
): Promise<Instance> {
  const port = Number(env.PORT ?? await freePort())
  const command = join(root, 'dist', 'bin', 'fastify-quickstart.js')
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, ...node, command, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: String(port),
      QUICKSTART_USERS_FILE: 'users',
      QUICKSTART_TRUST_PROXY: '127.0.0.1',
      QUICKSTART_LOG_LEVEL: 'warn',
      ...env
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => { log += chunk.toString() })
  child.stdout.resume()
  const url = `http://127.0.0.1:${port}`
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the instance did not start:\n${log}`)
    return await fetch(`${url}/health`).then(() => true, () => false)
  }, 'the start of the instance')
  return { child, port, url, log: () => log }
}

/** How many descriptors a process has open. */
export function descriptors ({ pid }: ChildProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Waits for something. */
export async function until (happens: () => boolean | Promise<boolean>, what: string, seconds = 30): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  while (!await happens()) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${seconds} s`)
    await setTimeout(50)
  }
}

/** A route that collects garbage; it is not to be found by chance. */
const collects = '/8d1f0a52-collect-garbage'

/** An instance of which the metrics are served, and of which the memory can be told exactly. */
export interface MeasuredInstance extends Instance {
  metricsUrl: string
}

/** Starts an instance likewise, in a folder without a file `collect.mjs`. */
export async function measuredInstance (t: Test, folder: string): Promise<MeasuredInstance> {
  const metrics = `127.0.0.1:${await freePort()}`
  writeFileSync(join(folder, 'collect.mjs'), `export default async (app) => {
    app.post('${collects}', async () => { for (let times = 0; times < 3; times++) globalThis.gc() })
  }`)
  const node = ['--expose-gc']
  const instance = await startInstance(t, folder, { QUICKSTART_METRICS: metrics }, { node, args: ['--routes', './collect.mjs'] })
  return { ...instance, metricsUrl: `http://${metrics}/metrics` }
}

/** So that what looks at descriptors does not see a connection of its own. */
const closing = { headers: { connection: 'close' } }

/** The instance's metrics without labels, by their names. */
export async function readMetrics ({ metricsUrl }: MeasuredInstance): Promise<Map<string, number>> {
  const text = await (await fetch(metricsUrl, closing)).text()
  return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]))
}

/** Bytes that the instance holds in its heap and beside it, when what nobody needs is collected. */
export async function liveMemory (instance: MeasuredInstance): Promise<number> {
  const { ok } = await fetch(`${instance.url}${collects}`, { method: 'POST', ...closing })
  if (!ok) throw new Error('the garbage was not collected')
  const metrics = await readMetrics(instance)
  return metrics.get('nodejs_heap_size_used_bytes')! + metrics.get('nodejs_external_memory_bytes')! // prom-client's own
}
