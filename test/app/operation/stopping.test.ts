import Fastify, { type FastifyInstance } from 'fastify'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect as connectPlain, type AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import t from 'tap'
import quickstart from '../../../app.ts'
import { until } from '../../bin/command.ts'
import { setEnvironment } from '../../environment.ts'
import { captureLog, start } from '../start.ts'

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
