import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import quickstart, { options, type QuickstartOptions } from '../../app.ts'
import { setEnvironment } from '../environment.ts'
import { basic, cheap } from '../plugins/auth/logins.ts'

/** What a browser asks for. */
export const html = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

export const asAdmin = basic('admin', 'secret')

/** The user `admin` of the tutorial, with a hash that takes no time. */
export const cheapUsers = { admin: cheap.bcrypt('secret') }

/**
 * The app with these options, in an environment of its own, closed when the test ends. Its user is `admin`, unless the
 * options or the environment say something of auth.
 */
export async function start (
  t: Test,
  given: QuickstartOptions = {},
  env: Record<string, string> = {},
  server: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  setEnvironment(t, env)
  const app = Fastify({ ...options, logger: false, ...server })
  t.teardown(() => app.close())
  const isAuthGiven = 'auth' in given || 'noAuth' in given || 'QUICKSTART_AUTH' in env || 'QUICKSTART_USERS_FILE' in env
  await app.register(quickstart, isAuthGiven ? given : { ...given, auth: { users: cheapUsers } })
  await app.ready()
  return app
}

/** A logger whose lines a test can read. */
export function captureLog (level = 'info') {
  const lines: Array<{ level: number, msg: string } & Record<string, unknown>> = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line)) } }
  return { lines, logger: { level, stream } }
}
