/* eslint-disable no-template-curly-in-string -- attacks hold them */
import { Eta } from 'eta'
import fc from 'fast-check'
import t from 'tap'
import { escapeHtml } from '../../../lib/escape-html.ts'
import { runs } from '../../runs.ts'
import { build } from './build.ts'

/** What clients have sent to make text into markup. */
const attacks = [
  '<script>alert(1)</script>',
  '<ScRiPt src=//attacker.example></sCrIpT>',
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '" onmouseover="alert(1)',
  "' onfocus='alert(1)' autofocus='",
  '</title><svg/onload=alert(1)>',
  '</textarea><script>alert(1)</script>',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
  '<img src=`x` onerror=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;',
  '<%= it.secret %>',
  '<% throw 1 %>',
  '${alert(1)}',
  "'+alert(1)+'",
  '\\\'><script>alert(1)</script>',
  '<scr\u0000ipt>alert(1)</scr\u0000ipt>',
  '<\u2028script>',
  '\uD800<b>',
  'javascript:alert("1")'
]

/** The value as a browser reads it back. */
function unescape (html: string): string {
  const characters: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }
  return html.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => characters[entity]!)
}

t.test('makes no markup of data in text, in quoted attributes and in URLs', async (t) => {
  const app = await build(t, {
    'layout.eta': '<%~ it.body %><title><%= it.value %></title>',
    'page.eta': '<% layout("./layout") %><p><%= it.value %></p><a title="<%= it.value %>" lang=\'<%= it.value %>\' href="/search?q=<%= encodeURIComponent(it.value) %>">x</a><%~ include("./part", { part: it.value }) %>',
    'part.eta': '<i><%= it.part %></i>'
  }, { production: true })
  app.post('/', async (request, reply) => reply.render('page', request.body as object))

  for (const [index, value] of attacks.map((attack) => attack.replace('\uD800', '?')).entries()) {
    const { body } = await app.inject({ method: 'POST', url: '/', payload: { value } })
    const parts = /^<p>([^<>"']*)<\/p><a title="([^<>"']*)" lang='([^<>"']*)' href="\/search\?q=([^<>"]*)">x<\/a><i>([^<>"']*)<\/i><title>([^<>"']*)<\/title>$/.exec(body)
    t.ok(parts, `attack ${index} stays text`)
    const [, text, double, single, query, part, title] = parts!
    for (const found of [text, double, single, part, title]) t.equal(unescape(found!), value, 'and a browser reads the same value')
    t.equal(decodeURIComponent(unescape(query!)), value)
  }
})

t.test('lets no key of the data become markup', async (t) => {
  const html = '<script>alert(1)</script>'
  const files = {
    'layout.eta': '<title><%~ block("title", () => { %>none<% }) %></title><main><%~ it.body %></main>',
    'page.eta': '<% layout("./layout") %>page <%= it.body %>',
    'copying.eta': '<% layout("./layout", it) %>page',
    'copyingPart.eta': '<% layout("./layout", it.part) %>page',
    'including.eta': '<%~ include("./page", it.part) %>',
    'partial.eta': '<%~ block("title") %><%~ block("toString") %><%~ block("__proto__") %>',
    'includingPartial.eta': '<%~ include("./partial", it.part) %>'
  }
  // Written as JSON, because that makes an own property of `__proto__`, as a client's body does.
  const poison = `{
    "body": "${html}", "__blocks": { "title": "${html}" }, "blocks": { "title": "${html}" },
    "layout": "${html}", "__layout": "${html}", "__out": "${html}", "__own": { "title": "${html}" }, "__calls": "${html}", "__escape": "${html}",
    "__proto__": { "__blocks": { "title": "${html}" }, "body": "${html}", "title": "${html}" },
    "constructor": { "prototype": { "__blocks": { "title": "${html}" } } }, "toString": "${html}", "then": "${html}", "asset": "${html}"
  }`
  for (const production of [true, false]) {
    const app = await build(t, files, { production })
    app.post('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, request.body as object))
    app.post('/view/:view', async (request, reply) => reply.view((request.params as { view: string }).view, request.body as object))
    // Fastify itself refuses `__proto__` in JSON; an app may have another parser.
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => done(null, JSON.parse(body as string)))

    for (const view of Object.keys(files).map((name) => name.slice(0, -'.eta'.length)).filter((view) => view !== 'layout')) {
      for (const url of [`/${view}`, `/view/${view}`]) {
        const answer = await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload: `{ "part": ${poison}, ${poison.slice(1)}` })
        t.equal(answer.statusCode, 200, url)
        t.notMatch(answer.body, '<script>', `${url}: ${answer.body}`)
      }
    }
  }
  t.equal(({} as { title?: string }).title, undefined, 'and no prototype was touched')
})

t.test('escapes what Eta escapes, the same way', async (t) => {
  const { escapeFunction } = new Eta().config
  const values: unknown[] = [...attacks, '', 'plain', '&', '<<>>', 'ends with "', "'starts", 0, -0, 1.5, NaN, 10n, true, null, undefined, ['<', '>'], {}, new Date(0), Symbol('<'), { toString: () => '<b>' }]
  for (const value of values) t.equal(escapeHtml(value), escapeFunction(value))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('&', '<', '>', '"', "'", 'a', '\n', 'é', '😀') }), fc.anything({ withNullPrototype: false })), (value) => {
    let expected: string
    try {
      expected = escapeFunction(value)
    } catch {
      return
    }
    return escapeHtml(value) === expected
  }), { numRuns: runs })
})
