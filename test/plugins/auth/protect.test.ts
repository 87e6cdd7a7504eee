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

t.test("a wildcard's route is guarded where an entry names what it is asked for", async (t) => {
  const rows: [target: string, wildcard: string, status: number][] = [
    ['/admin/page', '/*', 401],
    ['/admin/unknown', '/*', 401],
    ['/admin/', '/*', 401],
    ['/ADMIN/unknown', '/*', 401],
    ['/%61dmin/unknown', '/*', 401],
    ['/admin%2Funknown', '/*', 401],
    ['//admin//unknown', '/*', 401],
    ['/admin', '/*', 200],
    ['/administrator/x', '/*', 200],
    ['/x/admin/y', '/*', 200],
    ['/data/5', '/*', 401],
    ['/data/5/', '/*', 401],
    ['/data/5/more', '/*', 200],
    ['/f-1', '/*', 401],
    ['/', '/*', 200],
    ['/app/route', '/*', 200],
    ['/admin/unknown', '*', 401],
    ['/app/route', '*', 200],
    ['/admin/unknown', '/adm*', 401],
    ['/adm/x', '/adm*', 200],
    ['/acme/private/x', '/:tenant/*', 401],
    ['/admin/x/y', '/:tenant/*', 401],
    ['/team-a/members/x', '/team-:name/*', 401],
    ['/team-a%2Fb/members/x', '/team-:name/*', 401],
    ['/team-a/x', '/*', 200],
    ['/team-a/members/x', '/*', 401],
    ['/other/public/x', '/:tenant/*', 200],
    ['/files/x', '/files/*', 200]
  ]
  const entries = ['/admin/*', '/data/:id', '/f-:x', '/acme/private/*', '/team-:name/members/*']
  const wrong = []
  for (const [target, wildcard, status] of rows) {
    for (const isEarly of [true, false]) {
      const app = Fastify()
      if (isEarly) app.get(wildcard, answer)
      await app.register(auth, { users, protect: [...entries] })
      if (!isEarly) app.get(wildcard, answer)
      app.get('/admin/page', answer)
      app.get('/acme/private/list', answer)
      app.get('/team-:name/members/list', answer)
      app.post('/data/:id', answer)
      app.post('/f-:x', answer)
      const refused = await app.inject(target)
      const admitted = await app.inject({ url: target, headers: alice })
      if (refused.statusCode !== status || admitted.statusCode !== 200) {
        wrong.push([target, wildcard, isEarly, refused.statusCode, admitted.statusCode])
      }
      await app.close()
    }
  }
  t.same(wrong, [])
})

t.test('a preflight that a wildcard answers brings no login, and an entry must name a route still', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users, protect: ['/admin/*'] })
  app.options('/*', answer)
  app.get('/*', { config: { auth: false } }, answer)
  app.get('/admin/page', answer)
  t.equal((await app.inject({ method: 'OPTIONS', url: '/admin/page' })).statusCode, 200)
  t.equal((await app.inject('/admin/page')).statusCode, 401)
  t.equal((await app.inject('/admin/other')).statusCode, 200, 'left out by its config')

  const other = Fastify()
  t.teardown(() => other.close().catch(() => {}))
  await other.register(auth, { users, protect: ['/admin/*'] })
  other.get('/*', answer)
  await t.rejects(async () => await other.ready(), { code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING' })
})

