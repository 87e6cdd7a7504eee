import Fastify, { type FastifyInstance } from 'fastify'
import { randomBytes } from 'node:crypto'
import dns from 'node:dns'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect as connectPlain, createServer as createPlainServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import quickstart from '../../../app.ts'
import { leaveQuietly } from '../../../app/operation/stopping.ts'
import { until } from '../../bin/command.ts'
import { setEnvironment } from '../../environment.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { captureLog, start } from '../start.ts'

/** Routes that wait until the test lets them go on: /slow with its whole answer, /begun with the rest of it. */
function createGate () {
  const gate = new EventEmitter().setMaxListeners(0)
  let waiting = 0
  async function wait (): Promise<void> {
    waiting++
    await once(gate, 'open')
  }
  const routes = async (app: FastifyInstance) => {
    app.get('/slow', async () => {
      await wait()
      return 'slow but whole'
    })
    app.get('/begun', async (request, reply) => {
      const stream = new PassThrough()
      stream.write('begun, ')
      wait().then(() => stream.end('done'), () => {})
      return reply.type('text/plain').send(stream)
    })
    app.get('/never', async () => await new Promise(() => {}))
  }
  return {
    routes,
    open: () => { gate.emit('open') },
    arrived: async (count: number) => await until(() => waiting === count, `${count} requests`)
  }
}

/** The app with the routes of a gate, which listens, and its log. */
async function listen (t: Test, env: Record<string, string> = {}, host: { host?: string } = { host: '127.0.0.1' }) {
  const gate = createGate()
  const { lines, logger } = captureLog()
  const app = await start(t, { routes: gate.routes }, env, { logger })
  await app.listen({ port: 0, ...host })
  const { port } = app.server.address() as AddressInfo // it listens on a port
  return { app, gate, lines, port, says: (text: string) => lines.some(({ msg }) => msg.includes(text)) }
}

/** A connection over which a text is sent, and all that it says until its end. */
async function open (t: Test, port: number, text: string, host = '127.0.0.1') {
  const socket = connectPlain(port, host).on('error', () => {})
  t.teardown(() => socket.destroy())
  let heard = ''
  socket.on('data', (chunk: Buffer) => { heard += chunk.toString('latin1') })
  const said = once(socket, 'close').then(() => heard)
  await once(socket, 'connect')
  socket.write(text)
  return { socket, said, hears: (wanted: string) => until(() => heard.includes(wanted), wanted) }
}

const get = (paths: readonly string[]) => paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('')

/** Each answer in a text: its status, what it says of the connection, and whether its body is cut. */
function readAnswers (text: string): string[] {
  return text.split(/(?=HTTP\/1\.1 \d)/).map((answer) => {
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
    const [, connection] = /^connection: (.*)$/im.exec(answer) ?? []
    const isWhole = /slow but whole$|begun, [^]*done\r\n0\r\n\r\n$|Hello World!$/.test(answer)
    return `${status} ${connection}${isWhole ? '' : ', cut'}`
  })
}

/** Lets `localhost` stand for a second address of this machine, as it does nearly everywhere, and returns that. */
async function widenLocalhost (t: Test): Promise<string> {
  const server = createPlainServer().listen(0, '::1')
  const address = await once(server, 'listening').then(() => '::1', () => '127.0.0.2')
  server.close()
  const found = ['127.0.0.1', address].map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup = (name: string, ...rest: [options: { all?: boolean }, done: Function] | [done: Function]) => {
    const [options, done] = rest.length === 1 ? [{}, ...rest] : rest
    const fitting = name === 'localhost' ? found : found.filter(({ address }) => address === name)
    if (options.all === true) done(null, fitting)
    else done(null, fitting[0]?.address, fitting[0]?.family)
  }
  t.intercept(dns, 'lookup', { value: lookup })
  return address
}

t.test('while it drains it answers, and says to the load balancer and to each client that it leaves', async (t) => {
  const { app, port, says } = await listen(t, { QUICKSTART_DRAIN_SECONDS: '3' })
  const closed = app.close()
  await until(() => says('draining for 3 s, GET /health answers 503'), 'the drain')
  const wrong: unknown[] = []
  for (const [path, status] of [['/health', 503], ['/hello', 200], ['/nothing', 404], ['/%zz', 400]] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const found = [answer.status, answer.headers.get('connection')]
    if (String(found) !== `${status},close`) wrong.push([path, ...found])
    if (path === '/health') t.same(await answer.json(), { status: 'stopping' })
  }
  t.same(wrong, [])
  await closed
  t.ok(says('no new connections; requests under way: 0'))
  t.ok(says('stopping: stopped'))
})

