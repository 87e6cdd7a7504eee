import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { basic, cheap } from '../plugins/auth/logins.ts'
import { asAdmin, cheapUsers, html, start } from './start.ts'

t.test('a topic takes the options of its plugin', async (t) => {
  const root = t.testdir({ 'data.txt': 'a public file' })
  const app = await start(t, {
    hello: { path: '/hi', message: 'Hi!' },
    static: { root, prefix: '/files/' },
    templates: false,
    auth: { path: '/members', users: cheapUsers }
  })
  t.equal((await app.inject('/hi')).body, 'Hi!')
  t.equal((await app.inject('/files/data.txt')).body, 'a public file')
  t.equal((await app.inject('/members')).statusCode, 401)
})

t.test('an option that is undefined stands for the setting or the default', async (t) => {
  const none = undefined as never // as from a program without types, or with a variable that is not set
  const app = await start(t, {
    auth: { users: cheapUsers, protect: none, realm: none },
    hello: { path: none },
    static: { root: none },
    templates: { root: none, index: none }
  }, { QUICKSTART_PROTECT: '/hello', QUICKSTART_REALM: 'Staff' })
  const { statusCode, headers } = await app.inject('/hello')
  t.equal(statusCode, 401)
  t.match(headers['www-authenticate'], 'realm="Staff"')
  t.equal((await app.inject('/')).statusCode, 200)
  t.equal((await app.inject('/static/app.js')).statusCode, 200)
})

t.test('hello has the root where templates leave it free', async (t) => {
  const app = await start(t, { templates: { index: false } })
  t.equal((await app.inject('/')).body, 'Hello World!')
})

t.test('starts and lets in while Redis is away, and takes the throttle\'s own options beside it', async (t) => {
  for (const throttle of [undefined, false, { perLogin: 2, delay: 0 }] as const) {
    const auth = { users: cheapUsers, ...(throttle !== undefined && { throttle }) }
    const app = await start(t, { auth }, { QUICKSTART_REDIS_URL: 'redis://127.0.0.1:1' })
    t.equal((await app.inject({ url: '/secret', headers: asAdmin })).statusCode, 200)
    const statuses = []
    for (let attempt = 0; attempt < 3; attempt++) {
      statuses.push((await app.inject({ url: '/secret', headers: { authorization: `Basic ${btoa('admin:wrong')}` } })).statusCode)
    }
    t.same(statuses, [401, 401, typeof throttle === 'object' ? 429 : 401])
  }
})

t.test('after so many failed logins as the settings say, one waits as long as they say; the options win', async (t) => {
  const settings = { QUICKSTART_LOGIN_TRIES: '2', QUICKSTART_LOGIN_WAIT_SECONDS: '60' }
  const cases: [env: Record<string, string>, throttle: object | false | undefined, tries: number, wait: number][] = [
    [{}, undefined, 10, 900],
    [settings, undefined, 2, 60],
    [settings, {}, 2, 60],
    [settings, { perLogin: 3 }, 3, 60],
    [settings, { block: 5 }, 2, 5],
    [settings, false, 20, 0]
  ]
  const wrong: unknown[] = []
  for (const [env, throttle, tries, wait] of cases) {
    const given = throttle === undefined ? {} : { throttle: throttle && { delay: 0, ...throttle } }
    const app = await start(t, { auth: { users: cheapUsers, ...given } }, env)
    const found = { failed: 0, wait: 0 }
    for (; found.failed < 20 && found.wait === 0; found.failed++) {
      const { statusCode, headers } = await app.inject({ url: '/secret', headers: basic('admin', 'wrong') })
      if (statusCode === 401) continue
      found.wait = Number(headers['retry-after'])
      break
    }
    if (found.failed !== tries || found.wait !== wait) wrong.push({ env, throttle, found })
  }
  t.same(wrong, [])
})

