import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ending, serving, until } from './command.ts'
import { lacks } from '../system.ts'

const routes = `import { PassThrough } from 'node:stream'
export default async function routes (app) {
  app.get('/slow', async (request, reply) => {
    await new Promise((resolve) => setTimeout(resolve, 700))
    return 'slow but whole'
  })
  app.get('/begun', async (request, reply) => {
    const stream = new PassThrough()
    stream.write('begun, ')
    setTimeout(() => stream.end('done'), 700)
    return reply.type('text/plain').send(stream)
  })
  app.get('/never', () => new Promise(() => {}))
}`

const log = ['--log-level', 'info']

/** For which nothing waits, unless something holds the stop up. */
const longGrace = { QUICKSTART_GRACE_SECONDS: '120' }

/** Starts the server with the routes above. */
async function start (t: Test, env: Record<string, string> = {}) {
  const folder = t.testdir({ 'routes.mjs': routes, public: {} })
  return await serving(t, folder, ['--routes', join(folder, 'routes.mjs'), ...log], env)
}

async function open (t: Test, url: string, text = ''): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** Everything that a socket says until its end. */
async function readAll (socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  await once(socket, 'close')
  return text
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

t.test('while it drains it answers, and says to the load balancer and to each client that it leaves', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await start(t, { QUICKSTART_DRAIN_SECONDS: '3' })
  child.kill('SIGTERM')
  await until(() => output.stderr.includes('draining'), 'the drain')
  for (const [path, status] of [['/health', 503], ['/hello', 200], ['/nothing', 404], ['/%zz', 400]] as const) {
    const answer = await fetch(url + path)
    t.equal(answer.status, status, path)
    t.equal(answer.headers.get('connection'), 'close', path)
    if (path === '/health') t.same(await answer.json(), { status: 'stopping' })
  }
  t.same(await exited, [0, null])
  const steps = [
    'SIGTERM: the server stops', 'draining for 3 s', 'no new connections; requests under way: 0', 'stopping: stopped'
  ]
  t.match(output.stderr, new RegExp(steps.join('[^]*')))
})

t.test('what was accepted is answered whole, on a connection that ends with it', { skip: lacks.signals }, async (t) => {
  const { url, child, exited } = await start(t, longGrace)
  const slow = readAll(await open(t, url, get('/slow')))
  const begun = readAll(await open(t, url, get('/begun')))
  await setTimeout(200)
  const stopsAt = performance.now()
  child.kill('SIGINT')
  t.match(await slow, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*slow but whole$/i)
  t.match(await begun, /begun, [^]*done\r\n0\r\n\r\n$/)
  t.same(await exited, [0, null])
  t.ok(performance.now() - stopsAt < 60_000, 'nothing holds the stop up')
})

t.test('a slow reader gets the whole of a file from memory', { skip: lacks.signals }, async (t) => {
  const bytes = 7_000_000
  const folder = t.testdir({ public: { 'big.bin': Buffer.alloc(bytes, 'x') }, users: 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n' })
  const env = { NODE_ENV: 'production', QUICKSTART_USERS_FILE: join(folder, 'users'), QUICKSTART_DRAIN_SECONDS: '0' }
  const { url, child, exited } = await serving(t, folder, log, env)
  const socket = await open(t, url, get('/static/big.bin'))
  let read = 0
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length
    socket.pause()
    globalThis.setTimeout(() => socket.resume(), 20)
  })
  await once(socket, 'data')
  child.kill('SIGTERM')
  await once(socket, 'close')
  t.ok(read > bytes, `read ${read} bytes`)
  t.same(await exited, [0, null])
})

t.test('idle, half-open and silent connections do not hold the stop up', { skip: lacks.signals }, async (t) => {
  const { url, child, exited } = await start(t, longGrace)
  const idle = await open(t, url, get('/hello'))
  await once(idle, 'data')
  const others = [await open(t, url), await open(t, url, 'GET /hello HTTP/1.1\r\nHost: loc')]
  await setTimeout(100)
  const stopsAt = performance.now()
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.ok(performance.now() - stopsAt < 60_000)
  await Promise.all([idle, ...others].map(async (socket) => { if (!socket.closed) await once(socket, 'close') }))
})

t.test('what is not answered at the end of the grace is cut, with a warning', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await start(t, { QUICKSTART_GRACE_SECONDS: '1' })
  const never = readAll(await open(t, url, get('/never')))
  await setTimeout(100)
  const stopsAt = performance.now()
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.ok(performance.now() - stopsAt < 9000)
  t.equal(await never, '')
  t.match(output.stderr, 'warn: stopping: 1 not answered within 1 s, cut')
})

t.test('a second signal ends it at once', { skip: lacks.signals }, async (t) => {
  const { child, exited, output } = await start(t, { QUICKSTART_DRAIN_SECONDS: '100', ...longGrace })
  const stopsAt = performance.now()
  child.kill('SIGTERM')
  await until(() => output.stderr.includes('draining'), 'the drain')
  child.kill('SIGTERM')
  t.same(await exited, [1, null])
  t.ok(performance.now() - stopsAt < 60_000)
  t.match(output.stderr, 'error: second SIGTERM, exiting')
})

t.test('SIGHUP does not end it', { skip: lacks.signals }, async (t) => {
  const { url, child, output } = await start(t)
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP'), 'the line in the log')
  t.match(output.stderr, 'SIGHUP: changed files of users and groups hold from the next login on')
  t.equal((await fetch(`${url}/health`)).status, 200)
})

t.test('listens on a Unix socket, also where a server was killed', { skip: lacks.sockets }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'app.sock')
  let { child, output, exited } = await serving(t, folder, ['--socket', socketPath])
  const hello = async () => {
    const [answer] = await once(request({ socketPath, path: '/hello' }).end(), 'response')
    answer.resume()
    return answer.statusCode
  }
  t.equal(await hello(), 200)
  t.match(output.stdout, `Listening on the socket ${socketPath}. Ctrl-C stops the server.`)
  const second = await ending(folder, ['--socket', socketPath])
  t.equal(second.exitCode, 1)
  t.match(second.stderr, `fastify-quickstart: --socket ${socketPath} cannot be listened on (EADDRINUSE); choose another one\n`)
  for (const args of [[], ['--workers', '1']]) {
    child.kill('SIGKILL')
    await exited
    ;({ child, exited } = await serving(t, folder, ['--socket', socketPath, ...args]))
    t.equal(await hello(), 200)
  }

  const file = join(folder, 'a file')
  writeFileSync(file, 'of somebody')
  const taken = await ending(folder, ['--socket', file])
  t.match(taken.stderr, `fastify-quickstart: --socket ${file} cannot be listened on (EADDRINUSE); choose another one\n`)
  t.equal(readFileSync(file, 'utf8'), 'of somebody')

  const both = await ending(folder, ['--socket', socketPath, '--port', '1'])
  t.equal(both.stderr, 'fastify-quickstart: --socket and --port or --address exclude each other\n')
  const long = await ending(folder, ['--socket', join(folder, 'x'.repeat(100))])
  t.equal(long.stderr, 'fastify-quickstart: --socket takes a path of 1 to 103 bytes\n')
})

t.test('an app that does not listen closes at once', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number } // it listens on a port
  const failed = await ending(t.testdir({}), ['--port', String(port)], { QUICKSTART_DRAIN_SECONDS: '5' })
  t.equal(failed.exitCode, 1)
  t.match(failed.stderr, 'is in use')
})
