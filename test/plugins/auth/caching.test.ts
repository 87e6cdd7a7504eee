import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth, { optionalAuth, requiresAuth, requiresGroup } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

const users = { alice: cheap.argon2id('a') }
const alice = basic('alice', 'a')

async function start (t: Test, options: AuthOptions = { users }): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, options)
  return app
}

t.test('guarded answers stay out of shared caches', async (t) => {
  const rows: Array<[own: string | undefined, vary: string | undefined, sent: string, sentVary: string | undefined]> = [
    [undefined, undefined, 'no-store', undefined],
    ['no-store', undefined, 'no-store', undefined],
    ['private, No-Store', undefined, 'private, No-Store', undefined],
    ['public, max-age=31536000, immutable', undefined, 'private, max-age=31536000, immutable', 'Authorization'],
    ['max-age=60, s-maxage=600', 'Accept-Encoding', 'private, max-age=60', 'Accept-Encoding, Authorization'],
    ['must-revalidate', 'authorization', 'private, must-revalidate', 'authorization'],
    ['PUBLIC', '*', 'private', '*'],
    ['private="x-a, public", max-age=1', undefined, 'private, max-age=1', 'Authorization'],
    ['no-cache', 'A, Authorization , B', 'private, no-cache', 'A, Authorization , B'],
    [', ', undefined, 'private', 'Authorization'],
    ['', undefined, 'private', 'Authorization'],
    ['public, no-store, s-maxage=9', undefined, 'no-store', undefined],
    ['public=x, S-MaxAge = 5, max-age=1', undefined, 'private, max-age=1', 'Authorization']
  ]
  const app = await start(t, { users, protect: ['/by-protect/*'] })
  for (const [index, [own, vary]] of rows.entries()) {
    const handler = async (request: unknown, reply: { header: (name: string, value: string) => unknown }) => {
      if (own !== undefined) reply.header('cache-control', own)
      if (vary !== undefined) reply.header('vary', vary)
      return 'x'
    }
    app.get(`/by-protect/${index}`, handler)
    app.get(`/by-route/${index}`, { onRequest: requiresAuth }, handler)
    await app.register(async (child) => {
      child.addHook('onRequest', requiresAuth)
      child.get(`/by-plugin/${index}`, handler)
    })
    app.get(`/open/${index}`, handler)
  }
  for (const [index, [own, vary, sent, sentVary]] of rows.entries()) {
    for (const way of ['by-protect', 'by-route', 'by-plugin']) {
      const { headers } = await app.inject({ url: `/${way}/${index}`, headers: alice })
      t.same([headers['cache-control'], headers.vary], [sent, sentVary], `${way} ${own}`)
    }
    const { headers } = await app.inject({ url: `/open/${index}`, headers: alice })
    t.same([headers['cache-control'], headers.vary], [own, vary], `open ${own}`)
  }
})

t.test('whoever sets the headers, and when, a guarded answer is never public and a refusal is never kept', async (t) => {
  const loud = 'public, max-age=60, s-maxage=600'
  const setIt = async (request: unknown, reply: FastifyReply): Promise<void> => { reply.header('cache-control', loud) }
  const ways: Record<string, (app: FastifyInstance) => unknown> = {
    'an onSend hook of the route': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, async () => 'x'),
    'an onSend hook of the host, added later': (app) => {
      app.get('/x', { onRequest: requiresAuth }, async () => 'x')
      app.addHook('onSend', setIt)
    },
    'an onSend hook of a child': async (app) => await app.register(async (child) => {
      child.addHook('onSend', setIt)
      child.get('/x', { onRequest: requiresAuth }, async () => 'x')
      child.addHook('onSend', setIt)
    }),
    'an error handler': (app) => {
      app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
        reply.code(error.statusCode ?? 500).header('Cache-Control', loud).send('no')
      })
      app.get('/x', { onRequest: requiresAuth, onSend: setIt }, async () => 'x')
    },
    'the raw response': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, async (request, reply) => {
      reply.raw.setHeader('Cache-Control', loud)
      return 'x'
    }),
    'a stream': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, async (request, reply) => {
      return reply.header('cache-control', loud).send(Readable.from(['x']))
    }),
    'a hijacked answer with an object': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, 'OK', { 'Cache-CONTROL': loud, Vary: 'Accept' })
      reply.raw.end('x')
    }),
    'a hijacked answer with a list': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, (request, reply) => {
      reply.hijack()
      reply.raw.setHeader('cache-control', 'no-cache')
      reply.raw.writeHead(200, ['Cache-Control', loud, 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
      reply.raw.end('x')
    }),
    'a hijacked answer without a head': (app) => app.get('/x', { onRequest: requiresAuth, onSend: setIt }, (request, reply) => {
      reply.hijack()
      reply.raw.setHeader('cache-control', loud)
      reply.raw.end('x')
    })
  }
  for (const [way, declare] of Object.entries(ways)) {
    const app = await start(t)
    await declare(app)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo // it listens on a port
    for (const time of ['first', 'remembered']) {
      const answer = await fetch(`http://127.0.0.1:${port}/x`, { headers: alice })
      t.equal(await answer.text(), 'x', way)
      t.equal(answer.headers.get('cache-control'), 'private, max-age=60', `${way}, ${time}`)
      t.match(answer.headers.get('vary'), /Authorization$/, way)
      if (way.endsWith('list')) t.same(answer.headers.getSetCookie(), ['a=1', 'b=2'])
    }
    for (const headers of [{}, basic('alice', 'x')]) {
      const refused = await fetch(`http://127.0.0.1:${port}/x`, { headers })
      await refused.text()
      t.same([refused.status, refused.headers.get('cache-control')], [401, 'no-store'], way)
    }
  }
})

