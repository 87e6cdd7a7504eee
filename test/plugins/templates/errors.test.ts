import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { HtmlValidate } from 'html-validate'
import t, { type Test } from 'tap'
import templates from '../../../plugins/templates/index.ts'
import { build } from './build.ts'

const generic = { statusCode: 500, code: 'FST_QUICKSTART_TEMPLATES_RENDER', error: 'Internal Server Error', message: 'The page could not be rendered' }
const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const secret = 'a-secret-of-the-data'

/** An app whose views fail, each in its own way, and what it has logged. */
async function failing (t: Test, production: boolean): Promise<{
  app: FastifyInstance & { root: string }, log: Record<string, any>[]
}> {
  const log: Record<string, any>[] = []
  const context = {
    secret,
    user: null,
    fail: () => { throw new Error(secret) },
    later: async () => {},
    failLater: async () => { throw new Error(secret) },
    frozen: Object.freeze(new Error(secret)),
    noStack: Object.assign(new Error(secret), { stack: undefined })
  }
  const app = await build(t, {
    'page.eta': '<h1>Title</h1>\n<% const\n  name = it.user.name\n%>\n<%= name %>',
    'twoOnALine.eta': '<% let a = 1 %><% let b = 2 %><%= it.none.b %>\n',
    'part.eta': 'a\n\n\n<%= it.fail() %>',
    'include.eta': '<%~ include("./part") %>',
    'layout.eta': '<%~ it.body %>\n<% it.fail() %>',
    'laidOut.eta': '<% layout("./layout") %>a',
    'later.eta': 'a\n<% await it.later() %>\n<%= await it.failLater() %>',
    'chosen.eta': '\n<%~ include("./" + it.secret) %>',
    'chosenLayout.eta': '<% layout("./" + it.secret) %>',
    'thenable.eta': '\n<%~ include("./" + "later") %>',
    'string.eta': '<% throw it.secret %>',
    'nothing.eta': '<% throw null %>',
    'frozen.eta': '\n\n<% throw it.frozen %>',
    'noStack.eta': '<% throw it.noStack %>',
    'around.eta': 'a\n<%~ include("./" + "around") %>',
    'aroundLater.eta': 'a\n<% await 1 %><%~ await includeAsync("./" + "aroundLater") %>',
    'aroundLayout.eta': 'a\n<% await 1 %><% layout("./" + "aroundLayout") %>',
    'number.eta': '<%~ include(5) %>',
    'promise.eta': '<% const html = includeAsync("./" + "later") %>\n<%~ html %>',
    'bareImport.eta': 'a\n<% const none =\n  await import("no-such-module") %>',
    'pathImport.eta': '\n<% const { x } = await import(\n  "./none.js"\n) %>',
    'lostImport.eta': 'a<% const promise = import("./none.js") %>\n<% await promise %>',
    'brokenImport.eta': '\n<% await import("./broken.js") %>',
    'throwingImport.eta': '\n<% await import("./throwing.js") %>',
    'includedImport.eta': '\n<%~ await includeAsync("./bareImport") %>',
    'broken.js': 'const = 1',
    'throwing.js': 'throw new Error("at its start")',
    'returns.eta': '\r\r<% 1\r+ 1 %>\n<% let text = `\u2028`\r %>\u2029<%\rit.fail()\r%>',
    'renamed.eta': '\n<% try { it.fail() } catch (error) { error.message = "renamed"; throw error } %>',
    'wordless.eta': '\n<% const error = new Error("x"); error.message = { toString: () => "an object" }; throw error %>'
  }, {
    production,
    server: { logger: { level: 'error', stream: { write: (line: string) => { log.push(JSON.parse(line)) } } } },
    context
  })
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
  app.get('/view/:view', async (request, reply) => reply.view((request.params as { view: string }).view, context))
  return { app, log }
}

