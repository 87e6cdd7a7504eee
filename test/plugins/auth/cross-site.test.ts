import { once } from 'node:events'
import { ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth, { optionalAuth, requiresAuth, requiresGroup } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

const users = { alice: cheap.argon2id('a') }
const alice = basic('alice', 'a')

async function start (t: Test, options: AuthOptions = {}, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, { users, groups: { all: ['alice'] }, protect: ['/protected'], ...options })
  const guards = { login: requiresAuth, optional: optionalAuth, group: requiresGroup('all') }
  for (const [name, onRequest] of Object.entries(guards)) app.all(`/${name}`, { onRequest }, async () => 'done')
  for (const name of ['protected', 'open']) app.all(`/${name}`, async () => 'done')
  return app
}

const guarded = ['/login', '/optional', '/group', '/protected']

t.test("refuses what another site's page sends, and lets all else pass", async (t) => {
  const app = await start(t)
  const rows: Array<[what: string, headers: Record<string, string>, passes: boolean]> = [
    ['a program', {}, true],
    ['the same origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['the person', { 'sec-fetch-site': 'none' }, true],
    ['another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['another origin of the site', { 'sec-fetch-site': 'same-site' }, false],
    ['an unknown word', { 'sec-fetch-site': 'future' }, false],
    ['an empty word', { 'sec-fetch-site': '' }, false],
    ['two words', { 'sec-fetch-site': 'same-origin, cross-site' }, false],
    ['another site with the origin of this', { 'sec-fetch-site': 'cross-site', origin: 'http://app.example' }, false],
    ['the same origin, by word alone', { 'sec-fetch-site': 'same-origin', origin: 'https://other.example' }, true],
    ['an older browser, same origin', { origin: 'http://app.example' }, true],
    ['behind a proxy that ends HTTPS', { origin: 'https://app.example' }, true],
    ['the port written out', { origin: 'https://app.example', host: 'app.example:443' }, true],
    ['another case', { origin: 'https://APP.example' }, true],
    ['an older browser, another host', { origin: 'https://evil.example' }, false],
    ['a host that begins the same', { origin: 'https://app.example.evil.example' }, false],
    ['another port', { origin: 'http://app.example:8080' }, false],
    ['a sandboxed page', { origin: 'null' }, false],
    ['another scheme', { origin: 'ftp://app.example' }, false],
    ['no page of the web', { origin: 'file://app.example' }, false],
    ['a name before the host', { origin: 'http://evil.example@app.example' }, false],
    ['a path after the host', { origin: 'http://app.example/' }, false],
    ['a query after the host', { origin: 'http://app.example?' }, false],
    ['two origins', { origin: 'http://app.example http://evil.example' }, false],
    ['what no URL holds', { origin: 'http://[' }, false],
    ['not an origin', { origin: 'x' }, false],
    ['an empty origin', { origin: '' }, false]
  ]
  for (const [what, headers, passes] of rows) {
    for (const url of guarded) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const answer = await app.inject({ method, url, headers: { host: 'app.example', ...alice, ...headers } })
        t.equal(answer.statusCode, passes ? 200 : 403, `${what}: ${method} ${url}`)
        if (passes) continue
        t.equal(answer.json().code, 'FST_QUICKSTART_AUTH_CROSS_SITE')
        t.equal(answer.headers['cache-control'], 'no-store')
      }
      for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
        t.equal((await app.inject({ method, url, headers: { host: 'app.example', ...alice, ...headers } })).statusCode, 200, `${what}: ${method}`)
      }
    }
    t.equal((await app.inject({ method: 'POST', url: '/open', headers })).statusCode, 200, 'an open route is its own affair')
  }
})

t.test('is asked before the password, so that a foreign page cannot lock anybody out', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, delay: 0 } })
  for (let time = 0; time < 5; time++) {
    const headers = { 'sec-fetch-site': 'cross-site', ...basic('alice', 'x') }
    t.equal((await app.inject({ method: 'POST', url: '/login', headers })).statusCode, 403)
  }
  t.equal((await app.inject({ method: 'POST', url: '/login', headers: alice })).statusCode, 200)
})

