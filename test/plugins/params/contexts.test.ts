import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import { Type } from 'typebox'
import params, { int, path } from '../../../plugins/params/index.ts'

function makeApp (t: Test): FastifyInstance {
  const app = Fastify()
  t.teardown(() => app.close())
  return app
}

const named = (name: string): RouteShorthandOptions => ({ config: { name } })
const handler = async (): Promise<string> => 'ok'

/** A plugin of a host, which registers params again and declares a route for each name. */
function area (names: string[], within?: (child: FastifyInstance) => Promise<void>) {
  return async (child: FastifyInstance): Promise<void> => {
    await child.register(params, { routes: false })
    for (const name of names) child.get(`/${name}`, named(name), handler)
    await within?.(child)
  }
}

t.test('a context within another finds its own names first, then the outer ones from the inside out', async (t) => {
  const app = makeApp(t)
  await app.register(params, { routes: false })
  for (const name of ['home', 'login', 'help']) app.get(`/${name}`, named(name), handler)
  const found: Record<string, string> = {}
  await app.register(area(['home', 'list'], async (admin) => {
    await admin.register(area(['home'], async (users) => {
      for (const name of ['home', 'list', 'login', 'help']) found[`users ${name}`] = users.urlFor(name)
    }), { prefix: '/users' })
    for (const name of ['home', 'list', 'login']) found[`admin ${name}`] = admin.urlFor(name)
  }), { prefix: '/admin' })
  for (const name of ['home', 'login', 'list']) found[`app ${name}`] = app.urlFor(name)

  t.strictSame(found, {
    'users home': '/admin/users/home',
    'users list': '/admin/list',
    'users login': '/login',
    'users help': '/help',
    'admin home': '/admin/home',
    'admin list': '/admin/list',
    'admin login': '/login',
    'app home': '/home',
    'app login': '/login',
    'app list': '/admin/list'
  })
})

t.test('an outer name that is declared later is found, too', async (t) => {
  const app = makeApp(t)
  await app.register(params, { routes: false })
  await app.register(area([], async (child) => { child.get('/link', async () => child.urlFor('later')) }), { prefix: '/area' })
  app.get('/later/:id', named('later'), handler)
  app.get('/missing', named('missing'), handler)
  t.match((await app.inject('/area/link')).json(), { statusCode: 500, code: 'FST_QUICKSTART_PARAMS_MISSING_PARAMETER' })
})

t.test('contexts beside each other may use one name; outside of them it is ambiguous', async (t) => {
  const app = makeApp(t)
  await app.register(params, { routes: false })
  const found: string[] = []
  for (const prefix of ['/a', '/b']) {
    await app.register(area(['home'], async (child) => { found.push(child.urlFor('home')) }), { prefix })
  }
  t.same(found, ['/a/home', '/b/home'])
  t.throws(() => app.urlFor('home'), {
    code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', message: 'two routes are named "home": /a/home and /b/home'
  })
  app.get('/home', named('home'), handler)
  t.equal(app.urlFor('home'), '/home', 'its own name comes first')
})

t.test('one context has one path for a name, be it within another or not', async (t) => {
  const app = makeApp(t)
  await app.register(params, { routes: false })
  app.get('/home', named('home'), handler)
  t.throws(() => app.get('/other', named('home'), handler), { code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE' })
  await app.register(async (child) => {
    t.throws(() => child.get('/other', named('home'), handler), {
      code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', message: 'two routes are named "home": /home and /area/other'
    }, 'without params of its own it shares the names')
    await child.register(params, { routes: false })
    child.get('/home', named('home'), handler)
    t.throws(() => child.get('/other', named('home'), handler), {
      message: 'two routes are named "home": /area/home and /area/other'
    })
    t.throws(() => child.urlFor('nobody'), { code: 'FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE' })
  }, { prefix: '/area' })
})

t.test('the routes of both contexts are read once each', async (t) => {
  const app = makeApp(t)
  let log = 0
  const seen: unknown[] = []
  const id = { schema: { params: Type.Object({ id: int() }) } }
  const see = async (request: { params: unknown }) => { seen.push({ ...request.params as object }) }
  await app.register(params, { routes: false })
  await app.register(async (child) => {
    child.log.warn = () => { log++ }
    await child.register(params, { routes: false })
    child.get('/:id', { ...id, preValidation: see }, async (request) => request.params)
    child.get('/headers', { schema: { headers: Type.Object({ x: int() }) } }, handler)
  }, { prefix: '/area' })
  app.get('/:id', { ...id, preValidation: see }, async (request) => request.params)
  for (const url of ['/1', '/area/1']) t.strictSame((await app.inject(url)).json(), { id: 1 }, url)
  for (const url of ['/1.0', '/area/1.0']) t.equal((await app.inject(url)).statusCode, 400, url)
  t.strictSame(seen, [{ id: 1 }, { id: 1 }])
  t.equal(log, 1)
})

t.test('the routes to try can be had in each context', async (t) => {
  const app = makeApp(t)
  await app.register(params)
  await app.register(async (child) => {
    await child.register(params, { prefix: '/again' })
    t.equal(child.urlFor('user', { username: 'a' }), '/area/again/user/a')
  }, { prefix: '/area' })
  const post = (url: string) => app.inject({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'username=a' })
  t.equal((await post('/user')).headers.location, '/user/a')
  t.equal((await post('/area/again/user')).headers.location, '/area/again/user/a')
})

t.test('cannot be registered twice in one context', async (t) => {
  const app = makeApp(t)
  await app.register(params, { routes: false })
  await t.rejects(async () => await app.register(params, { routes: false }), { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

// Fastify tells a plugin nothing of such a route, at start or later. Looking for one at each request was a check of the
// start paid for by every request.
t.test('a route that is declared too early has no name, and plain JSON Schema for its converters', async (t) => {
  const app = makeApp(t)
  app.register(params, { routes: false }) // without await
  app.get('/converters/:id', { ...named('early'), schema: { params: Type.Object({ id: int({ max: 9 }) }) } }, async (request) => request.params)
  app.get('/files/*', { schema: { params: Type.Object({ '*': path() }) } }, async (request) => request.params)
  app.register(async (child) => {
    child.get('/later/:id', { ...named('later'), schema: { params: Type.Object({ id: int() }) } }, async () => child.urlFor('later', { id: 1 }))
  })
  app.get('/link', async () => app.urlFor('early', { id: 1 }))

  const rows: [url: string, status: number][] = [
    ['/converters/1', 200], ['/converters/1.0', 200], ['/converters/10', 400], ['/converters/x', 400], ['/later/1', 200], ['/later/1.0', 400],
    // What keeps a path from climbing stands in the schema itself.
    ['/files/a/b..c/...', 200], ['/files/..%2Fa', 400], ['/files/a%2F..%2Fb', 400], ['/files/a%5C..', 400], ['/files/.%2Fa', 400], ['/files/a/%00', 400]
  ]
  const wrong: unknown[] = []
  for (const [url, status] of rows) {
    const { statusCode } = await app.inject(url)
    if (statusCode !== status) wrong.push([url, statusCode])
  }
  t.strictSame(wrong, [])
  t.match((await app.inject('/link')).json().message, 'no route is named "early"; name one with config: { name }, and declare it after await app.register(params)')
})