/** The view, then where it fails and why, as the log tells it. */
const failures: [view: string, cause: string | RegExp][] = [
  ['page', /page\.eta:3: Cannot read properties of null \(reading 'name'\)\n {2}1 \| <h1>Title<\/h1>\n {2}2 \| <% const\n> 3 \| {3}name = it.user.name\n/],
  ['twoOnALine', /twoOnALine\.eta:1: Cannot read properties of undefined/],
  ['include', new RegExp(`part\\.eta:4: ${secret}\n`)],
  ['laidOut', new RegExp(`layout\\.eta:2: ${secret}\n`)],
  ['later', new RegExp(`later\\.eta:3: ${secret}\n|view "later(\\.eta)?": ${secret}`)],
  ['chosen', new RegExp(`chosen\\.eta:2: include\\('\\./${secret}'\\) names no template\n`)],
  ['chosenLayout', new RegExp(`layout\\('\\./${secret}'\\) names no template`)],
  ['thenable', /thenable\.eta:2: include\('\.\/later'\) is of a template that uses await: write await includeAsync\(…\)\n/],
  ['string', new RegExp(`view "string(\\.eta)?": '${secret}'`)],
  ['nothing', /view "nothing(\.eta)?": null/],
  ['frozen', new RegExp(`view "frozen(\\.eta)?": ${secret}`)],
  ['noStack', new RegExp(`view "noStack(\\.eta)?": ${secret}`)],
  ['around', /around\.eta:2: include\('\.\/around'\) is nested more than 500 deep\n/],
  ['aroundLater', /aroundLater\.eta:2: includeAsync\('\.\/aroundLater'\) is nested more than 500 deep\n/],
  ['aroundLayout', /aroundLayout\.eta:2: layout\('\.\/aroundLayout'\) is nested more than 500 deep\n/],
  ['number', /number\.eta:1: include\(5\) names no template\n/],
  ['promise', /promise\.eta:2: includeAsync\(…\) gives a promise: write await includeAsync\(…\)\n/],
  ['none', /: .* has no view "none(\.eta)?"$/],
  ['bareImport', /bareImport\.eta:3: Cannot find package 'no-such-module'/],
  ['pathImport', /pathImport\.eta:2: Cannot find module '.*none\.js'/],
  ['lostImport', /lostImport\.eta:1: Cannot find module '.*none\.js'/],
  ['brokenImport', /brokenImport\.eta:2: Unexpected token '='/],
  ['throwingImport', /throwingImport\.eta:2: at its start/],
  ['includedImport', /bareImport\.eta:3: Cannot find package 'no-such-module'/],
  ['returns', new RegExp(`returns\\.eta:2: ${secret}`)],
  ['renamed', /renamed\.eta:2: renamed/],
  ['wordless', /wordless\.eta:2: an object/]
]

function matches (text: string, pattern: string | RegExp): boolean {
  return typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)
}

for (const production of [true, false]) {
  const mode = production ? 'production' : 'development'

  t.test(`tells another machine nothing of a page that fails, and the log everything, in ${mode}`, async (t) => {
    const { app, log } = await failing(t, production)
    const wrong: unknown[] = []
    for (const [view, cause] of failures) {
      for (const url of [`/${view}`, `/${view}`, `/view/${view}`]) {
        log.length = 0
        const { statusCode, body } = await app.inject({ url, headers: { accept: '*/*' }, remoteAddress: '192.0.2.7' })
        const isLogged = log.length === 1 && matches(log[0]!.err.message, cause)
        if (statusCode !== 500 || body !== JSON.stringify(generic) || !isLogged) wrong.push([url, body, cause, log])
      }
    }
    t.same(wrong, [])
  })
}

t.test('in production, tells a browser nothing either', async (t) => {
  const { app } = await failing(t, true)
  const wrong: unknown[] = []
  for (const [view] of failures) {
    const { statusCode, body } = await app.inject({ url: `/${view}`, headers: browser })
    if (statusCode !== 500 || body !== JSON.stringify(generic)) wrong.push([view, body])
  }
  t.same(wrong, [])
})

t.test('shows the developer where a page fails, and why', async (t) => {
  const { app, log } = await failing(t, false)
  const validator = new HtmlValidate({ extends: ['html-validate:recommended'] })
  const wrong: unknown[] = []
  for (const [view, cause] of failures) {
    log.length = 0
    const { statusCode, headers, body } = await app.inject({ url: `/${view}`, headers: browser })
    const { results } = await validator.validateString(body)
    const isRight = statusCode === 500 && headers['content-type'] === 'text/html; charset=utf-8' &&
      headers['cache-control'] === 'no-store' && log.length === 1 && matches(log[0]!.err.message, cause)
    if (!isRight || results.length > 0) wrong.push([view, headers, body, log, results])
  }
  t.same(wrong, [])
  const { body } = await app.inject({ url: '/page', headers: browser })
  t.match(body, `<p>${app.root}/page.eta, line 3</p>\n<pre class="code" tabindex="0">  1 | &lt;h1&gt;Title&lt;/h1&gt;\n  2 | &lt;% const\n&gt; 3 |   name = it.user.name\n  4 | %&gt;\n`)
  t.match(body, '<strong>Cannot read properties of null (reading &#39;name&#39;)</strong>')
})