t.test('origins that the host trusts may', async (t) => {
  const app = await start(t, { trustedOrigins: ['https://app.example.org', 'http://localhost:3000'] })
  const rows: Array<[origin: string, status: number]> = [
    ['https://app.example.org', 200], ['http://localhost:3000', 200], ['http://app.example.org', 403], ['https://example.org', 403]
  ]
  for (const [origin, status] of rows) {
    for (const site of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const answer = await app.inject({ method: 'POST', url: '/login', headers: { ...alice, origin, ...site } })
      t.equal(answer.statusCode, status, `${origin} ${JSON.stringify(site)}`)
    }
  }
})

t.test('a trusted origin may have a wildcard for one label, or be that of an app shell', async (t) => {
  const rows: Array<[trusted: string, origins: string[], others: string[]]> = [
    [
      'https://*.example',
      ['https://a.example', 'https://a-b.example', 'https://xn--bcher-kva.example', 'https://1.example', 'https://a_b.example'],
      [
        'https://example', 'https://.example', 'https://a.b.example', 'http://a.example', 'https://a.example:8443',
        'https://a.example.evil.example.org', 'https://evil.org/.example', 'https://evil.org?.example', 'https://evil.org#.example',
        'https://user@a.example', 'https://a.exampleevil', 'https://*.example', 'https://a\\.example', 'https://aexample', 'null', ''
      ]
    ],
    ['https://*.example.com:8443', ['https://a.example.com:8443'], ['https://a.example.com', 'https://a.example.com:84430', 'https://example.com:8443']],
    ['http://*.localhost:3000', ['http://app.localhost:3000'], ['http://localhost:3000', 'http://app.localhost']],
    ['https://[::1]:8443', ['https://[::1]:8443'], ['https://[::2]:8443']],
    ['capacitor://localhost', ['capacitor://localhost'], ['capacitor://localhost2', 'http://localhost', 'ionic://localhost']],
    ['ionic://localhost', ['ionic://localhost'], ['capacitor://localhost']],
    ['tauri://localhost', ['tauri://localhost'], ['tauri://localhost:1', 'https://tauri.localhost']],
    ['https://tauri.localhost', ['https://tauri.localhost'], ['tauri://localhost']],
    ['app://obsidian.md', ['app://obsidian.md'], ['app://other.md']],
    ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', ['chrome-extension://abcdefghijklmnopabcdefghijklmnop'], ['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba']],
    ['moz-extension://7ffbc3e4-1cba-4e0c-9d12-4b7bb0f0a6f1', ['moz-extension://7ffbc3e4-1cba-4e0c-9d12-4b7bb0f0a6f1'], ['moz-extension://x']],
    ['safari-web-extension://7FFBC3E4-1CBA-4E0C-9D12-4B7BB0F0A6F1', ['safari-web-extension://7FFBC3E4-1CBA-4E0C-9D12-4B7BB0F0A6F1'], ['safari-web-extension://x']]
  ]
  const wrong: unknown[] = []
  for (const [trusted, origins, others] of rows) {
    const app = await start(t, { trustedOrigins: [trusted] })
    const allowed = origins.map((origin) => [origin, 200] as const)
    const cases = [...allowed, ...others.map((origin) => [origin, 403] as const)]
    for (const [origin, status] of cases) {
      const headers = { ...alice, host: 'app.test', origin, 'sec-fetch-site': 'cross-site' }
      const answer = await app.inject({ method: 'POST', url: '/login', headers })
      if (answer.statusCode !== status) wrong.push([trusted, origin, answer.statusCode])
    }
  }
  t.same(wrong, [])
})

