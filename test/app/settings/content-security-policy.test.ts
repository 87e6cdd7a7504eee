import t from 'tap'
import { blocksInline, addNonce } from '../../../app/settings/content-security-policy.ts'
import { findInlineCode } from '../../../app/development/inline-code.ts'
import { captureLog, html, start } from '../start.ts'

const strict = "default-src 'self';base-uri 'self';font-src 'self';form-action 'self';frame-ancestors 'self';" +
  "img-src 'self' data: blob:;media-src 'self' blob:;object-src 'none';script-src 'self' 'wasm-unsafe-eval';" +
  "script-src-attr 'none';style-src 'self'"

t.test('the policy comes from the option, else the setting, else is strict', async (t) => {
  const own = "default-src 'self' https://cdn.example.org"
  const cases: [given: object, env: Record<string, string>, header: string | undefined][] = [
    [{}, {}, strict],
    [{ csp: 'strict' }, { QUICKSTART_CSP: 'off' }, strict],
    [{}, { QUICKSTART_CSP: 'off' }, undefined],
    [{ csp: 'off' }, {}, undefined],
    [{}, { QUICKSTART_CSP: ` ${own} ` }, own],
    [{ csp: own }, { QUICKSTART_CSP: 'off' }, own]
  ]
  for (const [given, env, header] of cases) {
    const app = await start(t, given, env)
    for (const url of ['/', '/hello', '/static/app.js', '/nowhere', '/%zz', '/health']) {
      t.equal((await app.inject({ url, headers: html })).headers['content-security-policy'], header, url)
    }
  }
})

t.test('a policy that is tried comes from the option, else the setting, beside the enforced one', async (t) => {
  const own = "default-src 'self'; report-uri https://reports.example.org/csp"
  const cases: [given: object, env: Record<string, string>, header: string | undefined][] = [
    [{}, {}, undefined],
    [{}, { QUICKSTART_CSP_REPORT_ONLY: ` ${own} ` }, own],
    [{ cspReportOnly: 'strict' }, { QUICKSTART_CSP_REPORT_ONLY: own }, strict],
    [{ cspReportOnly: 'off' }, { QUICKSTART_CSP_REPORT_ONLY: own }, undefined],
    [{ cspReportOnly: own }, {}, own]
  ]
  const wrong: unknown[] = []
  for (const [given, env, header] of cases) {
    for (const csp of ['strict', 'off']) {
      const app = await start(t, { ...given, csp }, env)
      for (const url of ['/', '/hello', '/static/app.js', '/nowhere', '/%zz', '/health']) {
        const { headers } = await app.inject({ url, headers: html })
        const found = [headers['content-security-policy'], headers['content-security-policy-report-only']]
        if (found[0] !== (csp === 'off' ? undefined : strict) || found[1] !== header) wrong.push([given, env, url, found])
      }
    }
  }
  t.same(wrong, [])
})

t.test('a nonce that is printed is in the policy that is tried as well, also where none is enforced', async (t) => {
  const tried = "script-src 'self' https://cdn.example.org"
  for (const csp of ['strict', 'off', tried]) {
    const app = await start(t, {
      csp,
      cspReportOnly: tried,
      routes: async (app) => {
        app.get('/own', async ({ cspNonce }) => `${cspNonce}`)
        app.get('/raw', (request, reply) => { reply.hijack().raw.end(`${request.cspNonce}`) })
        app.get('/set', async ({ cspNonce }, reply) => {
          return reply.header('content-security-policy-report-only', "default-src 'none'").send(`${cspNonce}`)
        })
      }
    })
    for (const url of ['/own', '/raw']) {
      const { body, headers } = await app.inject(url)
      t.equal(headers['content-security-policy-report-only'], addNonce(tried, body), `${url} ${csp}`)
      const enforced = { strict, off: undefined }[csp] ?? csp
      t.equal(headers['content-security-policy'], csp === 'off' ? undefined : addNonce(enforced, body), `${url} ${csp}`)
    }
    t.equal((await app.inject('/set')).headers['content-security-policy-report-only'], "default-src 'none'")
    t.equal((await app.inject('/hello')).headers['content-security-policy-report-only'], tried)
  }
})