t.test('shows a broken edit, and the page again when it is fixed', async (t) => {
  const app = await build(t, { 'layout.eta': '[<%~ it.body %>]', 'index.eta': '<% layout("./layout") %>one' }, { index: { view: 'index' } })
  const edit = (name: string, content: string): void => writeFileSync(join(app.root, name), content)
  t.equal((await app.inject({ url: '/', headers: browser })).body, '[one]')

  edit('index.eta', 'a\n<% if (it.x) { %>')
  const broken = await app.inject({ url: '/', headers: browser })
  t.equal(broken.statusCode, 500)
  t.match(broken.body, 'index.eta, line 2</p>\n<pre class="code" tabindex="0">  1 | a\n&gt; 2 | &lt;% if (it.x) { %&gt;</pre>')
  t.match(broken.body, '<strong>&quot;{&quot; is never closed</strong>')
  t.strictSame((await app.inject({ url: '/', remoteAddress: '192.0.2.7' })).json(), generic)
  t.equal(app.hasView('index'), true, 'broken, but there')

  edit('index.eta', '<% layout("./layout") %>two')
  edit('layout.eta', '\n<%~ it.body')
  t.match((await app.inject({ url: '/', headers: browser })).body, 'layout.eta, line 2</p>')

  edit('layout.eta', '(<%~ it.body %>)')
  t.equal((await app.inject({ url: '/', headers: browser })).body, '(two)')
})

t.test('shows its error page to the developer alone', async (t) => {
  const { app } = await failing(t, false)
  const table: [
    what: string, request: { headers?: Record<string, string>, remoteAddress?: string }, shown: boolean
  ][] = [
    ['localhost', {}, true],
    ['localhost with a port', { headers: { host: 'localhost:5001' } }, true],
    ['127.0.0.1', { headers: { host: '127.0.0.1:5001' } }, true],
    ['IPv6', { headers: { host: '[::1]:5001' }, remoteAddress: '::1' }, true],
    ['IPv4 in IPv6', { remoteAddress: '::ffff:127.0.0.1' }, true],
    ['another machine', { remoteAddress: '192.0.2.7' }, false],
    ['another machine, IPv6', { remoteAddress: '2001:db8::1' }, false],
    ['another machine that claims to be this one', { headers: { 'x-forwarded-for': '127.0.0.1' }, remoteAddress: '192.0.2.7' }, false],
    ['through a proxy on this machine', { headers: { 'x-forwarded-for': '192.0.2.7' } }, false],
    ['through a proxy that follows RFC 7239', { headers: { forwarded: 'for=192.0.2.7' } }, false],
    ['through another proxy', { headers: { via: '1.1 proxy' } }, false],
    ['through a proxy of another habit', { headers: { 'x-real-ip': '192.0.2.7' } }, false],
    ...['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-server', 'x-forwarded', 'forwarded-for',
      'cf-connecting-ip', 'cf-ray', 'cdn-loop', 'true-client-ip', 'x-client-ip', 'x-cluster-client-ip', 'fastly-client-ip',
      'fly-client-ip', 'x-original-forwarded-for', 'x-original-host', 'x-original-url', 'x-envoy-external-address',
      'x-amzn-trace-id', 'x-cloud-trace-context', 'x-azure-clientip', 'x-arr-ssl', 'x-appengine-user-ip', 'x-vercel-id',
      'x-remote-addr', 'x-originating-ip', 'x-proxyuser-ip', 'proxy-connection', 'x-varnish', 'x-scheme', 'x-request-start',
      'ngrok-skip-browser-warning', 'tailscale-user-login', 'x-http-via', 'surrogate-capability', 'x-rewrite-original-url'
    ].map((name): [string, { headers: Record<string, string> }, boolean] => [name, { headers: { [name]: '127.0.0.1' } }, false]),
    ['with what browsers send', {
      headers: {
        'sec-fetch-site': 'none',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-user': '?1',
        'sec-ch-ua-platform': '"Linux"',
        'upgrade-insecure-requests': '1',
        'accept-language': 'en',
        'accept-encoding': 'gzip',
        cookie: 'a=b',
        dnt: '1',
        'cache-control': 'no-cache',
        pragma: 'no-cache',
        referer: 'http://localhost/',
        priority: 'u=0, i',
        origin: 'null',
        'if-none-match': '"x"',
        'user-agent': 'browser',
        connection: 'keep-alive',
        'sec-gpc': '1',
        'x-requested-with': 'x'
      }
    }, true],
    ['a foreign name that points here', { headers: { host: 'attacker.example' } }, false],
    ['a foreign name that looks like ours', { headers: { host: 'localhost.attacker.example' } }, false],
    ['a foreign name that looks like our address', { headers: { host: '127.0.0.1.attacker.example' } }, false],
    ['a program', { headers: { accept: 'application/json' } }, true],
    ['a program that takes HTML at need', { headers: { accept: 'application/json, text/html;q=0.1' } }, true],
    ['a program that takes anything', { headers: { accept: '*/*' } }, true]
  ]
  const wrong: unknown[] = []
  for (const [what, { headers, remoteAddress = '127.0.0.1' }, shown] of table) {
    const { statusCode, body } = await app.inject({ url: '/page', headers: { ...browser, ...headers }, remoteAddress })
    const isRight = shown ? body.includes('page.eta') : body === JSON.stringify(generic)
    if (statusCode !== 500 || !isRight) wrong.push([what, statusCode, body])
  }
  t.same(wrong, [])
})

