import { build } from 'fastify-cli/helper.js'
import Fastify, { type FastifyInstance } from 'fastify'
import { HtmlValidate } from 'html-validate'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import quickstart, { options } from '../app.ts'
import { asAdmin, captureLog, html, start } from './app/start.ts'
import { until } from './bin/command.ts'
import { execArgv } from './compiled/exec-argv.ts'
import { setEnvironment } from './environment.ts'

const topics = ['hello', 'static', 'templates', 'params', 'auth'] as const

t.test('by default every topic answers', async (t) => {
  const app = await start(t)

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

  for (const headers of [{}, { authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` }]) {
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
  for (let combination = 0; combination < 32; combination++) {
    const on = Object.fromEntries(
      topics.map((topic, index) => [topic, (combination & 1 << index) !== 0])
    ) as Record<typeof topics[number], boolean>
    const name = topics.filter((topic) => on[topic]).join(' ') || 'nothing'
    await t.test(name, async (t) => {
      const app = await start(t, on)
      const status = async (url: string, headers = {}) => (await app.inject({ url, headers })).statusCode

      const root = await app.inject('/')
      t.equal(root.statusCode, on.templates || on.hello ? 200 : 404)
      t.equal(root.body === 'Hello World!', on.hello && !on.templates)
      t.equal(await status('/hello'), on.hello && on.templates ? 200 : 404)
      t.equal(await status('/static/app.js'), on.static ? 200 : 404)
      t.equal(await status('/user/alice'), on.params ? 200 : 404)
      t.equal(await status('/secret'), on.auth ? 401 : 404)
      t.equal(await status('/health'), 200)

      const secret = await app.inject({ url: '/secret', headers: asAdmin })
      t.equal(secret.statusCode, on.auth ? 200 : 404)
      if (on.auth) t.match(secret.headers['content-type'], on.templates ? 'text/html' : 'text/plain')

      if (!on.templates) return
      const links = [...root.body.matchAll(/ (href|src|action)="(\/[^"]*)"/g)].map(([, attribute, url]) => ({ attribute, url: String(url) }))
      for (const { attribute, url } of links.filter(({ attribute }) => attribute !== 'action')) {
        t.not(await status(url, asAdmin), 404, `${attribute} ${url}`)
      }
      t.equal(links.some(({ url }) => url.startsWith('/static/')), on.static)
      t.equal(links.some(({ url }) => url.startsWith('/user')), on.params)
      t.equal(links.some(({ url }) => url === '/secret'), on.auth)
      t.equal(links.some(({ url }) => url === '/hello'), on.hello)
      t.same([...root.body.matchAll(/<li class="card" id="(\w+)">/g)].map(([, topic]) => topic), topics.filter((topic) => on[topic]))
    })
  }
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
  for (const url of ['/', '/hello', '/static/app.js', '/user/alice', '/post/1', '/path/a', '/search', '/secret']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.equal((await app.inject({ url, headers: asAdmin })).statusCode, 200, url)
  }
  t.equal((await app.inject('/health')).statusCode, 200)
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
  for (const [given, env, on] of cases) {
    const app = await start(t, given, env)
    t.equal((await app.inject('/user/alice')).statusCode, on ? 200 : 404, JSON.stringify([given, env]))
  }
})

t.test('a topic takes the options of its plugin', async (t) => {
  const root = t.testdir({ 'data.txt': 'a public file' })
  const app = await start(t, { hello: { path: '/hi', message: 'Hi!' }, static: { root, prefix: '/files/' }, templates: false, auth: { path: '/members' } })
  t.equal((await app.inject('/hi')).body, 'Hi!')
  t.equal((await app.inject('/files/data.txt')).body, 'a public file')
  t.equal((await app.inject('/members')).statusCode, 401)
})

t.test('hello has the root where templates leave it free', async (t) => {
  const app = await start(t, { templates: { index: false } })
  t.equal((await app.inject('/')).body, 'Hello World!')
})

t.test('the page shows no login where there is no secret page, and names no password but the tutorial\'s', async (t) => {
  const without = await start(t, { auth: { path: false } })
  t.notMatch((await without.inject('/')).body, 'href="/secret"')
  t.match((await without.inject('/')).body, 'the password is secret')
  const own = await start(t, { auth: { verify: () => true } })
  t.notMatch((await own.inject('/')).body, 'the password is secret')
})

t.test('starts and lets in while Redis is away, and takes the throttle\'s own options beside it', async (t) => {
  for (const throttle of [undefined, false, { perLogin: 2, delay: 0 }] as const) {
    const app = await start(t, { auth: throttle === undefined ? {} : { throttle } }, { QUICKSTART_REDIS_URL: 'redis://127.0.0.1:1' })
    t.equal((await app.inject({ url: '/secret', headers: asAdmin })).statusCode, 200)
    const statuses = []
    for (let attempt = 0; attempt < 3; attempt++) {
      statuses.push((await app.inject({ url: '/secret', headers: { authorization: `Basic ${btoa('admin:wrong')}` } })).statusCode)
    }
    t.same(statuses, [401, 401, typeof throttle === 'object' ? 429 : 401])
  }
})

t.test('says where to look once it listens', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    let log = ''
    setEnvironment(t)
    const app = Fastify(
      { logger: { stream: new Writable({ write (chunk, encoding, done) { log += chunk; done() } }) } }
    )
    t.teardown(() => app.close())
    await app.register(quickstart, { prefix: '/demo' })
    const url = await app.listen({ port: 0, host })
    t.match(log, `Open ${url}/demo/ in a browser`)
  }
})

t.test('listens on a socket of the file system as well, and under fastify start leaves failures to it afterwards', async (t) => {
  t.intercept(process, 'argv', { value: ['node', '/project/node_modules/.bin/fastify'] })
  const before = process.listenerCount('unhandledRejection')
  setEnvironment(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(quickstart)
  t.equal(process.listenerCount('unhandledRejection'), before + 1)
  // The path of a socket may have about a hundred characters, so it is not in the test's own folder.
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await app.listen({ path: join(folder, 'socket') })
  t.equal(process.listenerCount('unhandledRejection'), before)
})

t.test('a wrong switch stops the start and is named', async (t) => {
  const wrong: [given: object, says: RegExp][] = [
    [{ auth: 'maybe' }, /^"auth" is "maybe" \(--auth as a flag\); it takes true, false/],
    [{ noAuth: 'maybe' }, /^"auth" is "maybe"/],
    [{ static: 1 }, /^"static" is 1 /],
    [{ static: [] }, /^"static" is \[\] /],
    [{ params: null }, /^"params" is null /],
    [{ port: '80' }, /^"port" is not an option of the app \(--port as a flag\); known options: hello, static, templates, params, auth, routes, csp, reload, worker$/]
  ]
  for (const [given, message] of wrong) {
    await t.rejects(start(t, given), { code: 'FST_QUICKSTART_APP_INVALID_OPTION', message })
  }
  await t.rejects(start(t, { hello: { path: 'hello' } }), { code: 'FST_QUICKSTART_HELLO_INVALID_OPTION' })
  await t.rejects(start(t, {}, { QUICKSTART_AUTH: 'on' }), { code: 'FST_QUICKSTART_APP_INVALID_SETTING' })
})

t.test('under fastify start, a switch before the -- is not lost in silence', async (t) => {
  const cases: [args: string[], lost: string | undefined, right?: string][] = [
    [['-c', 'fastify.config.cjs', 'dist/app.js', '--auth=false'], '--auth=false'],
    [['dist/app.js', '--no-auth', '--', '--params=false'], '--no-auth'],
    [['dist/app.js', '--auth', 'false'], '--auth'],
    [['dist/app.js', '--csp=off'], '--csp=off', '--csp=…'],
    [['dist/app.js', '--port', '80', '--', '--auth=false', '--no-params'], undefined],
    [['--options', 'dist/app.js'], undefined]
  ]
  for (const [args, lost, right = '--auth=false'] of cases) {
    t.intercept(process, 'argv', { value: ['node', '/project/node_modules/.bin/fastify'] })
    t.intercept(process.report, 'getReport', { value: () => ({ header: { commandLine: [...process.argv, 'start', ...args] } }) })
    if (lost === undefined) await start(t)
    else {
      await t.rejects(start(t), {
        code: 'FST_QUICKSTART_APP_INVALID_OPTION',
        message: `${lost} would have no effect here: switches go behind a -- of their own, as in npm start -- -- ${right}`
      })
    }
  }
  t.intercept(process, 'argv', { value: ['node', '/project/server.js', '--auth=false'] })
  t.intercept(process.report, 'getReport', { value: () => ({ header: { commandLine: process.argv } }) })
  t.equal((await (await start(t)).inject('/secret')).statusCode, 401, 'the flags of a host are its own')
})

t.test('fastify start itself ends with one line, when a switch stands before the --', async (t) => {
  const root = join(import.meta.dirname, '..')
  const cli = spawn(process.execPath, [...execArgv, join(root, 'node_modules', 'fastify-cli', 'cli.js'), 'start', '--port', '0', 'app.ts', '--auth=false'], { cwd: root, timeout: 60_000 })
  let errors = ''
  cli.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  t.same(await once(cli, 'close'), [1, null])
  t.equal(errors, 'fastify-quickstart: --auth=false would have no effect here: switches go behind a -- of their own, as in npm start -- -- --auth=false\n')
})

t.test('under fastify start the log has the level of the setting, unless it was told another one', async (t) => {
  const cases: [words: string[], env: Record<string, string>, isLogged: boolean][] = [
    [[], {}, false],
    [[], { QUICKSTART_LOG_LEVEL: 'info' }, true],
    [['--log-level=error'], { QUICKSTART_LOG_LEVEL: 'info' }, false],
    [['-l', 'error'], { QUICKSTART_LOG_LEVEL: 'info' }, false],
    [[], { QUICKSTART_LOG_LEVEL: 'info', FASTIFY_LOG_LEVEL: 'error' }, false]
  ]
  for (const [words, env, isLogged] of cases) {
    const commandLine = ['node', '/project/node_modules/.bin/fastify', 'start', ...words]
    t.intercept(process, 'argv', { value: commandLine })
    t.intercept(process.report, 'getReport', { value: () => ({ header: { commandLine } }) })
    const { lines, logger } = captureLog('error')
    const app = await start(t, {}, env, { logger })
    await app.inject('/hello')
    t.equal(lines.some(({ msg }) => msg === 'incoming request'), isLogged, JSON.stringify([words, env]))
  }
})

t.test('fastify start goes on when nobody reads the log any more', async (t) => {
  const words = [join('node_modules', 'fastify-cli', 'cli.js'), 'start', '--options', '-l', 'info', '--port', '0', 'app.ts']
  const cli = spawn(process.execPath, [...execArgv, ...words], { cwd: join(import.meta.dirname, '..') })
  const exited = once(cli, 'close')
  t.teardown(() => cli.kill('SIGKILL'))
  let log = ''
  cli.stdout.on('data', (chunk: Buffer) => { log += chunk.toString() })
  const place = /Open (http:\S+)\/ in a browser/
  await until(() => cli.exitCode !== null || place.test(log), 'the start')
  cli.stdout.destroy()
  for (let request = 0; request < 5; request++) {
    t.equal((await fetch(`${place.exec(log)?.[1]}/nowhere`, { headers: { connection: 'close' } })).status, 404)
  }
  cli.kill('SIGTERM')
  t.same(await exited, [0, null])
})

t.test('pages that are to be protected are never served without auth', async (t) => {
  await t.rejects(start(t, { auth: false }, { QUICKSTART_PROTECT: '/' }), { code: 'FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH' })
})

t.test('the folders, the users and the realm come from the settings', async (t) => {
  const dir = t.testdir({
    web: { 'own.txt': 'my own file' },
    pages: { 'index.eta': '<p>My own <%= it.home %></p>', pages: { 'about.eta': '<p>About <%= it.user?.name ?? "nobody" %></p>' } },
    users: `alice:${'$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq'}\n`
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

t.test('shows the source of the topics that are on', async (t) => {
  const app = await start(t, { params: false })
  t.match((await app.inject('/source/auth')).body, 'Basic authentication')
  for (const url of ['/source/params', '/source/nothing', '/source/..%2Fapp.ts']) {
    const missing = await app.inject(url)
    t.equal(missing.statusCode, 404, url)
    t.match(missing.json(), { message: 'There is nothing at this address.' })
  }
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

t.test('everything works below a prefix, in an app that keeps its own ways', async (t) => {
  setEnvironment(t)
  const host = Fastify()
  t.teardown(() => host.close())
  host.get('/own', async () => { throw new Error('the host shows this') })
  await host.register(quickstart, { prefix: '/demo' })

  const page = await host.inject('/demo/')
  t.equal(page.statusCode, 200)
  const links = [...page.body.matchAll(/ (?:href|src)="(\/[^"]*)"/g)].map(([, url]) => String(url))
  t.ok(links.length > 8)
  for (const url of links) t.not((await host.inject({ url, headers: asAdmin })).statusCode, 404, url)

  const own = await host.inject('/own')
  t.match(own.json(), { message: 'the host shows this' })
  t.notOk(own.headers['content-security-policy'])
  t.match((await host.inject('/nowhere')).json(), { message: 'Route GET:/nowhere not found' })
  t.match((await host.inject('/demo/nowhere')).json(), { message: 'There is nothing at this address.' })
})

t.test('its pages are valid HTML', async (t) => {
  const validator = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { 'no-trailing-whitespace': 'off' } })
  for (const given of [{}, { static: false }, { params: false, auth: false }]) {
    const app = await start(t, given)
    for (const url of ['/', '/secret', '/nowhere', '/post/nine']) {
      const { body, headers } = await app.inject({ url, headers: { ...html, ...asAdmin } })
      t.match(headers['content-type'], 'text/html')
      const { results } = await validator.validateString(body)
      t.same(results.flatMap(({ messages }) => messages.map(({ ruleId, message, line }) => `${line}: ${message} (${ruleId})`)), [], url)
    }
  }
})

t.test('errors are JSON for programs and a page for people', async (t) => {
  const app = await start(t)
  const program = await app.inject('/nowhere')
  t.equal(program.statusCode, 404)
  t.same(program.json(), { statusCode: 404, error: 'Not Found', message: 'There is nothing at this address.' })
  t.equal(program.headers.vary, 'Accept')

  const person = await app.inject({ url: '/nowhere', headers: html })
  t.equal(person.statusCode, 404)
  t.equal(person.headers['content-type'], 'text/html; charset=utf-8')
  t.match(person.body, '<h1>404 Not Found</h1>')
  t.equal(person.headers.vary, 'Accept')

  const refused = await app.inject({ url: '/post/nine', headers: html })
  t.equal(refused.statusCode, 400)
  t.match(refused.body, '<h1>400 Bad Request</h1>')
  t.match(refused.body, '<code>id</code> in the path')
  t.match((await app.inject('/post/nine')).json(), { statusCode: 400, error: 'Bad Request', issues: [{ in: 'params', name: 'id' }] })

  const login = await app.inject({ url: '/secret', headers: html })
  t.equal(login.statusCode, 401)
  t.match(login.body, '<h1>401 Unauthorized</h1>')
  t.ok(login.headers['www-authenticate'])
})

/** What the router refuses, with the facts of the answer. */
const refusedByRouter: [url: string, body: object, inThePage: string][] = [
  ['/%zz<script>', {
    statusCode: 400,
    error: 'Bad Request',
    message: 'The path of the address must be percent-encoded UTF-8.',
    code: 'FST_ERR_BAD_URL',
    issues: [{ in: 'params', name: '*', expected: 'percent-encoded UTF-8' }]
  }, 'The path must be percent-encoded UTF-8'],
  [`/user/${'<'.repeat(2049)}`, {
    statusCode: 414,
    error: 'URI Too Long',
    message: 'The path of the address must be shorter.',
    code: 'FST_ERR_MAX_PARAM_LENGTH',
    issues: [{ in: 'params', name: '*', expected: 'shorter' }]
  }, 'The path must be shorter']
]

t.test('an address that the router refuses is answered like any other, without an echo', async (t) => {
  setEnvironment(t)
  const served = async (server: FastifyInstance) => {
    t.teardown(() => server.close())
    await server.ready()
    return server
  }
  const own = Fastify({ ...options, logger: false })
  await own.register(quickstart, { prefix: '/demo' })
  const cli = await build(['-o', '-l', 'silent', join(import.meta.dirname, '..', 'app.ts')])

  for (const [app, prefix] of [[await served(own), '/demo'], [await served(cli), '']] as const) {
    const known = await app.inject(`${prefix}/nowhere`)
    for (const [path, body, inThePage] of refusedByRouter) {
      const url = prefix + path
      const program = await app.inject(url)
      t.same(program.json(), body, url.slice(0, 30))
      t.equal(program.statusCode, program.json().statusCode)
      t.equal(program.headers['content-type'], 'application/json; charset=utf-8')

      const person = await app.inject({ url, headers: html })
      t.equal(person.statusCode, program.statusCode)
      t.equal(person.headers['content-type'], 'text/html; charset=utf-8')
      t.match(person.body, `<h1>${program.statusCode} ${program.json().error}</h1>`)
      t.match(person.body, inThePage)
      t.match(person.body, `<a href="${prefix}/">`)

      for (const answer of [program, person]) {
        const varying = /^(?:date|content-.*(?<!policy)|connection|x-request-id)$/
        t.same(
          Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !varying.test(name))),
          Object.fromEntries(Object.entries(known.headers).filter(([name]) => !varying.test(name)))
        )
        t.notMatch(answer.body, /<script>|%zz|<<|&lt;/)
      }
    }
  }
})

t.test('an address that the router refuses is JSON where there is no page', async (t) => {
  const dir = t.testdir({ 'index.eta': 'index', 'error.eta': '<%= it.nothing.at.all %>' })
  const bare = Fastify({ ...options, logger: false })
  t.teardown(() => bare.close())
  bare.get('/user/:username', async () => 'a route of somebody else')
  const apps = [
    bare,
    await start(t, { templates: false }),
    await start(t, {}, { QUICKSTART_VIEWS_DIR: dir })
  ]
  for (const app of apps) {
    for (const [url, body] of refusedByRouter) {
      const answer = await app.inject({ url, headers: html })
      t.same(answer.json(), body)
      t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
      t.equal(answer.headers['x-content-type-options'], 'nosniff')
    }
  }
})

t.test('a fault of the host\'s own router shows nothing of it', async (t) => {
  setEnvironment(t)
  const constraint = {
    name: 'tenant',
    storage: () => ({ get: () => null, set: () => {} }),
    deriveConstraint: (request: unknown, context: unknown, done?: (error: Error) => void) => done?.(new Error('database at 10.0.0.1 is down'))
  }
  const app = Fastify({ ...options, logger: false, routerOptions: { constraints: { tenant: constraint as never } } })
  t.teardown(() => app.close())
  await app.register(quickstart)
  app.get('/user/alice', { constraints: { tenant: 'a' } }, async () => 'a tenant of the host')
  t.match((await app.inject('/user/alice')).json(), { statusCode: 500, message: 'The server could not answer this request.' })
})

t.test('takes names of 1,024 characters, whichever they are', async (t) => {
  const app = await start(t)
  const names: [name: string, statusCode: number][] = [['a'.repeat(1024), 200], ['🦆'.repeat(1024), 200], ['a'.repeat(1025), 400], ['a'.repeat(2049), 414]]
  for (const [name, statusCode] of names) {
    t.equal((await app.inject(`/user/${encodeURIComponent(name)}`)).statusCode, statusCode)
    const answer = await app.inject({ method: 'POST', url: '/user', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: `username=${name}` })
    t.equal(answer.statusCode, statusCode === 200 ? 303 : 400)
    t.notMatch(answer.body, /UTF-16|maxParamLength/)
  }
})

t.test('the error page says in words what is wrong with a whole part of a request', async (t) => {
  const app = await start(t)
  const form = { method: 'POST', url: '/user', headers: { ...html, 'content-type': 'application/x-www-form-urlencoded' } } as const
  t.match((await app.inject({ url: '/search?%zz', headers: html })).body, '<li>Every query parameter must be percent-encoded UTF-8')
  t.match((await app.inject({ ...form, payload: 'username=a&b=%zz' })).body, '<li>Every field of the body must be percent-encoded UTF-8')
  t.match((await app.inject({ ...form, payload: 'username=' })).body, '<code>username</code> in the body must be text')
  t.match((await app.inject({ url: '/search?page=x', headers: html })).body, '<code>page</code> in the query must be a whole number')
})

t.test('a fault of the server shows nothing of the server, and is logged', async (t) => {
  setEnvironment(t)
  let log = ''
  const app = Fastify(
    { logger: { ...options.logger, stream: new Writable({ write (chunk, encoding, done) { log += chunk; done() } }) } }
  )
  t.teardown(() => app.close())
  // The prefix of the app is '/', so that a route of the test's own lies in its context.
  await app.register(async (app) => {
    await quickstart(app, {})
    app.get('/fault', async () => { throw Object.assign(new Error('/etc/passwd is missing'), { code: 'ENOENT' }) })
    app.get('/busy', async () => { throw Object.assign(new Error('database at 10.0.0.1 is busy'), { statusCode: 503 }) })
    app.get('/odd', async () => { throw Object.assign(new Error('odd'), { statusCode: 200 }) })
    app.get('/unknown', async () => { throw Object.assign(new Error('a made-up status'), { statusCode: 499 }) })
    app.get('/varied', async (request, reply) => {
      reply.header('vary', 'Origin')
      throw Object.assign(new Error(), { statusCode: 404, message: undefined })
    })
    app.get('/null', async () => { throw null }) // eslint-disable-line no-throw-literal -- what a careless handler throws
    app.get('/nothing', (request, reply) => { reply.send(Object.create(Error.prototype)) })
  })

  for (const [url, statusCode] of [['/fault', 500], ['/busy', 503], ['/odd', 500], ['/nothing', 500], ['/null', 500]] as const) {
    for (const headers of [{}, html]) {
      const answer = await app.inject({ url, headers })
      t.equal(answer.statusCode, statusCode)
      t.notMatch(answer.body, /passwd|ENOENT|database|odd|\.ts|at /)
    }
  }
  t.match(log, 'passwd')
  t.match((await app.inject('/unknown')).json(), { statusCode: 499, error: 'Error', message: 'a made-up status' })
  const varied = await app.inject('/varied')
  t.equal(varied.headers.vary, 'Origin, Accept')
  t.match(varied.json(), { message: 'Not Found' })
})

t.test('a broken error page is JSON of the same status, and is logged', async (t) => {
  const views: [error: string, context: object | undefined][] = [
    ['<%= it.nothing.at.all %>', undefined],
    ['<% await 1 %><%= it.nothing.at.all %>', undefined],
    ['fine', () => { throw new Error('nothing.at.all') }],
    ['fine', async () => { throw new Error('nothing.at.all') }]
  ]
  for (const [view, context] of views) {
    for (const NODE_ENV of ['production', 'development']) {
      const dir = t.testdir({ 'index.eta': 'index', 'error.eta': view })
      let log = ''
      const logger = { level: 'error', stream: new Writable({ write (chunk, encoding, done) { log += chunk; done() } }) }
      const given = context === undefined ? {} : { templates: { root: dir, context } }
      const app = await start(t, given, { QUICKSTART_VIEWS_DIR: dir, NODE_ENV, QUICKSTART_AUTH: 'false' }, { logger })
      for (const [url, statusCode] of [['/nowhere', 404], ['/post/nine', 400], ['/%zz', 400]] as const) {
        log = ''
        const answer = await app.inject({ url, headers: { host: 'localhost', accept: 'text/html' } })
        t.equal(answer.statusCode, statusCode)
        t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
        t.match(answer.json(), { statusCode })
        t.notMatch(answer.body, /at\.all|eta\b/)
        t.match(log, 'the error page failed')
        t.match(log, /nothing/)
      }
    }
  }
})

t.test('sends security headers under which its own page works', async (t) => {
  const app = await start(t)
  const { headers } = await app.inject('/')
  t.match(headers['content-security-policy'], /script-src 'self'/)
  t.notMatch(headers['content-security-policy'], /upgrade-insecure-requests/)
  t.equal(headers['x-content-type-options'], 'nosniff')
  t.notMatch(headers['strict-transport-security'], /includeSubDomains/)
  t.notMatch((await app.inject('/')).body, / style=|<style|<script>|onclick/)
})

t.test('says that it is healthy, and 503 while it sheds load', async (t) => {
  const app = await start(t)
  const healthy = await app.inject('/health')
  t.equal(healthy.statusCode, 200)
  t.same(healthy.json(), { status: 'ok' })

  // A blocked event loop is what load shedding measures, once a second, as a mean.
  for (let block = 0; block < 3; block++) {
    const end = performance.now() + 1500
    while (performance.now() < end);
    await setImmediate()
  }
  const shed = await app.inject('/health')
  t.equal(shed.statusCode, 503)
  t.equal(shed.headers['retry-after'], '5')
  t.equal((await app.inject('/hello')).statusCode, 503)
})

t.test('keeps passwords and cookies out of the log', async (t) => {
  setEnvironment(t)
  let log = ''
  const stream = new Writable({ write (chunk, encoding, done) { log += chunk; done() } })
  const app = Fastify({ ...options, logger: { ...options.logger, stream } })
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => request.log.info({ headers: request.headers, req: { headers: request.headers } }))
  await app.register(quickstart)
  await app.inject({ url: '/secret', headers: { ...asAdmin, cookie: 'session=42' } })
  t.match(log, '[Redacted]')
  t.notMatch(log, asAdmin.authorization)
  t.notMatch(log, 'session=42')
})
