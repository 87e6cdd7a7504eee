/* eslint-disable no-template-curly-in-string -- templates hold them */
import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t from 'tap'
import { build, register } from './build.ts'

const modes = [['in production', true], ['in development', false]] as const

for (const [mode, production] of modes) {
  t.test(`renders a view in its layout, ${mode}`, async (t) => {
    const app = await build(t, {
      'layout.eta': '<title><%= it.title %></title><main><%~ it.body %></main><%= it.extra %>',
      'index.eta': '<% layout("./layout", { extra: "own" }) %><h1><%= it.title %></h1><% for (const name of it.names) { %><%~ include("./part/row", { name }) %><% } %>',
      part: { 'row.eta': '<i><%= it.name %> of <%= it.title %></i>' }
    }, { production })
    app.get('/', async (request, reply) => reply.render('index', { title: 'A & B', names: ['one', 'two'] }))

    const answer = await app.inject('/')
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
    t.equal(answer.body, '<title>A &amp; B</title><main><h1>A &amp; B</h1><i>one of A &amp; B</i><i>two of A &amp; B</i></main>own')

    const head = await app.inject({ method: 'HEAD', url: '/' })
    t.equal(head.statusCode, 200)
    t.equal(head.body, '')
    t.equal(head.headers['content-length'], String(answer.body.length))
  })

  t.test(`finds a view by each spelling of its name, ${mode}`, async (t) => {
    const app = await build(t, { 'index.eta': 'index', admin: { 'users.eta': 'users', 'v1.2.eta': 'dotted' }, 'other.txt': 'no view' }, { production })
    app.get('/', async (request, reply) => reply.render((request.query as { view: string }).view))

    for (const [view, html] of [['index', 'index'], ['./index', 'index'], ['/index', 'index'], ['index.eta', 'index'],
      ['admin/users', 'users'], ['./admin/../admin/users.eta', 'users'], ['admin/v1.2', 'dotted']] as const) {
      t.equal((await app.inject({ url: '/', query: { view } })).body, html, view)
      t.equal(app.hasView(view), true, view)
    }
    for (const view of ['', 'none', 'admin', 'other.txt', 'other', '../index', '@index', '/admin/../../index', 'toString', '__proto__', 'index\0', 'x'.repeat(5000)]) {
      t.equal((await app.inject({ url: '/', query: { view }, remoteAddress: '192.0.2.7' })).json().code, 'FST_QUICKSTART_TEMPLATES_RENDER', view.slice(0, 20))
      t.equal(app.hasView(view), false, view.slice(0, 20))
    }
  })

  t.test(`has the tags and functions that Eta documents, ${mode}`, async (t) => {
    const table: [what: string, page: string, html: string][] = [
      ['raw output', '<%~ "<b>" %>', '<b>'],
      ['escaped output', '<%= "<b>" %>', '&lt;b&gt;'],
      ['output()', '<% output("<b>") %>', '<b>'],
      ['a comment', 'a<%/* include("./none") } */%>b', 'ab'],
      ['a line comment', 'a<% // include("./none") } %>b', 'ab'],
      ['trimming', 'a  <%_ _%>  b', 'ab'],
      ['text with quotes and backslashes', 'it\'s `a` \\n ${b}\n', 'it\'s `a` \\n ${b}\n'],
      ['statements without semicolons', '<% let a = 1 %><% let b = 2 %><%= a + b %>', '3'],
      ['a condition without braces', '<% if (false) %>no<% else %>yes', 'yes'],
      ['a tag of several lines', '<%\n  const list = [\n    1,\n    2\n  ]\n%>\n<%= list.length %>', '2'],
      ['a multi-line string', '<%= `a\nb` %>', 'a\nb'],
      ['capture', '<% const x = capture(() => { %>in<% }) %>[<%= x %>]', '[in]'],
      ['an empty tag', 'a<% %>b', 'ab'],
      ['undefined and null', '<%= undefined %> <%= null %>', 'undefined null'],
      ['numbers', '<%= 1.5 %> <%= -0 %> <%= 10n %>', '1.5 0 10'],
      ['an include by an absolute name', '<%~ include("/part/a") %>', 'A'],
      ['an include by a relative name', '<%~ include("./part/a") %>', 'A'],
      ['an include from an include', '<%~ include("./part/up") %>', 'up:A'],
      ['an include by a name made at run time', '<% for (const x of ["a", "a"]) { %><%~ include("./part/" + x) %><% } %>', 'AA'],
      ['an include of another extension', '<%~ include("./logo.svg", { size: 5 }) %>', '<svg width="5"/>'],
      ['an include in a template literal', '<%~ `[${include("./part/a")}]` %>', '[A]'],
      ['what only looks like an include', '<%= "include(\'./none\')" %> include("./none") <%= it.own.include("./none") %>', 'include(&#39;./none&#39;) include("./none") own'],
      ['blocks', '<% layout("./blocks") %><% block("title", () => { %>T<% }) %>body<% block("unused") %>', '<T|default|body|>'],
      ['blocks not given', '<% layout("./blocks") %>body', '<none|default|body|>'],
      ['blocks seen by what the layout includes', '<% layout("./including") %><% block("title", () => { %>T<% }) %>', '[T]'],
      ['a layout in a layout', '<% layout("./inner") %>page', '<I|default|(page)|>'],
      ['a layout of an include', '<%~ include("./inner") %>', '<I|default|()|>'],
      ['a layout chosen at run time', '<% if (it.own) layout("./" + "inner") %>page', '<I|default|(page)|>'],
      ['await', '<% const x = await it.own.later("x") %><%= x %><%~ await includeAsync("./part/later") %>', 'xL:later'],
      ['includeAsync of a template without await', '<%~ await includeAsync("./part/a") %>', 'A'],
      ['captureAsync', '<% const x = await captureAsync(async () => { %>in<%= await 1 %><% }) %>[<%= x %>]', '[in1]'],
      ['blockAsync', '<% layout("./blocksAsync") %><% await blockAsync("title", async () => { %>T<%= await 1 %><% }) %><% await blockAsync("unused") %>', '<T1|2|>'],
      ['a layout with await, of a page without', '<% layout("./blocksAsync") %>', '<none|2|>'],
      ['the word await, in text alone', '<%= "await" %>', 'await']
    ]
    const app = await build(t, {
      ...Object.fromEntries(table.map(([, page], index) => [`page${index}.eta`, page])),
      'blocks.eta': '<<%~ block("title", () => { %>none<% }) %>|<%~ block("other", () => { %>default<% }) %>|<%~ it.body %>|<%~ block("absent") %>>',
      'blocksAsync.eta': '<<%~ await blockAsync("title", async () => { %>none<% }) %>|<%~ await blockAsync("b", async () => { %><%= await 2 %><% }) %>|<%~ await blockAsync("c") %>>',
      'including.eta': '[<%~ include("./part/title") %>]',
      'inner.eta': '<% layout("/blocks") %><% block("title", () => { %>I<% }) %>(<%~ it.body %>)',
      'logo.svg': '<svg width="<%= it.size %>"/>',
      part: { 'a.eta': 'A', 'up.eta': 'up:<%~ include("../part/a") %>', 'title.eta': '<%~ block("title") %>', 'later.eta': '<%= await it.own.later("L") %>:later' }
    }, { production })
    const own = { include: () => 'own', later: async (value: string) => value }
    for (const [index] of table.entries()) app.get(`/${index}`, async (request, reply) => reply.render(`page${index}`, { own, body: '' }))

    const eta = new Eta({ views: app.root })
    for (const [index, [what, , html]] of table.entries()) {
      t.equal(await eta.renderAsync(`page${index}`, { own, body: '' }), html, `${what}, in Eta itself`)
      t.equal((await app.inject(`/${index}`)).body, html, what)
      t.equal((await app.inject(`/${index}`)).body, html, `${what}, again`)
    }
  })
}