t.test('describes a failure as what the client asks for: a page, JSON or text', async (t) => {
  const { app } = await failing(t, false)
  const reason = "Cannot read properties of null (reading 'name')"
  for (const accept of ['application/json', 'application/json, text/html;q=0.1', 'text/html, application/problem+json']) {
    const answer = await app.inject({ url: '/page', headers: { accept } })
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8', accept)
    t.match(answer.json(), { statusCode: 500, message: generic.message, reason, file: `${app.root}/page.eta`, line: 3 })
    t.equal((await app.inject({ url: '/string', headers: { accept } })).json().reason, `view "string": '${secret}'`)
  }
  for (const headers of [{}, { accept: '*/*' }, { accept: 'text/plain' }]) {
    const answer = await app.inject({ url: '/page', headers })
    t.equal(answer.statusCode, 500)
    t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(answer.headers['cache-control'], 'no-store')
    t.match(answer.body, `${app.root}/page.eta:3: ${reason}\n  1 | <h1>Title</h1>\n  2 | <% const\n> 3 |   name`)
    t.match((await app.inject({ url: '/string', headers })).body, `\n\nview "string": '${secret}'\n`)
  }
})

t.test('hands the host an error that shows nothing, however it is put out', async (t) => {
  const { app } = await failing(t, true)
  let given: Error | undefined
  const host = await build(t, { 'page.eta': '<%= it.none.at.all %>' }, { production: true })
  host.setErrorHandler((error: Error, request, reply) => {
    given = error
    return reply.code(500).send({ ...error, message: error.message })
  })
  host.get('/', async (request, reply) => reply.render('page'))
  t.strictSame((await host.inject('/')).json(), { code: generic.code, name: 'FastifyError', statusCode: 500, message: generic.message })
  const cause = given?.cause as { file: string, line: number, reason: string, cause: Error }
  t.equal(cause.file, join(host.root, 'page.eta'))
  t.equal(cause.line, 1)
  t.equal(cause.reason, "Cannot read properties of undefined (reading 'at')")
  t.match(cause.cause.stack, `${host.root}/page.eta:1:`)
  await app.close()
})

t.test('names lines of the template in the stack, also of an error that is thrown twice', async (t) => {
  let made: Error | undefined
  const lines: number[] = []
  const app = await build(t, { 'page.eta': '<% let a = 1 %><% let b = 1 %><% let c = 1 %>\n\n\n<%= a + b + c %><% it.fail() %>\n' }, {
    production: true,
    context: { fail: () => { throw (made ??= new Error('made')) } }
  })
  app.setErrorHandler((error: Error, request, reply) => {
    lines.push((error.cause as { line: number }).line)
    return reply.code(500).send('failed')
  })
  app.get('/', async (request, reply) => reply.render('page'))
  await app.inject('/')
  await app.inject('/')
  t.strictSame(lines, [4, 4])
  t.match(made?.stack, `${app.root}/page.eta:4:`)
})

