import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { cheap } from '../plugins/auth/logins.ts'
import { lacks } from '../system.ts'
import { ending, serving } from './command.ts'

t.test('without folders of one\'s own, serves the built-in ones and stops when told', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await serving(t, t.testdir({}))
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.match(await (await fetch(url)).text(), 'A HTML File from templates/')
  t.equal((await fetch(`${url}/static/app.js`)).status, 200)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.equal(output.stdout, `Open ${url}/ in a browser. Ctrl-C stops the server.\n`)
  t.match(output.stderr, 'admin', 'the built-in login is warned of')
})

t.test('serves public/ and views/ of the current folder, with switches and .env', async (t) => {
  const folder = t.testdir({
    public: { 'own.txt': 'my own file' },
    views: { 'index.eta': '<p>My own page</p>' },
    pages: { 'index.eta': 'pages' },
    '.env': 'QUICKSTART_HELLO=false\n'
  })
  const { url } = await serving(t, folder, ['-a', '127.0.0.1', '-p', '0', '--', '--auth=false'])
  t.equal(await (await fetch(url)).text(), '<p>My own page</p>')
  t.equal(await (await fetch(`${url}/static/own.txt`)).text(), 'my own file')
  t.equal((await fetch(`${url}/hello`)).status, 404)
  t.equal((await fetch(`${url}/secret`)).status, 404)
  const other = await serving(t, folder, [], { QUICKSTART_VIEWS_DIR: join(folder, 'pages') })
  t.equal(await (await fetch(other.url)).text(), 'pages', 'the folder that the environment names comes first')
})

t.test('in production standard output stays empty, and each line of the log is JSON', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({ users: `alice:${cheap.bcrypt('right')}\n`, public: {} })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', QUICKSTART_DRAIN_SECONDS: '0' }
  for (const args of [[], ['--workers', '1']]) {
    const { url, child, exited, output } = await serving(t, folder, args, env)
    t.equal((await fetch(`${url}/health`)).status, 200)
    child.kill('SIGTERM')
    t.same(await exited, [0, null])
    t.equal(output.stdout, '')
    const lines = output.stderr.trim().split('\n').map((line) => JSON.parse(line) as { msg: string })
    t.equal(lines.filter(({ msg }) => msg.includes(url)).length, 1, 'where it listens is said once')
  }
})

t.test('what fails ends the process with 1, and one line', async (t) => {
  const folder = t.testdir({ here: { '.env': 'HOST=192.0.2.1\n' }, there: {} })
  const cases: [folder: string, args: string[], env: Record<string, string>, exitCode: number, stderr: RegExp][] = [
    ['there', [], { QUICKSTART_AUTH: 'maybe' }, 1, /^fastify-quickstart: QUICKSTART_AUTH is "maybe"; it takes true or false\n$/],
    // HOST of .env counts beside --port, and beside the socket of fastify-cli.
    ['here', ['--port', '80', '--auth=false'], {}, 1, /^fastify-quickstart: 192\.0\.2\.1:80 is not an address of this machine; [^\n]*\n$/],
    ['here', ['check'], { FASTIFY_SOCKET: '/run/app.sock', NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }, 1, /^fastify-quickstart: 192\.0\.2\.1:5001 is not an address/],
    ['there', ['hash-password', '--no-such-flag'], {}, 2, /^hash-password: Unknown option/]
  ]
  const wrong: unknown[] = []
  for (const [name, args, env, exitCode, stderr] of cases) {
    const found = await ending(join(folder, name), args, env)
    if (found.exitCode !== exitCode || found.stdout !== '' || !stderr.test(found.stderr)) wrong.push([args, env, found])
  }
  t.same(wrong, [])
})

/** Whether every account may listen on each port. */
const allPortsAreFree = () => {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 80
  } catch {
    return process.platform !== 'linux'
  }
}

t.test('a port that is in use, or that this account may not use, is one line', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({})
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo // it listens on a port
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const inUse = `127.0.0.1:${port} is in use; choose another port with PORT or --port`
  const forbidden = '127.0.0.1:80 may not be used by this account; choose a port above 1023 with PORT or --port'
  const cases: [args: string[], env: Record<string, string>, account: object, says: string][] = [
    [['--workers', '2', '--port', String(port)], { QUICKSTART_METRICS: '127.0.0.1:0' }, {}, inUse],
    ...allPortsAreFree()
      ? []
      : [[], ['--workers', '2'], ['check']].map((args): typeof cases[number] => [args, { PORT: '80' }, nobody, forbidden])
  ]
  const wrong: unknown[] = []
  for (const [args, env, account, says] of cases) {
    const found = await ending(folder, args, { QUICKSTART_LOG_LEVEL: 'error', ...env }, account)
    if (found.exitCode !== 1 || found.stderr !== `fastify-quickstart: ${says}\n`) wrong.push([args, env, found])
  }
  t.same(wrong, [])
})
