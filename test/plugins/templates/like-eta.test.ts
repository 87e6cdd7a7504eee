/* eslint-disable no-template-curly-in-string -- templates hold them */
import { join } from 'node:path'
import { Eta } from 'eta'
import Fastify from 'fastify'
import t from 'tap'
import templates from '../../../plugins/templates/index.ts'
import { build } from './build.ts'

const parts = {
  'layout.eta': '{<%~ it.body %>|<%~ block("title", () => { %>none<% }) %>|<%= it.extra %>}',
  'later.eta': '<%= await it.later("L") %>',
  'part.eta': '(<%= Object.keys(it) %>)',
  'number.eta': '<% return 5 %>',
  'early.eta': 'a<% if (it.stop) return "early" %>b',
  'tree.eta': '<%= it.tree.name %><% for (const tree of it.tree.children) { %>[<%~ include("./tree", { tree }) %>]<% } %>',
  'count.eta': '<%= it.n %><% if (it.n > 0) { %><%~ include("./count", { n: it.n - 1 }) %><% } %>'
}

const data = () => ({
  p: Promise.resolve('p'),
  n: 3,
  own: { name: 'own' },
  list: ['a', 'b'],
  include: (name: string) => `own ${name}`,
  layout: (name: string) => `own ${name}`,
  later: async (value: string) => value,
  tree: { name: 'a', children: [{ name: 'b', children: [{ name: 'c', children: [] }] }, { name: 'd', children: [] }] }
})

