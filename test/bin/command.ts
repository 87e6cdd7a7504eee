import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { execArgv } from '../compiled/exec-argv.ts'
import { until } from '../until.ts'

export { until }

const root = resolve(import.meta.dirname, '..', '..')

/** Node's words for the command: its source, or what is built where TEST_BUILT asks for that; it starts sooner. */
export const command = process.env.TEST_BUILT === undefined
  ? [...execArgv, join(root, 'bin', 'fastify-quickstart.ts')]
  : [join(root, 'dist', 'bin', 'fastify-quickstart.js')]

/** The module that guards come from: for an app of the sources, and for the command as it is run here. */
export const authSource = pathToFileURL(join(root, 'plugins', 'auth', 'index.ts')).href
export const authOfCommand = process.env.TEST_BUILT === undefined
  ? authSource
  : pathToFileURL(join(root, 'dist', 'plugins', 'auth', 'index.js')).href

/** This process' environment without what the command reads. */
export function environment (): NodeJS.ProcessEnv {
  const own = /^(QUICKSTART_.*|PORT|HOST|NODE_ENV)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)))
}

/** Who runs a command: root may do more than an operator's account. */
export interface Account {
  uid?: number
  gid?: number
}

/** Runs the command in a folder, as a process of its own. */
export function run (
  folder: string, args: string[], variables: Record<string, string> = {}, account: Account = {}
): { child: ChildProcess, output: { stdout: string, stderr: string } } {
  const env = { ...environment(), ...variables }
  const child = spawn(process.execPath, [...command, ...args], { cwd: folder, env, ...account })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString() })
  return { child, output }
}

/** Runs the command to its end. */
export async function ending (folder: string, args: string[], variables?: Record<string, string>, account?: Account) {
  const { child, output } = run(folder, args, variables, account)
  const [exitCode] = await once(child, 'close')
  return { exitCode, ...output }
}

/** Where a server says that it listens: on standard output, and in production as JSON in its log. */
const announcement = /^(?:Open (http:\S+)\/ in a browser|Listening on the socket (.+))\. Ctrl-C stops the server\.$/m
const productionLine = /"msg":"Server listening at ([^"]+)"/

/** Starts the server and returns its address, or its socket; it is stopped when the test ends. */
export async function serving (t: Test, folder: string, args: string[] = [], variables: Record<string, string> = {}) {
  const { child, output } = run(folder, args, { PORT: '0', ...variables })
  const exited = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const find = () => announcement.exec(output.stdout) ?? productionLine.exec(output.stderr)
  await until(() => find() !== null || child.exitCode !== null, 'the start')
  const [, web, socket] = find() ?? []
  const url = web ?? socket
  if (url === undefined) throw new Error(`the server did not start: ${output.stdout}${output.stderr}`)
  return { url, child, exited, output }
}

/** A file of routes for `--routes`, with guards from a module. */
export const routesFile = (auth: string): string => `import { requiresAuth } from '${auth}'
export default async function routes (app) {
  app.get('/own', { onRequest: requiresAuth, config: { name: 'own' } }, async () => 'own')
  app.route({ method: ['PUT', 'PATCH'], url: '/own', handler: async () => 'put' })
  app.head('/only-head', async () => '')
  app.get('/throw', async () => { setTimeout(() => { throw new Error('thrown at large') }) })
  app.get('/reject', async () => { Promise.reject(new Error('rejected at large')) })
  app.get('/null', async () => { Promise.reject(null) })
  app.get('/text', async () => { setTimeout(() => { throw 'a text' }) })
}`

/** Asks for the secret page as admin, over a connection of its own. */
export const login = (url: string, password: string) => fetch(`${url}/secret`, {
  headers: { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`, connection: 'close' }
})

/** A file of routes for `--routes`: which process answers. */
export const pidRoute = `export default async function routes (app) {
  app.get('/pid', async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return String(process.pid)
  })
  let slow = 0
  app.get('/slow', async () => {
    slow++
    await new Promise((resolve) => setTimeout(resolve, 4000))
    return 'slow'
  })
  app.get('/block', async () => { for (;;); })
  app.get('/slow-count', async () => String(slow))
}`

/** Starts that many workers, and waits until all of them listen. */
export async function startWorkers (t: Test, count: string, env: Record<string, string> = {}) {
  const routes = join(t.testdir({ 'routes.mjs': pidRoute, public: {} }), 'routes.mjs')
  const server = await serving(t, dirname(routes), ['--workers', count, '--routes', routes, '--log-level', 'info'], env)
  await until(() => server.output.stderr.includes('workers listen'), 'the start of all workers')
  return { ...server, routes }
}
