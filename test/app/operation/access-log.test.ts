import Fastify, { type FastifyInstance } from 'fastify'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type ServerHttp2Session } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import quickstart, { options } from '../../../app.ts'
import { until } from '../../bin/command.ts'
import { setEnvironment } from '../../environment.ts'
import { asAdmin, captureLog, cheapUsers } from '../start.ts'

async function routes (app: FastifyInstance): Promise<void> {
  app.get('/endless', async () => new Readable({ read () { this.push(Buffer.alloc(65_536)) } }))
  app.get('/never', async () => await new Promise(() => {}))
  app.get('/fails', async () => Readable.from((async function * () {
    yield 'three'
    throw new Error('the source fails')
  })()))
  app.get('/text', async () => Readable.from(['äöü', Buffer.from('abc')]))
  app.get('/end', (request, reply) => {
    reply.hijack()
    reply.raw.end(Buffer.from('abcd'))
  })
}

/** The app in production over plain HTTP, of the first version or the second, and the lines of its access log. */
async function listen (t: Test, server: { http2?: true, connectionTimeout?: number } = {}) {
  setEnvironment(t, { NODE_ENV: 'production', QUICKSTART_DRAIN_SECONDS: '0', QUICKSTART_GRACE_SECONDS: '1' })
  const { lines, logger } = captureLog()
  // The types differ in the kind of server alone.
  const app = Fastify({ ...options, logger, ...server } as object) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers }, routes })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const readLine = async () => {
    const isAnswered = ({ msg }: { msg: string }) => msg === 'answered'
    await until(() => lines.some(isAnswered), 'the line')
    const found = lines.filter(isAnswered)
    lines.length = 0
    return found
  }
  return { app, url, port: (app.server.address() as AddressInfo).port, readLine } // it listens on a port
}

t.test('an answer that is not sent whole is one line that says how it ended', async (t) => {
  const { app, port, readLine } = await listen(t, { connectionTimeout: 1500 })
  const hasBytes = (socket: Socket) => once(socket, 'data')
  const cases: [name: string, path: string, end: (socket: Socket) => unknown, line: object][] = [
    ['the client leaves', '/endless', async (socket) => { await hasBytes(socket); socket.destroy() }, { status: 200, cut: 'by the client' }],
    ['the client resets', '/endless', async (socket) => { await hasBytes(socket); socket.resetAndDestroy() }, { status: 200, cut: 'by the client' }],
    ['the client does not wait', '/never', (socket) => socket.end(), { status: 499, bytes: 0, cut: 'by the client' }],
    ['the source fails', '/fails', () => {}, { status: 200, cut: 'by the server' }],
    ['the server has waited', '/never', () => {}, { bytes: 0, cut: 'by the server' }],
    ['the client does not read', '/endless', (socket) => socket.pause(), { status: 200, cut: 'by the server' }],
    ['it is sent', '/hello', () => {}, { status: 200, cut: undefined }],
    ['the path is malformed', '/%zz?secret', () => {}, { path: '/%zz', status: 400, cut: undefined }],
    ['the client says no more', '/hello', (socket) => socket.end(), { status: 200, cut: undefined }]
  ]
  for (const [name, path, end, line] of cases) {
    const socket = connect(port, '127.0.0.1').on('error', () => {}).resume()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    if (path === '/never') await once(app.server, 'request')
    await end(socket)
    const lines = await readLine()
    t.match(lines, [{ method: 'GET', path: path.replace('?secret', ''), address: '127.0.0.1', bytes: Number, ...line }], name)
    t.equal(lines.length, 1, name)
    socket.destroy()
  }
})

t.test('the line of a login names the user', async (t) => {
  const { url, readLine } = await listen(t)
  await fetch(`${url}/secret`, { headers: asAdmin })
  t.match(await readLine(), [{ path: '/secret', status: 200, user: 'admin' }])
})

