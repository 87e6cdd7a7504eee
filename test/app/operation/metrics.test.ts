import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { FakeRedis } from '../../plugins/auth/fake-redis.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { until } from '../../bin/command.ts'
import { asAdmin, captureLog, start } from '../start.ts'

async function freeAddress (): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : ''
}

/** The app in production with a folder of public files, and the text of its metrics. */
async function startMeasured (t: Test, files: Record<string, string | Buffer>) {
  const folder = t.testdir({ public: files, users: `alice:${cheap.bcrypt('right')}\n` })
  const metrics = await freeAddress()
  const app = await start(t, { templates: false }, {
    NODE_ENV: 'production',
    QUICKSTART_DRAIN_SECONDS: '0',
    QUICKSTART_METRICS: metrics,
    QUICKSTART_PUBLIC_DIR: join(folder, 'public'),
    QUICKSTART_USERS_FILE: join(folder, 'users')
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, metrics, folder, read: async () => await (await fetch(`http://${metrics}/metrics`)).text() }
}

t.test('metrics say how much memory static files and their compressed forms take', async (t) => {
  const { app, read } = await startMeasured(t, { 'a.txt': 'a text '.repeat(5000), 'b.png': Buffer.alloc(1000, 1) })
  const lengths = await Promise.all([
    ['/static/a.txt', 'identity'], ['/static/a.txt', 'br'], ['/static/a.txt', 'gzip'], ['/static/b.png', 'identity']
  ].map(async ([url, coding]) => {
    const { headers } = await app.inject({ url, headers: { 'accept-encoding': coding } })
    t.equal(headers['content-encoding'] ?? 'identity', coding)
    return Number(headers['content-length'])
  }))
  const bytes = lengths.reduce((sum, length) => sum + length, 0)
  t.match(await read(), `\nquickstart_static_bytes ${bytes}\n`)
})

t.test('a compressed form that lies beside its file is not counted twice', async (t) => {
  const { app, read } = await startMeasured(t, { 'a.js': 'let a = 1\n'.repeat(500) })
  const gzip = (await app.inject({ url: '/static/a.js', headers: { 'accept-encoding': 'gzip' } })).rawPayload
  const br = (await app.inject({ url: '/static/a.js', headers: { 'accept-encoding': 'br' } })).rawPayload
  const beside = await startMeasured(t, { 'a.js': 'let a = 1\n'.repeat(500), 'a.js.gz': gzip, 'a.js.br': br })
  t.match(await beside.read(), `\nquickstart_static_bytes ${5000 + gzip.length + br.length}\n`)
  t.match(await read(), `\nquickstart_static_bytes ${5000 + gzip.length + br.length}\n`)
})

t.test('the dashboard asks for metrics that there are', async (t) => {
  const { app, read } = await startMeasured(t, {})
  await app.inject('/hello')
  const text = await read()
  const { panels } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', '..', 'deploy', 'grafana.json'), 'utf8')) as {
    panels: Array<{ title: string, targets: Array<{ expr: string }> }>
  }
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const [name = 'none'] = /\b(?:http|quickstart|nodejs|process)_\w+/.exec(expr) ?? []
      t.match(text, new RegExp(`^${name}[ {]`, 'm'), title)
    }
  }
})

t.test('counts the logins that a function of the host\'s checks', async (t) => {
  const { lines, logger } = captureLog()
  const verify = async (name: string) => name === 'admin'
  const app = await start(t, { auth: { verify } }, { QUICKSTART_METRICS: '127.0.0.1:0' }, { logger })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal((await app.inject({ url: '/secret', headers: asAdmin })).statusCode, 200)
  const place = () => lines.map(({ msg }) => /served at (\S+)$/.exec(msg)?.[1]).find((url) => url !== undefined)
  await until(() => place() !== undefined, 'the place of the metrics')
  const text = await (await fetch(String(place()), { headers: { connection: 'close' } })).text()
  t.match(text, 'quickstart_logins_total{outcome="right"} 1')
  t.match(text, 'quickstart_password_checks{state="running"} 0')
})

t.test('an answer that is cut is counted too', async (t) => {
  const metrics = await freeAddress()
  const routes = async (app: FastifyInstance): Promise<void> => {
    app.get('/endless', async () => new Readable({ read () { this.push(Buffer.alloc(65_536)) } }))
    app.post('/never', async () => await new Promise(() => {}))
  }
  const app = await start(t, { routes }, { QUICKSTART_METRICS: metrics })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  for (const [path, method] of [['/endless', 'GET'], ['/never', 'POST']]) {
    const leaving = new AbortController()
    const asked = fetch(`${url}${path}`, { method, signal: leaving.signal })
    if (path === '/endless') await asked
    else await once(app.server, 'request')
    leaving.abort()
    await asked.catch(() => {})
  }
  await fetch(`${url}/hello`)
  const read = async () => await (await fetch(`http://${metrics}/metrics`)).text()
  await until(async () => (await read()).includes('/never'), 'the count of what was never answered')
  const counts = (await read()).match(/^http_request_duration_seconds_count.*/gm)
  t.same(counts?.sort(), [
    'http_request_duration_seconds_count{route="/endless",method="GET",status="200"} 1',
    'http_request_duration_seconds_count{route="/hello",method="GET",status="200"} 1',
    'http_request_duration_seconds_count{route="/never",method="POST",status="499"} 1'
  ])
})

t.test('metrics say that the users cannot be read any more, without a request', async (t) => {
  const { folder, read } = await startMeasured(t, {})
  const users = join(folder, 'users')
  const text = readFileSync(users)
  const isUnreadable = async () => /^quickstart_users_unreadable (\d)$/m.exec(await read())?.[1]
  const seen = [await isUnreadable()]
  for (const change of [() => rmSync(users), () => writeFileSync(users, text), () => writeFileSync(users, 'broken'), () => writeFileSync(users, text)]) {
    change()
    seen.push(await isUnreadable())
  }
  t.same(seen, ['0', '1', '0', '1', '0'])
  t.match(await read(), '\nquickstart_redis_away 0\n')
})

t.test('metrics say that Redis is away', async (t) => {
  const redis = new FakeRedis()
  const metrics = await freeAddress()
  const auth = { verify: () => true, throttle: { redis: redis as never } } // it has what is used of one
  const app = await start(t, { auth }, { QUICKSTART_METRICS: metrics })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const isAway = async () => /^quickstart_redis_away (\d)$/m.exec(await (await fetch(`http://${metrics}/metrics`)).text())?.[1]
  const seen = [await isAway()]
  redis.emit('close')
  seen.push(await isAway())
  redis.emit('ready')
  seen.push(await isAway())
  t.same(seen, ['0', '1', '0'])
})

t.test('a worker tells its metrics to the primary, and serves none itself', async (t) => {
  const { lines, logger } = captureLog()
  const app = await start(t, { worker: true }, { QUICKSTART_METRICS: '127.0.0.1:0' }, { logger })
  await app.inject('/hello')
  const told = new Promise<{ tellMetrics: number, metrics: { name: string }[] }>((resolve) => {
    t.intercept(process, 'send', { value: resolve })
  })
  process.emit('message', { askMetrics: 3 }, undefined)
  const { tellMetrics, metrics } = await told
  t.equal(tellMetrics, 3)
  t.ok(metrics.some(({ name }) => name === 'http_request_duration_seconds'))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.notOk(lines.some(({ msg }) => msg.includes('metrics')))
  const before = process.listenerCount('message')
  await app.close()
  t.equal(process.listenerCount('message'), before - 1)
})