t.test('a wrong policy as an option stops the start', async (t) => {
  for (const name of ['csp', 'cspReportOnly']) {
    for (const value of ['on', '', 5, null, 'script-src self', false]) {
      await t.rejects(start(t, { [name]: value } as object), {
        code: 'FST_QUICKSTART_APP_INVALID_OPTION',
        message: new RegExp(`^"${name}" is .* \\(--${name} as a flag\\); it takes strict, off, or the text of a policy`)
      })
    }
  }
})

t.test('a page that prints its nonce has it in the policy, and no other answer has one', async (t) => {
  const dir = t.testdir({
    'index.eta': '<script nonce="<%= it.nonce %>">1</script><style nonce="<%~ it.nonce %>"></style>',
    'error.eta': '<script nonce="<%= it.nonce %>">1</script><%= it.own %>'
  })
  const contexts = [undefined, { own: 'mine' }, () => ({ own: 'mine' }), async () => ({ own: 'mine' })]
  const seen = new Set<string>()
  for (const context of contexts) {
    const app = await start(t, {
      templates: context === undefined ? {} : { context },
      routes: async (app) => {
        app.get('/own', async (request, reply) => reply.type('text/html').send(`<script nonce="${request.cspNonce}">1</script>`))
      }
    }, { QUICKSTART_VIEWS_DIR: dir })
    for (const url of ['/', '/own', '/nowhere', '/%zz']) {
      const { body, headers } = await app.inject({ url, headers: html })
      const nonces = [...body.matchAll(/nonce="([A-Za-z0-9+/]{22}==)"/g)].map(([, nonce = '']) => nonce)
      t.equal(nonces.length, url === '/' ? 2 : 1, url)
      t.equal(headers['content-security-policy'], addNonce(strict, String(nonces[0])))
      t.match(headers['content-security-policy'], `script-src 'self' 'wasm-unsafe-eval' 'nonce-${nonces[0]}'`)
      t.notOk(seen.has(String(nonces[0])), 'each answer has another')
      seen.add(String(nonces[0]))
      if (context !== undefined && url === '/nowhere') t.match(body, 'mine', "the host's own context is there too")
    }
    t.equal((await app.inject('/hello')).headers['content-security-policy'], strict)
  }
  const off = await start(t, { csp: 'off' }, { QUICKSTART_VIEWS_DIR: dir })
  const { body, headers } = await off.inject('/')
  t.match(body, /nonce="[^"]{24}"/)
  t.equal(headers['content-security-policy'], undefined)
})

t.test('a nonce is added where the policy lets it have an effect', async (t) => {
  const cases: [policy: string, addNonce: string][] = [
    ["script-src 'self'", "script-src 'self' 'nonce-N'"],
    ["default-src 'self'", "default-src 'self';script-src 'self' 'nonce-N';style-src 'self' 'nonce-N'"],
    ["script-src 'self' 'unsafe-inline'; style-src a.example", "script-src 'self' 'unsafe-inline';style-src a.example 'nonce-N'"],
    ["script-src 'none'; style-src", "script-src 'none';style-src"],
    ["SCRIPT-SRC-ELEM 'self' ; style-src-elem *;", "script-src-elem 'self' 'nonce-N';style-src-elem * 'nonce-N'"],
    ["img-src 'self'; default-src 'none'", "img-src 'self';default-src 'none';script-src 'none';style-src 'none'"],
    ['upgrade-insecure-requests', 'upgrade-insecure-requests']
  ]
  for (const [policy, expected] of cases) t.equal(addNonce(policy, 'N'), expected, policy)
})