t.test('what was accepted is answered whole, and the last answer of a connection alone says that it ends', async (t) => {
  const cases: [before: string[], inTheDrain: string[], answers: string[]][] = [
    [['/slow'], [], ['200 close']],
    [['/begun'], [], ['200 keep-alive']],
    [['/slow', '/slow', '/slow'], [], ['200 keep-alive', '200 keep-alive', '200 close']],
    [['/slow', '/slow', '/hello'], [], ['200 keep-alive', '200 keep-alive', '200 keep-alive']],
    [['/begun', '/slow'], [], ['200 keep-alive', '200 close']],
    [['/slow', '/begun'], [], ['200 keep-alive', '200 keep-alive']],
    [[], ['/hello'], ['200 close']],
    [[], ['/hello', '/hello', '/hello'], ['200 keep-alive', '200 keep-alive', '200 close']],
    [[], ['/slow', '/slow'], ['200 keep-alive', '200 close']],
    [['/hello'], ['/hello'], ['200 keep-alive', '200 close']],
    [['/slow'], ['/slow', '/hello'], ['200 keep-alive', '200 keep-alive', '200 close']],
    [['/begun'], ['/slow'], ['200 keep-alive', '200 close']]
  ]
  const env = { QUICKSTART_GRACE_SECONDS: '600', QUICKSTART_DRAIN_SECONDS: '4' }
  const { app, port, gate, says } = await listen(t, env)
  const isWaiting = (path: string) => path !== '/hello'
  const clients = await Promise.all(cases.map(async ([before]) => {
    const client = await open(t, port, get(before))
    if (before[0] === '/hello') await client.hears('Hello World!')
    return client
  }))
  await gate.arrived(cases.flatMap(([before]) => before.filter(isWaiting)).length)
  const closed = app.close()
  await until(() => says('draining'), 'the drain')
  for (const [row, [, inTheDrain]] of cases.entries()) clients[row]?.socket.write(get(inTheDrain))
  await gate.arrived(cases.flatMap(([before, inTheDrain]) => [...before, ...inTheDrain].filter(isWaiting)).length)
  gate.open()
  const wrong: unknown[] = []
  for (const [row, [before, inTheDrain, answers]] of cases.entries()) {
    const found = readAnswers(await clients[row]!.said)
    if (String(found) !== String(answers)) wrong.push([before, inTheDrain, found])
  }
  t.same(wrong, [])
  await closed
})

t.test('stops gently on each address of localhost', async (t) => {
  const other = await widenLocalhost(t)
  const { app, port, gate, lines, says } = await listen(t, { QUICKSTART_DRAIN_SECONDS: '2', QUICKSTART_GRACE_SECONDS: '600' }, {})
  const hosts = ['127.0.0.1', other]
  t.same((app.addresses() as AddressInfo[]).map(({ address }) => address).sort(), hosts)
  const urls = hosts.map((host) => `http://${host.includes(':') ? `[${host}]` : host}:${port}`)

  const malformed = await Promise.all(hosts.map(async (host) => (await open(t, port, 'NOT HTTP\r\n\r\n', host)).said))
  for (const answer of malformed) t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[^]*This is not a well-formed request/)
  t.equal(lines.filter(({ msg }) => msg === 'not a request').length, 2)

  const clients = await Promise.all(hosts.map(async (host) => {
    const idle = await open(t, port, get(['/hello']), host)
    await idle.hears('Hello World!')
    return {
      idle,
      silent: await open(t, port, '', host),
      halfOpen: await open(t, port, 'GET /hello HTTP/1.1\r\nHost: loc', host),
      slow: await open(t, port, get(['/slow']), host),
      begun: await open(t, port, get(['/begun', '/slow']), host)
    }
  }))
  await gate.arrived(6)
  const closed = app.close()
  await until(() => says('draining'), 'the drain')
  for (const url of urls) t.same(await (await fetch(`${url}/health`)).json(), { status: 'stopping' })
  await until(() => says('no new connections; requests under way: 6'), 'the end of the drain')
  for (const { idle, silent, halfOpen } of clients) {
    t.equal((await idle.said).split('HTTP/1.1').length, 2)
    t.equal(await silent.said, '')
    t.equal(await halfOpen.said, '')
  }
  for (const url of urls) await t.rejects(fetch(`${url}/health`), { cause: { code: 'ECONNREFUSED' } })
  gate.open()
  for (const { slow, begun } of clients) {
    t.same(readAnswers(await slow.said), ['200 close'])
    t.same(readAnswers(await begun.said), ['200 keep-alive', '200 close'])
  }
  await closed
})

t.test('a slow reader gets the whole of a file from memory', async (t) => {
  const bytes = 7_000_000
  const folder = t.testdir({ public: { 'big.bin': Buffer.alloc(bytes, 'x') }, users: `alice:${cheap.bcrypt('right')}\n` })
  const { app, port } = await listen(t, {
    NODE_ENV: 'production',
    QUICKSTART_DRAIN_SECONDS: '0',
    QUICKSTART_PUBLIC_DIR: join(folder, 'public'),
    QUICKSTART_USERS_FILE: join(folder, 'users')
  })
  const { socket, said } = await open(t, port, get(['/static/big.bin']))
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), 20)
  })
  await once(socket, 'data')
  const closed = app.close()
  t.ok((await said).length > bytes)
  await closed
})

