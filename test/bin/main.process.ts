import { once } from 'node:events'
import { accessSync, constants, symlinkSync } from 'node:fs'
import { createServer, Server } from 'node:net'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { main } from '../../bin/main.ts'
import { setEnvironment } from '../environment.ts'
import { authSource, ending, routesFile, serving } from './command.ts'
import { lacks } from '../system.ts'

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
  await t.test('-p 80 -h', async (t) => t.match(await runHere(t, ['-p', '80', '-h']), { exitCode: 0, stdout: /fastify-quickstart routes/ }))
  await t.test('routes --help', async (t) => t.match(await runHere(t, ['routes', '--help']), { exitCode: 0, stdout: /Flags/ }))
  await t.test('-v', async (t) => t.match(await runHere(t, ['-v']), { exitCode: 0, stdout: /^\d+\.\d+\.\d+(?:-[\w.]+)?\n$/, stderr: '' }))
})

t.test('refuses wrong words with one line', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  const wrong: [args: string[], says: RegExp][] = [
    [['--prot', '80'], /^fastify-quickstart: Unknown option '--prot'.*\n$/],
    [['serve'], /^fastify-quickstart: Unexpected argument 'serve'.*\n$/],
    [['--port', 'http'], /^fastify-quickstart: --port is "http"; it takes a number from 0 to 65535\n$/],
    [['routes', '--port', '80'], /^fastify-quickstart: Unknown option '--port'.*\n$/],
    [['routes', 'all'], /^fastify-quickstart: Unexpected argument 'all'.*\n$/],
    [['routes', '--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"; it takes one of silent, fatal, .*\n$/],
    [['--routes', 'nowhere.js'], /^fastify-quickstart: --routes nowhere.js does not exist\n$/],
    [['routes', '--csp=self'], /^fastify-quickstart: "csp" is "self", where "self" is not a directive \(--csp as a flag\); .*\n$/],
    [['--routes='], /^fastify-quickstart: --routes takes the path of a file\n$/],
    [['--port', ''], /^fastify-quickstart: --port is ""; it takes a number from 0 to 65535\n$/],
    [['--address', ''], /^fastify-quickstart: --address takes a name or an address of this machine\n$/],
    [['--socket', ''], /^fastify-quickstart: --socket takes a path of 1 to 103 bytes\n$/],
    [['--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"; it takes one of silent, fatal, .*\n$/]
  ]
  for (const [args, stderr] of wrong) {
    await t.test(args.join(' '), async (t) => t.match(await runHere(t, args), { exitCode: 1, stdout: '', stderr }))
  }
})

t.test('without folders of one\'s own, serves the built-in ones and stops when told', { skip: lacks.signals }, async (t) => {
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
    [['--port', '99999'], {}, /^fastify-quickstart: --port is "99999"; it takes a number from 0 to 65535\n$/],
    [['--auth=maybe'], {}, /^fastify-quickstart: "auth" is "maybe".*\n$/],
    [[], { QUICKSTART_AUTH: 'maybe' }, /^fastify-quickstart: QUICKSTART_AUTH is "maybe"; it takes true or false\n$/],
    [[], { QUICKSTART_PROTECT: '/nowhere' }, /^fastify-quickstart: QUICKSTART_PROTECT: .*"\/nowhere".*\n$/],
    [['--port', String(port)], {}, new RegExp(`^fastify-quickstart: 127\\.0\\.0\\.1:${port} is in use; choose another port with PORT or --port\n$`)],
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
  const own = t.testdir({ '.env': 'HOST=192.0.2.1\n' })
  const elsewhere = await ending(own, ['--port', '80'], {})
  t.match(elsewhere.stderr, /192\.0\.2\.1:80 is not an address of this machine/, 'HOST of .env counts beside --port')
  const beside = await ending(own, ['check'], { FASTIFY_SOCKET: '/run/app.sock' })
  t.match(beside.stderr, /192\.0\.2\.1:5001 is not an address/, 'and beside the socket of fastify-cli')
  const ipv6 = await ending(t.testdir({}), ['check'], { QUICKSTART_METRICS: '[::1]:9464' })
  t.match(ipv6.stdout, /^ {2}metrics {8}\[::1\]:9464$/m)
  const notANumber = await ending(t.testdir({}), [], { PORT: '0x50' })
  t.match(notANumber, { exitCode: 1, stdout: '', stderr: /fastify-quickstart: PORT is "0x50"; it takes a number from 0 to 65535\n$/ })
})

t.test('a fault of the program is not hidden', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  t.intercept(Server.prototype, 'listen', { value: () => { throw new TypeError('a fault') } })
  await t.rejects(main(['--port', '0', '--log-level', 'fatal']), { message: 'a fault' })
})

t.test('prints the routes: method, path, name, who answers, and login', async (t) => {
  t.chdir(t.testdir({ 'routes.mjs': routesFile(authSource), public: {}, views: { 'index.eta': 'index' } }))
  const rows = async (args: string[], env: Record<string, string> = {}) => {
    setEnvironment(t, env)
    const { exitCode, stdout, stderr } = await runHere(t, ['routes', ...args])
    t.same([exitCode, stderr], [0, ''])
    const [head, ...lines] = String(stdout).trimEnd().split('\n')
    const columns = ['METHOD', 'PATH', 'NAME', 'ANSWERED BY', 'LOGIN'].map((title) => String(head).indexOf(title))
    return lines.map((line) => columns.map((from, column) => line.slice(from, columns[column + 1]).trim()).join('|'))
  }
  await t.test('as by default', async (t) => {
    setEnvironment(t)
    t.same(await rows([]), [
      'GET|/|index|templates|optional', 'GET|/health||app|', 'GET|/hello||hello|', 'GET|/path/*|path|params|',
      'GET|/post/:id|post|params|', 'GET|/search|search|params|', 'GET|/secret|secret|auth|needed',
      'GET, HEAD|/static/*|static|static|', 'POST, PUT, DELETE, PATCH|/static/*||static|',
      'GET, HEAD|/static/quickstart/*||static|', 'POST, PUT, DELETE, PATCH|/static/quickstart/*||static|',
      'POST|/user|createUser|params|', 'GET|/user/:username|user|params|'
    ])
  })
  await t.test('with flags and settings', async (t) => {
    const found = await rows(
      ['--', '--routes=./routes.mjs', '--params=false', '--static=false', '--templates=false'],
      { QUICKSTART_PROTECT: '/', QUICKSTART_HELLO: 'true' }
    )
    t.same(found, [
      'GET|/||hello|needed', 'GET|/health||app|', 'GET|/null||own|', 'HEAD|/only-head||own|', 'GET|/own|own|own|needed',
      'PUT, PATCH|/own||own|', 'GET|/reject||own|', 'GET|/secret|secret|auth|needed', 'GET|/text||own|', 'GET|/throw||own|'
    ])
  })
  await t.test('with a page of each source where the views are the suite\'s', async (t) => {
    t.chdir(t.testdir({}))
    t.ok((await rows([])).includes('GET|/source/:topic||templates|optional'))
  })
})

t.test('prints the groups that a route asks for', async (t) => {
  setEnvironment(t)
  const file = `import { requiresAuth, requiresGroup } from '${authSource}'
  export default async function routes (app) {
    app.get('/staff', { onRequest: requiresGroup('staff', 'admins') }, async () => '')
    app.get('/both', { onRequest: [requiresAuth, requiresGroup('staff')] }, async () => '')
  }`
  t.chdir(t.testdir({ 'routes.mjs': file }))
  const { stdout } = await runHere(t, ['routes', '--routes', 'routes.mjs'])
  t.match(stdout, /^GET +\/staff +own +group staff or admins$/m)
  t.match(stdout, /^GET +\/both +own +group staff$/m)
})

t.test('check says what is built in, and what the settings make of it', async (t) => {
  t.chdir(t.testdir({}))
  const rows = async (env: Record<string, string>) => {
    setEnvironment(t, env)
    const { exitCode, stdout, stderr } = await runHere(t, ['check'])
    t.same([exitCode, stderr], [0, ''])
    return Object.fromEntries([...String(stdout).matchAll(/^ {2}(.{14}) (.*)$/gm)].map(([, name, value]) => [name?.trim(), value]))
  }
  t.match(await rows({}), {
    environment: 'development',
    routes: 'params 5, auth 1, app 1, static 2, templates 3, hello 1',
    users: 'not from a file',
    'public files': 'built in',
    views: 'built in',
    'needs a login': 'the secret page, and what your own routes guard',
    'failed logins': 'counted in memory',
    proxies: 'none is trusted',
    metrics: 'off'
  })
  const folder = t.testdir({ pages: { 'index.eta': '' }, files: {} })
  const settings = {
    QUICKSTART_VIEWS_DIR: join(folder, 'pages'),
    QUICKSTART_PUBLIC_DIR: join(folder, 'files'),
    QUICKSTART_PROTECT: '/,/hello',
    QUICKSTART_REDIS_URL: 'redis://127.0.0.1:1',
    QUICKSTART_TRUST_PROXY: '127.0.0.1,10.0.0.0/8'
  }
  t.match(await rows(settings), {
    'public files': join(folder, 'files'),
    views: join(folder, 'pages'),
    'needs a login': '/, /hello',
    'failed logins': 'counted in Redis',
    proxies: '127.0.0.1,10.0.0.0/8'
  })
})

t.test('a folder that cannot be looked at is one line', { skip: lacks.links }, async (t) => {
  setEnvironment(t)
  const folder = t.testdir({})
  symlinkSync('views', join(folder, 'views'))
  t.chdir(folder)
  t.match(await runHere(t, []), {
    exitCode: 1,
    stdout: '',
    stderr: 'fastify-quickstart: views/ of the current folder cannot be read (ELOOP)\n'
  })
})

t.test('a path that a topic has already is one line', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({ 'routes.mjs': 'export default async (app) => { app.get("/hello", async () => "mine") }' }))
  t.match(await runHere(t, ['--routes', 'routes.mjs', '--log-level', 'error']), {
    exitCode: 1,
    stderr: /^fastify-quickstart: .*'GET'.*'\/hello'.*; choose another path, or switch off the topic that has this one\n$/
  })
})

t.test('leaves one listener behind, however often it starts', async (t) => {
  setEnvironment(t, { QUICKSTART_AUTH: 'maybe' })
  await runHere(t, [])
  const before = [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'))
  await runHere(t, [])
  t.same([process.stdout, process.stderr].map((stream) => stream.listenerCount('error')), before)
})

t.test('npm links a file of the repository, which keeps its run bit', async (t) => {
  const link = resolve(import.meta.dirname, '..', '..', 'bin', 'run.js')
  t.doesNotThrow(() => accessSync(link, constants.X_OK))
})
