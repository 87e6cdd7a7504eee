import Fastify, { type FastifyInstance, type FastifyRequest, type InjectOptions, type RouteHandler } from 'fastify'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectPlain, type AddressInfo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import quickstart from '../../../app.ts'
import { createServerOptions } from '../../../app/server-options.ts'
import { setEnvironment } from '../../environment.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { asAdmin, start } from '../start.ts'

// The server's options go by the settings as they are when they are made.
process.env.QUICKSTART_TRUST_PROXY = '127.0.0.1'
const options = createServerOptions()
delete process.env.QUICKSTART_TRUST_PROXY

const hsts = 'max-age=31536000'

/** A policy that is tried. */
const tried = "default-src 'self'"

/** The app with a route that fails. */
async function register (t: Test, app: FastifyInstance): Promise<void> {
  setEnvironment(t)
  t.teardown(() => app.close())
  await app.register(quickstart, {
    auth: { users: { alice: cheap.bcrypt('right') } },
    cspReportOnly: tried,
    routes: async (app) => { app.get('/fault', async () => { throw new Error('a fault') }) }
  })
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const answers: [status: number, request: InjectOptions][] = [
  [200, { url: '/' }],
  [200, { url: '/static/app.js' }],
  [206, { url: '/static/app.js', headers: { range: 'bytes=0-1' } }],
  [303, { method: 'POST', url: '/user', headers: form, payload: 'username=alice' }],
  [304, { url: '/static/app.js', headers: { 'if-none-match': '*' } }],
  [400, { url: '/post/nine' }],
  [400, { url: '/%zz' }],
  [400, { url: '/%zz', headers: { accept: 'text/html' } }],
  [400, { method: 'POST', url: '/user', headers: form, payload: 'username=%zz' }],
  [401, { url: '/secret' }],
  [404, { url: '/nowhere' }],
  [404, { method: 'DELETE', url: '/nowhere' }],
  [405, { method: 'POST', url: '/static/app.js' }],
  [412, { url: '/static/app.js', headers: { 'if-match': '"x"' } }],
  [413, { method: 'POST', url: '/user', headers: form, payload: 'a'.repeat(1_048_577) }],
  [414, { url: `/user/${'a'.repeat(2049)}` }],
  [414, { url: `/user/${'a'.repeat(2049)}`, headers: { accept: 'text/html' } }],
  [415, { method: 'POST', url: '/user', headers: { 'content-type': 'application/json' }, payload: '{' }],
  [416, { url: '/static/app.js', headers: { range: 'bytes=9999-' } }],
  [500, { url: '/fault' }]
]

t.test('the page of the app itself works under its headers', async (t) => {
  const app = Fastify({ ...options, logger: false })
  await register(t, app)
  const { headers, body } = await app.inject('/')
  t.match(headers['content-security-policy'], /script-src 'self'/)
  t.notMatch(headers['content-security-policy'], /upgrade-insecure-requests/)
  t.equal(headers['x-content-type-options'], 'nosniff')
  t.notMatch(headers['strict-transport-security'], /includeSubDomains/)
  t.notMatch(body, / style=|<style|<script>|onclick/)
})

t.test('every answer lets a browser say which site a form comes from', async (t) => {
  const app = Fastify({ ...options, logger: false })
  await register(t, app)
  const wrong: unknown[] = []
  for (const [, request] of answers) {
    const { headers: { 'referrer-policy': policy } } = await app.inject(request)
    // With no-referrer a browser sends `Origin: null` with the app's own forms: Fetch, "append an Origin header".
    if (policy !== 'strict-origin-when-cross-origin') wrong.push([request, policy])
  }
  t.same(wrong, [])
})

t.test('every answer has the policy that is enforced and the one that is tried', async (t) => {
  const app = Fastify({ ...options, logger: false })
  await register(t, app)
  const wrong: unknown[] = []
  for (const [status, request] of answers) {
    const { statusCode, headers } = await app.inject(request)
    const found = [headers['content-security-policy'], headers['content-security-policy-report-only']]
    const isRight = statusCode === status && /script-src 'self'/.test(String(found[0])) && found[1] === tried
    if (!isRight) wrong.push([request, statusCode, found])
  }
  t.same(wrong, [])
})

t.test('a form of the app itself behind a login goes through over plain HTTP on any host', async (t) => {
  const app = await start(t, {}, { QUICKSTART_PROTECT: '/*' })
  const cases: [sent: Record<string, string>, statusCode: number][] = [
    [{ origin: 'http://lan.example' }, 303], // Chromium: no Sec-Fetch-Site over plain HTTP but on localhost
    [{ origin: 'http://lan.example', 'sec-fetch-site': 'same-origin' }, 303],
    [{}, 303], // no browser
    [{ origin: 'null' }, 403],
    [{ origin: 'http://other.example' }, 403],
    [{ origin: 'http://lan.example:8080' }, 403],
    [{ origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }, 403]
  ]
  const wrong: unknown[] = []
  for (const [sent, expected] of cases) {
    const headers = { host: 'lan.example', ...asAdmin, ...form, ...sent }
    const { statusCode } = await app.inject({ method: 'POST', url: '/user', headers, payload: 'username=alice' })
    if (statusCode !== expected) wrong.push({ sent, expected, statusCode })
  }
  t.same(wrong, [])
})

t.test('each answer over HTTPS says so for a year, and none over HTTP (RFC 6797 section 7.2)', async (t) => {
  const app = Fastify({ ...options, logger: false })
  await register(t, app)
  const ways: [headers: Record<string, string>, remoteAddress: string, expected: string | undefined][] = [
    [{ 'x-forwarded-proto': 'https' }, '127.0.0.1', hsts],
    [{ 'x-forwarded-proto': 'http, https' }, '127.0.0.1', hsts],
    [{ 'x-forwarded-proto': 'https, http' }, '127.0.0.1', undefined],
    [{ 'x-forwarded-proto': 'http' }, '127.0.0.1', undefined],
    [{}, '127.0.0.1', undefined],
    [{ 'x-forwarded-proto': 'https' }, '192.0.2.1', undefined]
  ]
  const wrong: unknown[] = []
  for (const [status, request] of answers) {
    for (const [headers, remoteAddress, expected] of ways) {
      const answer = await app.inject({ ...request, remoteAddress, headers: { ...request.headers, ...headers } })
      const { 'strict-transport-security': transport, 'x-content-type-options': sniffing } = answer.headers
      if (answer.statusCode === status && transport === expected && sniffing === 'nosniff') continue
      const what = `${request.method ?? 'GET'} ${String(request.url).slice(0, 20)} ${JSON.stringify(headers)}`
      wrong.push({ what, status, expected, got: [answer.statusCode, transport, sniffing] })
    }
  }
  t.same(wrong, [])
})

t.test('the access log has the visitor\'s address also for what the router refuses', async (t) => {
  const lines: Array<Record<string, unknown>> = []
  setEnvironment(t, { NODE_ENV: 'production', QUICKSTART_AUTH: 'false' })
  const app = Fastify({ ...options, logger: { stream: { write: (line) => { lines.push(JSON.parse(line)) } } } })
  t.teardown(() => app.close())
  await app.register(quickstart)
  for (const remoteAddress of ['127.0.0.1', '192.0.2.1']) {
    await app.inject({ url: '/%zz', remoteAddress, headers: { 'x-forwarded-for': '198.51.100.9, 198.51.100.7' } })
  }
  const answered = lines.filter(({ msg }) => msg === 'answered')
  t.match(answered, [{ path: '/%zz', address: '198.51.100.7' }, { path: '/%zz', address: '192.0.2.1' }])
})

/** What the server answers to a text. */
async function ask (socket: Socket, text: string): Promise<string> {
  let answer = ''
  socket.on('data', (chunk: Buffer) => { answer += chunk.toString('latin1') })
  socket.write(text)
  await once(socket, 'close')
  return answer
}

t.test('what is not a request is answered with it where the app itself speaks TLS', async (t) => {
  const key = Buffer.alloc(32, 1)
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const // a shared key needs no certificate
  const secure = Fastify({ ...options, logger: false, https: { ...tls, pskCallback: () => key } })
  const plain = Fastify({ ...options, logger: false })
  const texts: [text: string, status: number][] = [
    ['NOT HTTP\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400]
  ]
  for (const app of [secure, plain]) {
    await register(t, app as FastifyInstance) // the types differ in the kind of server alone
    await app.listen({ port: 0, host: '127.0.0.1' })
  }
  const port = (app: { server: { address: () => unknown } }) => (app.server.address() as AddressInfo).port // it listens
  for (const [text, status] of texts) {
    const overTls = await ask(connectTls({
      ...tls,
      port: port(secure),
      host: '127.0.0.1',
      pskCallback: () => ({ psk: key, identity: 'test' }),
      checkServerIdentity: () => undefined
    }), text)
    t.match(overTls, `HTTP/1.1 ${status} `)
    t.match(overTls, new RegExp(`\r\nstrict-transport-security: ${hsts}\r\n`, 'i'), text.slice(0, 20))
    const overPlain = await ask(connectPlain(port(plain), '127.0.0.1'), text)
    t.match(overPlain, `HTTP/1.1 ${status} `)
    t.notMatch(overPlain, /strict-transport-security/i)
  }
})

/** Answers that do not come from Fastify's reply, and what each sends itself. */
const pastReply: Record<string, (raw: ServerResponse, request: FastifyRequest) => unknown> = {
  'a status': (raw) => raw.writeHead(200).end(),
  'a status with its words': (raw) => raw.writeHead(200, 'OK').end(),
  fields: (raw) => raw.writeHead(200, { 'Content-Type': 'text/plain' }).end('x'),
  'fields after words': (raw) => raw.writeHead(200, 'OK', { 'content-type': 'text/plain' }).end('x'),
  'a list of fields': (raw) => raw.writeHead(200, ['content-type', 'text/plain']).end('x'),
  'no head': (raw) => raw.end('x'),
  'a part': (raw) => { raw.write('x'); raw.end() },
  'the head alone at first': (raw) => { raw.flushHeaders(); raw.end('x') },
  'a stream': (raw) => { raw.setHeader('content-type', 'text/plain'); Readable.from(['x']).pipe(raw) },
  'the fields of another server of ours': (raw, { id }) => raw.writeHead(200, { 'x-request-id': id, via: 'x' }).end('x')
}

t.test('an answer that is hijacked, or sent by reply.raw, has the fields of any other', async (t) => {
  setEnvironment(t)
  const wrong: unknown[] = []
  for (const http2 of [false, true]) {
    // The types differ in the kind of server alone.
    const app = Fastify({ ...options, logger: false, ...(http2 && { http2 }) } as object) as unknown as FastifyInstance
    t.teardown(() => app.close())
    await app.register(quickstart, {
      cspReportOnly: tried,
      routes: async (app) => {
        app.get('/:way/:hijacks', async (request, reply) => {
          const { way, hijacks } = request.params as { way: string, hijacks: string }
          if (hijacks === 'true') reply.hijack()
          pastReply[way]!(reply.raw, request)
          if (hijacks !== 'true') return reply
        })
      }
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const session = http2 ? connectHttp2(url) : undefined
    const ask = async (path: string): Promise<Record<string, unknown>> => {
      const sent = { 'x-forwarded-proto': 'https' }
      if (session === undefined) return Object.fromEntries((await fetch(url + path, { headers: sent })).headers)
      const request = session.request({ ':path': path, ...sent })
      const [headers] = await once(request.resume(), 'response') as [Record<string, unknown>]
      return headers
    }
    const { date, 'x-request-id': id, 'content-length': length, ...expected } = await ask('/hello')
    for (const way of Object.keys(pastReply)) {
      for (const hijacks of [true, false]) {
        const found = await ask(`/${encodeURIComponent(way)}/${hijacks}`)
        for (const [name, value] of Object.entries(expected)) {
          if (name === 'content-type' || found[name] === value) continue
          wrong.push([http2 ? 'HTTP/2' : 'HTTP/1.1', way, hijacks, name, found[name]])
        }
        if (!/^[\w-]{36}$/.test(String(found['x-request-id']))) wrong.push([way, hijacks, found['x-request-id']])
      }
    }
    session?.close()
  }
  t.same(wrong, [])
})

t.test('a field that the sender sets or removes is the sender\'s', async (t) => {
  const name = 'x-frame-options'
  const csp = 'content-security-policy'
  const ways: [way: string, field: string, expected: string | RegExp | undefined, send: RouteHandler][] = [
    ['reply.header', name, 'DENY', async (request, reply) => reply.header(name, 'DENY').send('x')],
    ['reply.removeHeader', name, undefined, async (request, reply) => reply.removeHeader(name).send('x')],
    ['raw.setHeader', name, 'SAMEORIGIN', async (request, reply) => {
      reply.raw.setHeader(name, 'DENY')
      return 'x'
    }],
    ['hijacked, raw.setHeader', name, 'DENY', (request, reply) => {
      reply.hijack().raw.setHeader(name, 'DENY')
      reply.raw.end('x')
    }],
    ['hijacked, raw.writeHead', name, 'DENY', (request, reply) => {
      reply.hijack().raw.writeHead(200, { 'X-Frame-Options': 'DENY' }).end('x')
    }],
    ['hijacked, a list', name, 'DENY', (request, reply) => {
      reply.hijack().raw.writeHead(200, ['X-Frame-Options', 'DENY']).end('x')
    }],
    ['hijacked, reply.removeHeader', name, undefined, (request, reply) => {
      reply.removeHeader(name).hijack().raw.end('x')
    }],
    ['the nonce', csp, /'nonce-[\w+/=]{24}'/, async (request, reply) => reply.send(`${request.cspNonce}`)],
    ['hijacked, the nonce', csp, /'nonce-[\w+/=]{24}'/, (request, reply) => {
      reply.hijack().raw.end(`${request.cspNonce}`)
    }],
    ['the nonce after a policy', csp, "default-src 'none'", async (request, reply) => {
      return reply.header(csp, "default-src 'none'").send(`${request.cspNonce}`)
    }],
    ['the nonce without a policy', csp, undefined, async (request, reply) => {
      return reply.removeHeader(csp).send(`${request.cspNonce}`)
    }]
  ]
  setEnvironment(t)
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  const routes = async (app: FastifyInstance) => {
    for (const [index, [,,, send]] of ways.entries()) app.get(`/${index}`, send)
  }
  await app.register(quickstart, { routes })
  const wrong: unknown[] = []
  for (const [index, [way, field, expected]] of ways.entries()) {
    const { headers, body } = await app.inject(`/${index}`)
    const found = headers[field]
    const isRight = expected instanceof RegExp ? String(found).includes(`'nonce-${body}'`) : found === expected
    if (!isRight || headers['x-content-type-options'] !== 'nosniff') wrong.push([way, found])
  }
  t.same(wrong, [])
})

t.test('a head that was sent, or cannot be, is no end of the process', async (t) => {
  setEnvironment(t)
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  let code: unknown
  await app.register(quickstart, {
    routes: async (app) => {
      app.get('/twice', (request, reply) => {
        reply.hijack().raw.writeHead(200)
        try {
          reply.raw.writeHead(200)
        } catch (error) {
          code = (error as NodeJS.ErrnoException).code // Node's own
        }
        reply.raw.end()
      })
      app.get('/invalid', async (request, reply) => reply.header('x-frame-options', 'a\nb').send('x'))
    }
  })
  t.equal((await app.inject('/twice')).statusCode, 200)
  t.equal(code, 'ERR_HTTP_HEADERS_SENT')
  t.match(await app.inject('/invalid'), { statusCode: 500, headers: { 'x-content-type-options': 'nosniff' } })
})
