import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'

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
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
