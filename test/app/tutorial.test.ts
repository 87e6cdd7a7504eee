import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import quickstart, { options, type QuickstartOptions, type RoutesPlugin } from '../../app.ts'
import { int } from '../../plugins/params/index.ts'
import { optionalAuth, requiresAuth } from '../../plugins/auth/index.ts'
import { asAdmin, cheapUsers, html, start } from './start.ts'

/** One page of each kind that the tutorial has, by its path. */
const pagesOfTutorial = ['/', '/hello', '/user/alice', '/search', '/secret', '/source/hello', '/source/docs/how-the-code-tells-it.md']

/** The statuses of pages, each of them that of somebody who is logged in. */
async function statusesOf (app: FastifyInstance, paths: readonly string[]): Promise<Record<string, number>> {
  const rows = paths.map(async (url) => [url, (await app.inject({ url, headers: asAdmin })).statusCode] as const)
  return Object.fromEntries(await Promise.all(rows))
}

t.test('the tutorial\'s own pages are left away by option, flag or setting', async (t) => {
  const ways: [given: object, env: Record<string, string>][] = [
    [{ tutorial: false }, {}],
    [{ tutorial: 'false' }, {}],
    [{ noTutorial: true }, {}],
    [{}, { QUICKSTART_TUTORIAL: 'false' }],
    [{ tutorial: false }, { QUICKSTART_TUTORIAL: 'true' }]
  ]
  const wrong: unknown[] = []
  for (const [given, env] of ways) {
    const found = await statusesOf(await start(t, given, env), pagesOfTutorial)
    if (Object.values(found).some((status) => status !== 404)) wrong.push({ given, env, found })
  }
  t.same(wrong, [])
  const on = await statusesOf(await start(t, { tutorial: true }, { QUICKSTART_TUTORIAL: 'false' }), pagesOfTutorial)
  t.same(Object.values(on), pagesOfTutorial.map(() => 200))
})

t.test('the topics stay on for routes of one\'s own', async (t) => {
  const views = t.testdir({
    'own.eta': '<% layout("./layout", { title: "Own" }) %><p><%= it.urlFor("number", { number: 7 }) %> <%= it.asset("own.txt") %></p>',
    pages: { 'about.eta': '<p>About</p>' },
    public: { 'own.txt': 'mine' }
  })
  const app = await start(t, {
    tutorial: false,
    auth: { users: cheapUsers, protect: ['/'] },
    routes: async (app) => {
      app.get('/', (request, reply) => reply.render('own'))
      app.get('/hello', () => 'my own')
      app.get('/guarded', { onRequest: requiresAuth }, (request) => request.user?.name)
      app.get('/number/:number', {
        config: { name: 'number' }, schema: { params: { type: 'object', properties: { number: int() } } }
      }, (request) => request.params)
    }
  }, { QUICKSTART_VIEWS_DIR: views, QUICKSTART_PUBLIC_DIR: `${views}/public` })

  t.equal((await app.inject('/')).statusCode, 401, 'protect guards the page of one\'s own')
  const { body } = await app.inject({ url: '/', headers: asAdmin })
  t.match(body, '<p>/number/7 /static/own.txt</p>')
  t.match(body, 'Logged in as <strong>admin</strong>', 'the suite\'s layout is there')
  t.match(body, 'href="/static/quickstart/style.css"', 'and its style')
  t.match(await statusesOf(app, ['/about', '/health', '/guarded', '/number/7', '/number/x', '/static/own.txt', '/static/quickstart/style.css']), {
    '/about': 200, '/health': 200, '/guarded': 200, '/number/7': 200, '/number/x': 400, '/static/own.txt': 200, '/static/quickstart/style.css': 200
  })
  t.equal((await app.inject('/hello')).body, 'my own')
})