/** Templates that Eta itself renders. */
const table: [what: string, page: string][] = [
  ['await of a bracket', '<%= await (it.p) %>'],
  ['await of a list', '<%= await [1] %>'],
  ['await of a sign', '<%= await -1 %><%= await +1 %>'],
  ['await of a regular expression', '<%= await /x/.source %>'],
  ['await of a template literal', '<%= await `${it.n}` %>'],
  ['await in an async function alone', '<% const f = async () => await (it.p) %><%= typeof f().then %>'],
  ['for await', '<% for await (const x of it.list) { %><%= x %><% } %>'],
  ['await in a string alone', '<%= "await (x)" %>'],
  ['a property named await', '<%= it.await %>'],
  ['an identifier named await in a function', '<% function f () { const await = 1; return await } %><%= f() %>'],
  ['import()', '<% const { sep } = await import("node:path") %><%= sep %>'],
  ['import() without await', '<% import("node:path") %>x'],
  ['import() that looks like one', '<%= "import(x)" /* import("y") */ %>'],
  ['import() with a sum', '<%= (await import("node:" + "path")).sep + (await import("node:os")).EOL %>'],
  ['includeAsync and then', '<%~ await includeAsync("./part").then((html) => html.length) %>'],
  ['includeAsync in Promise.all', '<%= await Promise.all(it.list.map((x) => includeAsync("./later"))) %>'],
  ['includeAsync kept and awaited later', '<% const html = includeAsync("./later") %>a<%~ await html %>'],
  ['a function of the data named include', '<%= it.include("x") %>'],
  ['a function of the data named layout', '<%= it.layout("x") %>'],
  ['a parameter named include', '<% const f = (include) => include("./none") %><%= f((x) => x) %>'],
  ['a local function named asset', '<% const asset = (x) => x %><%= asset("none.js") %>'],
  ['a nested function named layout', '<% { const layout = (x) => x %><%= layout("./none") %><% } %>'],
  ['destructured names', '<% const f = ({ include, ...rest }, [layout] = [(x) => x]) => include("./none") + layout("./none") %><%= f({ include: (x) => x }) %>'],
  ['a caught name', '<% try { throw (x) => x } catch (include) { %><%= include("./none") %><% } %>'],
  ['a caught nothing', '<% try { throw 1 } catch { %>caught<% } %>'],
  ['a class', '<% const f = () => { class asset { static await = 1 } return asset.await } %><%= f() %>'],
  ['a named function expression', '<% const f = function include (n) { return n } %><%= f(1) %>'],
  ['no layout', '<% layout("") %>a'],
  ['no layout after one', '<% layout("./layout") %><% layout("") %>a'],
  ['the last layout of two', '<% layout("./none" + 1) %><% layout("./layout") %>a'],
  ['keys of a partial', '<%~ include("./part", { x: 1 }) %>'],
  ['keys of a partial of other data', '<% it = { x: 1 } %><%~ include("./part", { y: 1 }) %>'],
  ['keys of a partial of no data', '<% it = null %><%~ include("./part") %>'],
  ['data of an include that are null', '<%~ include("./part", null) %>'],
  ['a layout of a page that replaces its data', '<% it = it.own %><% layout("./layout") %><%= it.name %>'],
  ['a function in the place of a template', '<%~ include((it) => it.n, { n: 4 }) %>'],
  ['an async function in the place of a template', '<%~ await includeAsync(async (it) => it.n) %>'],
  ['block names that are numbers', '<% block(1, () => { %>1<% }) %><%~ block("1") %>'],
  ['block names that are objects', '<% layout("./layout") %><% block({ toString: () => "title", valueOf: () => "v" }, () => { %>T<% }) %>'],
  ['block names of the layout', '<% layout("./layout") %><% block("title", () => { %>T<% }) %>'],
  ['a return', 'a<% return %>b'],
  ['a return of a text', 'a<% return "text" %>b'],
  ['a return of a number', 'a<% return 7 %>b'],
  ['a return in a branch', 'a<% if (it.n > 5) return "big" %>b'],
  ['a return before a layout', '<% layout("./layout") %><% return "alone" %>'],
  ['a return of an include', '<% return include("./early", { stop: true }) %>'],
  ['a return of what was awaited', '<% return await it.p %>'],
  ['an include that returns', '<%~ include("./early", { stop: true }) %><%~ include("./early") %><%~ include("./number") %>'],
  ['a tree', '<%~ include("./tree") %>'],
  ['a deep recursion', '<%~ include("./count", { n: 300 }) %>'],
  ['capture with an error', '<% try { capture(() => { %>lost<% throw 1 }) } catch { } %>kept'],
  ['output in an output', 'a<%= (output("b"), "c") %>'],
  ['two values', '<%= 1, 2 %><%~ 3, 4 %>'],
  ['nothing', '<%= %>'],
  ['this', '<%= typeof this.render %>'],
  ['this.render', '<%~ this.render("part", { x: 1 }) %><%~ this.render((it) => it.n, it) %>'],
  ['this.renderAsync', '<%~ await this.renderAsync("part", { x: 1 }) %><%~ await this.renderAsync((it) => it.n, it) %>'],
  ['a promise given to a function of the data', '<%= await it.later(includeAsync("./later")) %>'],
  ['a parameter named it', '<%= ((it) => it.asset("none.js"))({ asset: (x) => x }) %>'],
  ['strings with escapes', '<%= "a\\n\\t\\u0041\\x41" + \'\\\'\' + "\\"" %>'],
  ['an escaped name of a template', '<%~ include("./p\\x61rt") %>'],
  ['text with control characters', 'a\r\nb\rc\u2028d\u2029e\\n\'"`${x}\u0000'],
  ['trimming', 'a\n<%_ if (it.n) { -%>\n b \n<%- } _%>\n c\n<% -%>\n\n<%= it.n -%>\n'],
  ['an increment before the end of a tag', '<% let i = 1 %><% i++ %><%= i-- %><%= i %>'],
  ['division', '<%= it.n / 2 / 1 %>'],
  ['optional calls', '<%= it.none?.include("./x") ?? "none" %>'],
  ['logic', '<%= it.n && it.own.name || "x" %><% let y; y ??= 1; y ||= 2; y &&= 3 %><%= y %>'],
  ['sequences', '<% const x = (1, 2); const f = (a) => (a, x) %><%= f(1), x %><%= (1, 2) %><% (it.n, it.n) %>'],
  ['a switch', '<% switch (it.n) { case 3: %>three<% break; default: %>other<% } %>'],
  ['a generator', '<% function * g () { yield 1; yield 2 } %><%= [...g()] %>'],
  ['eval', '<%~ eval("include(\'./part\')") %>'],
  ['nested template literals', '<%= `a${`b${it.n}`}` %>'],
  // A line that begins so goes on with the line above, unless that one ends with a semicolon.
  ['a first tag that begins with [', '<% [1, 2].forEach((n) => { %><%= n %><% }) %>'],
  ['a first tag that begins with (', '<% (() => { output("called") })() %>'],
  ['a first tag that begins with a template literal', '<% `${output("text")}` %>'],
  ['a first tag that begins with a tagged template', '<% `a`.split("").forEach((x) => { output(x) }) %>'],
  ['a first tag that begins with a regular expression', '<% /a/.test("a") && output("matched") %>'],
  ['a first tag that begins with a sign', '<% +output("plus") %><% -output("minus") %>'],
  ['a first tag that begins with an increment', '<% ++it.n %><% --it.n %><% ++it.n %><%= it.n %>'],
  ['a first tag that begins with a comment', '<% /* c */ [1].map((n) => { %><%= n %><% }) %>'],
  ['a first tag that begins with a line comment', '<% // c\n(() => { %>called<% })() %>'],
  ['a first tag that begins with an empty line', '<%\n\n[1].map((n) => { %><%= n %><% })\n%>'],
  ['a first tag that trims', '<%_ [1].map((n) => { _%>  <%= n %><% }) -%>\n'],
  ['a first tag after Windows\' line end', '<%\r\n[1].map((n) => { %>\r\n<%= n %><% })\r\n%>'],
  ['such a first tag with await', '<% [await it.p].forEach((p) => { %><%= p %><% }) %>'],
  ['such a first tag with a layout', '<% [1].map((n) => { %><%= n %><% }) %><% layout("./layout") %>'],
  ['such a first tag with blocks', '<% [1].map((n) => { block("title", () => {}) }) %><% layout("./layout") %>'],
  ['such a first tag with an include', '<% ["./part"].forEach((name) => { %><%~ include(name) %><% }) %>'],
  ['such a first tag with a capture', '<% (() => { output(capture(() => { %>c<% })) })() %>'],
  ['such tags after text', 'a\n<% let b = 1 %>\n<% ;[b].map((n) => { %><%= n %><% }) %>\n<% ;(() => {})() %>'],
  ['a first tag that puts out a list', '<%= [1, 2] %><%~ (1, 2) %><%= `a` %><%= /a/ %>'],
  ['a directive', '<% "use strict" %><% undeclared = 1 %>a<% delete globalThis.undeclared %>'],
  ['a directive of an async page', '<% "use strict" %><% undeclared = await 1 %>a<% delete globalThis.undeclared %>'],
  ['a var named it', '<% var it = it || {} %><%= it.n %>'],
  ['a var named it of an async page', '<% var it = it || {} %><%= await it.n %>'],
  ['a var named capture of an async page', '<% var capture = capture; await 1; const c = capture(() => { %>c<% }) %><%= c %>'],
  ['eval of a function of the page', '<% eval("out" + "put(1)") %>'],
  ['a layout under a condition that ends the page', '<% layout("./layout") %>a<% if (it.n > 5) %>'],
  ['a layout in a loop that ends the page', '<% layout("./layout") %>a<% for (const n of [1, 2]) %>'],
  ['a condition that ends a page with an await', '<% await it.p %>a<% if (it.n > 5) %>'],
  ['globals of its own', '<% let undefined, Map, String, Promise, Object %><% block("title", () => { %>T<% }) %><%= include("./number") %>'],
  ['globals of its own in a page with a layout', '<% let Map, String %><% layout("./layout") %><% block("title", () => { %>T<% }) %>'],
  ['globals of its own in an async page', '<% let undefined, Map, String %><%= await it.p %><%~ await captureAsync(async () => { %>c<% }) %>'],
  ['an await in a computed name of a class', '<% class A { static [await it.p] = 1 } %><%= A.p %>'],
  ['names of a loop', '<% for (it of it.list) { %><%= it %><% } %>'],
  ['lone carriage returns', '<%\r"a"\r%>b<%= it\r.n %>'],
  ['line separators', '<% "a\u2028b"\u2028%>c\u2029<%= it\u2029.n %>'],
  ['the end of a tag in strings', '<%= "%>" %><%= \'-%>\' %><%= `_%>` %><%~ "<%" %>'],
  ['the end of a tag in a comment', 'a<%/* %> */%>b'],
  ['HTML comments', '<!-- <%= it.n %> --><%\n--> c\n%>'],
  ['a label', '<% list: for (const x of it.list) { %><%= x %><% continue list } %>'],
  ['with', '<% with (it) { %><%= n %><% } %>']
]

