import type { FastifyInstance, FastifyServerOptions, HTTPMethods } from 'fastify'
import Fastify from 'fastify'
import t from 'tap'
import auth, { loginNeeds, optionalAuth, requiresAuth, requiresGroup } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

const users = { alice: cheap.argon2id('a') }
const alice = basic('alice', 'a')

/** A request of a row, and how the app is made that it goes to. */
interface Row {
  what: string
  protect: string[]
  /** Declared before auth is registered. */
  early?: (app: FastifyInstance) => unknown
  /** Declared after. */
  late?: (app: FastifyInstance) => unknown
  server?: FastifyServerOptions
  asks: Array<[method: HTTPMethods, url: string, headers?: Record<string, string>]>
}

const answer = async (): Promise<string> => 'SECRET'

t.test('each route, method, constraint and context that an entry names is guarded, whenever it is declared', async (t) => {
  let saved: FastifyInstance
  const rows: Row[] = [
    {
      what: 'a context that was made before auth and declares a route later',
      protect: ['/data'],
      early: async (app) => await app.register(async (child) => { saved = child }),
      late: (app) => {
        app.get('/data', answer)
        saved.post('/data', answer)
      },
      asks: [['GET', '/data'], ['HEAD', '/data'], ['POST', '/data']]
    },
    {
      what: 'another method, declared before auth',
      protect: ['/data'],
      early: (app) => app.post('/data', answer),
      late: (app) => app.get('/data', answer),
      asks: [['GET', '/data'], ['POST', '/data']]
    },
    {
      what: 'a host constraint',
      protect: ['/data'],
      early: (app) => app.get('/data', { constraints: { host: 'a.example' } }, answer),
      late: (app) => app.get('/data', answer),
      asks: [['GET', '/data'], ['GET', '/data', { host: 'a.example' }]]
    },
    {
      what: 'a version constraint',
      protect: ['/data'],
      early: (app) => app.get('/data', { constraints: { version: '1.0.0' } }, answer),
      late: (app) => app.get('/data', answer),
      asks: [['GET', '/data', { 'accept-version': '1.x' }]]
    },
    {
      what: 'a parameter with a pattern beside one without',
      protect: ['/data/:id'],
      early: (app) => app.get('/data/:id(^\\d+$)', answer),
      late: (app) => app.get('/data/:id', answer),
      asks: [['GET', '/data/5'], ['GET', '/data/five']]
    },
    {
      what: 'a parameter that is part of a segment',
      protect: ['/data/:id'],
      early: (app) => {
        app.get('/data/f-:id', answer)
        app.get('/data/:a-:b.png', answer)
      },
      late: (app) => app.get('/data/:id', answer),
      asks: [['GET', '/data/f-5'], ['GET', '/data/x'], ['GET', '/data/1-2.png']]
    },
    {
      what: 'a pattern with slashes, parentheses and escapes',
      protect: ['/data/:id'],
      early: (app) => app.get('/data/:id(^(?:a|\\)b)$)', answer),
      late: (app) => app.get('/data/:id', answer),
      asks: [['GET', '/data/a'], ['GET', '/data/)b'], ['GET', '/data/x']]
    },
    {
      what: 'another name of the parameter',
      protect: ['/user/:id'],
      early: (app) => app.get('/user/:uid', answer),
      late: (app) => app.post('/user/:id', answer),
      asks: [['GET', '/user/5'], ['POST', '/user/5']]
    },
    {
      what: 'a parameter that may be missing',
      protect: ['/data'],
      late: (app) => app.get('/data/:id?', answer),
      asks: [['GET', '/data'], ['GET', '/data/5']]
    },
    {
      what: 'an entry with such a parameter',
      protect: ['/u/:a?'],
      early: (app) => app.post('/u/:b', answer),
      late: (app) => app.get('/u/:a?', answer),
      asks: [['GET', '/u'], ['GET', '/u/5'], ['POST', '/u/5']]
    },
    {
      what: 'a literal colon',
      protect: ['/a::b'],
      early: (app) => app.post('/a::b', answer),
      late: (app) => app.get('/a::b', answer),
      asks: [['GET', '/a:b'], ['POST', '/a:b']]
    },
    {
      what: 'a line break in a path',
      protect: ['/a\nb'],
      early: (app) => app.post('/a\nb', answer),
      late: (app) => app.get('/a\nb', answer),
      asks: [['GET', '/a%0Ab'], ['POST', '/a%0Ab']]
    },
    {
      what: 'OPTIONS of a folder',
      protect: ['/data/*'],
      early: (app) => app.options('/data/*', answer),
      late: (app) => app.get('/data/x', answer),
      asks: [['OPTIONS', '/data/x'], ['GET', '/data/x']]
    },
    {
      what: 'OPTIONS * declared after auth',
      protect: ['/*'],
      late: (app) => {
        app.get('/x', answer)
        app.options('*', answer)
      },
      asks: [['OPTIONS', '/anything']]
    },
    {
      what: 'all methods of everything, declared before auth',
      protect: ['/*'],
      early: (app) => app.all('*', answer),
      late: (app) => app.get('/x', answer),
      asks: [['OPTIONS', '/anything'], ['GET', '/anything'], ['DELETE', '/']]
    },
    {
      what: 'a router that ignores a slash at the end',
      protect: ['/data/*'],
      server: { routerOptions: { ignoreTrailingSlash: true } },
      early: (app) => app.get('/data', answer),
      late: (app) => app.get('/data/x', answer),
      asks: [['GET', '/data'], ['GET', '/data/'], ['GET', '/data/x/']]
    },
    {
      what: 'a router that ignores case and doubled slashes',
      protect: ['/DATA/x'],
      server: { routerOptions: { caseSensitive: false, ignoreDuplicateSlashes: true } },
      early: (app) => app.post('/data//X', answer),
      late: (app) => app.get('/data/x', answer),
      asks: [['POST', '/Data/x'], ['GET', '//data/X']]
    },
    {
      what: 'a prefix with a parameter, its own route and one below',
      protect: ['/team/:name/*'],
      early: async (app) => await app.register(async (child) => {
        child.get('/', answer)
        child.get('/list', answer)
      }, { prefix: '/team/:name' }),
      late: (app) => app.post('/team/:name/list', answer),
      asks: [['GET', '/team/a'], ['GET', '/team/a/'], ['GET', '/team/a/list'], ['POST', '/team/b/list']]
    }
  ]
  for (const { what, protect, early = () => {}, late = () => {}, server = {}, asks } of rows) {
    const app = Fastify(server)
    t.teardown(() => app.close())
    await early(app)
    await app.register(auth, { users, protect })
    await late(app)
    for (const [method, url, headers = {}] of asks) {
      const refused = await app.inject({ method, url, headers })
      t.equal(refused.statusCode, 401, `${what}: ${method} ${url}`)
      const admitted = await app.inject({ method, url, headers: { ...headers, ...alice } })
      t.equal(admitted.statusCode, 200, `${what}: ${method} ${url} with a login`)
    }
  }
})

