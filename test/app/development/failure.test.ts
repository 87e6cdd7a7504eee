import type { FastifyInstance } from 'fastify'
import { HtmlValidate } from 'html-validate'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { explainFailure } from '../../../app/development/failure.ts'
import { captureLog, html, start } from '../start.ts'

const generic = { statusCode: 500, error: 'Internal Server Error', message: 'The server could not answer this request.' }

/** Lines of a file that fails in its fourth line. */
const code = `export function save () {
  const booking = null
  // "<b>" & 'x'\tend\u001b[2J
  return booking.day
}
`

interface Own { save: () => never }

/** Loads the file above as the code of a developer. */
async function loadOwn (t: Test): Promise<{ file: string, save: Own['save'] }> {
  const file = `${t.testdir({ 'own.mjs': code })}/own.mjs`
  const { save } = await import(pathToFileURL(file).href) as Own
  return { file, save }
}

const reason = "Cannot read properties of null (reading 'day')"
const excerpt = `  1 | export function save () {
  2 |   const booking = null
  3 |   // "<b>" & 'x'\tend\\u001b[2J
> 4 |   return booking.day
  5 | }
  6 |`

/** Routes that fail in each way by calling a function. */
function failWith (save: () => never) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/sync', () => save())
    app.get('/async', async () => save())
    app.get('/later', async () => { await new Promise((resolve) => setImmediate(resolve)); save() })
    app.get('/callback', (request, reply) => { try { save() } catch (error) { reply.send(error) } })
    app.get('/hook', { onRequest: async () => save() }, async () => 'x')
    app.get('/handed', { preHandler: (request, reply, done) => { try { save() } catch (error) { done(error as Error) } } }, async () => 'x')
    app.get('/on-send', { onSend: async (request, reply, payload) => payload === 'x' ? save() : payload }, async () => 'x')
    app.get('/stream', async (request, reply) => {
      return reply.type('text/css').send(new Readable({ read () { try { save() } catch (error) { this.destroy(error as Error) } } }))
    })
    app.get('/cause', async () => {
      try { save() } catch (cause) { throw new Error('could not save', { cause }) }
    })
    app.post('/form', async () => save())
  }
}

const ways = ['sync', 'async', 'later', 'callback', 'hook', 'handed', 'on-send', 'stream', 'cause']

t.test('the developer is shown why any route failed, and where: as text, as JSON or as a page', async (t) => {
  const { file, save } = await loadOwn(t)
  const { lines, logger } = captureLog()
  const app = await start(t, { routes: failWith(save) }, {}, { logger })
  const validator = new HtmlValidate({ extends: ['html-validate:recommended'] })
  const wrong: unknown[] = []
  for (const way of ways) {
    const why = way === 'cause' ? `could not save; caused by: ${reason}` : reason
    lines.length = 0
    const text = await app.inject({ url: `/${way}`, headers: { accept: '*/*' } })
    const isText = text.body.startsWith(`${generic.message}\n\n${file}:4: ${why}\n${excerpt}\n\nOnly a client on this machine`)
    if (text.statusCode !== 500 || !isText || text.headers['content-type'] !== 'text/plain; charset=utf-8') wrong.push([way, text.body])
    if (text.headers['cache-control'] !== 'no-store' || text.headers.vary !== 'Accept') wrong.push([way, text.headers])
    if (lines.filter(({ level }) => level === 50).length !== 1) wrong.push([way, lines])

    const json = await app.inject({ url: `/${way}`, headers: { accept: 'application/json' } })
    const expected = JSON.stringify({ ...generic, reason: why, file, line: 4, excerpt })
    if (json.statusCode !== 500 || json.body !== expected) wrong.push([way, json.body])

    const page = await app.inject({ url: `/${way}`, headers: html })
    const { results } = await validator.validateString(page.body)
    const shown = ['<title>A request failed</title>', `<p>${file}, line 4</p>`, '&quot;&lt;b&gt;&quot; &amp; &#39;x&#39;\tend\\u001b[2J', 'load this page again']
    if (page.statusCode !== 500 || results.length > 0 || !shown.every((part) => page.body.includes(part))) {
      wrong.push([way, page.body, results])
    }
  }
  t.same(wrong, [])
  const page = await app.inject({ url: '/sync', headers: html })
  const [, style = ''] = /rel="stylesheet" href="([^"]+)"/.exec(page.body) ?? []
  t.equal((await app.inject(style)).statusCode, 200, 'it looks like the other pages')
  t.notMatch(page.body, /<script|style=/)
})

t.test('nobody else is shown any of it, and nobody in production', async (t) => {
  const { save } = await loadOwn(t)
  const routes = failWith(save)
  const development = await start(t, { routes })
  const others: [request: { headers?: Record<string, string>, remoteAddress?: string }][] = [
    [{ remoteAddress: '192.0.2.7' }],
    [{ headers: { 'x-forwarded-for': '127.0.0.1' } }],
    [{ headers: { 'x-forwarded-for': '127.0.0.1' }, remoteAddress: '192.0.2.7' }],
    [{ headers: { host: 'attacker.example' } }],
    [{ headers: { via: '1.1 proxy' } }]
  ]
  const wrong: unknown[] = []
  const look = async (app: FastifyInstance, request: object & { headers?: Record<string, string> }) => {
    for (const way of [...ways, 'none']) {
      for (const accept of ['*/*', 'application/json', html.accept]) {
        const { statusCode, body } = await app.inject({ ...request, url: `/${way}`, headers: { ...request.headers, accept } })
        const isRight = statusCode === (way === 'none' ? 404 : 500) && !/own\.mjs|booking|could not save/.test(body)
        if (!isRight) wrong.push([request, way, body])
      }
    }
  }
  for (const [request] of others) await look(development, request)
  await look(await start(t, { routes }, { NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }), {})
  t.same(wrong, [])
})