t.test('whether there is a logout page, the option says, else the setting, else the tutorial', async (t) => {
  const users = { users: cheapUsers }
  const cases: [given: object, env: Record<string, string>, there: string | undefined][] = [
    [{}, {}, '/logout'],
    [{}, { QUICKSTART_LOGOUT: 'false' }, undefined],
    [{ auth: { ...users, logout: '/out' } }, { QUICKSTART_LOGOUT: 'false' }, '/out'],
    [{ auth: { ...users, logout: undefined } }, { QUICKSTART_LOGOUT: 'false' }, undefined],
    [{ auth: { ...users, logout: false } }, { QUICKSTART_LOGOUT: 'true' }, undefined],
    [{ tutorial: false }, {}, undefined],
    [{ tutorial: false }, { QUICKSTART_LOGOUT: 'true' }, '/logout'],
    [{ tutorial: false, auth: { ...users, logout: '/out' } }, {}, '/out'],
    [{ auth: false }, { QUICKSTART_LOGOUT: 'true' }, undefined]
  ]
  const routes = async (app: FastifyInstance) => {
    app.get('/page', async (request, reply) => reply.render('secret', { user: { name: 'alice' } }))
  }
  const wrong: unknown[] = []
  for (const [given, env, there] of cases) {
    const app = await start(t, { ...given, routes }, env)
    const statuses = await Promise.all(['/logout', '/out'].map(async (url) => (await app.inject(url)).statusCode))
    const [, link] = /<a href="([^"]*)">Log out/.exec((await app.inject('/page')).body) ?? []
    const found = { logout: statuses[0] === 401, out: statuses[1] === 401, link }
    const expected = { logout: there === '/logout', out: there === '/out', link: there }
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ given, env, found })
  }
  t.same(wrong, [])
})

t.test('the folders, the users and the realm come from the settings', async (t) => {
  const dir = t.testdir({
    web: { 'own.txt': 'my own file' },
    pages: { 'index.eta': '<p>My own <%= it.home %></p>', pages: { 'about.eta': '<p>About <%= it.user?.name ?? "nobody" %></p>' } },
    users: `alice:${cheap.bcrypt('right')}\n`
  })
  const app = await start(t, {}, {
    QUICKSTART_PUBLIC_DIR: `${dir}/web`,
    QUICKSTART_VIEWS_DIR: `${dir}/pages`,
    QUICKSTART_USERS_FILE: `${dir}/users`,
    QUICKSTART_REALM: 'Staff'
  })
  t.equal((await app.inject('/static/own.txt')).body, 'my own file')
  t.equal((await app.inject('/')).body, '<p>My own /</p>')
  t.equal((await app.inject('/about')).body, '<p>About nobody</p>')
  const refused = await app.inject({ url: '/secret', headers: asAdmin })
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Basic realm="Staff", charset="UTF-8"')
  const missing = await app.inject({ url: '/none', headers: html })
  t.match(missing.body, /<title>[^]*nothing at this address/, "the suite's error page, where there is none among the own views")
  const style = /href="([^"]*style[^"]*\.css)"/.exec(missing.body)?.[1]
  t.match((await app.inject(style ?? '/none')).headers['content-type'], 'text/css')
  t.equal((await app.inject('/source/hello')).statusCode, 404, 'the tutorial is not theirs')
})

t.test('a page of one\'s own is told of app.js only where it is', async (t) => {
  const cards = '<% for (const { trials } of it.cards) for (const { href } of trials) { %><%= href %> <% } %>'
  const folder = t.testdir({ with: { 'app.js': '' }, without: {}, views: { 'index.eta': cards } })
  for (const name of ['with', 'without']) {
    const app = await start(t, { static: { root: join(folder, name) }, templates: { root: join(folder, 'views') } })
    const page = await app.inject('/')
    t.match(page.body, '/user/alice ')
    t.equal(page.body.includes('app.js'), name === 'with', name)
  }
})

t.test('the suite\'s own page keeps its style beside somebody else\'s public files', async (t) => {
  const dir = t.testdir({ 'app.js': 'alert("mine")' })
  const app = await start(t, {}, { QUICKSTART_PUBLIC_DIR: dir })
  const page = await app.inject('/')
  t.match(page.body, 'src="/static/app.js"')
  t.equal((await app.inject('/static/app.js')).body, 'alert("mine")')
  const [, style = ''] = /rel="stylesheet" href="([^"]+)"/.exec(page.body) ?? []
  t.equal((await app.inject(style)).statusCode, 200)
})