t.test('an entry guards routes that were declared before auth, and knows that they are there', async (t) => {
  const inContext = (prefix: string, ...paths: string[]) => async (app: FastifyInstance) => {
    await app.register(async (child) => { for (const path of paths) child.get(path, answer) }, { prefix })
  }
  const get = (...paths: string[]) => (app: FastifyInstance) => { for (const path of paths) app.get(path, answer) }
  const rows: Array<Omit<Row, 'what' | 'late'> & { open?: string[] }> = [
    { protect: ['/data'], early: get('/data', '/other'), asks: [['GET', '/data'], ['HEAD', '/data']], open: ['/other'] },
    { protect: ['/user/*'], early: get('/user/:name', '/use', '/users/:name', '/post/:id'), asks: [['GET', '/user/alice']], open: ['/use', '/users/alice', '/post/1'] },
    { protect: ['/user/*'], early: get('/user/*'), asks: [['GET', '/user/'], ['GET', '/user/a/b']] },
    { protect: ['/user/*'], early: get('/user/list'), asks: [['GET', '/user/list'], ['GET', '/user/%6cist']] },
    { protect: ['/user/*'], early: get('/user/:name/posts/:id'), asks: [['GET', '/user/a/posts/5']] },
    { protect: ['/user/*'], early: get('/user/:id(^\\d+$)'), asks: [['GET', '/user/5']] },
    { protect: ['/user/*'], early: get('/user/:a-:b'), asks: [['GET', '/user/x-y']] },
    { protect: ['/user/*'], early: get('/user/:name?'), asks: [['GET', '/user/a'], ['GET', '/user']] },
    { protect: ['/user/*'], early: get('/user/'), asks: [['GET', '/user/']] },
    { protect: ['/user/*'], early: (app) => app.post('/user/:name', answer), asks: [['POST', '/user/a']] },
    { protect: ['/user/*'], early: (app) => app.route({ method: ['PUT', 'DELETE'], url: '/user/:name', handler: answer }), asks: [['PUT', '/user/a'], ['DELETE', '/user/a']] },
    { protect: ['/user/*'], early: (app) => app.all('/user/:name', answer), asks: [['OPTIONS', '/user/a'], ['PATCH', '/user/a']] },
    { protect: ['/user/*'], early: (app) => app.get('/user/:name', { constraints: { host: 'a.example' } }, answer), asks: [['GET', '/user/a', { host: 'a.example' }]] },
    { protect: ['/user/*'], early: inContext('/user', '/', '/:name'), asks: [['GET', '/user'], ['GET', '/user/'], ['GET', '/user/a']] },
    { protect: ['/USER/*'], early: get('/User/:name'), server: { routerOptions: { caseSensitive: false } }, asks: [['GET', '/uSer/a']] },
    { protect: ['/user/*'], early: get('/user'), server: { routerOptions: { ignoreTrailingSlash: true } }, asks: [['GET', '/user/'], ['GET', '/user']] },
    { protect: ['/user/*'], early: get('//user//:name'), server: { routerOptions: { ignoreDuplicateSlashes: true } }, asks: [['GET', '/user/a'], ['GET', '//user/a']] },
    { protect: ['/user/:id'], early: get('/user/:name'), asks: [['GET', '/user/a']] },
    { protect: ['/user/:id'], early: get('/user/:id(^\\d+$)'), asks: [['GET', '/user/5']] },
    { protect: ['/user/:id'], early: (app) => app.delete('/user/:name', answer), asks: [['DELETE', '/user/5']] },
    { protect: ['/user/:id/'], early: get('/user/:name'), asks: [['GET', '/user/a']] },
    { protect: ['/user/:id/*'], early: get('/user/:name/posts'), asks: [['GET', '/user/a/posts']] },
    { protect: ['/a::b'], early: get('/a::b'), asks: [['GET', '/a:b']] },
    { protect: ['/a::b/*'], early: get('/a::b/c', '/x'), asks: [['GET', '/a:b/c']], open: ['/x'] },
    { protect: ['/a\nb/*'], early: get('/a\nb/c', '/a\nc'), asks: [['GET', '/a%0Ab/c']], open: ['/a%0Ac'] },
    { protect: ['/é/*'], early: get('/é/x'), asks: [['GET', '/%C3%A9/x']] },
    { protect: ['/*'], early: get('/', '/x', '/user/:name'), asks: [['GET', '/'], ['GET', '/x'], ['GET', '/user/a']] },
    { protect: ['/*'], early: get('*'), asks: [['GET', '/anything']] },
    { protect: ['/*'], early: get('/:any'), asks: [['GET', '/x']] }
  ]
  const wrong: unknown[] = []
  for (const { protect, early, server, asks, open = [] } of rows) {
    const app = Fastify(server)
    t.teardown(() => app.close())
    await early!(app)
    await app.register(auth, { users, path: false, protect })
    const failure = await app.ready().then(() => undefined, (error: Error) => error.message)
    if (failure !== undefined) {
      wrong.push([protect, failure])
      continue
    }
    for (const [method, url, headers = {}] of asks) {
      const refused = await app.inject({ method, url, headers })
      const admitted = await app.inject({ method, url, headers: { ...headers, ...alice } })
      const statuses = [refused.statusCode, admitted.statusCode]
      if (statuses.join() !== '401,200') wrong.push([protect, method, url, statuses])
    }
    for (const url of open) {
      const { statusCode } = await app.inject(url)
      if (statusCode !== 200) wrong.push([protect, url, statusCode])
    }
  }
  t.same(wrong, [])
})

t.test('an entry that names none of the routes before auth stops the start', async (t) => {
  const wrong: unknown[] = []
  const paths = ['/user/:name', '/users', '/a/b/c', '/x-:y', '/a::b']
  const entries = ['/usr/*', '/user/:name/*', '/users/*', '/user', '/user/alice', '/b/*', '/a/b', '/a/b/c/*', '/x/*', '/user*', '/a:b/c/*']
  for (const entry of entries) {
    const app = Fastify()
    t.teardown(() => app.close())
    for (const path of paths) app.get(path, answer)
    app.options('*', answer)
    await app.register(auth, { users, path: false, protect: ['/users', entry] })
    const failure = await app.ready().then(() => undefined, (error: Error & { code: string }) => error)
    if (failure?.code !== 'FST_QUICKSTART_AUTH_PROTECT_NOTHING' || !failure.message.includes(`"${entry}"`)) wrong.push(entry)
  }
  t.same(wrong, [])

  const preflights = Fastify()
  t.teardown(() => preflights.close())
  preflights.options('*', answer)
  await preflights.register(auth, { users, path: false, protect: ['/*'] })
  await t.rejects(async () => await preflights.ready(), { code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING' }, 'what answers preflights is open')
})

t.test('routes before auth, below its prefix, beside others that are left out', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (area) => {
    area.get('/user/:name', answer)
    await area.register(auth, { users, path: false, protect: ['/user/*'] })
    area.get('/user/health', { config: { auth: false } }, answer)
  }, { prefix: '/area' })
  app.get('/user/:name', answer)
  const statuses = []
  for (const url of ['/area/user/a', '/area/user/health', '/user/a']) statuses.push((await app.inject(url)).statusCode)
  t.same(statuses, [401, 200, 200])

  const open = Fastify()
  t.teardown(() => open.close())
  open.get('/other', answer)
  await open.register(auth, { users, path: false, protect: ['/user/*'] })
  open.get('/user/health', { config: { auth: false } }, answer)
  await t.rejects(async () => await open.ready(), { code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING' }, 'what is left out is not guarded')
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