t.test('reads a stack that holds what a client sent, in a time that grows with its length alone', async (t) => {
  const app = await build(t, { 'page.eta': 'a\n\n<% throw it.error %>', 'call.eta': 'a\n<% it.fail(it.text) %>' }, { production: true })
  let cause: { file?: string, line?: number, message: string, cause?: unknown } | undefined
  app.setErrorHandler((error: Error, request, reply) => {
    cause = error.cause as typeof cause
    return reply.code(500).send('failed')
  })
  let given: object = {}
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, given))
  const fail = (text: string): never => { throw new Error(text) }
  const frame = `\n    at x (${app.root}/page.eta:1:1)`
  for (const text of ['\n'.repeat(200_000), ' ('.repeat(100_000), '\n    at '.repeat(50_000), '\n    at x (a:1:1'.repeat(20_000), ':1'.repeat(100_000), frame.repeat(10)]) {
    given = { fail, text }
    const start = performance.now()
    await app.inject('/call')
    t.ok(performance.now() - start < 1000, `${JSON.stringify(text.slice(0, 10))} takes no second`)
    t.match(cause, { file: `${app.root}/call.eta`, line: 2 }, 'and what looks like a frame is none')
  }
  // Frames as V8 writes them, and others.
  const frames: [stack: string, line: number | undefined][] = [
    [`    at async ${app.root}/page.eta:2:1`, 1], [`    at ${app.root}/page.eta:2:1`, 1], ['    at <anonymous>', undefined],
    [`    at f (${app.root}/none.eta:2:1)`, undefined], [`at f (${app.root}/page.eta:2:1)`, undefined], [`    at f (${app.root}/page.eta:1:1)`, undefined]
  ]
  const wrong: unknown[] = []
  for (const message of ['made', 'r', '', 'a\n    at b', 'page.eta', 'changed since']) {
    for (const [stack, line] of frames) {
      const header = `Error: ${message === 'changed since' ? 'before' : message}`
      given = { error: Object.assign(new Error(message), { stack: `${header}\n${stack}` }) }
      await app.inject('/page')
      const { stack: shown } = cause!.cause as Error
      if (cause?.line !== line || !shown!.startsWith('Error: ') || !shown!.includes('\n')) wrong.push([message, stack, line, cause])
    }
  }
  t.same(wrong, [])
})

t.test('leaves the error of an import to a template that catches it', async (t) => {
  const app = await build(t, {
    'index.eta': '<% try { await import("no-such-module") } catch ({ code }) { output(code) } %> ' +
      '<%= await import("./none.js").catch(({ code }) => code) %>'
  }, { index: { view: 'index' } })
  t.equal((await app.inject('/')).body, 'ERR_MODULE_NOT_FOUND ERR_MODULE_NOT_FOUND')
})

t.test('says what is wrong with a call of the renderer', async (t) => {
  const log: { err?: { message: string } }[] = []
  const stream = { write: (line: string) => { log.push(JSON.parse(line)) } }
  const calls: [name: string, args: unknown[], has: string][] = [
    ['the data first', [{}, 'index'], 'an object and then a string'],
    ['the data alone', [{ title: 'x' }], 'an object and then undefined'],
    ['no view', [], 'undefined and then undefined'],
    ['no view but null', [null, {}], 'null and then an object'],
    ['a text in the place of the data', ['index', 'text'], 'a string and then a string'],
    ['a number in the place of the data', ['index', 5], 'a string and then a number'],
    ['a function in the place of the data', ['index', () => ({})], 'a string and then a function']
  ]
  const wrong: unknown[] = []
  for (const production of [true, false]) {
    const app = await build(t, { 'index.eta': 'index' }, { production, server: { logger: { level: 'error', stream } } })
    // The types refuse these calls.
    const render = (reply: FastifyReply, args: unknown[]): FastifyReply => (reply.render as Function).apply(reply, args)
    for (const [index, [, args]] of calls.entries()) {
      app.get(`/render/${index}`, (request, reply) => render(reply, args))
      app.get(`/page/${index}`, async (request, reply) => await (app.page as Function)(reply, ...args))
    }
    app.get('/null', async (request, reply) => render(reply, ['index', null]))
    for (const [index, [name, , has]] of calls.entries()) {
      for (const url of [`/render/${index}`, `/page/${index}`]) {
        log.length = 0
        const answer = await app.inject({ url, remoteAddress: '192.0.2.7' })
        const says = `a view is rendered by its name and then its data, an object; the call has ${has}`
        const isRight = answer.statusCode === 500 && answer.json().message === generic.message &&
          log.length === 1 && log[0]?.err?.message.endsWith(`: ${says}`)
        if (!isRight) wrong.push([name, url, answer.body, log])
      }
    }
    t.equal((await app.inject('/null')).body, 'index', 'no data may be written as null')
  }
  t.same(wrong, [])
})

