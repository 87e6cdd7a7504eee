import { once } from 'node:events'
import { chmodSync, linkSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { setEnvironment } from '../../environment.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { lacks } from '../../system.ts'
import { runHere } from '../run-here.ts'

const users = `alice:${cheap.bcrypt('right')}\n`

/** Runs check in the current folder. Returns the exit code, what it complains of, and the facts. */
async function check (t: Test, env: Record<string, string> = {}, args: string[] = []) {
  setEnvironment(t, { HOST: undefined, PORT: '0', ...env })
  const { exitCode, stdout, stderr } = await runHere(t, ['check', ...args])
  const facts = Object.fromEntries([...stdout.matchAll(/^ {2}(.{14}) (.*)$/gm)].map(([, name = '', value]) => [name.trim(), value]))
  const lines = stderr.split('\n').filter((line) => line !== '').map((line) => line.replace(/^fastify-quickstart: /, ''))
  return { exitCode, lines, facts, stdout }
}

/** A port of 127.0.0.1 that a server listens on until the test ends. */
async function take (t: Test, server: Server = createServer()): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return String((server.address() as AddressInfo).port) // it listens on a port
}

/** Does something as another account, where this is root's: root may read and listen everywhere. */
async function asNobody<Result> (act: () => Promise<Result>): Promise<Result> {
  if (process.getuid?.() !== 0) return await act()
  process.seteuid!(65534)
  try {
    return await act()
  } finally {
    process.seteuid!(0)
  }
}

/** Whether this account may listen on a port below 1024. */
async function mayListenBelow1024 (): Promise<boolean> {
  const server = createServer().listen(81, '127.0.0.1')
  return await once(server, 'listening').then(() => true, () => false).finally(() => server.close())
}

t.test('says what is built in, and what the settings make of it', async (t) => {
  t.chdir(t.testdir({}))
  const { exitCode, lines, facts, stdout } = await check(t, { PORT: '' })
  t.match(stdout, /^ready\n {2}environment {4}development\n {2}listens at {5}127\.0\.0\.1:5001\n/)
  t.same([exitCode, lines], [0, []])
  t.match(facts, {
    environment: 'development',
    routes: 'params 5, auth 2, app 1, static 2, templates 3, hello 1',
    users: 'not from a file',
    'public files': 'built in',
    views: 'built in',
    'tutorial pages': 'on',
    'needs a login': 'the secret page, and what your own routes guard',
    'failed logins': 'counted in memory; 10 of a name from an address, then a wait of 900 seconds',
    proxies: 'none is trusted',
    metrics: 'off'
  })
  const folder = t.testdir({ pages: { 'index.eta': '' }, files: {}, users })
  const settings = {
    NODE_ENV: 'production',
    QUICKSTART_USERS_FILE: join(folder, 'users'),
    QUICKSTART_VIEWS_DIR: join(folder, 'pages'),
    QUICKSTART_PUBLIC_DIR: join(folder, 'files'),
    QUICKSTART_PROTECT: '/,/user',
    QUICKSTART_TRUST_PROXY: '127.0.0.1,10.0.0.0/8',
    QUICKSTART_METRICS: '[::1]:0'
  }
  t.match(await check(t, settings, ['--hello=false']), {
    exitCode: 0,
    lines: { length: 0 },
    facts: {
      environment: 'production',
      'public files': join(folder, 'files'),
      views: join(folder, 'pages'),
      users: join(folder, 'users'),
      'needs a login': '/, /user',
      proxies: '127.0.0.1,10.0.0.0/8',
      metrics: '[::1]:0'
    }
  })
})

t.test('says whether the tutorial has pages', async (t) => {
  t.chdir(t.testdir({}))
  const off = {
    routes: 'app 1, static 2',
    'tutorial pages': 'off',
    'needs a login': 'what your own routes guard'
  }
  for (const [args, env] of [
    [['--tutorial=false'], {}],
    [['--tutorial', 'false'], { QUICKSTART_TUTORIAL: 'true' }],
    [[], { QUICKSTART_TUTORIAL: 'false' }]
  ] as const) {
    t.match(await check(t, env, [...args]), { exitCode: 0, lines: { length: 0 }, facts: off })
  }
  const on = { routes: /^params 5, .*hello 1$/, 'tutorial pages': 'on' }
  t.match(await check(t, { QUICKSTART_TUTORIAL: 'false' }, ['--tutorial']), { exitCode: 0, facts: on })
  t.match(await check(t, {}, ['--tutorial=false', '--hello', '--params']), { facts: { routes: 'app 1, static 2, hello 1' } })
})

