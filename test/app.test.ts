import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import t from 'tap'
import quickstart from '../app.ts'
import { asAdmin, cheapUsers, html, start } from './app/start.ts'
import { setEnvironment } from './environment.ts'

const topics = ['hello', 'static', 'templates', 'params', 'auth'] as const

t.test('by default every topic answers', async (t) => {
  const app = await start(t, { auth: true })

  const page = await app.inject({ url: '/', headers: html })
  t.equal(page.statusCode, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.match(page.body, '<h1>A HTML File from templates/</h1>')
  t.match(page.body, '<script src="/static/app.js" defer></script>')

  const hello = await app.inject('/hello')
  t.equal(hello.body, 'Hello World!')
  t.match(hello.headers['content-type'], 'text/plain')

  const script = await app.inject('/static/app.js')
  t.match(script.body, "alert('you are feeling app.js!')")
  t.match(script.headers['content-type'], 'text/javascript')

  t.equal((await app.inject('/user/alice')).body, 'User alice')

  for (const headers of [{}, { authorization: `Basic ${btoa('admin:wrong')}` }]) {
    const refused = await app.inject({ url: '/secret', headers })
    t.equal(refused.statusCode, 401)
    t.equal(refused.headers['www-authenticate'], 'Basic realm="Login Required", charset="UTF-8"')
  }
  const secret = await app.inject({ url: '/secret', headers: asAdmin })
  t.equal(secret.statusCode, 200)
  t.match(secret.body, '<h1>The secret page</h1>')
  t.match(secret.body, 'admin')
})

t.test('each of the 32 combinations answers what is on and links to nothing that is off', async (t) => {
  const wrong: unknown[] = []
  for (let combination = 0; combination < 32; combination++) {
    const isOn = (topic: typeof topics[number]) => (combination & 1 << topics.indexOf(topic)) !== 0
    const on = topics.filter(isOn)
    const app = await start(t, {
      ...Object.fromEntries(topics.map((topic) => [topic, isOn(topic)])),
      auth: isOn('auth') && { users: cheapUsers }
    })
    const look = async (url: string, headers = {}) => await app.inject({ url, headers })
    const root = await look('/')
    const secret = await look('/secret', asAdmin)
    const found = {
      '/': root.statusCode,
      '/ is hello': root.body === 'Hello World!',
      '/hello': (await look('/hello')).statusCode,
      '/static/app.js': (await look('/static/app.js')).statusCode,
      '/user/alice': (await look('/user/alice')).statusCode,
      '/secret': (await look('/secret')).statusCode,
      '/secret as admin': secret.statusCode,
      '/secret is': String(secret.headers['content-type']).split(';', 1)[0],
      '/health': (await look('/health')).statusCode
    }
    const secretType = isOn('templates') ? 'text/html' : 'text/plain'
    const expected: typeof found = {
      '/': isOn('templates') || isOn('hello') ? 200 : 404,
      '/ is hello': isOn('hello') && !isOn('templates'),
      '/hello': isOn('hello') && isOn('templates') ? 200 : 404,
      '/static/app.js': isOn('static') ? 200 : 404,
      '/user/alice': isOn('params') ? 200 : 404,
      '/secret': isOn('auth') ? 401 : 404,
      '/secret as admin': isOn('auth') ? 200 : 404,
      '/secret is': isOn('auth') ? secretType : 'application/json',
      '/health': 200
    }
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ on, found, expected })
    if (!isOn('templates')) continue

    const links = [...root.body.matchAll(/ (href|src|action)="(\/[^"]*)"/g)]
      .map(([, attribute, url]) => ({ attribute, url: String(url) }))
    for (const { attribute, url } of links) {
      if (attribute !== 'action' && (await look(url, asAdmin)).statusCode === 404) wrong.push({ on, dead: url })
    }
    const leads = (begin: string) => links.some(({ url }) => url.startsWith(begin))
    const linked = { static: leads('/static/'), params: leads('/user'), auth: leads('/secret'), hello: leads('/hello') }
    for (const [topic, isLinked] of Object.entries(linked)) {
      if (isLinked !== isOn(topic as typeof on[number])) wrong.push({ on, topic, isLinked }) // its keys are topics
    }
    const cards = [...root.body.matchAll(/<li class="card" id="(\w+)">/g)].map(([, topic]) => topic)
    if (cards.join() !== on.join()) wrong.push({ on, cards })
  }
  t.same(wrong, [])
})

t.test('the tutorial ends with a login for the page itself', async (t) => {
  const app = await start(t, {}, { QUICKSTART_PROTECT: '/' })
  t.equal((await app.inject('/')).statusCode, 401)
  const page = await app.inject({ url: '/', headers: asAdmin })
  t.equal(page.statusCode, 200)
  t.match(page.body, 'Logged in as <strong>admin</strong>')
  t.equal((await app.inject('/hello')).statusCode, 200)
})