t.test('in production, nothing is read after the start', async (t) => {
  const app = await build(t, {
    'layout.eta': '[<%~ it.body %>]',
    'index.eta': '<% layout("./layout") %><%~ include("./part") %><%~ include("./" + "later") %>',
    'part.eta': 'part',
    'later.eta': '<%= it.name %>'
  }, { production: true, index: { view: 'index', data: { name: 'x' } } })
  app.get('/view', async (request, reply) => reply.view('index', { name: 'y' }))
  app.get('/viewAsync', async (request, reply) => reply.viewAsync('index', { name: 'z' }))
  app.get('/other', async (request, reply) => reply.render('other'))
  await app.ready()
  rmSync(app.root, { recursive: true })
  mkdirSync(app.root)
  writeFileSync(join(app.root, 'other.eta'), 'other')
  writeFileSync(join(app.root, 'index.eta'), 'changed')

  t.equal((await app.inject('/')).body, '[partx]')
  t.equal((await app.inject('/view')).body, '[party]')
  t.equal((await app.inject('/viewAsync')).body, '[partz]')
  t.equal((await app.inject('/other')).statusCode, 500)
  t.equal(app.hasView('other'), false)
  t.equal(app.hasView('index'), true)
})

t.test('in development, an edit shows at the next request', async (t) => {
  const app = await build(t, { 'layout.eta': '[<%~ it.body %>]', 'index.eta': '<% layout("./layout") %><%~ include("./part") %>', 'part.eta': 'one' })
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
  const edit = (name: string, content: string): void => writeFileSync(join(app.root, name), content)

  t.equal((await app.inject('/index')).body, '[one]')
  edit('part.eta', 'two')
  t.equal((await app.inject('/index')).body, '[two]')
  edit('layout.eta', '(<%~ it.body %>)')
  t.equal((await app.inject('/index')).body, '(two)')
  edit('index.eta', 'three')
  t.equal((await app.inject('/index')).body, 'three')

  t.equal(app.hasView('fresh'), false)
  edit('fresh.eta', 'fresh')
  t.equal(app.hasView('fresh'), true)
  t.equal((await app.inject('/fresh')).body, 'fresh')
  unlinkSync(join(app.root, 'fresh.eta'))
  t.equal(app.hasView('fresh'), false)
  t.equal((await app.inject('/fresh')).statusCode, 500)
  renameSync(join(app.root, 'part.eta'), join(app.root, 'fresh.eta'))
  t.equal((await app.inject('/fresh')).body, 'two')
})

