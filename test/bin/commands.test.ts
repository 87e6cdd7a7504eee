import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, Server } from 'node:net'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { main } from '../../bin/commands.js'
import { setEnvironment } from '../environment.js'

const command = resolve(import.meta.dirname, '..', '..', 'bin', 'fastify-quickstart.ts')

/** Runs the command in a folder, as a process of its own. */
function run (folder: string, args: string[], variables: Record<string, string> = {}): { child: ChildProcess, output: { stdout: string, stderr: string } } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(QUICKSTART_.*|PORT|HOST|NODE_ENV)$/.test(name)))
  const child = spawn(process.execPath, [...process.execArgv, command, ...args], { cwd: folder, env: { ...env, ...variables } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString() })
  return { child, output }
}

async function ending (folder: string, args: string[], variables?: Record<string, string>) {
  const { child, output } = run(folder, args, variables)
  const [exitCode] = await once(child, 'close')
  return { exitCode, ...output }
}

/** Starts the server and gives its address; it is stopped when the test ends. */
async function serving (t: Test, folder: string, args: string[] = [], variables: Record<string, string> = {}) {
  const { child, output } = run(folder, args, { PORT: '0', ...variables })
  const exited = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  await Promise.race([exited, new Promise<void>((resolve) => {
    child.stdout?.on('data', () => { if (output.stdout.includes('\n')) resolve() })
  })])
  const [, url] = /^Open (http:\/\/\S+)\/ in a browser\. Ctrl-C stops the server\.\n$/.exec(output.stdout) ?? []
  if (url === undefined) throw new Error(`the server did not start: ${output.stdout}${output.stderr}`)
  return { url, child, exited, output }
}

/** Runs a command that ends by itself, within this process. */
async function runHere (t: Test, args: string[]) {
  const stdout = t.capture(process.stdout, 'write', () => true)
  const stderr = t.capture(process.stderr, 'write', () => true)
  const exitCode = await main(args)
  const written = [stdout, stderr].map((calls) => calls().map(({ args: [text] }) => text).join(''))
  return { exitCode, stdout: written[0], stderr: written[1] }
}

t.test('says how to use it, and its version', async (t) => {
  await t.test('--help', async (t) => t.match(await runHere(t, ['--help']), { exitCode: 0, stdout: /fastify-quickstart hash-password/, stderr: '' }))
  await t.test('-v', async (t) => t.match(await runHere(t, ['-v']), { exitCode: 0, stdout: /^\d+\.\d+\.\d+\n$/, stderr: '' }))
})

t.test('refuses wrong words with one line', async (t) => {
  const wrong: [args: string[], says: RegExp][] = [
    [['--prot', '80'], /^fastify-quickstart: Unknown option '--prot'.*\n$/],
    [['serve'], /^fastify-quickstart: Unexpected argument 'serve'.*\n$/],
    [['--port', 'http'], /^fastify-quickstart: --port is "http"; it takes a number from 0 to 65535\n$/],
    [['--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"; it takes one of fatal, .*\n$/]
  ]
  for (const [args, stderr] of wrong) {
    await t.test(args.join(' '), async (t) => t.match(await runHere(t, args), { exitCode: 1, stdout: '', stderr }))
  }
})

t.test('without folders of one\'s own, serves the built-in ones and stops when told', async (t) => {
  const { url, child, exited, output } = await serving(t, t.testdir({}))
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.match(await (await fetch(url)).text(), 'A HTML File from templates/')
  t.equal((await fetch(`${url}/static/app.js`)).status, 200)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(output.stderr, 'admin', 'the built-in login is warned of')
})

t.test('serves public/ and views/ of the current folder, with switches and .env', async (t) => {
  const folder = t.testdir({
    public: { 'own.txt': 'my own file' },
    views: { 'index.eta': '<p>My own page</p>' },
    '.env': 'QUICKSTART_HELLO=false\n'
  })
  const { url } = await serving(t, folder, ['-a', '127.0.0.1', '-p', '0', '--', '--auth=false'])
  t.equal(await (await fetch(url)).text(), '<p>My own page</p>')
  t.equal(await (await fetch(`${url}/static/own.txt`)).text(), 'my own file')
  t.equal((await fetch(`${url}/hello`)).status, 404)
  t.equal((await fetch(`${url}/secret`)).status, 404)
})

t.test('takes the folders that the environment names instead', async (t) => {
  const folder = t.testdir({ views: { 'index.eta': 'views' }, pages: { 'index.eta': 'pages' } })
  const { url } = await serving(t, folder, [], { QUICKSTART_VIEWS_DIR: join(folder, 'pages') })
  t.equal(await (await fetch(url)).text(), 'pages')
})

t.test('hands hash-password over', async (t) => {
  t.match(await ending(t.testdir({}), ['hash-password', '--no-such-flag']), { exitCode: 2, stdout: '' })
})

t.test('a start that fails is one line that says what is wrong', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  t.chdir(t.testdir({}))
  const wrong: [args: string[], variables: Record<string, string>, says: RegExp][] = [
    [['--port', '99999'], {}, /^fastify-quickstart: PORT takes a number from 0 to 65535\n$/],
    [['--auth=maybe'], {}, /^fastify-quickstart: "auth" is "maybe".*\n$/],
    [[], { QUICKSTART_AUTH: 'maybe' }, /^fastify-quickstart: QUICKSTART_AUTH is "maybe"; it takes true or false\n$/],
    [[], { QUICKSTART_PROTECT: '/nowhere' }, /^fastify-quickstart: QUICKSTART_PROTECT: .*"\/nowhere".*\n$/],
    [['--port', String(port)], {}, new RegExp(`^fastify-quickstart: 127\\.0\\.0\\.1:${port} is in use; choose another port with PORT\n$`)],
    [[], { NODE_ENV: 'production' }, /^fastify-quickstart: .*QUICKSTART_USERS_FILE.*\n$/]
  ]
  for (const [args, variables, stderr] of wrong) {
    await t.test(`${args.join(' ')} ${JSON.stringify(variables)}`, async (t) => {
      setEnvironment(t, { PORT: '0', HOST: undefined, ...variables })
      t.match(await runHere(t, [...args, '--log-level', 'error']), { exitCode: 1, stdout: '', stderr })
    })
  }
})

t.test('a start that fails ends the process', async (t) => {
  const { exitCode, stdout, stderr } = await ending(t.testdir({}), [], { QUICKSTART_AUTH: 'maybe' })
  t.same([exitCode, stdout, stderr], [1, '', 'fastify-quickstart: QUICKSTART_AUTH is "maybe"; it takes true or false\n'])
})

t.test('a fault of the program is not hidden', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  t.intercept(Server.prototype, 'listen', { value: () => { throw new TypeError('a fault') } })
  await t.rejects(main(['--port', '0', '--log-level', 'fatal']), { message: 'a fault' })
})