t.test('knows which policy stops inline code', async (t) => {
  const cases: [policy: string, script: boolean, style: boolean][] = [
    [strict, true, true],
    ["default-src 'self'", true, true],
    ["default-src 'self' 'unsafe-inline'", false, false],
    ["default-src 'none'; style-src 'unsafe-inline'", true, false],
    ["script-src 'sha256-abc='", false, false],
    ["script-src 'unsafe-inline'; script-src-elem 'self'", true, false],
    ['img-src *', false, false]
  ]
  for (const [policy, script, style] of cases) {
    t.same([blocksInline(policy, 'script'), blocksInline(policy, 'style')], [script, style], policy)
  }
})

t.test('finds the inline code of a page', async (t) => {
  const cases: [html: string, found: string[]][] = [
    ['<p>text</p>', []],
    ['<script>1</script>', ['an inline <script>']],
    ['<SCRIPT type="module">1</SCRIPT>', ['an inline <script>']],
    ['<script type=importmap>{}</script>', ['an inline <script>']],
    ['<script type="text/javascript" data-a=">">1</script>', ['an inline <script>']],
    ['<script type="">1</script>', ['an inline <script>']],
    ['<script src="/a.js"></script>', []],
    ['<script nonce="abc">1</script><style nonce=abc></style>', []],
    ['<script type="application/json">{"a": "<style>"}</script>', []],
    ['<script type=text/template><p style="x"></script>', []],
    ['<script src="a.js">"<script>"</script><p>', []],
    ['<style>p {}</style><style>a {}</style>', ['an inline <style>']],
    ['<p style="color: red">', ['a style attribute']],
    ["<p\n  STYLE='x' title=\"onclick=1\">", ['a style attribute']],
    ['<button type="button" onclick="a()" onclick=b()>', ['an onclick attribute']],
    ['<a title=" onclick=" href="/?style=1">', []],
    ['<!-- <script>1</script> <p style="x"> --><p>', []],
    ['<!-- <script>', []],
    ['<script>1', ['an inline <script>']],
    ['a < b style="x" > c', []]
  ]
  for (const [page, found] of cases) t.same(findInlineCode(page).map(({ what }) => what), found, page)
})

t.test('reads a page in linear time', async (t) => {
  for (const piece of ['<!--', '<script', '<script>', '<style a="', '<p style', '<p "', '<a onclick']) {
    const begun = performance.now()
    findInlineCode(piece.repeat(20_000))
    t.ok(performance.now() - begun < 1000, piece)
  }
})

t.test('in development, a page with inline code that the policy stops is one line in the log', async (t) => {
  const dir = t.testdir({
    'index.eta': '<script>1</script><p style="x">',
    'fine.eta': '<script nonce="<%= it.nonce %>">1</script>'
  })
  const cases: [env: Record<string, string>, url: string, says: string[]][] = [
    [{}, '/', ['/ holds an inline <script> and a style attribute, which the Content-Security-Policy stops: ' +
      'move it to a file in public/, give the element nonce="<%= it.nonce %>", or set QUICKSTART_CSP']],
    [{}, '/fine', []],
    [{}, '/hello', []],
    [{ QUICKSTART_CSP: "style-src 'self'" }, '/', ['/ holds a style attribute, which']],
    [{ QUICKSTART_CSP: 'off' }, '/', []],
    [{ NODE_ENV: 'production', QUICKSTART_AUTH: 'false' }, '/', []]
  ]
  for (const [env, url, says] of cases) {
    const { lines, logger } = captureLog()
    const app = await start(t, {
      routes: async (app) => { app.get('/fine', async (request, reply) => reply.render('fine')) }
    }, { QUICKSTART_VIEWS_DIR: dir, ...env }, { logger })
    lines.length = 0
    await app.inject(url)
    const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg)
    t.equal(warnings.length, says.length, JSON.stringify([env, url]))
    for (const [index, text] of says.entries()) t.match(warnings[index], text)
  }
})