t.test('answers the index route, below the prefix, with data of its own', async (t) => {
  const files = { 'index.eta': '<h1><%= it.title %></h1>' }
  const table: [index: object, url: string, html: string][] = [
    [{ view: 'index', data: { title: 'object' } }, '/', '<h1>object</h1>'],
    [{ view: 'index', data: (request: FastifyRequest) => ({ title: Object.keys(request.query as object) }) }, '/?q', '<h1>q</h1>'],
    [{ view: 'index', data: async (request: FastifyRequest) => ({ title: request.method }) }, '/', '<h1>GET</h1>'],
    [{ view: 'index', path: '/home' }, '/home', '<h1>undefined</h1>']
  ]
  for (const [index, url, html] of table) {
    for (const prefix of ['', '/pages']) {
      const app = await build(t, files, { prefix, index: index as { view: string } })
      let named: unknown
      app.addHook('onRequest', async (request) => { named = (request.routeOptions.config as { name?: string }).name })
      t.equal((await app.inject(prefix + url)).body, html)
      t.equal(named, 'index')
      t.equal((await app.inject(prefix + '/none')).statusCode, 404)
    }
  }
  t.equal((await (await build(t, files)).inject('/')).statusCode, 404, 'no index route unless asked for')

  const failing = await build(t, files, { index: { view: 'index', data: async () => { throw Object.assign(new Error('gone'), { statusCode: 410 }) } } })
  t.equal((await failing.inject('/')).statusCode, 410)
})

