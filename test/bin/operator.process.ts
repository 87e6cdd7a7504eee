import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { basic, cheap } from '../plugins/auth/logins.ts'
import { ending, login, pidRoute, serving, startWorkers, until } from './command.ts'
import { lacks } from '../system.ts'

t.setTimeout(300_000) // each test starts several processes

const users = `alice:${cheap.bcrypt('right')}\n`

t.test('check says what will be on, or what is wrong', async (t) => {
  const folder = t.testdir({ users, 'routes.mjs': pidRoute, public: { 'a.txt': 'a' } })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', QUICKSTART_METRICS: '127.0.0.1:9464', PORT: '8080' }
  const ready = await ending(folder, ['check', '--routes', './routes.mjs', '--hello=false'], env)
  t.equal(ready.exitCode, 0)
  t.match(ready.stdout, /^ready\n {2}environment {4}production\n {2}listens at {5}127\.0\.0\.1:8080\n {2}routes {9}.*auth 2, .*own 4\n {2}tutorial pages on\n {2}users {10}\/.*users\n/)
  t.match(ready.stdout, /metrics {8}127\.0\.0\.1:9464\n$/)
  t.notMatch(ready.stdout, 'hello')

  const wrong: [env: Record<string, string>, says: RegExp][] = [
    [{ QUICKSTART_PROTECT: '/nowhere' }, /^fastify-quickstart: QUICKSTART_PROTECT: .*\/nowhere/],
    [{ NODE_ENV: 'production' }, /^fastify-quickstart: auth: no users are configured/],
    [{ PORT: '65536' }, /^fastify-quickstart: PORT is "65536"; it takes a number from 0 to 65535\n$/],
    [{ HOST: '192.0.2.1', PORT: '80', NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }, /^fastify-quickstart: 192\.0\.2\.1:80 is not an address of this machine; choose another with HOST/],
    [{ QUICKSTART_METRICS: 'here' }, /^fastify-quickstart: QUICKSTART_METRICS is "here"; it takes host:port/]
  ]
  for (const [env, says] of wrong) {
    const { exitCode, stdout, stderr } = await ending(folder, ['check'], env)
    t.equal(exitCode, 1)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})

t.test('production logs one line of JSON a request, with the id of a trusted proxy or one of its own', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({ users, public: {} })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', QUICKSTART_TRUST_PROXY: '127.0.0.1', QUICKSTART_DRAIN_SECONDS: '0' }
  const { url, child, exited, output } = await serving(t, folder, [], env)
  await fetch(`${url}/health`)
  const hello = await fetch(`${url}/hello?token=secret`, { headers: { 'x-request-id': 'from-proxy.1', 'x-forwarded-for': '192.0.2.7' } })
  t.equal(hello.headers.get('x-request-id'), 'from-proxy.1')
  t.equal(hello.headers.get('strict-transport-security'), null)
  t.equal((await fetch(`${url}/secret`, { headers: basic('alice', 'right') })).status, 200)
  const secure = await fetch(`${url}/health`, { headers: { 'x-forwarded-proto': 'https' } })
  t.equal(secure.headers.get('strict-transport-security'), 'max-age=31536000')
  const forged = await fetch(`${url}/%zz`, { headers: { 'x-request-id': 'a b' } })
  t.match(forged.headers.get('x-request-id'), /^[\da-f-]{36}$/)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('NOT HTTP\r\n\r\n')
  const [answer] = await once(socket, 'data') as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[^]*Connection: close\r\n/)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])

  const lines = output.stderr.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(lines.find(({ msg }) => msg === 'fastify-quickstart listens'), { version: /^\d/, node: process.version, environment: 'production' })
  const answered = lines.filter(({ msg }) => msg === 'answered')
  t.match(answered, [
    { method: 'GET', path: '/hello', status: 200, bytes: Number, ms: Number, address: '192.0.2.7', reqId: 'from-proxy.1' },
    { method: 'GET', path: '/secret', status: 200, user: 'alice' },
    { method: 'GET', path: '/%zz', status: 400, reqId: /^[\da-f-]{36}$/ }
  ])
  t.equal(answered.length, 3)
  t.notMatch(output.stderr, 'token')
  t.match(lines.find(({ msg }) => msg === 'not a request'), { status: 400, code: /^HPE_/, address: '127.0.0.1' })
})

/** Where a server says that its metrics are. */
async function metricsPlace (output: { stderr: string }): Promise<string> {
  const said = /metrics for Prometheus are served at (\S+)/
  await until(() => said.test(output.stderr), 'the place of the metrics')
  return String(said.exec(output.stderr)?.[1])
}

t.test('metrics have a listener of their own, also for all workers', async (t) => {
  const env = { QUICKSTART_METRICS: '127.0.0.1:0' }
  const kinds: [name: string, start: (t: Test) => Promise<{ url: string, output: { stderr: string } }>][] = [
    ['one process', (t) => serving(t, t.testdir({ 'r.mjs': pidRoute }), ['-l', 'info', '--routes', 'r.mjs'], env)],
    ['workers', (t) => startWorkers(t, '1', env)]
  ]
  for (const [name, start] of kinds) {
    await t.test(name, async (t) => {
      const { url, output } = await start(t)
      const place = await metricsPlace(output)
      t.equal((await login(url, 'wrong')).status, 401)
      t.equal((await login(url, 'secret')).status, 200)
      t.equal((await fetch(`${url}/metrics`)).status, 404)
      const text = await (await fetch(place)).text()
      t.match(text, 'http_request_duration_seconds_count{route="/secret",method="GET",status="401"} 1')
      t.match(text, 'quickstart_logins_total{outcome="wrong"} 1')
      t.match(text, 'quickstart_logins_total{outcome="right"} 1')
      t.match(text, 'quickstart_password_checks{state="waiting"} 0')
      t.match(text, 'nodejs_eventloop_lag_p99_seconds')
      if (name === 'one process') return

      // A worker that hangs cannot tell its numbers, and counts with those that it told last.
      const worker = Number(await (await fetch(`${url}/pid`)).text())
      process.kill(worker, 'SIGSTOP')
      const silent = await (await fetch(place)).text().finally(() => process.kill(worker, 'SIGCONT'))
      t.match(silent, 'quickstart_logins_total{outcome="wrong"} 1')
      await until(() => output.stderr.includes(`worker ${worker} has told no metrics within`), 'the line in the log')
      t.equal((await fetch(place)).status, 200)
    })
  }
})

t.test('a taken metrics address costs the metrics and nothing else', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const metrics = `127.0.0.1:${(taken.address() as AddressInfo).port}` // it listens on a port
  const { url, output } = await serving(t, t.testdir({}), [], { QUICKSTART_METRICS: metrics })
  t.equal((await fetch(`${url}/health`)).status, 200)
  t.match(output.stderr, `error: QUICKSTART_METRICS: ${metrics} cannot be listened on (EADDRINUSE); there are no metrics`)
})