t.test('says what was thrown, whatever it is', async (t) => {
  const own = new Error('a message')
  own.stack = 'Error: a message\n    at none'
  const circle = new Error('round')
  circle.cause = circle
  const cases: [thrown: unknown, reason: string][] = [
    ['a text', "'a text' was thrown, which is not an Error"],
    [null, 'null was thrown, which is not an Error'],
    [undefined, 'undefined was thrown, which is not an Error'],
    [{ a: 1 }, '{ a: 1 } was thrown, which is not an Error'],
    [own, 'a message'],
    [new TypeError(''), 'TypeError'],
    [Object.create(Error.prototype), 'Error'],
    [Object.assign(new Error('x'), { message: { toString: () => 'an object' } }), 'an object'],
    [Object.assign(new Error('no stack'), { stack: undefined }), 'no stack'],
    [new Error('outer', { cause: 'a text' }), "outer; caused by: 'a text' was thrown, which is not an Error"],
    [new Error('same', { cause: new Error('same') }), 'same'],
    [circle, 'round'],
    [new Error('two\nlines\u001b[2J\u202e\u2028'), 'two\\nlines\\u001b[2J\\u202e\\u2028']
  ]
  const wrong = cases.map(([thrown, expected]) => [explainFailure(thrown).reason, expected])
    .filter(([found, expected]) => found !== expected)
  t.same(wrong, [])
})

t.test('shows the first file of the stack that is one\'s own, and its lines where it can be read', async (t) => {
  const folder = t.testdir({
    'a.ts': 'one\ntwo\n',
    'a.txt': 'a secret',
    'big.js': 'x\n'.repeat(600_000),
    'folder.js': {},
    node_modules: { 'b.js': 'b' }
  })
  const lines = '  1 | one\n> 2 | two\n  3 |'
  const a = `${folder}/a.ts`
  const cases: [frames: string[], file: string | undefined, excerpt?: string][] = [
    [[`f (${a}:2:1)`], a, lines],
    [[`${a}:2:1`], a, lines],
    [[`async f (${pathToFileURL(a).href}:2:1)`], a, lines],
    [['node:fs:2:1', 'f (node:internal/x:2:1)', `f (${folder}/node_modules/b.js:1:1)`, 'f (<anonymous>)', `f (${a}:2:1)`], a, lines],
    [['f (b.js:1:1)', `eval (eval at f (${a}:1:1), <anonymous>:1:1)`, `f (${a}:2:1)`], a, lines],
    [['f (file://elsewhere/b.js:1:1)', 'f (https://a.example/b.js:1:1)', `f (${a}:2:1)`], a, lines],
    [[`f (${folder}/a.txt:1:1)`, 'f (/etc/passwd:1:1)'], undefined],
    [[`f (${folder}/none.js:2:1)`], `${folder}/none.js`, ''],
    [[`f (${folder}/folder.js:2:1)`], `${folder}/folder.js`, ''],
    [[`f (${folder}/big.js:2:1)`], `${folder}/big.js`, ''],
    [[], undefined]
  ]
  const wrong: unknown[] = []
  for (const [frames, file, excerpt] of cases) {
    const error = new Error('a fault')
    error.stack = ['Error: a fault', ...frames.map((frame) => `    at ${frame}`)].join('\n')
    const found = explainFailure(error)
    if (found.file !== file || found.excerpt !== excerpt) wrong.push([frames, found])
  }
  t.same(wrong, [])

  const hostile = new Error(`x\n    at f (${folder}/none.js:1:1)`)
  hostile.stack = `Error: ${hostile.message}\n    at f (${a}:2:1)`
  t.match(explainFailure(hostile), { file: a, line: 2 }, 'what a message says is no frame')
})

t.test('a template that a handler renders to text is named with its line', async (t) => {
  const views = t.testdir({ 'index.eta': 'a\n<%= it.none.day %>' })
  const app = await start(t, {
    routes: async (app) => { app.get('/text', async (request, reply) => app.page(reply, 'index')) }
  }, { QUICKSTART_VIEWS_DIR: views })
  const { body } = await app.inject({ url: '/text' })
  t.match(body, `${views}/index.eta:2: The page could not be rendered; caused by: Cannot read properties of undefined`)
})

t.test('a page that reloads by itself does not ask to load it again', async (t) => {
  const { save } = await loadOwn(t)
  const views = t.testdir({ 'index.eta': '<%= it.none.day %>' })
  const found: unknown[] = []
  for (const reload of [false, true]) {
    const app = await start(t, { routes: failWith(save), reload }, { QUICKSTART_VIEWS_DIR: views })
    for (const [method, url] of [['GET', '/sync'], ['GET', '/'], ['POST', '/form']] as const) {
      const { body } = await app.inject({ method, url, headers: html })
      found.push([reload, url, body.includes('load this page again')])
    }
  }
  t.same(found, [
    [false, '/sync', true], [false, '/', true], [false, '/form', true],
    [true, '/sync', false], [true, '/', false], [true, '/form', true]
  ])
})

t.test('a page without static files has no style sheet, nor one where the files have none', async (t) => {
  const { save } = await loadOwn(t)
  const folder = t.testdir({ 'a.txt': '' })
  for (const given of [{ static: false }, { static: { root: folder }, templates: false }] as const) {
    const app = await start(t, { ...given, routes: failWith(save) })
    const { body } = await app.inject({ url: '/sync', headers: html })
    t.match(body, '<h1>A request failed</h1>')
    t.notMatch(body, 'rel="stylesheet"')
  }
})