t.test('what the end of the grace cuts is a line', async (t) => {
  const { app, port, readLine } = await listen(t)
  const socket = connect(port, '127.0.0.1').on('error', () => {}).resume()
  socket.write('GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  await app.close()
  t.match(await readLine(), [{ path: '/endless', status: 200, cut: 'by the server' }])
})

t.test('the bytes of an answer are those of the connection', async (t) => {
  const { port, readLine } = await listen(t)
  const socket = connect(port, '127.0.0.1')
  let bytes = 0
  socket.on('data', (chunk: Buffer) => { bytes += chunk.length })
  for (const path of ['/hello', '/nowhere', '/%zz', '/text', '/static/app.js']) {
    bytes = 0
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const [line] = await readLine()
    await until(() => bytes >= Number(line?.bytes), 'the end of the answer')
    t.match(line, { path, bytes, cut: undefined })
  }
  socket.destroy()
})

t.test('over HTTP/2 the bytes are those of the body, and a cut stream is told', async (t) => {
  const { app, url, readLine } = await listen(t, { http2: true })
  const open = () => connectHttp2(url).on('error', () => {})
  const served: ServerHttp2Session[] = []
  app.server.on('session', (session: ServerHttp2Session) => served.push(session))
  let session: ClientHttp2Session = open()
  const cases: [path: string, end: string, line: object][] = [
    ['/hello', 'read', { status: 200, bytes: 12, cut: undefined }],
    ['/text', 'read', { status: 200, bytes: 9, cut: undefined }],
    ['/end', 'read', { status: 200, bytes: 4, cut: undefined }],
    ['/nowhere', 'read', { status: 404, bytes: 84, cut: undefined }],
    ['/endless', 'cancel', { status: 200, bytes: Number, cut: 'by the client' }],
    ['/never', 'cancel', { status: 499, bytes: 0, cut: 'by the client' }],
    ['/fails', 'read', { status: 200, bytes: 5, cut: 'by the server' }],
    ['/endless', 'leave', { status: 200, bytes: Number, cut: /by the client|with the connection/ }],
    ['/endless', 'drop', { status: 200, bytes: Number, cut: 'with the connection' }]
  ]
  for (const [path, end, line] of cases) {
    if (session.destroyed) session = open()
    const request = session.request({ ':path': path }).on('error', () => {})
    if (end === 'read') request.resume()
    else if (path === '/never') await once(app.server, 'request')
    else await once(request, 'data')
    if (end === 'cancel') request.close(8)
    if (end === 'leave') session.destroy()
    if (end === 'drop') served.at(-1)?.destroy()
    t.match(await readLine(), [{ path, address: '127.0.0.1', ...line }], `${path} ${end}`)
  }
  session.destroy()
})

t.test('the line follows the level of the log, also of one route and while the app runs', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production' })
  const { lines, logger } = captureLog('warn')
  const app = Fastify({ ...options, logger })
  t.teardown(() => app.close())
  await app.register(quickstart, {
    auth: { users: cheapUsers },
    routes: async (app) => {
      app.get('/loud', { logLevel: 'info' }, async () => 'loud')
      app.get('/quiet', { logLevel: 'error' }, async () => 'quiet')
    }
  })
  const cases: [level: string, answered: string[]][] = [['warn', ['/loud']], ['info', ['/hello', '/loud']]]
  for (const [level, answered] of cases) {
    app.log.level = level
    lines.length = 0
    for (const url of ['/hello', '/loud', '/quiet']) await app.inject(url)
    t.same(lines.filter(({ msg }) => msg === 'answered').map(({ path }) => path), answered, level)
  }
})

t.test('a logger that is not pino gets the lines too', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production' })
  const words: unknown[] = []
  const log = (...given: unknown[]) => { words.push(given.at(-1)) }
  const logger = { fatal: log, error: log, warn: log, info: log, debug: log, trace: log, child: () => logger }
  const app = Fastify({ ...options, logger: undefined, loggerInstance: logger } as object) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers } })
  await app.inject('/hello')
  t.equal(words.filter((word) => word === 'answered').length, 1)
})
