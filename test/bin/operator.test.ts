import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ending, serving } from './command.js'

t.setTimeout(300_000) // each test starts several processes

const users = 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n'

async function until (happens: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !await happens(); tries++) {
    if (tries === 300) throw new Error(`${what} did not happen`)
    await setTimeout(50)
  }
}

const login = (url: string, password: string) => fetch(`${url}/secret`, {
  headers: { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`, connection: 'close' }
})

/** The processes that answered the server's own route /pid. */
async function pids (url: string): Promise<Set<string>> {
  const answers = Array.from({ length: 40 }, async () => {
    return await (await fetch(`${url}/pid`, { headers: { connection: 'close' } })).text()
  })
  return new Set(await Promise.all(answers))
}

const pidRoute = `export default async function routes (app) {
  app.get('/pid', async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return String(process.pid)
  })
}`

async function startWorkers (t: Test, count: string, env: Record<string, string> = {}) {
  const folder = t.testdir({ 'routes.mjs': pidRoute, public: {} })
  const args = ['--workers', count, '--routes', join(folder, 'routes.mjs'), '--log-level', 'info']
  const server = await serving(t, folder, args, env)
  await until(() => server.output.stderr.includes('workers listen'), 'the start of all workers')
  return server
}

t.test('check says what will be on, or what is wrong', async (t) => {
  const folder = t.testdir({ users, 'routes.mjs': pidRoute, public: { 'a.txt': 'a' } })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', QUICKSTART_METRICS: '127.0.0.1:9464' }
  const ready = await ending(folder, ['check', '--routes', './routes.mjs', '--hello=false'], env)
  t.equal(ready.exitCode, 0)
  t.match(ready.stdout, /^ready\n {2}environment {4}production\n {2}routes {9}auth 1, .*own 1\n {2}users {10}\/.*users\n/)
  t.match(ready.stdout, /metrics {8}127\.0\.0\.1:9464\n$/)
  t.notMatch(ready.stdout, 'hello')

  const wrong: [env: Record<string, string>, says: RegExp][] = [
    [{ QUICKSTART_PROTECT: '/nowhere' }, /^fastify-quickstart: QUICKSTART_PROTECT: .*\/nowhere/],
    [{ NODE_ENV: 'production' }, /^fastify-quickstart: auth: no users are configured/],
    [{ QUICKSTART_METRICS: 'here' }, /^fastify-quickstart: QUICKSTART_METRICS is "here"; it takes host:port/]
  ]
  for (const [env, says] of wrong) {
    const { exitCode, stdout, stderr } = await ending(folder, ['check'], env)
    t.equal(exitCode, 1)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})

t.test('workers share the port and count failed logins together; one that dies is replaced', async (t) => {
  const { url, child, exited, output } = await startWorkers(t, '2')
  const before = await pids(url)
  t.equal(before.size, 2)
  for (let attempt = 0; attempt < 10; attempt++) t.equal((await login(url, `no ${attempt}`)).status, 401)
  const after = await Promise.all(Array.from({ length: 6 }, (_, attempt) => login(url, `none ${attempt}`)))
  t.same(after.map(({ status }) => status), [429, 429, 429, 429, 429, 429])

  const [victim = ''] = before
  process.kill(Number(victim), 'SIGKILL')
  await until(() => output.stderr.includes(`worker ${victim} ended (SIGKILL) and is replaced`), 'the death')
  await until(async () => (await pids(url)).size === 2, 'the replacement')
  t.notOk((await pids(url)).has(victim))

  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(output.stderr, 'stopping: all workers have stopped')
})

t.test('SIGHUP replaces all workers and loses no request', async (t) => {
  const { url, child, output } = await startWorkers(t, '2')
  const before = await pids(url)
  let isOver = false
  const statuses = new Set<number | string>()
  const clients = Array.from({ length: 4 }, async () => {
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
    while (!isOver) statuses.add(await fetch(`${url}/health`).then((answer) => answer.status, (error) => String(error)))
  })
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP: done'), 'the replacement')
  isOver = true
  await Promise.all(clients)
  t.same([...statuses], [200])
  for (const pid of await pids(url)) t.notOk(before.has(pid))
})

t.test('workers that cannot start are told of once', async (t) => {
  const folder = t.testdir({})
  const cases: [args: string[], says: RegExp][] = [
    [['--workers', 'many'], /^fastify-quickstart: --workers is "many"; it takes a number from 1 to 999, or auto/],
    [['--workers', '2', '--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"/],
    [['--workers', 'auto', '--csp', 'none such'], /^fastify-quickstart: "csp" is [^\n]*\n$/]
  ]
  for (const [args, says] of cases) {
    const { exitCode, stdout, stderr } = await ending(folder, args)
    t.equal(exitCode, 1)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})

t.test('production logs one line of JSON a request, with the id of a trusted proxy or one of its own', async (t) => {
  const folder = t.testdir({ users, public: {} })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', QUICKSTART_TRUST_PROXY: '127.0.0.1', QUICKSTART_DRAIN_SECONDS: '0' }
  const { url, child, exited, output } = await serving(t, folder, [], env)
  await fetch(`${url}/health`)
  const hello = await fetch(`${url}/hello?token=secret`, { headers: { 'x-request-id': 'from-proxy.1', 'x-forwarded-for': '192.0.2.7' } })
  t.equal(hello.headers.get('x-request-id'), 'from-proxy.1')
  t.equal(hello.headers.get('strict-transport-security'), null)
  const forged = await fetch(`${url}/%zz`, { headers: { 'x-request-id': 'a b', 'x-forwarded-proto': 'https' } })
  t.match(forged.headers.get('x-request-id'), /^[\da-f-]{36}$/)
  t.equal(forged.headers.get('strict-transport-security'), 'max-age=31536000')
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('NOT HTTP\r\n\r\n')
  const [answer] = await once(socket, 'data') as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[^]*Connection: close\r\n/)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])

  const lines = output.stderr.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(lines[0], { msg: 'fastify-quickstart listens', version: /^\d/, node: process.version, environment: 'production' })
  const answered = lines.filter(({ msg }) => msg === 'answered')
  t.match(answered, [
    { method: 'GET', path: '/hello', status: 200, bytes: Number, ms: Number, address: '192.0.2.7', reqId: 'from-proxy.1' },
    { method: 'GET', path: '/%zz', status: 400, reqId: /^[\da-f-]{36}$/ }
  ])
  t.equal(answered.length, 2)
  t.notMatch(output.stderr, 'token')
  t.match(lines.find(({ msg }) => msg === 'not a request'), { status: 400, code: /^HPE_/, address: '127.0.0.1' })
})

t.test('metrics have a listener of their own, also for all workers', async (t) => {
  const free = 19_000 + process.pid % 10_000
  for (const [count, port] of [['1', free], ['', free + 1]] as const) {
    const metrics = `127.0.0.1:${port}`
    const { url } = count === ''
      ? await serving(t, t.testdir({ public: {} }), [], { QUICKSTART_METRICS: metrics })
      : await startWorkers(t, count, { QUICKSTART_METRICS: metrics })
    t.equal((await login(url, 'wrong')).status, 401)
    t.equal((await login(url, 'secret')).status, 200)
    t.equal((await fetch(`${url}/metrics`)).status, 404)
    const text = await (await fetch(`http://${metrics}/metrics`)).text()
    t.match(text, 'http_request_duration_seconds_count{route="/secret",method="GET",status="401"} 1')
    t.match(text, 'quickstart_logins_total{outcome="wrong"} 1')
    t.match(text, 'quickstart_logins_total{outcome="right"} 1')
    t.match(text, 'quickstart_password_checks{state="waiting"} 0')
    t.match(text, 'nodejs_eventloop_lag_p99_seconds')
  }
})

t.test('a taken metrics address costs the metrics and nothing else', async (t) => {
  const metrics = `127.0.0.1:${29_000 + process.pid % 10_000}`
  await serving(t, t.testdir({}), [], { QUICKSTART_METRICS: metrics })
  const { url, output } = await serving(t, t.testdir({}), [], { QUICKSTART_METRICS: metrics })
  t.equal((await fetch(`${url}/health`)).status, 200)
  t.match(output.stderr, `error: QUICKSTART_METRICS: ${metrics} cannot be listened on (EADDRINUSE); there are no metrics`)
})