t.test('renders what Eta renders, the same way', async (t) => {
  const files = { ...parts, ...Object.fromEntries(table.map(([, page], index) => [`page${index}.eta`, page])) }
  const wrong: unknown[] = []
  for (const production of [true, false]) {
    const app = await build(t, files, { production })
    for (const index of table.keys()) {
      const raw = { raw: table[index]![1] } as never
      app.get(`/${index}`, async (request, reply) => reply.view(`page${index}`, data()))
      app.get(`/raw/${index}`, async (request, reply) => reply.view(raw, data()))
      app.get(`/rawAsync/${index}`, async (request, reply) => reply.view(raw, data(), { async: true } as never))
    }
    const eta = new Eta({ views: app.root })
    for (const [index, [what]] of table.entries()) {
      const scope = Object.assign({ asset: () => '', urlFor: () => '', importmap: () => '' }, data())
      const html = await eta.renderAsync(`page${index}`, scope)
      const expected = html === undefined ? '' : String(html)
      for (const url of [`/${index}`, `/raw/${index}`, `/rawAsync/${index}`]) {
        const { body } = await app.inject(url)
        if (body !== expected) wrong.push([what, url, expected, body])
      }
    }
  }
  t.same(wrong, [])
})

t.test('takes await for a variable where Eta renders a page that is not async', async (t) => {
  const page = '<% var await = 1 %><%= await %>a<% if (it.n > 5) %>'
  const app = await build(t, { 'index.eta': page })
  app.get('/', async (request, reply) => reply.render('index', data()))
  t.equal((await app.inject('/')).body, new Eta().renderString(page, data()))
})