t.test('a trusted origin that no browser sends is refused when auth is registered, by name', async (t) => {
  const origins: unknown[] = [
    'app.example.org', 'https://app.example.org/', 'https://app.example.org/path', 'https://app.example.org?', 'https://app.example.org#',
    'https://app.example.org:443', 'http://app.example.org:80', 'https://APP.example.org', 'HTTPS://app.example.org', 'https://user@app.example.org',
    'https://bücher.example', ' https://app.example.org', 'https://app.example.org ', 'https://', 'https:app.example.org', '//app.example.org',
    '*', 'null', '', 5, null, 'https://*', 'https://*.', 'https://*:8443', 'https://*.*.example', 'https://a.*.example', 'https://a*.example', 'https://*a.example',
    'https://**.example', 'https://*..example', 'https://.example', 'https://*.0.0.1', '*://a.example', '*.example', 'https://a.example:*', 'https://*.example/',
    'https://*.EXAMPLE', 'file://', 'file:///x', 'file://a', 'data://x', 'blob://x', 'about://blank', 'ws://a.example', 'wss://a.example', 'ftp://a.example',
    'capacitor://', 'capacitor://localhost/', 'capacitor://*', 'capacitor://*.localhost', 'chrome-extension://*', 'chrome-extension://id/page.html', 'Capacitor://localhost'
  ]
  const wrong: unknown[] = []
  for (const origin of origins) {
    const trustedOrigins = ['https://fine.example', origin] as string[]
    const failure = start(t, { trustedOrigins }).then(() => ({}), (error: Error & { code: string }) => error)
    const { code, message = '' }: { code?: string, message?: string } = await failure
    const says = `option "trustedOrigins" has ${JSON.stringify(origin)} in it; expected a list of origins such as "https://app.example.com"`
    if (code !== 'FST_QUICKSTART_AUTH_INVALID_OPTION' || !message.includes(says)) wrong.push([origin, message])
  }
  t.same(wrong, [])
})

t.test('what counts is the method that the route was declared with, not one that a hook has put in its place', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  // As method-override does in @fastify/middie and @fastify/express.
  app.addHook('onRequest', async ({ raw, query }) => {
    const { _method: method } = query as { _method?: string }
    if (method !== undefined) raw.method = method
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', (request, payload, done) => done(null))
  await app.register(auth, { users, groups: { all: ['alice'] }, protect: ['/protected', '/any-protected'] })
  const guards = { login: requiresAuth, optional: optionalAuth, group: requiresGroup('all') }
  const handler = async (): Promise<string> => 'done'
  for (const [name, onRequest] of Object.entries(guards)) {
    app.post(`/${name}`, { onRequest }, handler)
    app.get(`/${name}`, { onRequest }, handler)
    app.route({ method: ['GET', 'POST', 'OPTIONS'], url: `/any-${name}`, onRequest, handler })
  }
  app.post('/protected', handler)
  app.get('/protected', handler)
  app.all('/any-protected', handler)

  const form = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' }
  const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const own = { 'sec-fetch-site': 'same-origin', origin: 'http://app.example' }
  const wrong: unknown[] = []
  for (const name of ['login', 'optional', 'group', 'protected', 'any-login', 'any-optional', 'any-group', 'any-protected']) {
    const rows: Array<[method: 'GET' | 'POST' | 'HEAD', query: string, headers: Record<string, string>, status: number]> = [
      ['POST', '', { ...form, ...foreign }, 403],
      ['POST', '?_method=OPTIONS', { ...form, ...foreign }, 403],
      ['POST', '?_method=GET', { ...form, ...foreign }, 403],
      ['POST', '?_method=HEAD', { ...form, ...foreign }, 403],
      ['POST', '?_method=options', { ...form, ...foreign }, 403],
      ['POST', '?_method=OPTIONS', { ...form, origin: 'null' }, 403],
      ['POST', '?_method=OPTIONS', { ...form, ...own }, 200],
      ['POST', '?_method=OPTIONS', form, 200],
      ['GET', '', foreign, 200],
      ['HEAD', '', foreign, 200]
    ]
    for (const [method, query, headers, status] of rows) {
      const { statusCode } = await app.inject({ method, url: `/${name}${query}`, headers: { host: 'app.example', ...alice, ...headers } })
      if (statusCode !== status) wrong.push([name, method, query, headers, statusCode])
    }
  }
  t.same(wrong, [])
})

t.test('a guard before the handler of a 404 goes by the method of the request', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users })
  app.addHook('onRequest', requiresAuth)
  app.setNotFoundHandler(async (request, reply) => reply.code(404).send('nothing'))
  const headers = { ...alice, 'sec-fetch-site': 'cross-site' }
  t.equal((await app.inject({ method: 'GET', url: '/nowhere', headers })).statusCode, 404)
  t.equal((await app.inject({ method: 'POST', url: '/nowhere', headers })).statusCode, 403)
})

