import { build } from 'fastify-cli/helper.js'
import Fastify, { type FastifyInstance } from 'fastify'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import quickstart, { options } from '../../../app.ts'
import { setEnvironment } from '../../environment.ts'
import { until } from '../../until.ts'
import { captureLog, cheapUsers, html, start } from '../start.ts'

/** Another machine, which is shown less than the developer. */
const remoteAddress = '192.0.2.7'

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

t.test('a client that leaves before a stream has begun is no fault of the server\'s, but a stream that ends is', async (t) => {
  const { lines, logger } = captureLog()
  const streams: PassThrough[] = []
  const routes = async (app: FastifyInstance): Promise<void> => {
    app.post('/wait', async () => {
      const stream = new PassThrough()
      streams.push(stream)
      return stream
    })
  }
  const app = await start(t, { routes }, { NODE_ENV: 'production' }, { logger })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answered = async () => {
    await until(() => lines.some(({ msg }) => msg === 'answered'), 'the line of the access log')
    return lines.splice(0).map(({ msg }) => msg).filter((msg) => /failed|answered/.test(msg)).sort()
  }
  const leaving = new AbortController()
  const left = fetch(`${url}/wait`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, signal: leaving.signal })
  await until(() => streams.length === 1, 'the first request')
  await setTimeout(50)
  leaving.abort()
  await t.rejects(left)
  t.same(await answered(), ['answered'])

  const stopped = fetch(`${url}/wait`, { method: 'POST' })
  await until(() => streams.length === 2, 'the second request')
  await setTimeout(50)
  streams[1]!.destroy()
  t.equal((await stopped).status, 500)
  t.same(await answered(), ['answered', 'the request failed'])
})

/** What the router refuses, with the facts of the answer. */
const refusedByRouter: [url: string, body: object, inThePage: string][] = [
  ['/%zz<script>', {
    statusCode: 400,
    error: 'Bad Request',
    message: 'The path of the address must be percent-encoded UTF-8.',
    code: 'FST_ERR_BAD_URL',
    issues: [{ in: 'params', name: '*', expected: 'percent-encoded UTF-8', message: 'Please check the address' }]
  }, 'The path must be percent-encoded UTF-8'],
  [`/user/${'<'.repeat(2049)}`, {
    statusCode: 414,
    error: 'URI Too Long',
    message: 'The path of the address must be shorter.',
    code: 'FST_ERR_MAX_PARAM_LENGTH',
    issues: [{ in: 'params', name: '*', expected: 'shorter', message: 'Please shorten the address' }]
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
  await own.register(quickstart, { prefix: '/demo', auth: { users: cheapUsers } })
  const cli = await build(['-o', '-l', 'silent', join(import.meta.dirname, '..', '..', '..', 'app.ts')])

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
  await app.register(quickstart, { auth: { users: cheapUsers } })
  app.get('/user/alice', { constraints: { tenant: 'a' } }, async () => 'a tenant of the host')
  const answer = await app.inject({ url: '/user/alice', remoteAddress })
  t.match(answer.json(), { statusCode: 500, message: 'The server could not answer this request.' })
})

t.test('the error page says in words what is wrong with a whole part of a request', async (t) => {
  const app = await start(t)
  const form = { method: 'POST', url: '/user', headers: { ...html, 'content-type': 'application/x-www-form-urlencoded' } } as const
  t.match((await app.inject({ url: '/search?%zz', headers: html })).body, '<li>Every query parameter must be percent-encoded UTF-8')
  t.match((await app.inject({ ...form, payload: 'username=a&b=%zz' })).body, '<li>Every field of the body must be percent-encoded UTF-8')
  t.match((await app.inject({ ...form, payload: 'username=' })).body, '<code>username</code> in the body must be text')
  const page = (await app.inject({ url: '/search?page=x', headers: html })).body
  t.match(page, '<code>page</code> in the query must be a whole number')
  t.equal(page.split('must be').length, 2, 'and says it once')
})

t.test('a fault of the server shows nothing of the server, and is logged', async (t) => {
  const { lines, logger } = captureLog()
  const routes = async (app: FastifyInstance): Promise<void> => {
    app.get('/fault', async () => { throw Object.assign(new Error('/etc/passwd is missing'), { code: 'ENOENT' }) })
    app.get('/busy', async () => { throw Object.assign(new Error('database at 10.0.0.1 is busy'), { statusCode: 503 }) })
    app.get('/odd', async () => { throw Object.assign(new Error('an odd status'), { statusCode: 200 }) })
    app.get('/unknown', async () => { throw Object.assign(new Error('a made-up status'), { statusCode: 499 }) })
    app.get('/varied', async (request, reply) => {
      reply.header('vary', 'Origin')
      throw Object.assign(new Error(), { statusCode: 404, message: undefined })
    })
    app.get('/null', async () => { throw null }) // eslint-disable-line no-throw-literal -- what a careless handler throws
    app.get('/nothing', (request, reply) => { reply.send(Object.create(Error.prototype)) })
  }
  const app = await start(t, { routes }, {}, { logger })

  for (const [url, statusCode] of [['/fault', 500], ['/busy', 503], ['/odd', 500], ['/nothing', 500], ['/null', 500]] as const) {
    for (const headers of [{}, html]) {
      const answer = await app.inject({ url, headers, remoteAddress })
      t.equal(answer.statusCode, statusCode)
      t.notMatch(answer.body, /passwd|ENOENT|database|odd status|\.ts|at /)
    }
  }
  t.match(JSON.stringify(lines), 'passwd')
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
      const { lines, logger } = captureLog('error')
      const given = context === undefined ? {} : { templates: { root: dir, context } }
      const app = await start(t, given, { QUICKSTART_VIEWS_DIR: dir, NODE_ENV, QUICKSTART_AUTH: 'false' }, { logger })
      for (const [url, statusCode] of [['/nowhere', 404], ['/post/nine', 400], ['/%zz', 400]] as const) {
        lines.length = 0
        const answer = await app.inject({ url, headers: { host: 'localhost', accept: 'text/html' } })
        t.equal(answer.statusCode, statusCode)
        t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
        t.match(answer.json(), { statusCode })
        t.notMatch(answer.body, /at\.all|eta\b/)
        t.match(lines, [{ msg: 'the error page failed' }])
        t.match(JSON.stringify(lines), /nothing/)
      }
    }
  }
})