t.test('what stops a start ends it with 1, and one line', async (t) => {
  t.chdir(t.testdir({ 'routes.mjs': 'a mistake of the operator' }))
  const port = await take(t)
  const wrong: [env: Record<string, string>, says: string | RegExp][] = [
    [{ QUICKSTART_PROTECT: '/nowhere' }, /^QUICKSTART_PROTECT: .*\/nowhere/],
    [{ NODE_ENV: 'production' }, /^auth: no users are configured/],
    [{ PORT: '65536' }, 'PORT is "65536"; it takes a number from 0 to 65535'],
    [{ PORT: port }, `127.0.0.1:${port} is in use; choose another port with PORT or --port`],
    [{ HOST: '0.0.0.0', NODE_ENV: 'production', QUICKSTART_AUTH: 'false', PORT: port }, `0.0.0.0:${port} is in use; choose another port with PORT or --port`],
    [{ HOST: '192.0.2.1', PORT: '80', NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }, '192.0.2.1:80 is not an address of this machine; choose another with HOST or --address'],
    [{ HOST: 'nohost.invalid', NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }, 'nohost.invalid is not a name or an address of this machine; choose another with HOST or --address'],
    [{ QUICKSTART_TUTORIAL: 'no' }, 'QUICKSTART_TUTORIAL is "no"; it takes true or false'],
    [{ QUICKSTART_GROUPS_FILE: 'groups' }, /^QUICKSTART_GROUPS_FILE is "groups", which does not exist; it takes a readable file/],
    [{ QUICKSTART_METRICS: 'here' }, /^QUICKSTART_METRICS is "here"; it takes host:port/]
  ]
  const found: unknown[] = []
  for (const [env, says] of wrong) {
    const { exitCode, lines, stdout } = await check(t, env)
    const isRight = typeof says === 'string' ? lines[0] === says : says.test(String(lines[0]))
    if (exitCode !== 1 || lines.length !== 1 || stdout !== '' || !isRight) found.push([env, exitCode, lines, stdout])
  }
  t.same(found, [])
})

t.test('takes the flags of a start that say where to listen', { skip: lacks.sockets }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rmSync(folder, { recursive: true }))
  t.chdir(t.testdir({}))
  const port = await take(t)
  const killed = createServer().listen(join(folder, 'killed'))
  await once(killed, 'listening')
  const live = join(folder, 'live')
  const living = createServer().listen(live)
  await once(living, 'listening')
  t.teardown(() => living.close())
  const dead = join(folder, 'dead')
  linkSync(join(folder, 'killed'), dead)
  killed.close()
  await once(killed, 'close')
  const rows: [args: string[], env: Record<string, string>, exitCode: number, says: string | undefined][] = [
    [['--port', '0', '--address', '127.0.0.2'], { PORT: port, HOST: 'nohost.invalid' }, 0, '127.0.0.2:0'],
    [['-p', '0'], { PORT: port }, 0, '127.0.0.1:0'],
    [['--socket', join(folder, 'new')], { PORT: port }, 0, join(folder, 'new')],
    [['-s', dead], {}, 0, dead],
    [['-s', live], {}, 1, `--socket ${live} cannot be listened on (EADDRINUSE); choose another one`],
    [['--port', port], {}, 1, `127.0.0.1:${port} is in use; choose another port with PORT or --port`],
    [['--port', 'x'], {}, 1, '--port is "x"; it takes a number from 0 to 65535'],
    [['--socket', dead, '--port', '0'], {}, 1, '--socket and --port or --address exclude each other'],
    [['--address', ''], {}, 1, '--address takes a name or an address of this machine']
  ]
  const wrong: unknown[] = []
  for (const [args, env, wanted, says] of rows) {
    const { exitCode, lines, facts } = await check(t, env, args)
    if (exitCode !== wanted || (exitCode === 0 ? facts['listens at'] : lines[0]) !== says) wrong.push([args, exitCode, lines, facts])
  }
  t.same(wrong, [])
})

t.test('a port below 1024 that this account may not use stops a start', { skip: lacks.signals }, async (t) => {
  t.chdir(t.testdir({}))
  if (await asNobody(mayListenBelow1024)) return t.pass('each account may, on this system')
  t.match(await asNobody(() => check(t, { PORT: '80' })), {
    exitCode: 1,
    lines: ['127.0.0.1:80 may not be used by this account; choose a port above 1023 with PORT or --port']
  })
})

