import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { execArgv } from '../compiled/exec-argv.ts'
import { lacks } from '../system.ts'
import { ending, environment, serving, until } from './command.ts'
import { lacksCrash, makeCrashRoute } from './crash.ts'

t.setTimeout(600_000) // each test starts several processes

const root = resolve(import.meta.dirname, '..', '..')

/** A file of routes for `--routes`: /slow makes the file `asked` and waits for the file `go-on`. */
function makeRoutes (t: Test, { crashes = false } = {}) {
  const folder = t.testdir({ public: {} })
  const file = join(folder, 'routes.mjs')
  writeFileSync(file, `import { existsSync, writeFileSync } from 'node:fs'
    export default async function routes (app) {
      app.get('/slow', async () => {
        writeFileSync('${join(folder, 'asked')}', '')
        while (!existsSync('${join(folder, 'go-on')}')) await new Promise((resolve) => setTimeout(resolve, 20))
        return 'slow but whole'
      })
      app.get('/listeners/*', async ({ params }) => params['*'].split('/').map((name) => process.listenerCount(name)))
      ${crashes ? makeCrashRoute(folder) : ''}
    }`)
  return { folder, file }
}

/** Starts `fastify start` in the repository, and returns what it says. It is killed when the test ends. */
function runFastify (t: Test, args: string[], variables: Record<string, string> = {}) {
  const words = [join(root, 'node_modules', 'fastify-cli', 'cli.js'), 'start', '--options', '-l', 'info', ...args]
  const cli = spawn(process.execPath, [...execArgv, ...words], { cwd: root, env: { ...environment(), ...variables } })
  const output = { text: '' }
  for (const stream of [cli.stdout, cli.stderr]) stream.on('data', (chunk: Buffer) => { output.text += chunk.toString() })
  t.teardown(() => { cli.kill('SIGKILL') })
  return { cli, output, exited: once(cli, 'close') }
}

t.test('SIGHUP is survived; SIGTERM answers what was accepted, and then ends with 0', { skip: lacks.signals }, async (t) => {
  const { folder, file } = makeRoutes(t)
  const env = { QUICKSTART_DRAIN_SECONDS: '1', QUICKSTART_GRACE_SECONDS: '600' }
  const { url, child, exited, output } = await serving(t, folder, ['--routes', file, '--log-level', 'info'], env)
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP: changed files of users and groups hold'), 'the line of SIGHUP')
  const slow = fetch(`${url}/slow`)
  await until(() => existsSync(join(folder, 'asked')), 'the request')
  child.kill('SIGTERM')
  await until(() => output.stderr.includes('no new connections; requests under way: 1'), 'the end of the drain')
  writeFileSync(join(folder, 'go-on'), '')
  const answer = await slow
  t.same([answer.headers.get('connection'), await answer.text()], ['close', 'slow but whole'])
  t.same(await exited, [0, null])
  t.match(output.stderr, /SIGTERM: the server stops[^]*draining for 1 s[^]*no new connections[^]*stopping: stopped/)
})

t.test('a second signal ends it at once', { skip: lacks.signals }, async (t) => {
  const env = { QUICKSTART_DRAIN_SECONDS: '600', QUICKSTART_GRACE_SECONDS: '3600' }
  const { child, exited, output } = await serving(t, t.testdir({}), ['--log-level', 'info'], env)
  child.kill('SIGTERM')
  await until(() => output.stderr.includes('draining'), 'the drain')
  child.kill('SIGINT')
  t.same(await exited, [1, null])
  t.match(output.stderr, 'error: second SIGINT, exiting')
})

t.test('a fault of native code ends the process with its signal', { skip: lacks.signals || lacksCrash }, async (t) => {
  const { folder, file } = makeRoutes(t, { crashes: true })
  const starts: [name: string, start: () => Promise<{ url: string, exited: Promise<unknown[]> }>][] = [
    ['the command', () => serving(t, folder, ['--routes', file])],
    ['fastify start', async () => {
      const { output, exited } = runFastify(t, ['--port', '0', 'app.ts', '--', '--routes', file])
      const place = /Open (http:\S+)\/ in a browser/
      await until(() => place.test(output.text), 'the start')
      return { url: String(place.exec(output.text)?.[1]), exited }
    }]
  ]
  const wrong: unknown[] = []
  for (const [name, start] of starts) {
    const { url, exited } = await start()
    await fetch(`${url}/crash`).catch(() => {})
    const [code, signal] = await exited
    if (code !== null || signal !== 'SIGSEGV') wrong.push([name, code, signal])
  }
  t.same(wrong, [])
})

t.test('listens on a Unix socket, also where a server was killed', { skip: lacks.sockets }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socketPath = join(folder, 'app.sock')
  const hello = async () => {
    const [answer] = await once(request({ socketPath, path: '/hello' }).end(), 'response')
    answer.resume()
    return answer.statusCode
  }
  async function kill (child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  let { url, child, output } = await serving(t, folder, ['--socket', socketPath])
  t.equal(await hello(), 200)
  t.equal(output.stdout, `Listening on the socket ${socketPath}. Ctrl-C stops the server.\n`)
  t.equal(url, socketPath)
  const inUse = `fastify-quickstart: --socket ${socketPath} cannot be listened on (EADDRINUSE); choose another one\n`
  for (const args of [[], ['--workers', '1']]) {
    t.match(await ending(folder, ['--socket', socketPath, ...args]), { exitCode: 1, stdout: '', stderr: inUse })
  }
  const file = join(folder, 'a file')
  writeFileSync(file, 'of somebody')
  const stderr = `fastify-quickstart: --socket ${file} cannot be listened on (EADDRINUSE); choose another one\n`
  t.match(await ending(folder, ['--socket', file]), { exitCode: 1, stderr })
  t.equal(readFileSync(file, 'utf8'), 'of somebody')

  await kill(child)
  ;({ child } = await serving(t, folder, ['--socket', socketPath, '--workers', '1']))
  t.equal(await hello(), 200)
  await kill(child)
  ;({ child } = await serving(t, folder, ['--socket', socketPath]))
  t.equal(await hello(), 200)

  // As `npm start` has it, whose address would win over a socket.
  const config = ['-c', 'fastify.config.cjs', 'app.ts']
  const second = runFastify(t, config, { FASTIFY_SOCKET: socketPath })
  t.same(await second.exited, [1, null])
  t.match(second.output.text, `fastify-quickstart: FASTIFY_SOCKET ${socketPath} cannot be listened on (EADDRINUSE); choose another one\n`)
  await kill(child)
  for (const [args, env] of [[config, { FASTIFY_SOCKET: socketPath }], [[...config, '--socket', socketPath], {}]] as const) {
    const { cli, output } = runFastify(t, [...args], env)
    await until(() => output.text.includes(socketPath) || cli.exitCode !== null, 'the start')
    t.equal(await hello(), 200)
    await kill(cli)
  }
})
