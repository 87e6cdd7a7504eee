import Fastify from 'fastify'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { describeMetricsPlace, type MetricsPlace, serveMetrics } from '../../../app/operation/metrics-server.ts'
import { captureLog } from '../start.ts'

/** Serves a text as metrics until the test ends, and says what was logged and where it is served. */
async function serve (t: Test, place: MetricsPlace, render = async () => 'a 1\n') {
  const { lines, logger } = captureLog()
  const server = await serveMetrics(place, { contentType: 'text/plain; version=0.0.4', render }, Fastify({ logger }).log)
  t.teardown(() => server.close())
  const [, url = ''] = /served at (http\S+)/.exec(lines[0]?.msg ?? '') ?? []
  return { lines, url }
}

/** A port of 127.0.0.1 that somebody listens on until the test ends. */
async function takePort (t: Test, port = 0): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // it listens on a port
}

t.test('serves the metrics at one path, and nothing elsewhere', async (t) => {
  const { url } = await serve(t, { host: '127.0.0.1', port: 0 })
  const answer = await fetch(url)
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4')
  t.equal(await answer.text(), 'a 1\n')
  const paths = [['/metrics?a=b', 200], ['/', 404], ['/metrics/', 404], ['/metricsx', 404]] as const
  const wrong: unknown[] = []
  for (const [path, status] of paths) {
    const found = await fetch(new URL(path, url))
    if (found.status !== status) wrong.push([path, found.status])
  }
  t.same(wrong, [])
})

t.test('many scrapes at once are answered from one rendering', async (t) => {
  let renderings = 0
  const render = async () => {
    renderings++
    await new Promise(setImmediate)
    return `renderings ${renderings}\n`
  }
  const { url } = await serve(t, { host: '127.0.0.1', port: 0 }, render)
  const scrapes = Array.from({ length: 399 }, () => 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n').join('')
  const last = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const clients = Array.from({ length: 5 }, async () => {
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    client.write(scrapes + last)
    return (await client.toArray()).join('')
  })
  const answers = (await Promise.all(clients)).join('').match(/^renderings \d+$/gm)
  t.equal(answers?.length, 2000)
  t.ok(renderings < 200, `${renderings} renderings`)
})

t.test('metrics that cannot be read are 503, with a line in the log', async (t) => {
  const { lines, url } = await serve(t, { host: '127.0.0.1', port: 0 }, async () => { throw new Error('a fault') })
  t.equal((await fetch(url)).status, 503)
  t.match(lines[1], { level: 50, msg: 'the metrics could not be read', err: { message: 'a fault' } })
})

/** The first of three free ports, below those that systems give out by themselves (from 32768 on Linux). */
async function findThreePorts (): Promise<number> {
  for (let port = 20_000 + process.pid % 1000 * 10; ; port += 3) {
    const servers = [port, port + 1, port + 2].map((port) => createServer().listen(port, '127.0.0.1'))
    const areFree = await Promise.all(servers.map((server) => once(server, 'listening').then(() => true, () => false)))
    for (const server of servers) server.close()
    if (areFree.every(Boolean)) return port
  }
}

t.test('instances that share a range of ports take one each', async (t) => {
  const host = '127.0.0.1'
  const port = await takePort(t, await findThreePorts())
  const lastPort = port + 2
  const { url: first } = await serve(t, { host, port, lastPort })
  const { url: second } = await serve(t, { host, port, lastPort })
  t.same([first, second], [`http://${host}:${port + 1}/metrics`, `http://${host}:${port + 2}/metrics`])
  for (const url of [first, second]) t.equal((await fetch(url)).status, 200)
  const { lines } = await serve(t, { host, port, lastPort })
  t.match(lines, [{
    level: 50, msg: `QUICKSTART_METRICS: ${host}:${port}-${lastPort} cannot be listened on (EADDRINUSE); there are no metrics`
  }])
})

t.test('what cannot be listened on costs the metrics alone, with a line in the log', async (t) => {
  const port = await takePort(t)
  const places: [place: MetricsPlace, code: string][] = [
    [{ host: '127.0.0.1', port }, 'EADDRINUSE'],
    [{ host: '192.0.2.1', port: 0 }, 'EADDRNOTAVAIL'],
    [{ host: '192.0.2.1', port: 9464, lastPort: 9470 }, 'EADDRNOTAVAIL']
  ]
  const wrong: unknown[] = []
  for (const [place, code] of places) {
    const { lines } = await serve(t, place)
    const says = `QUICKSTART_METRICS: ${describeMetricsPlace(place)} cannot be listened on (${code}); there are no metrics`
    if (lines.length !== 1 || lines[0]?.msg !== says) wrong.push([place, lines])
  }
  t.same(wrong, [])
})

t.test('a place is written as in the setting', (t) => {
  t.equal(describeMetricsPlace({ host: '::1', port: 9464 }), '[::1]:9464')
  t.equal(describeMetricsPlace({ host: 'localhost', port: 1, lastPort: 2 }), 'localhost:1-2')
  t.end()
})