t.test('warns of what does not stop a start, and is hardly meant', { timeout: 120_000 }, async (t) => {
  t.chdir(t.testdir({ users }))
  const taken = await take(t)
  const silent = await take(t) // accepts, and says nothing
  const refusals = ['NOAUTH Authentication required.', 'WRONGPASS invalid username-password pair or user is disabled.', 'ERR invalid password', 'NOPERM this user has no permissions', "ERR unknown command `auth`, with args beginning with: 'password'"]
  const redisPorts = await Promise.all(refusals.map(async (refusal) => await take(t, createServer((socket) => {
    // A command begins with the number of its words.
    socket.on('data', (data) => socket.write(`-${refusal}\r\n`.repeat(data.toString().match(/^\*/gm)!.length))).on('error', () => {})
  }))))
  const free = String(Number(taken) + 1)
  const production = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users' }
  const proxied = { ...production, QUICKSTART_TRUST_PROXY: '127.0.0.1' }
  const set = 'can be reached from other machines; set NODE_ENV=production there'
  const proxy = 'can be reached by a proxy on this machine alone, and no proxy is trusted: the failed logins of one visitor would shut out all; set QUICKSTART_TRUST_PROXY=127.0.0.1'
  const redis = 'meanwhile each instance counts failed logins by itself'
  const cases: [env: Record<string, string>, warnings: string[]][] = [
    [{}, []],
    [{ NODE_ENV: 'test' }, []],
    [{ HOST: 'localhost', NODE_ENV: 'development' }, []],
    [{ HOST: '0.0.0.0' }, [`NODE_ENV is not set, but 0.0.0.0:0 ${set}`]],
    [{ HOST: '::' }, [`NODE_ENV is not set, but [::]:0 ${set}`]],
    [{ HOST: '0.0.0.0', NODE_ENV: 'development' }, [`NODE_ENV is "development", but 0.0.0.0:0 ${set}`]],
    [{ HOST: '0.0.0.0', NODE_ENV: 'prod' }, [`NODE_ENV is "prod", but 0.0.0.0:0 ${set}`]],
    [{ HOST: '0.0.0.0', NODE_ENV: 'Production' }, [`NODE_ENV is "Production", but 0.0.0.0:0 ${set}`]],
    [{ NODE_ENV: 'production ' }, ['NODE_ENV is "production ", which means development; only NODE_ENV=production is for the internet']],
    [{ NODE_ENV: '' }, ['NODE_ENV is "", which means development; only NODE_ENV=production is for the internet']],
    [{ ...production, HOST: '0.0.0.0' }, []],
    [production, [`127.0.0.1:0 ${proxy}`]],
    [{ ...production, HOST: '::1' }, [`[::1]:0 ${proxy.replace('=127.0.0.1', '=::1')}`]],
    [{ ...production, HOST: 'localhost' }, [`localhost:0 ${proxy.replace('=127.0.0.1', '=127.0.0.1,::1')}`]],
    [{ ...production, HOST: '127.0.0.2' }, [`127.0.0.2:0 ${proxy}`]],
    [{ ...production, QUICKSTART_TRUST_PROXY: 'false' }, [`127.0.0.1:0 ${proxy}`]],
    [{ ...production, QUICKSTART_TRUST_PROXY: 'true' }, []],
    [proxied, []],
    [{ QUICKSTART_METRICS: `127.0.0.1:${taken}` }, [`QUICKSTART_METRICS: 127.0.0.1:${taken} cannot be listened on (EADDRINUSE); there would be no metrics`]],
    [{ QUICKSTART_METRICS: `127.0.0.1:${taken}-${taken}` }, [`QUICKSTART_METRICS: 127.0.0.1:${taken}-${taken} cannot be listened on (EADDRINUSE); there would be no metrics`]],
    [{ QUICKSTART_METRICS: '192.0.2.1:9464' }, ['QUICKSTART_METRICS: 192.0.2.1:9464 cannot be listened on (EADDRNOTAVAIL); there would be no metrics']],
    [{ QUICKSTART_METRICS: `127.0.0.1:${free}`, PORT: free }, [`QUICKSTART_METRICS: 127.0.0.1:${free} is where the server itself listens; there would be no metrics`]],
    [{ QUICKSTART_METRICS: `0.0.0.0:${free}`, PORT: free }, [`QUICKSTART_METRICS: 0.0.0.0:${free} is where the server itself listens; there would be no metrics`]],
    [{ QUICKSTART_METRICS: `localhost:${free}`, PORT: free }, [`QUICKSTART_METRICS: localhost:${free} is where the server itself listens; there would be no metrics`]],
    [{ QUICKSTART_METRICS: '127.0.0.1:0' }, []],
    [{ QUICKSTART_REDIS_URL: 'redis://127.0.0.1:1' }, [`QUICKSTART_REDIS_URL: Redis at 127.0.0.1:1 does not answer (ECONNREFUSED); ${redis}`]],
    [{ QUICKSTART_REDIS_URL: 'redis://me:password@nohost.invalid:6379/0' }, [`QUICKSTART_REDIS_URL: Redis at nohost.invalid:6379 does not answer (ENOTFOUND); ${redis}`]],
    [{ QUICKSTART_REDIS_URL: `redis://127.0.0.1:${silent}` }, [`QUICKSTART_REDIS_URL: Redis at 127.0.0.1:${silent} does not answer (no answer); ${redis}`]],
    ...['refused the login (NOAUTH)', 'refused the login (WRONGPASS)', 'refused the login (ERR)', 'answered with an error (NOPERM)', 'answered with an error (ERR)'].map((says, at): [Record<string, string>, string[]] => [
      { QUICKSTART_REDIS_URL: `redis://me:password@127.0.0.1:${redisPorts[at]}` }, [`QUICKSTART_REDIS_URL: Redis at 127.0.0.1:${redisPorts[at]} ${says}; ${redis}`]
    ])
  ]
  const found: unknown[] = []
  for (const [env, warnings] of cases) {
    const { exitCode, lines, stdout } = await check(t, env)
    const isRight = lines.join('\n').replace('EAI_AGAIN', 'ENOTFOUND') === warnings.map((line) => `warning: ${line}`).join('\n')
    if (exitCode !== 0 || !isRight || !stdout.startsWith('ready\n')) found.push([env, exitCode, lines])
  }
  t.same(found, [])
})