t.test('keeps a host\'s object as it is', async (t) => {
  const host = Object.freeze({ name: 'host' })
  const app = await build(t, { 'index.eta': '<% it = it.host %><% layout("./layout") %><%= it.name %>', 'layout.eta': '[<%~ it.body %> <%= it.name %>]' })
  app.get('/', async (request, reply) => reply.render('index', { host }))
  t.equal((await app.inject('/')).body, '[host host]')
})

t.test('understands quotes in comments and regular expressions, which mislead Eta', async (t) => {
  const readings: [page: string, html: string][] = [
    ["<% // it's a comment %>a", 'a'],
    ["<% // it's a comment -%>\na", 'a'],
    ["a <%_ // it's a comment _%> b", 'ab'],
    ["<% // it's %>// text /* and */ `more", '// text /* and */ `more'],
    ["<% // it's %>\n// text /* and */ `more\n", '// text /* and */ `more\n'],
    ['<% // "quoted\nlet a = 1 %><%= a %>', '1'],
    ["<% // it's\n// don't\n%>a", 'a'],
    ["<% let a = 1 // it's\n%><%= a %>'", "1'"],
    ['<% /* it\'s */ let b = "x" // "\n%><%= b %>', 'x'],
    ['<%= it.text.replace(/"/g, "-") %>', 'a-b'],
    ["<%= it.text.replace(/[\"']/, '') %>", 'ab'],
    ['<%= /`/.test("`") %>', 'true'],
    ['<%= "\\-" + \'\\/\' %>', '-/'],
    ['<% const f = (x) => `${x.map((y) => `${y ? `{${y}}` : ""}`)}` // it\'s\n%><%= f([1]) %>', '{1}'],
    ["<% if (true) { // it's open %>\nyes\n<% } // it's closed %>\n", 'yes\n']
  ]
  const app = await build(t, Object.fromEntries(readings.map(([page], index) => [`page${index}.eta`, page])))
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, { text: 'a"b' }))
  for (const [index, [page, html]] of readings.entries()) t.equal((await app.inject(`/page${index}`)).body, html, page)
})

t.test('keeps the process alive when a promise of a template is forgotten', async (t) => {
  const rejected: unknown[] = []
  const listen = (reason: unknown): void => { rejected.push(reason) }
  process.on('unhandledRejection', listen)
  t.teardown(() => process.off('unhandledRejection', listen))
  const app = await build(t, {
    'fail.eta': '<% await 1; throw new Error("late") %>',
    'include.eta': '<% const p = includeAsync("./fail") %>a',
    'map.eta': '<% it.list.map((x) => includeAsync("./fail")) %>a',
    'missing.eta': '<% const p = includeAsync("./" + "none") %>a',
    'caught.eta': '<%= await includeAsync("./" + "none").catch(() => "a") %>',
    'capture.eta': '<% const p = captureAsync(async () => { throw 1 }) %>a',
    'block.eta': '<% const p = blockAsync("x", async () => { throw 1 }) %>a',
    'import.eta': '<% import("none-of-that-name") %>a',
    'relative.eta': '<% const { default: x } = await import("./x.js") %><%= x %>',
    'x.js': 'export default "x"'
  })
  app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, { list: [1] }))
  for (const view of ['include', 'map', 'missing', 'caught', 'capture', 'block', 'import']) {
    t.equal((await app.inject(`/${view}`)).body, 'a', view)
  }
  t.equal((await app.inject('/relative')).body, 'x', 'a relative import is of a file beside the template')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.strictSame(rejected, [])
})