t.test('a guard in a context covers what a context around it declares under the same prefix', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (area) => {
    await area.register(async (inner) => {
      await inner.register(auth, { users, path: false, protect: ['/*'] })
    })
    area.get('/later', answer)
  }, { prefix: '/area' })
  app.get('/area/x', answer)
  app.get('/open', answer)
  for (const url of ['/area/later', '/area/x']) {
    const refused = await app.inject(url)
    t.equal(refused.statusCode, 401, url)
    t.equal(refused.headers['cache-control'], 'no-store')
    t.equal((await app.inject({ url, headers: alice })).statusCode, 200, url)
  }
  t.equal((await app.inject('/open')).statusCode, 200)
  t.equal((await app.inject('/area/nothing')).statusCode, 404)
})

t.test('an entry names no other path than its own', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users, protect: ['/data/:id', '/files/*', '/f-:x', '/t'] })
  for (const url of ['/data/:id', '/files/a', '/f-:x', '/t']) app.get(url, answer)
  for (const url of ['/data', '/data/list', '/data/:id/more', '/files', '/filesystem', '/f', '/:any', '/t/:id']) app.get(url, answer)
  for (const url of ['/data', '/data/list', '/data/5/more', '/files', '/filesystem', '/f', '/other', '/t/5']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
  for (const url of ['/data/5', '/files/a', '/f-1', '/t']) t.equal((await app.inject(url)).statusCode, 401, url)
})

t.test('an entry of a route that was declared before auth starts, and guards', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/data', answer)
  await app.register(auth, { users, protect: ['/data'] })
  t.equal((await app.inject('/data')).statusCode, 401)
})

t.test('an entry with a pattern that does not end names the path before it', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users, protect: ['/data/:id(^(a)$'] })
  app.get('/data/:id', answer)
  t.equal((await app.inject('/data/5')).statusCode, 401)
})

t.test('tells what a declared route asks for', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users, path: false, protect: ['/area/*'] })
  const needs: Record<string, unknown> = {}
  app.addHook('onRoute', function (route) {
    if (route.method === 'GET') needs[route.url] = loginNeeds(this, route)
  })
  app.get('/open', answer)
  app.get('/mine', { onRequest: [async () => {}, requiresAuth] }, answer)
  app.get('/maybe', { onRequest: optionalAuth }, answer)
  app.get('/admins', { onRequest: requiresGroup('admins', 'staff') }, answer)
  app.get('/area/a', { onRequest: requiresGroup('admins') }, answer)
  app.get('/area/health', { config: { auth: false } }, answer)
  await app.ready()
  t.strictSame(needs, {
    '/open': [],
    '/mine': ['login'],
    '/maybe': ['optional'],
    '/admins': [['admins', 'staff']],
    '/area/a': ['login', ['admins']],
    '/area/health': []
  })
})