t.test('says that a proxy on a Unix socket is trusted with true', { skip: lacks.sockets }, async (t) => {
  t.chdir(t.testdir({ users }))
  const { lines } = await check(t, { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users' }, ['--socket', 'new'])
  t.match(lines, [/^warning: .*; set QUICKSTART_TRUST_PROXY=true$/])
})

t.test('warns of public files that cannot be read', { skip: lacks.modes || lacks.links }, async (t) => {
  const folder = t.testdir({
    users,
    public: { 'a.txt': 'a', 'secret.txt': 'no', '.env': 'hidden', dir: { 'deep.txt': 'no' }, locked: { 'a.txt': 'a' }, '.well-known': { x: 'no' } }
  })
  const files = join(folder, 'public')
  for (const name of ['secret.txt', '.env', 'dir/deep.txt', '.well-known/x', 'locked']) chmodSync(join(files, name), 0o000)
  symlinkSync('nowhere', join(files, 'dangling'))
  symlinkSync('.', join(files, 'circle'))
  t.chdir(folder)
  const warning = (name: string, code: string) => `warning: ${name} among the public files cannot be read (${code}); it will not be served`
  const names = [['.well-known/x', 'EACCES'], ['dangling', 'ENOENT'], ['dir/deep.txt', 'EACCES'], ['locked', 'EACCES'], ['secret.txt', 'EACCES']] as const
  const expected = names.map(([name, code]) => warning(name, code))
  const production: Record<string, string> = { NODE_ENV: 'production', QUICKSTART_AUTH: 'false', QUICKSTART_TRUST_PROXY: 'true' }
  for (const env of [{}, production]) {
    const { exitCode, lines } = await asNobody(() => check(t, env))
    t.equal(exitCode, 0)
    t.same(lines.filter((line) => line.includes('public files')).sort(), expected)
  }
  chmodSync(join(files, 'locked'), 0o755) // or it could not be deleted
  t.same((await check(t, { QUICKSTART_STATIC: 'false' })).lines, [], 'none is served then')
})

t.test('many public files that cannot be read are counted', { skip: lacks.links }, async (t) => {
  const folder = t.testdir({ public: {} })
  for (let link = 0; link < 12; link++) symlinkSync('nowhere', join(folder, 'public', `${link}.txt`))
  t.chdir(folder)
  const { lines } = await check(t)
  t.equal(lines.length, 11)
  t.equal(lines.at(-1), 'warning: and 2 more public files cannot be read')
})
