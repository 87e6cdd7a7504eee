import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import quickstart, { options, type QuickstartOptions } from '../../app.ts'
import { setEnvironment } from '../environment.ts'

/** What a browser asks for. */
export const html = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

export const asAdmin = { authorization: `Basic ${Buffer.from('admin:secret').toString('base64')}` }

/** The app with these options, in an environment of its own, closed when the test ends. */
export async function start (
  t: Test,
  given: QuickstartOptions = {},
  env: Record<string, string> = {},
  server: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  setEnvironment(t, env)
  const app = Fastify({ ...options, logger: false, ...server })
  t.teardown(() => app.close())
  await app.register(quickstart, given)
  await app.ready()
  return app
}

/** A logger whose lines a test can read. */
export function captureLog (level = 'info') {
  const lines: Array<{ level: number, msg: string }> = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line)) } }
  return { lines, logger: { level, stream } }
}