t.test('gives a view what context, locals and the call add, the later one winning', async (t) => {
  const files = { 'index.eta': '<%= it.a %> <%= it.b %> <%= it.c %>' }
  const a = { a: 'context', b: 'context', c: 'context' }
  const contexts: [what: string, context: object][] = [
    ['an object', a],
    ['a function', (request: FastifyRequest) => ({ ...a, a: request.url })],
    ['an async function', async (request: FastifyRequest) => ({ ...a, a: request.url })]
  ]
  for (const [what, context] of contexts) {
    const app = await build(t, files, { context })
    app.get('/', async (request, reply) => {
      Object.assign((reply as unknown as { locals: object }).locals, { b: 'locals', c: 'locals' })
      return reply.render('index', { c: 'data' })
    })
    // Not async: the reply is all it has to return.
    app.get('/sync', (request, reply) => reply.render('index', { c: '' }))
    t.equal((await app.inject('/')).body, `${what === 'an object' ? 'context' : '/'} locals data`, what)
    t.equal((await app.inject('/sync')).body, `${what === 'an object' ? 'context' : '/sync'} context `, what)
  }
  const app = await build(t, files)
  app.get('/', async (request, reply) => reply.render('index'))
  t.equal((await app.inject('/')).body, 'undefined undefined undefined')
})

t.test('shows a view all that an instance has, as Eta does', async (t) => {
  class Vehicle {
    wheels = 4
    get kind () { return `with ${this.wheels} wheels` }
    sound () { return 'hum' }
    inherited () { return this.sound() }
  }
  class Car extends Vehicle {
    static count = 1
    #speed = 50
    name = 'car <1>'
    log: string[] = []
    arrow = () => `arrow of ${this.name}`
    constructor () {
      super()
      Object.defineProperty(this, 'hidden', { value: 'hidden' })
    }

    get speed () { return this.#speed }
    get [Symbol.toStringTag] () { return 'Car' }
    get failing (): string { throw new Error('asked') }
    override sound () { return `${super.sound()} at ${this.#speed}` }
    faster (by: number) { this.#speed += by; this.wheels++; return this }
    async later () { return `later ${this.#speed}` }
    * [Symbol.iterator] () { yield 1; yield 2 }
    override toString () { return `Car ${this.#speed}` }
  }
  const pages: Record<string, string> = {
    'fields.eta': '<%= it.name %> <%= it.wheels %> <%= it.hidden %> <%= it.none %>',
    'getters.eta': '<%= it.speed %> <%= it.kind %>',
    'methods.eta': '<%= it.sound() %> <%= it.inherited() %> <%= it.arrow() %> <%= it.hasOwnProperty("name") %>',
    'changes.eta': '<% it.faster(10) %><%= it.speed %> <%= it.wheels %> <%= it.faster(1).speed %>',
    'async.eta': '<%= await it.later() %>',
    'iterated.eta': '<% for (const x of it) { %><%= x %><% } %> <%= [...it] %>',
    'text.eta': '<%= it %> <%= Object.prototype.toString.call(it) %>',
    'class.eta': '<%= it.constructor.name %> <%= it.constructor.count %>',
    'included.eta': '<%~ include("./keys", { more: 1 }) %>',
    'keys.eta': '<%= [it.name, it.wheels, it.speed, it.more] %>',
    'assigned.eta': '<% it.wheels = 3; it.speed = 1; it.sound = () => "own" %><%= it.wheels %> <%= it.sound() %>',
    'laidOut.eta': '<% layout("./layout") %><%= it.speed %>',
    'layout.eta': '[<%~ it.body %> <%= it.name %> <%= it.speed %>]',
    'in.eta': '<%= "speed" in it %> <%= "none" in it %> <%= typeof it.sound %>',
    'caught.eta': '<% try { it.failing } catch ({ message }) { output(message) } %>'
  }
  const differs = ['assigned'] // in Eta a template can change what the host has
  const wrong: unknown[] = []
  for (const production of [true, false]) {
    const app = await build(t, pages, { production })
    app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, new Car()))
    app.get('/page/:view', async (request, reply) => await app.page(reply, (request.params as { view: string }).view, new Car()))
    const eta = new Eta({ views: app.root })
    for (const view of Object.keys(pages).map((file) => file.replace('.eta', ''))) {
      const expected = differs.includes(view) ? '3 own' : await eta.renderAsync(view, new Car())
      for (const url of [`/${view}`, `/page/${view}`]) {
        const { body } = await app.inject({ url, remoteAddress: '192.0.2.7' })
        if (body !== expected) wrong.push([url, expected, body])
      }
    }
  }
  t.same(wrong, [])
})