t.test('refuses at the start a promise that is put out or dropped, and a circle without an end', async (t) => {
  const promise = (call: string): string => `${call}(…) gives a promise: write await ${call}(…)`
  const refused: [page: string, says: string][] = [
    ...['<%~ includeAsync("./ok") %>', '<%= includeAsync("./ok") %>', '<% includeAsync("./ok") %>', '<%~ "a" + includeAsync("./ok") %>',
      '<%~ `${includeAsync("./ok")}` %>', '<%~ it.x ? includeAsync("./ok") : "" %>', '<%~ it.x && includeAsync("./ok") %>', '<%~ (1, includeAsync("./ok")) %>',
      '<% let h = ""; h += includeAsync("./ok") %>', '<% output(includeAsync(it.x)) %>', '<% (includeAsync("./ok"), 1) %>', '<% for (const x of it.list) { includeAsync(x) } %>'
    ].map((page): [string, string] => [page, promise('includeAsync')]),
    ['<%~ captureAsync(async () => {}) %>', promise('captureAsync')],
    ['<% blockAsync("x", async () => {}) %>', promise('blockAsync')],
    ['<%~ include("./page") %>', 'page.eta → page.eta'],
    ['<% await 1 %><%~ await includeAsync("./page") %>', 'page.eta → page.eta'],
    ['<% await 1 %><% layout("./page") %>', 'page.eta → page.eta'],
    ['<% const x = include("./page") + 1 %>', 'page.eta → page.eta'],
    ['<% if (include("./page")) { } %>', 'page.eta → page.eta'],
    ['<%= include("./page") ? 1 : 2 %>', 'page.eta → page.eta'],
    ['<%= await Promise.all([includeAsync("./page"), includeAsync("./page")]) %>', 'page.eta → page.eta'],
    ['<% return include("./page") %>', 'page.eta → page.eta'],
    ['<%~ include("./circle") %>', 'circle.eta → page.eta → circle.eta']
  ]
  for (const [page, says] of refused) {
    const app = Fastify()
    t.teardown(() => app.close())
    const root = t.testdir({ 'ok.eta': 'ok', 'page.eta': page, ...(page.includes('circle') && { 'circle.eta': '<% layout("./page") %>' }) })
    const error = await app.register(templates, { root }).then(() => undefined, (error) => error)
    t.equal(error?.code, 'FST_QUICKSTART_TEMPLATES_INVALID', page)
    t.match(error?.message, says, page)
    t.match(error?.message, `${root}/`, page)
  }
  const accepted = ['<% if (it.x) { %><%~ include("./page") %><% } %>', '<%= it.x ? include("./page") : 1 %>', '<%= it.x && include("./page") %>', '<% let y; y ??= include("./page") %>',
    '<% if (!it.x) return %><%~ include("./page") %>', '<% const f = () => include("./page") %>', '<% if (it.x) layout("./page"); layout("") %>', '<% layout("./page"); if (!it.x) layout("") %>',
    '<% try { %><%~ include("./page") %><% } catch {} %>', '<% const p = includeAsync(it.x); await p %>', '<% return includeAsync("./ok") %>', '<% for (const x of []) { %><%~ include("./page") %><% } %>',
    '<%~ include("./" + "page") %>', '<% block("x", () => { %><%~ include("./page") %><% }) %>']
  for (const page of accepted) await t.resolves(async () => { await build(t, { 'ok.eta': 'ok', 'page.eta': page }) }, page)
})

t.test('leaves out a byte order mark, and refuses a file that is not UTF-8', async (t) => {
  const app = await build(t, { 'layout.eta': '\uFEFF<html><%~ it.body %>', 'index.eta': '\uFEFF<% layout("./layout") %><%~ include("./part") %>', 'part.eta': '\uFEFFpart' })
  app.get('/', async (request, reply) => reply.render('index'))
  t.equal((await app.inject('/')).body, '<html>part')

  const table: [what: string, bytes: Buffer, line: number][] = [
    ['Latin-1', Buffer.from('a\ncaf\xE9\n', 'latin1'), 2],
    ['UTF-16', Buffer.from('\uFEFFa', 'utf16le'), 1],
    ['a cut character', Buffer.from([0x61, 0x0A, 0x0A, 0xE2, 0x82]), 3]
  ]
  for (const [what, bytes, line] of table) {
    const root = t.testdir({ 'index.eta': bytes })
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(templates, { root }), {
      code: 'FST_QUICKSTART_TEMPLATES_INVALID',
      message: `${join(root, 'index.eta')}:${line}: the file is not UTF-8; save it as UTF-8`
    }, what)
  }
})