t.test('writes no control character of an error to a terminal, and no line of its own to a log', async (t) => {
  const hostile = 'a\u001B[2J\u0007b\r\n12:00:00 info: forged\u009B31m\u202Ec\u2028d\u2029e\u007F\u0000\tf'
  const spelled = 'a\\u001b[2J\\u0007b\\r\\n12:00:00 info: forged\\u009b31m\\u202ec\\u2028d\\u2029e\\u007f\\u0000\\tf'
  const control = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u
  const views = {
    'thrown.eta': '<% throw new Error(it.text) %>',
    'string.eta': '<% throw it.text %>',
    'object.eta': '<% throw { text: it.text } %>',
    'called.eta': '<% it.fail(it.text) %>',
    'later.eta': '<% await it.later(it.text) %>',
    'included.eta': '<%~ include("./" + it.text) %>',
    'imported.eta': '<% await import("./" + it.text + ".js") %>',
    'named.eta': '<% throw Object.assign(new Error("x"), { message: it.text }) %>',
    'frozen.eta': '<% throw Object.freeze(new Error(it.text)) %>'
  }
  const wrong: unknown[] = []
  const causes: Error[] = []
  const app = await build(t, views, {
    context: {
      text: hostile,
      fail: (text: string) => { throw new Error(text) },
      later: async (text: string) => { throw new Error(text) }
    },
    server: {
      logger: {
        level: 'error',
        stream: { write: () => {} },
        serializers: {
          err (error) {
            causes.push(error.cause as Error)
            return { type: '', message: '', stack: '' }
          }
        }
      }
    }
  })
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
  for (const view of [...Object.keys(views).map((file) => file.replace('.eta', '')), hostile]) {
    for (const accept of ['text/plain', 'text/html', 'application/json']) {
      causes.length = 0
      const { body } = await app.inject({ url: `/${encodeURIComponent(view)}`, headers: { accept } })
      const { message, stack, cause } = causes[0]!
      const first = message.split('\n')[0]!
      // A frozen error keeps the stack that it has.
      const texts = [body, first, ...view === 'frozen' ? [] : [stack, (cause as Error | undefined)?.stack ?? '']]
      const isRight = (view === hostile || view === 'object' || view === 'included' || first.includes('info: forged')) &&
        !texts.some((text) => control.test(text!) || /^12:00/m.test(text!))
      if (!isRight) wrong.push([view, accept, body, first, stack])
      if (view === 'thrown') t.match(message, `thrown.eta:1: ${spelled}\n> 1 | <% throw new Error(it.text) %>`)
    }
  }
  t.same(wrong, [])
})

t.test('shows control characters of a template itself as text', async (t) => {
  const root = t.testdir({ 'index.eta': 'a\tb\u001B[2J\r\n<% if ( %>\u202E' })
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(templates, { root }), {
    message: `A template is wrong\n\n${root}/index.eta:2: "(" is never closed\n  1 | a\tb\\u001b[2J\n> 2 | <% if ( %>\\u202e\n`
  })
})

t.test('renders a page to text for an error handler, or throws what it can answer otherwise', async (t) => {
  for (const context of [{ site: 'S' }, async () => ({ site: 'S' })]) {
    const app = await build(t, {
      'error.eta': '<%= it.site %> <%= it.message %>', 'broken.eta': '<%= it.none.x %>', 'later.eta': '<%= await it.message %>'
    }, { context })
    app.setErrorHandler(async (error: Error, request, reply) => {
      const { view } = request.params as { view: string }
      const html = await app.page(reply, view, { message: error.message }).catch((error) => `failed: ${error.code}`)
      return reply.code(500).send(html)
    })
    app.get('/:view', async () => { throw new Error('a < b') })
    t.equal((await app.inject('/error')).body, 'S a &lt; b')
    t.equal((await app.inject('/later')).body, 'a &lt; b')
    t.equal((await app.inject('/broken')).body, 'failed: FST_QUICKSTART_TEMPLATES_RENDER')
    t.equal((await app.inject('/none')).body, 'failed: FST_QUICKSTART_TEMPLATES_RENDER')
  }
  const app = await build(t, { 'error.eta': '' }, { context: () => { throw new Error('context') } })
  app.get('/', async (request, reply) => await app.page(reply, 'error').catch((error) => error.message))
  t.equal((await app.inject('/')).body, 'context')
})