t.test('what is not answered at the end of the grace is cut, with a warning', async (t) => {
  const { app, port, says } = await listen(t, { QUICKSTART_GRACE_SECONDS: '1' })
  const { said } = await open(t, port, get(['/never']))
  await until(() => says('incoming request'), 'the request')
  await app.close()
  t.equal(await said, '')
  t.ok(says('stopping: 1 not answered within 1 s, cut'))
})

t.test('whose place another process has taken says nothing to load balancers, and leaves its clients a second', async (t) => {
  const { app, port, says } = await listen(t)
  leaveQuietly(app)
  const closed = app.close()
  await until(() => says('draining for 1 s'), 'the drain')
  t.notOk(says('/health answers 503'))
  const answer = await fetch(`http://127.0.0.1:${port}/health`)
  t.same([answer.status, answer.headers.get('connection')], [200, 'close'])
  await closed
})

t.test('an app that does not listen closes at once, and one that is told twice stops once', async (t) => {
  const app = await start(t, {}, { QUICKSTART_DRAIN_SECONDS: '600', QUICKSTART_GRACE_SECONDS: '3600' })
  await app.close()
  const { app: listening, lines } = await listen(t)
  await Promise.all([listening.close(), listening.close()])
  t.equal(lines.filter(({ msg }) => msg === 'stopping: stopped').length, 1)
})

t.test('over TLS, what is under way is answered whole and idle connections are closed', async (t) => {
  setEnvironment(t)
  const { lines, logger } = captureLog()
  // A key that both know stands for a certificate.
  const psk = randomBytes(32)
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
  const app = Fastify({ logger, https: { ...tls, pskCallback: () => psk } })
  t.teardown(() => app.close())
  const events = new EventEmitter()
  const asked = once(events, 'asked')
  await app.register(quickstart, {
    routes: async (app) => {
      app.get('/slow', async () => {
        events.emit('asked')
        await until(() => lines.some(({ msg }) => /no new connections/.test(msg)), 'the stop')
        return 'slow but whole'
      })
    }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo // it listens on a port
  const open = async (path: string) => {
    const socket = connect({
      ...tls, port, host: '127.0.0.1', pskCallback: () => ({ psk, identity: 'client' }), checkServerIdentity: () => undefined
    })
    await once(socket, 'secureConnect')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    return socket
  }
  const idle = await open('/hello')
  t.match(String(await once(idle, 'data')), /^HTTP\/1\.1 200 /)
  const idleEnds = once(idle, 'close')
  const slow = await open('/slow')
  const answer = slow.toArray()
  await asked
  const closed = app.close()
  t.match((await answer).join(''), /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*slow but whole$/i)
  await Promise.all([idleEnds, closed])
})

t.test('over HTTP/2, what is under way is answered whole and idle sessions are closed', async (t) => {
  setEnvironment(t)
  const events = new EventEmitter()
  const app = Fastify({ http2: true, http2SessionTimeout: 600_000 })
  await app.register(quickstart, {
    routes: async (app) => {
      app.get('/slow', async () => {
        const isTold = once(events, 'told')
        events.emit('asked')
        await isTold
        return 'slow but whole'
      })
    }
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const read = async (session: ClientHttp2Session, path: string) => {
    return (await session.request({ ':path': path }).toArray()).join('')
  }
  const idle = connectHttp2(url)
  const busy = connectHttp2(url)
  t.equal(await read(idle, '/hello'), 'Hello World!')
  const asked = once(events, 'asked')
  const slow = read(busy, '/slow')
  await asked
  const closed = app.close()
  await once(idle, 'close')
  events.emit('told')
  t.equal(await slow, 'slow but whole')
  await closed
})

t.test('what never ends is cut at the end of the grace: no handshake, a session without an answer', async (t) => {
  setEnvironment(t, { QUICKSTART_GRACE_SECONDS: '1' })
  const routes = async (app: FastifyInstance) => { app.get('/never', async () => await new Promise(() => {})) }
  const ways = {
    https: Fastify({ https: { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => randomBytes(32) } }),
    http2: Fastify({ http2: true, http2SessionTimeout: 600_000 })
  }
  for (const [way, server] of Object.entries(ways)) {
    const app = server as unknown as FastifyInstance // the types differ in the kind of server alone
    await app.register(quickstart, { routes })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo // it listens on a port
    const silent = connectPlain(port, '127.0.0.1').on('error', () => {}).resume()
    await once(silent, 'connect')
    if (way === 'http2') {
      const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
      session.request({ ':path': '/never' }).on('error', () => {})
      await once(session, 'remoteSettings')
    }
    const ended = once(silent, 'close')
    await app.close()
    await ended
    t.pass(`${way}: closed`)
  }
})

t.test('answers what another server hands on, as a serverless platform does', async (t) => {
  const app = await start(t)
  const platform = createServer((request, answer) => app.server.emit('request', request, answer))
  t.teardown(() => platform.close())
  platform.listen(0, '127.0.0.1')
  await once(platform, 'listening')
  const url = `http://127.0.0.1:${(platform.address() as AddressInfo).port}/hello` // it listens on a port
  const answer = await fetch(url, { headers: { connection: 'close' } })
  t.equal(await answer.text(), 'Hello World!')
})