t.test('the layout links to no page that is away, and says nothing of the tutorial', async (t) => {
  const body = async (given: QuickstartOptions) => {
    return (await (await start(t, given)).inject({ url: '/nowhere', headers: html })).body
  }
  const off = await body({ tutorial: false })
  t.match(off, '<title>404 Not Found</title>')
  t.notMatch(off, 'href="/secret')
  t.notMatch(off, 'plugins/')
  t.match(await body({}), /href="\/secret\?back=%2Fnowhere"[^]*plugins\//)
  t.match(await body({ tutorial: false, auth: { users: cheapUsers, path: '/members' } }), 'href="/members?back=%2Fnowhere">Log in')
})

t.test('no page links to what is not there, whatever is on', async (t) => {
  const own: RoutesPlugin = async (app) => {
    app.get('/known', { onRequest: optionalAuth }, async (request, reply) => reply.render('secret', { user: { name: 'alice' } }))
  }
  const atRoot: RoutesPlugin = async (app) => { app.get('/', async () => 'my own') }
  const anywhere: RoutesPlugin = async (app) => { app.get('/*', async () => 'my own') }
  const auth = { users: cheapUsers }
  const rows: [given: QuickstartOptions, hasHome: boolean][] = [
    [{}, true],
    [{ auth: { ...auth, path: false, logout: false } }, true],
    [{ params: { routes: false } }, true],
    [{ params: false, static: false }, true],
    [{ hello: false }, true],
    [{ templates: { index: false } }, true], // hello's
    [{ templates: { index: false }, hello: false }, false],
    [{ tutorial: false }, false],
    [{ tutorial: false, hello: true }, false],
    [{ tutorial: false, hello: { path: '/' } }, true],
    [{ tutorial: false, auth: { ...auth, path: '/login', logout: '/out' } }, false],
    [{ tutorial: false, routes: atRoot }, true],
    [{ tutorial: false, routes: anywhere }, true],
    [{ tutorial: false, templates: { context: { home: '#main' } } }, true],
    [{ tutorial: false, templates: { context: async () => ({ color: 'red' }) } }, false]
  ]
  const wrong: unknown[] = []
  for (const [index, [given, hasHome]] of rows.entries()) {
    const prefix = index % 2 === 0 ? '' : '/demo'
    const app = Fastify({ ...options, logger: false })
    t.teardown(() => app.close())
    const routes = [own, ...[given.routes ?? []].flat()] as RoutesPlugin[]
    await app.register(quickstart, { auth, ...given, routes, prefix } as QuickstartOptions)
    const ask = async (url: string) => await app.inject({ url, headers: { ...html, ...asAdmin } })
    for (const path of ['/', '/known', '/nowhere', '/secret', '/source/auth', '/user/%00']) {
      const { body, headers } = await ask(prefix + path)
      if (!String(headers['content-type']).startsWith('text/html')) continue
      const [brand = ''] = /<p class="brand">.*/.exec(body) ?? []
      if (brand.includes('<a') !== hasHome) wrong.push([given, path, brand])
      for (const [, link = ''] of body.matchAll(/(?:href|src)="(\/[^"]*)"/g)) {
        if ((await ask(link)).statusCode === 404) wrong.push([given, path, link])
      }
    }
  }
  t.same(wrong, [])
})

t.test('what the options of a topic name is there without the tutorial too', async (t) => {
  const rows: [given: QuickstartOptions, env: Record<string, string>, there: string[]][] = [
    [{ hello: true }, {}, ['/hello']],
    [{ hello: { message: 'Hi' } }, {}, ['/hello']],
    [{ hello: { path: '/' } }, {}, ['/']],
    [{ hello: true, templates: false }, {}, ['/hello']],
    [{}, { QUICKSTART_HELLO: 'true' }, ['/hello']],
    [{ params: { routes: true } }, {}, ['/user/alice', '/search']],
    [{ params: true, auth: { users: cheapUsers }, templates: {} }, {}, []],
    [{ auth: { users: cheapUsers, path: '/secret' } }, {}, ['/secret']],
    [{ templates: { index: { view: 'index', data: { cards: [] } } } }, {}, ['/']]
  ]
  const wrong: unknown[] = []
  for (const [given, env, there] of rows) {
    const found = await statusesOf(await start(t, { tutorial: false, ...given }, env), pagesOfTutorial)
    const shown = Object.keys(found).filter((path) => found[path] !== 404)
    if (shown.join() !== there.join()) wrong.push({ given, env, found })
  }
  t.same(wrong, [])
})

t.test('a switch that is no boolean stops the start with one line', async (t) => {
  const message = '"tutorial" is "maybe" (--tutorial as a flag); it takes true or false'
  await t.rejects(start(t, { tutorial: 'maybe' as never }), { message })
  await t.rejects(start(t, { tutorial: null as never }), { message: message.replace('"maybe"', 'null') })
  await t.rejects(start(t, { tutorial: false }, { QUICKSTART_PROTECT: '/secret' }), { message: /\/secret/ })
})

t.test('groups come from a file that a setting names', async (t) => {
  const folder = t.testdir({ groups: 'staff: admin\n' })
  const app = await start(t, {
    tutorial: false,
    routes: async (app) => { app.get('/who', { onRequest: requiresAuth }, (request) => request.user?.groups) }
  }, { QUICKSTART_GROUPS_FILE: `${folder}/groups` })
  t.same((await app.inject({ url: '/who', headers: asAdmin })).json(), ['staff'])
})
