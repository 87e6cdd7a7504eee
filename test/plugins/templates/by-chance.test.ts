/* eslint-disable no-template-curly-in-string -- templates hold them */
import { inspect } from 'node:util'
import { Eta } from 'eta'
import fc from 'fast-check'
import t from 'tap'
import { runs } from '../../runs.ts'
import { build } from './build.ts'

// Templates made by chance of pieces that mean something to Eta, to JavaScript or to HTML.
t.setTimeout(600_000)

const parts = {
  'layout.eta': '{<%~ it.body %>|<%~ block("b", () => { %>none<% }) %>|<%= it.n %>}',
  'later.eta': '(<%= await it.p %>)',
  'part.eta': '(<%= it.n %>)'
}

const data = () => ({ n: 3, c: 0, list: ['a', 'b'], p: Promise.resolve('p'), html: '<b>"\'&', f: (x: unknown) => `f${x}` })

const text = fc.constantFrom('', ' ', '\n', '\r\n', '\r', '\t', 'a', "it's", '"q"', '`', '\\', '\\n', "\\'", '${x}', '%', '%>', '-%', '_%>',
  '<', '< %', '<b>', '<!-- -->', '/*', '*/', '//', '{', '}', '(', ')', '\u2028', '\u0000', '\uFEFF', '😀')

const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '  ')

const values = ['1', 'it.n', '"s"', "'s'", '`t`', '`a${it.n}b`', '[1, 2]', '[]', '({ a: 1 })', '(1, 2)', '/x/.source', '/[/]%/.source', '-1', '+1', '!0',
  '++it.c', 'it.c++', 'typeof it', 'void 0', 'null', 'undefined', 'it.none?.x', 'it.html', 'it["n"]', 'it.f("x")', 'it.f`x`', 'it.list.map((x) => x)',
  '(() => { return 5 })()', '(function () { return 3 })()', 'class { }', '"%" + ">"', '"<%"', "`'`", '`"`', "'\"'", "'\\''", '"a\\\nb"', '`\n`', '/* c */ 1',
  "/* ' */ 2", '.5', '1n', 'include("./part")', 'include("./part", { n: 7 })', 'capture(() => { output("c") })', 'block("b")', 'await it.p', 'await (it.p)',
  'await [1]', 'await includeAsync("./later")', 'await captureAsync(async () => { output(await it.p) })']

const operators = ['+', '-', '*', '/', ',', '&&', '||', '===', '<', '>', ' in ', '\n+', '\n- ', '\n/ ', '\n* ']

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(...values),
    fc.tuple(tie('value'), fc.constantFrom(...operators), tie('value')).map((parts) => parts.join('')),
    fc.tuple(tie('value'), tie('value')).map(([test, other]) => `${test} ? ${other} : ${test}`),
    fc.tuple(tie('value'), tie('value')).map(([called, given]) => `${called}\n(${given})`),
    tie('value').map((value) => `(${value})`),
    tie('value').map((value) => `[${value}]`),
    tie('value').map((value) => `\`\${${value}}\``))
}))

const statement = fc.oneof(
  value, value.map((value) => `${value};`), value.map((value) => `let x = ${value}`), value.map((value) => `var y = ${value}`),
  value.map((value) => `if (${value})`), value.map((value) => `if (${value}) {`),
  fc.constantFrom('}', '} else {', 'else', '{', ';', '})', '))', ')', '(', '[', '`', '/', '[1, 2].forEach((n) => {', '(() => {', '})()', '`a`', '/a/', '/a/.test("a")',
    'for (const q of [1, 2]) {', 'for (const q of [1, 2])', 'for await (const q of it.list) {', 'it.list.forEach((q) => {', 'try {', '} catch {', '} finally {',
    'block("b", () => {', 'const c = capture(() => {', 'layout("./layout")', 'layout("./layout", { n: 9 })', 'layout("")', 'output("o")', 'if (it.n) return', 'return 5',
    '"use strict"', 'function f () { return 1 }', 'function f () {', 'f()', 'var it = it || {}', 'var capture = capture', 'it = { n: 8 }', 'it.n++', '++it.n', '-x', '+y',
    '// c', '// c\n1', "// it's", '/* c */', '/* c\n */', '1 // c', '<!-- c', '--> c', 'label:', 'eval("output(1)")', 'async () => {', 'await', 'let', '? 1 : 2', ', x', '.x')
)

const tag = fc.oneof(
  fc.tuple(fc.constantFrom('<%', '<%', '<%-', '<%_'), blank, statement, blank, fc.constantFrom('%>', '%>', '-%>', '_%>')),
  fc.tuple(fc.constantFrom('<%=', '<%~', '<%-=', '<%_ ~'), blank, value, blank, fc.constantFrom('%>', '-%>', '_%>'))
).map((parts) => parts.join(''))

const pieces = fc.oneof({ weight: 1, arbitrary: text }, { weight: 2, arbitrary: tag })
const template = fc.array(pieces, { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join('')).filter((source) => source !== '') // @fastify/view takes none

t.test('renders a template made by chance as Eta does, wherever Eta renders it', async (t) => {
  const app = await build(t, parts)
  let source = ''
  let reason: unknown
  app.get('/', async (request, reply) => reply.view({ raw: source } as never, data()))
  app.addHook('onError', async (request, reply, error) => { reason = error.cause })
  await app.ready()
  const eta = new Eta({ views: app.root })
  const scope = () => Object.assign({ asset: () => '', urlFor: () => '', importmap: () => '' }, data())
  // Eta has a promise that nobody awaits end the process.
  const ignore = (): void => {}
  process.on('unhandledRejection', ignore)
  t.teardown(() => process.off('unhandledRejection', ignore))

  let rendered = 0
  await fc.assert(fc.asyncProperty(template, async (made) => {
    source = made
    const expected = [
      await attempt(() => eta.renderString(made, scope())),
      await attempt(() => eta.renderStringAsync(made, scope()))
    ].filter((html) => html !== undefined && html !== '[object Promise]')
    if (expected.length === 0) return
    rendered++
    const { body } = await app.inject('/')
    if (!expected.includes(body)) throw new Error(`${JSON.stringify(expected)} in Eta, here ${body}, ${inspect(reason)}`)
  }), { numRuns: runs, examples: [['<% [1, 2].forEach((n) => { %><%= n %><% }) %>']] })
  t.ok(rendered > runs / 4, `${rendered} of ${runs} were rendered by Eta`)
})

/** What Eta renders, as a page is sent; undefined where it refuses. */
async function attempt (render: () => unknown): Promise<string | undefined> {
  try {
    const html = await render()
    return html === undefined ? '' : String(html)
  } catch {
    return undefined
  }
}