t.test("every refusal is never kept, whatever a hook of the host's says, and when", async (t) => {
  const loud = 'public, max-age=60, s-maxage=600'
  const hosts: Record<string, (app: FastifyInstance) => unknown> = {
    'no hook': () => {},
    'an onSend hook': (app) => app.addHook('onSend', async (request, reply) => { reply.header('cache-control', loud) }),
    'an onError hook': (app) => app.addHook('onError', async (request, reply) => { reply.header('cache-control', loud) }),
    'an onSend hook that sets the raw answer': (app) => app.addHook('onSend', async (request, reply) => {
      reply.raw.setHeader('Cache-Control', loud)
    }),
    'an error handler': (app) => app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      reply.code(error.statusCode ?? 500).header('Cache-Control', loud).send('no')
    }),
    'an error handler that hijacks': (app) => app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      reply.hijack()
      reply.raw.writeHead(error.statusCode ?? 500, { 'CACHE-control': loud }).end('no')
    })
  }
  const wrong: unknown[] = []
  for (const [host, declare] of Object.entries(hosts)) {
    const app = Fastify()
    t.teardown(() => app.close())
    declare(app)
    await app.register(async (area) => {
      await area.register(auth, { users, logout: '/logout', groups: {}, throttle: { perLogin: 1, delay: 0 } })
      area.route({ method: ['GET', 'POST'], url: '/in', onRequest: requiresAuth, handler: async () => 'x' })
      area.get('/group', { onRequest: requiresGroup('nobody') }, async () => 'x')
    })
    for (const [name, onRequest] of Object.entries({ login: requiresAuth, optional: optionalAuth, member: requiresGroup('x') })) {
      app.get(`/without/${name}`, { onRequest }, async () => 'x')
    }
    const rows: Array<[method: 'GET' | 'POST' | 'HEAD', url: string, headers: Record<string, string>, status: number]> = [
      ['GET', '/logout', {}, 401],
      ['GET', '/logout', alice, 401],
      ['HEAD', '/logout', alice, 401],
      ['GET', '/without/login', {}, 500],
      ['GET', '/without/login', alice, 500],
      ['HEAD', '/without/login', alice, 500],
      ['GET', '/without/optional', {}, 500],
      ['GET', '/without/member', alice, 500],
      ['GET', '/in', {}, 401],
      ['GET', '/secret', {}, 401],
      ['GET', '/group', alice, 403],
      ['POST', '/in', { ...alice, 'sec-fetch-site': 'cross-site' }, 403],
      ['GET', '/in', basic('alice', 'x'), 401],
      ['GET', '/in', basic('alice', 'y'), 429]
    ]
    for (const [method, url, headers, status] of rows) {
      const answer = await app.inject({ method, url, headers })
      const found = [answer.statusCode, answer.headers['cache-control']]
      if (found.join() !== [status, 'no-store'].join()) wrong.push([host, method, url, found])
    }
  }
  t.same(wrong, [])
})

t.test('HTTP/2 too', async (t) => {
  const app = Fastify({ http2: true })
  await app.register(auth, { users })
  app.get('/x', { onRequest: requiresAuth }, async (request, reply) => {
    reply.header('cache-control', 'public')
    return 'x'
  })
  app.get('/raw', { onRequest: requiresAuth }, (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'Cache-Control': 'public' })
    reply.raw.end('x')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo // it listens on a port
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  t.teardown(async () => {
    session.destroy()
    await app.close()
  })
  for (const path of ['/x', '/raw']) {
    for (const [headers, status, cacheControl] of [[alice, 200, 'private'], [{}, 401, 'no-store']] as const) {
      const stream = session.request({ ':path': path, ...headers })
      const [answer] = await once(stream, 'response') as [Record<string, unknown>]
      t.same([answer[':status'], answer['cache-control']], [status, cacheControl], path)
      stream.close()
    }
  }
})