t.test('everything can be put behind the login, but for the health that a load balancer asks for', async (t) => {
  const app = await start(t, {}, { QUICKSTART_PROTECT: '/*' })
  const wrong: unknown[] = []
  for (const url of ['/', '/hello', '/static/app.js', '/user/alice', '/post/1', '/path/a', '/search', '/secret']) {
    const statuses = [(await app.inject(url)).statusCode, (await app.inject({ url, headers: asAdmin })).statusCode]
    if (String(statuses) !== '401,200') wrong.push({ url, statuses })
  }
  t.same(wrong, [])
  t.equal((await app.inject('/health')).statusCode, 200)
})

t.test('each page of the suite shows who is logged in, and answers without a login too', async (t) => {
  const app = await start(t)
  for (const url of ['/', '/source/auth']) {
    t.match((await app.inject({ url, headers: asAdmin })).body, 'Logged in as <strong>admin</strong>', url)
    t.match((await app.inject(url)).body, `<a href="/secret?back=${encodeURIComponent(url)}">Log in</a>`, url)
  }
})

t.test('"Log in" comes back to the page it is on, and "Log out" is on each page of who is logged in', async (t) => {
  const routes = async (app: FastifyInstance) => {
    app.get('/known', async (request, reply) => reply.render('secret', { user: { name: 'alice' } }))
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const out = '<a href="/logout">Log out</a>'
  const cases: [given: object, request: object, link: string | RegExp][] = [
    [{}, { url: '/?a=b&c=d' }, '<a href="/secret?back=%2F%3Fa%3Db%26c%3Dd">Log in</a>'],
    [{}, { url: '/nowhere' }, '<a href="/secret?back=%2Fnowhere">Log in</a>'],
    [{}, { url: '/%zz' }, '<a href="/secret?back=%2F%25zz">Log in</a>'],
    [{}, { method: 'POST', url: '/user', headers: form, payload: 'username=' }, '<a href="/secret?back=">Log in</a>'],
    [{}, { url: '/secret?back=%2Fa' }, '<a href="/secret?back=%2Fsecret%3Fback%3D%252Fa">Log in</a>'],
    [{}, { url: '/', headers: asAdmin }, out],
    [{}, { url: '/secret', headers: asAdmin }, out],
    [{ auth: { users: cheapUsers, logout: '/out' } }, { url: '/known' }, '<a href="/out">Log out</a>'],
    [{ auth: { users: cheapUsers, logout: false } }, { url: '/known' }, /^(?!.*Log out).*alice/s],
    [
      { tutorial: false, auth: { users: cheapUsers, path: '/login' } }, { url: '/nowhere' },
      '<a href="/login?back=%2Fnowhere">Log in</a>'
    ],
    [{ tutorial: false }, { url: '/nowhere' }, /^(?!.*Log in).*<header>/s],
    [{ auth: false }, { url: '/' }, /^(?!.*Log in).*<header>/s]
  ]
  const wrong: unknown[] = []
  for (const [given, request, link] of cases) {
    const app = await start(t, { routes, ...given })
    const { headers = {} } = request as { headers?: object }
    const { body } = await app.inject({ ...request, headers: { ...html, ...headers } })
    if (typeof link === 'string' ? !body.includes(link) : !link.test(body)) wrong.push([given, request, /<header>[^]*<.header>/.exec(body)?.[0]])
  }
  t.same(wrong, [])

  const app = await start(t)
  const back = await app.inject({ url: '/secret?back=%2F%3Fa%3Db', headers: asAdmin })
  t.match(back, { statusCode: 303, headers: { location: '/?a=b' } })
  const left = await app.inject({ url: '/logout', headers: { ...html, ...asAdmin } })
  t.match(left, { statusCode: 401, headers: { 'www-authenticate': /^Basic realm="Login Required"/ } })
  t.match(left.body, 'You are logged out')
})

t.test('a topic that is registered before auth can be put behind the login', async (t) => {
  for (const entry of ['/user/*', '/user/:name', '/user/:id']) {
    const app = await start(t, {}, { QUICKSTART_PROTECT: entry })
    t.equal((await app.inject('/user/alice')).statusCode, 401, entry)
    t.equal((await app.inject({ url: '/user/alice', headers: asAdmin })).body, 'User alice', entry)
    t.equal((await app.inject('/post/1')).statusCode, 200, entry)
  }
})

t.test('a switch is taken from the option, else the flag, else the environment', async (t) => {
  const cases: [given: object, env: Record<string, string>, on: boolean][] = [
    [{}, {}, true],
    [{}, { QUICKSTART_PARAMS: 'false' }, false],
    [{ params: true }, { QUICKSTART_PARAMS: 'false' }, true],
    [{ params: {} }, { QUICKSTART_PARAMS: 'false' }, true],
    [{ params: 'true' }, { QUICKSTART_PARAMS: 'false' }, true],
    [{ params: 'false' }, { QUICKSTART_PARAMS: 'true' }, false],
    [{ noParams: true }, {}, false],
    [{ params: undefined }, { QUICKSTART_PARAMS: 'false' }, false]
  ]
  const wrong: unknown[] = []
  for (const [given, env, on] of cases) {
    const app = await start(t, given, env)
    if ((await app.inject('/user/alice')).statusCode !== (on ? 200 : 404)) wrong.push([given, env, on])
  }
  t.same(wrong, [])
})

t.test('a wrong switch stops the start and is named', async (t) => {
  const wrong: [given: object, says: RegExp][] = [
    [{ auth: 'maybe' }, /^"auth" is "maybe" \(--auth as a flag\); it takes true, false/],
    [{ noAuth: 'maybe' }, /^"auth" is "maybe"/],
    [{ static: 1 }, /^"static" is 1 /],
    [{ static: [] }, /^"static" is \[\] /],
    [{ params: null }, /^"params" is null /],
    [{ port: '80' }, /^"port" is not an option of the app \(--port as a flag\); known options: hello, static, templates, params, auth, tutorial, routes, csp, cspReportOnly, reload, worker$/]
  ]
  for (const [given, message] of wrong) {
    await t.rejects(start(t, given), { code: 'FST_QUICKSTART_APP_INVALID_OPTION', message })
  }
  await t.rejects(start(t, { hello: { path: 'hello' } }), { code: 'FST_QUICKSTART_HELLO_INVALID_OPTION' })
  await t.rejects(start(t, {}, { QUICKSTART_AUTH: 'on' }), { code: 'FST_QUICKSTART_APP_INVALID_SETTING' })
})

t.test('pages that are to be protected are never served without auth', async (t) => {
  await t.rejects(start(t, { auth: false }, { QUICKSTART_PROTECT: '/' }), { code: 'FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH' })
})

t.test('everything works below a prefix, in an app that keeps its own ways', async (t) => {
  setEnvironment(t)
  const host = Fastify()
  t.teardown(() => host.close())
  host.get('/own', async () => { throw new Error('the host shows this') })
  await host.register(quickstart, { prefix: '/demo', auth: { users: cheapUsers } })

  const page = await host.inject('/demo/')
  t.equal(page.statusCode, 200)
  const links = [...page.body.matchAll(/ (?:href|src)="(\/[^"]*)"/g)].map(([, url]) => String(url))
  t.ok(links.length > 8)
  const dead: string[] = []
  for (const url of links) if ((await host.inject({ url, headers: asAdmin })).statusCode === 404) dead.push(url)
  t.same(dead, [])

  const own = await host.inject('/own')
  t.match(own.json(), { message: 'the host shows this' })
  t.notOk(own.headers['content-security-policy'])
  t.match((await host.inject('/nowhere')).json(), { message: 'Route GET:/nowhere not found' })
  t.match((await host.inject('/demo/nowhere')).json(), { message: 'There is nothing at this address.' })
})

t.test('each route says who answers it', async (t) => {
  setEnvironment(t)
  const host = Fastify()
  t.teardown(() => host.close())
  const declared: RouteOptions[] = []
  host.addHook('onRoute', (route) => { declared.push(route) })
  await host.register(quickstart, {
    auth: { users: cheapUsers },
    reload: true,
    routes: async (app) => {
      app.get('/mine', async () => '')
      await app.register(async (child) => {
        child.get('/nested', { config: { answeredBy: 'somebody' } }, async () => '')
        child.get('/*', async () => '')
      }, { prefix: '/deep' })
    }
  })
  await host.ready()
  t.same(Object.fromEntries(declared.map(({ url, config }) => [url, config?.answeredBy])), {
    '/user/:username': 'params',
    '/post/:id': 'params',
    '/path/*': 'params',
    '/search': 'params',
    '/user': 'params',
    '/logout': 'auth',
    '/secret': 'auth',
    '/health': 'app',
    '/static/*': 'static',
    '/': 'templates',
    '/source/:topic': 'templates',
    '/source/*': 'templates',
    '/hello': 'hello',
    '/quickstart-reload': 'reload',
    '/quickstart-reload.js': 'reload',
    '/mine': 'own',
    '/deep/nested': 'somebody',
    '/deep/*': 'own'
  })
})