t.test('a WebSocket of a guarded route may be opened by the own pages and by programs alone', async (t) => {
  const app = await start(t, { trustedOrigins: ['https://*.friend.example', 'tauri://localhost'] })
  for (const [name, onRequest] of Object.entries({ ws: requiresAuth, 'ws-optional': optionalAuth, 'ws-group': requiresGroup('all') })) {
    app.get(`/${name}`, { onRequest }, async (request, reply) => {
      reply.hijack()
      request.raw.socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    })
  }
  app.get('/ws-open', async (request, reply) => {
    reply.hijack()
    request.raw.socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  })
  // As @fastify/websocket hands upgrades to the routes.
  const upgraded = new Set<Duplex>()
  app.server.on('upgrade', (request, socket) => {
    upgraded.add(socket)
    const response = new ServerResponse(request)
    response.assignSocket(socket as Socket) // of a server for HTTP it is one
    app.routing(request, response)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  async function open (path: string, headers: Record<string, string>): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    const fields = { Host: 'app.example', Connection: 'Upgrade', Upgrade: 'websocket', Authorization: alice.authorization, ...headers }
    socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    const [data] = await once(socket, 'data') as [Buffer]
    for (const one of [socket, ...upgraded]) one.destroy()
    return data.toString().slice(9, 12)
  }

  const rows: Array<[what: string, headers: Record<string, string>, status: string]> = [
    ['a program', {}, '101'],
    ['the same origin', { Origin: 'http://app.example' }, '101'],
    ['the same origin behind a proxy', { Origin: 'https://app.example' }, '101'],
    ['the same origin, by word', { Origin: 'https://app.example', 'Sec-Fetch-Site': 'same-origin' }, '101'],
    ['a trusted origin', { Origin: 'https://a.friend.example' }, '101'],
    ['a trusted app shell', { Origin: 'tauri://localhost' }, '101'],
    ['another origin', { Origin: 'https://evil.example' }, '403'],
    ['another origin, by word', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, '403'],
    ['another origin of the site', { Origin: 'https://x.app.example', 'Sec-Fetch-Site': 'same-site' }, '403'],
    ['another port', { Origin: 'http://app.example:8080' }, '403'],
    ['a sandboxed page', { Origin: 'null' }, '403'],
    ['a file', { Origin: 'file://' }, '403'],
    ['another spelling of the protocol', { Upgrade: 'WebSocket', Origin: 'https://evil.example' }, '403']
  ]
  const wrong: unknown[] = []
  for (const [what, headers, status] of rows) {
    for (const path of ['/ws', '/ws-optional', '/ws-group']) {
      const got = await open(path, headers)
      if (got !== status) wrong.push([what, path, got])
    }
    if (await open('/ws-open', headers) !== '101') wrong.push([what, 'an open route is its own affair'])
  }
  t.same(wrong, [])
  t.equal(await open('/ws', { Authorization: basic('alice', 'x').authorization }), '401')
})

t.test('the host is the one that a trusted proxy tells', async (t) => {
  const headers = { ...alice, host: '127.0.0.1:5001', 'x-forwarded-host': 'app.example', origin: 'https://app.example' }
  const behind = await start(t, {}, { trustProxy: true })
  t.equal((await behind.inject({ method: 'POST', url: '/login', headers })).statusCode, 200)
  const direct = await start(t)
  t.equal((await direct.inject({ method: 'POST', url: '/login', headers })).statusCode, 403)
})