t.test('shows what is more than its fields, wherever it comes from, the later one winning', async (t) => {
  class Site {
    #name = 'site'
    get site () { return this.#name }
    get both () { return 'site' }
    asset () { return 'own asset' }
  }
  class Data extends Site {
    override get both () { return 'data' }
    override get site () { return 'site of data' }
  }
  const error = new TypeError('went wrong')
  const dynamic = new Proxy(new Site(), { get: (target, key) => typeof key === 'string' && key !== 'site' ? `dynamic ${key}` : Reflect.get(target, key, target) })
  const wide = '<%= [it.site, it.both, it.data] %>'
  type Options = { context?: object, locals?: object, data?: object }
  const table: [what: string, page: string, options: Options, html: string][] = [
    ['an instance of context', wide, { context: new Site() }, 'site,site,'],
    ['an instance of context alone', '<%= it.site %> <%= `${it}` %> <%= it.user %>', { context: new Site() }, 'site [object Object] null'],
    ['a function of context that gives one', wide, { context: () => new Site() }, 'site,site,'],
    ['an async function of context', wide, { context: async () => new Site() }, 'site,site,'],
    ['plain data above an instance of context', wide, { context: new Site(), data: { both: 'plain', data: 1 } }, 'site,plain,1'],
    ['locals above an instance of context', wide, { context: new Site(), locals: { both: 'locals' } }, 'site,locals,'],
    ['an instance above plain context', wide, { context: { both: 'plain', data: 1 }, data: new Data() }, 'site of data,data,1'],
    ['an instance above locals', wide, { locals: { both: 'locals', data: 1 }, data: new Data() }, 'site of data,data,1'],
    ['an instance above an instance', wide, { context: new Site(), data: new Data() }, 'site of data,data,'],
    ['an asset of its own', '<%= it.asset() %>', { data: new Data() }, 'own asset'],
    ['its user', '<%= it.user %>', { data: Object.assign(new Data(), { user: 'me' }) }, 'me'],
    ['the user of the request', '<%= it.user %>', { data: new Data() }, 'null'],
    ['an error', '<%= it.name %>: <%= it.message %>', { data: error }, 'TypeError: went wrong'],
    ['a list', '<%= it.length %><% for (const x of it) { %><%= x %><% } %><%= it.map((x) => x + x) %>', { data: ['a', 'b'] }, '2abaa,bb'],
    ['a map', '<%= it.get("a") %><%= it.size %>', { data: new Map([['a', 1]]) }, '11'],
    ['a date', '<%= it.toISOString() %>', { data: new Date(0) }, '1970-01-01T00:00:00.000Z'],
    ['an object with a prototype', '<%= it.own + it.inherited %>', { data: Object.create({ inherited: 2 }, { own: { value: 1 } }) }, '3'],
    ['an object without a prototype', '<%= it.own %>', { data: Object.assign(Object.create(null), { own: 1 }) }, '1'],
    ['a getter of a plain object', '<%= it.double %>', { data: { get double () { return 2 } } }, '2'],
    ['a proxy of a plain object', '<%= it.any %> <%= it.own %>', { data: new Proxy({ own: 1 }, { get: (target, key) => Reflect.get(target, key) ?? `dynamic ${String(key)}` }) }, 'dynamic any 1'],
    ['a proxy that names what it does not describe', '<%= it.a %>', { data: new Proxy({}, { ownKeys: () => ['a'], get: (target, key) => key === 'a' ? 1 : undefined }) }, '1'],
    ['a proxy', '<%= it.any %> <%= it.site %>', { data: dynamic }, 'dynamic any site'],
    ['a frozen instance', '<%= it.site %>', { data: Object.freeze(new Site()) }, 'site']
  ]
  const wrong: unknown[] = []
  for (const [what, page, { context = {}, locals = {}, data }, html] of table) {
    const app = await build(t, { 'index.eta': page.replace('it.data]', 'it.data ?? ""]') }, { context })
    app.get('/', async (request, reply) => {
      Object.assign((reply as unknown as { locals: object }).locals, locals)
      return reply.render('index', data)
    })
    const { body } = await app.inject('/')
    if (body !== html) wrong.push([what, html, body])
  }
  t.same(wrong, [])
})

t.test('lets no own key of an instance change a prototype', async (t) => {
  const app = await build(t, { 'index.eta': '<%= it.polluted %> <%= Object.keys(it.given ?? {}) %> <%= it.name %>' })
  class Car { name = 'car' }
  app.get('/', async (request, reply) => reply.render('index', Object.assign(new Car(), JSON.parse('{"constructor":{"prototype":{"polluted":1}}}'))))
  app.get('/own', async (request, reply) => {
    const car = new Car()
    Object.defineProperty(car, '__proto__', { value: { polluted: 1 }, enumerable: true })
    return reply.render('index', car)
  })
  for (const url of ['/', '/own']) t.equal((await app.inject(url)).body, 'undefined  car', url)
  t.equal(({} as { polluted?: number }).polluted, undefined)
})

t.test('prints nothing for a template that ends with a bare return', async (t) => {
  const files: Record<string, string> = {
    'bare.eta': '<% return %>',
    'early.eta': 'a<% if (it.stop) return %>b',
    'later.eta': '<% await 1 %>a<% return %>',
    'undefined.eta': 'a<% return undefined %>',
    'void.eta': '<% return void 0 %>',
    'layout.eta': '<% return %>[<%~ it.body %>]',
    'laidOut.eta': '<% layout("./layout") %>a',
    'null.eta': '<% return null %>',
    'zero.eta': '<% return 0 %>',
    'empty.eta': 'a<% return "" %>'
  }
  const table: [page: string, html: string][] = [
    ['[<%~ include("./bare") %>]', '[]'],
    ['[<%= include("./bare") %>]', '[]'],
    ['[<%~ include("./early", { stop: true }) %><%~ include("./early") %>]', '[ab]'],
    ['[<%~ await includeAsync("./bare") %>]', '[]'],
    ['[<%~ await includeAsync("./later") %>]', '[]'],
    ['[<%~ include("./undefined") %><%~ include("./void") %>]', '[]'],
    ['[<%~ include("./laidOut") %>]', '[]'],
    ['[<%~ await includeAsync("./laidOut") %>]', '[]'],
    ['<% output(include("./bare")) %>a', 'a'],
    ['[<%~ this.render("bare") %>]', '[]'],
    ['[<%= (await Promise.all([includeAsync("./bare"), includeAsync("./later")])).join("|") %>]', '[|]'],
    ['<% layout("./layout") %>a', ''],
    ['<% await 1; layout("./layout") %>a', ''],
    ['a<% return %>', ''],
    // As in Eta: a value is put out.
    ['[<%~ include("./null") %><%~ include("./zero") %><%~ include("./empty") %>]', '[null0]']
  ]
  const wrong: unknown[] = []
  for (const production of [true, false]) {
    const pages = Object.fromEntries(table.map(([page], index) => [`page${index}.eta`, page]))
    const app = await build(t, { ...files, ...pages }, { production })
    app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
    for (const [index, [page, html]] of table.entries()) {
      const { body } = await app.inject(`/page${index}`)
      if (body !== html) wrong.push([page, html, body])
    }
  }
  t.same(wrong, [])
})

t.test('gives pages the nonce that the app has made for the request', async (t) => {
  const app = await build(t, { 'index.eta': '<%= it.nonce %>' }, { index: { view: 'index' } })
  app.decorateRequest('cspNonce')
  app.addHook('onRequest', async (request) => { Object.assign(request, { cspNonce: `nonce of ${request.url}` }) })
  app.get('/own', async (request, reply) => reply.render('index', { nonce: 'own' }))
  t.equal((await app.inject('/')).body, 'nonce of /')
  t.equal((await app.inject('/own')).body, 'own')
})

t.test('sends what context throws to the error handler of the host, as it is', async (t) => {
  const gone = Object.assign(new Error('gone'), { statusCode: 410 })
  for (const context of [() => { throw gone }, async () => { throw gone }]) {
    const app = await build(t, { 'index.eta': '' }, { context })
    app.get('/', async (request, reply) => reply.render('index'))
    const answer = await app.inject('/')
    t.equal(answer.statusCode, 410)
    t.equal(answer.json().message, 'gone')
  }
})

t.test('keeps the type and the status that are set', async (t) => {
  const app = await build(t, { 'index.eta': '<a/>' })
  app.get('/', async (request, reply) => reply.code(418).type('image/svg+xml').render('index'))
  const answer = await app.inject('/')
  t.equal(answer.statusCode, 418)
  t.equal(answer.headers['content-type'], 'image/svg+xml')
})

t.test('gives pages asset, urlFor and user, where those topics are on', async (t) => {
  const app = await build(t, { 'index.eta': '<%= it.asset("app.js") %> <%= it.urlFor("user", { name: "x" }, { query: { a: 1 } }) %> <%= it.user?.name %>' })
  app.decorate('base', '/static/')
  app.decorate('asset', function (this: FastifyInstance, name: string) { return this.getDecorator<string>('base') + name })
  app.decorate('urlFor', (...args: unknown[]) => JSON.stringify(args))
  app.decorateRequest('user', null)
  app.addHook('onRequest', async (request) => { Object.assign(request, { user: request.url === '/in' ? { name: 'alice' } : null }) })
  app.get('/in', async (request, reply) => reply.render('index'))
  app.get('/out', async (request, reply) => reply.render('index'))
  app.get('/view', async (request, reply) => reply.view('index'))

  const url = '[&quot;user&quot;,{&quot;name&quot;:&quot;x&quot;},{&quot;query&quot;:{&quot;a&quot;:1}}]'
  t.equal((await app.inject('/in')).body, `/static/app.js ${url} alice`)
  t.equal((await app.inject('/out')).body, `/static/app.js ${url} undefined`)
  t.equal((await app.inject('/view')).body, `/static/app.js ${url} undefined`)
})

t.test('names the topic to register when a page calls one that is off', async (t) => {
  const app = await build(t, { 'asset.eta': '<%= it.asset("app.js") %>', 'urlFor.eta': '<%= it.urlFor("user") %>', 'user.eta': '<%= it.user %>' })
  let cause: unknown
  app.setErrorHandler((error: Error, request, reply) => {
    cause = (error.cause as Error).message
    return reply.code(500).send('failed')
  })
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
  const elsewhere = { remoteAddress: '192.0.2.7' }
  await app.inject({ url: '/asset', ...elsewhere })
  t.match(cause, /asset\.eta:1: it\.asset\(…\) needs the static topic: register fastify-quickstart\/static\n> 1 \| /)
  await app.inject({ url: '/urlFor', ...elsewhere })
  t.match(cause, /urlFor\.eta:1: it\.urlFor\(…\) needs the params topic: register fastify-quickstart\/params\n> 1 \| /)
  t.match((await app.inject('/asset')).body, 'asset.eta:1: it.asset(…) needs the static topic: register fastify-quickstart/static\n> 1 | ')
  t.equal((await app.inject('/user')).body, 'null', 'nobody is logged in where there is no login')
})

t.test('works twice: side by side, and one inside the other', async (t) => {
  const root = t.testdir({
    outer: { 'index.eta': 'outer index', 'error.eta': 'outer error <%= it.message %>' },
    inner: { 'index.html': 'inner <% layout("./layout") %>', 'layout.html': '[<%~ it.body %>]' },
    beside: { 'index.eta': 'beside' }
  })
  for (const production of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.setErrorHandler((error: Error, request, reply) => reply.code(500).render('error', { message: error.message }))
    await app.register(async (app) => {
      await register(app, { root: join(root, 'outer'), index: { view: 'index' } }, production)
      await app.register(async (app) => {
        await register(app, { root: join(root, 'inner'), extension: '.html', index: { view: 'index' }, prefix: '/inner' }, production)
        app.get('/inner/view', async (request, reply) => reply.view('index'))
        app.get('/inner/fail', async () => { throw new Error('inside') })
        t.equal(app.hasView('index'), true)
        t.equal(app.hasView('error'), true)
        t.equal(app.hasView('none'), false)
      })
      app.get('/view', async (request, reply) => reply.view('index'))
      t.equal(app.hasView('layout'), false)
    })
    await app.register(async (app) => await register(app, { root: join(root, 'beside'), index: { view: 'index' }, prefix: '/beside' }, production))

    t.equal(app.hasDecorator('hasView'), false)
    for (const [url, html] of [['/', 'outer index'], ['/view', 'outer index'], ['/inner', '[inner ]'], ['/inner/view', '[inner ]'],
      ['/inner/fail', 'outer error inside'], ['/beside', 'beside']] as const) {
      t.equal((await app.inject(url)).body, html, url)
    }
  }
})

t.test('leaves reply.view, viewAsync and app.view as @fastify/view has them', async (t) => {
  for (const production of [true, false]) {
    const app = await build(t, {
      'index.eta': '<p><%= it.name %></p>', 'later.eta': '<%= await it.name %>', 'layout.eta': '[<%~ it.body %>]', 'part.eta': 'part'
    }, { production })
    app.get('/view', (request, reply) => { reply.view('index', { name: '<x>' }) })
    app.get('/viewAsync', async (request, reply) => reply.viewAsync('/index.eta', { name: 'x' }))
    app.get('/layout', async (request, reply) => reply.view('index', { name: 'x' }, { layout: 'layout' }))
    app.get('/later', async (request, reply) => reply.view('later', { name: Promise.resolve('x') }))
    app.get('/raw', async (request, reply) => reply.view({ raw: '<%= it.name %><%~ include("./part") %>' } as never, { name: '<' }))
    app.get('/rawAsync', async (request, reply) => reply.view({ raw: '<%= it.name %><%~ await includeAsync("./part") %>' } as never, { name: '<' }, { async: true } as never))
    app.get('/rawFunction', async (request, reply) => reply.view({ raw: '<%~ include((it) => it.name) %>' } as never, { name: 'f' }))
    app.get('/rawAsyncFunction', async (request, reply) => reply.view({ raw: '<%~ await includeAsync((it) => it.name) %>' } as never, { name: 'f' }, { async: true } as never))
    app.get('/async', async (request, reply) => reply.view('later', { name: Promise.resolve('x') }, { async: true } as never))
    app.get('/function', async (request, reply) => reply.view(((data: { name: string }) => `[${data.name}]`) as never, { name: 'f' }))
    app.get('/none', async (request, reply) => reply.view('none'))

    for (const [url, html] of [['/view', '<p>&lt;x&gt;</p>'], ['/viewAsync', '<p>x</p>'], ['/layout', '[<p>x</p>]'], ['/later', 'x'],
      ['/raw', '&lt;part'], ['/rawAsync', '&lt;part'], ['/function', '[f]'], ['/rawFunction', 'f'], ['/rawAsyncFunction', 'f'], ['/async', 'x']] as const) {
      const answer = await app.inject(url)
      t.equal(answer.body, html, url)
      t.equal(answer.headers['content-type'], 'text/html; charset=utf-8', url)
    }
    t.equal(await app.view('index', { name: 'app' }), '<p>app</p>')
    t.strictSame((await app.inject('/none')).json(), { statusCode: 500, code: 'FST_QUICKSTART_TEMPLATES_RENDER', error: 'Internal Server Error', message: 'The page could not be rendered' })
  }
})
