import cluster from 'node:cluster'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import vm from 'node:vm'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { reloadPages } from '../../../app/development/live-reload.ts'
import { reloadScript } from '../../../app/development/reload-script.ts'
import { setEnvironment } from '../../environment.ts'
import { html, start } from '../start.ts'

/** The script's element at the end of a page: its text in the page, or the address of its file. */
const element = /<script (?:nonce="(?<nonce>[^"]*)"|src="(?<src>[^"]+)") data-url="(?<url>[^"]+)" data-state="(?<state>[^"]+)"(?: defer)?>(?<text>[^]*)<\/script>\n$/

interface Element { nonce?: string, src?: string, url: string, state: string, text: string }

function readElement (body: string): Element | undefined {
  return element.exec(body)?.groups as Element | undefined // the groups that the expression names
}

/** The page, and what its script knows. */
async function open (app: FastifyInstance, url: string, headers: Record<string, string> = html) {
  const { body, headers: fields } = await app.inject({ url, headers })
  return { body, fields, script: readElement(body) }
}

const ask = async (app: FastifyInstance, url = '/quickstart-reload') => (await app.inject(url)).body

/** Asks until the answer is another one: it may be remembered for a moment. */
async function differs (app: FastifyInstance, state: string): Promise<boolean> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await setTimeout(20)) {
    if (await ask(app) !== state) return true
  }
  return false
}

/** An app of somebody's own. */
function host (t: Test, folders: string[] = [], prepare: (app: FastifyInstance) => void = () => {}): FastifyInstance {
  setEnvironment(t)
  const app = Fastify()
  t.teardown(() => app.close())
  prepare(app)
  reloadPages(app, folders)
  return app
}

t.test('a page knows the state that it shows, and each edit makes another', async (t) => {
  const dir = t.testdir({ views: { 'index.eta': 'one', sub: { 'a.eta': 'a' } }, public: { 'app.js': '1' } })
  const url = pathToFileURL(join(dir, 'views'))
  for (const root of [join(dir, 'views'), url, url.href]) {
    const app = await start(t, { reload: true, templates: { root }, static: { root: join(dir, 'public') } })
    for (const file of ['views/index.eta', 'views/sub/a.eta', 'public/app.js', 'public/new.js']) {
      const { script } = await open(app, '/')
      t.equal(await ask(app), script?.state)
      writeFileSync(join(dir, file), 'an edit')
      t.ok(await differs(app, script!.state), file)
    }
    rmSync(join(dir, 'public', 'new.js'))
  }
})

t.test('what is edited while a page is made is not what the page shows', async (t) => {
  const folder = t.testdir({ page: 'one' })
  const app = host(t, [folder])
  app.get('/', async (request, reply) => {
    const before = await ask(app)
    writeFileSync(join(folder, 'page'), 'while it is made')
    t.ok(await differs(app, before))
    return reply.type('text/html').send('<p>one</p>')
  })
  const { script } = await open(app, '/')
  t.not(script?.state, await ask(app))
})

t.test('each start has another state, but for workers, which answer for each other', async (t) => {
  const states = async () => await Promise.all([host(t), host(t)].map((app) => ask(app)))
  const [first, second] = await states()
  t.match(first, /^[\w-]+$/)
  t.not(first, second)
  Object.assign(cluster, { isWorker: true })
  t.teardown(() => Object.assign(cluster, { isWorker: false }))
  const [one, other] = await states()
  t.equal(one, other)
})

t.test('pages and frames alone get the script', async (t) => {
  const app = host(t)
  const page = '<p>page</p>'
  app.get('/page', async (request, reply) => reply.type('text/html; charset=utf-8').send(page))
  app.get('/bytes', async (request, reply) => reply.type('text/html').send(Buffer.from(page)))
  app.get('/gone', async (request, reply) => reply.code(404).type('text/html').send(page))
  app.get('/login', async (request, reply) => reply.code(401).type('text/html').send(page))
  app.get('/download', async (request, reply) => {
    return reply.type('text/html').header('content-disposition', 'attachment; filename=page.html').send(page)
  })
  app.get('/packed', async (request, reply) => {
    return reply.type('text/html').header('content-encoding', 'gzip').send(Buffer.from('not read'))
  })
  app.get('/feed', async (request, reply) => reply.type('application/rss+xml').send('<rss/>'))
  app.get('/json', async () => ({ page }))
  app.get('/text', async () => page)
  app.post('/form', async (request, reply) => reply.type('text/html').send(page))

  const dest = (destination: string, more = {}) => ({ ...html, 'sec-fetch-dest': destination, ...more })
  const cases: [url: string, headers: Record<string, string>, isPage: boolean, method?: 'POST'][] = [
    ['/page', dest('document'), true],
    ['/page', dest('iframe'), true],
    ['/page', dest('frame'), true],
    ['/page', dest('document', { accept: '*/*' }), true],
    ['/page', dest('empty'), false],
    ['/page', dest('object'), false],
    ['/page', dest('embed'), false],
    ['/page', dest('script'), false],
    ['/page', html, true],
    ['/page', { accept: 'application/xhtml+xml, text/html;q=0.9' }, true],
    ['/page', { accept: '*/*' }, false],
    ['/page', { accept: 'application/json' }, false],
    ['/page', {}, false],
    ['/page', { accept: 'text/html, */*; q=0.01', 'x-requested-with': 'XMLHttpRequest' }, false],
    ['/page', { ...html, 'hx-request': 'true' }, false],
    ['/page', { ...html, 'turbo-frame': 'messages' }, false],
    ['/page', { ...html, 'x-up-version': '3' }, false],
    ['/bytes', html, true],
    ['/gone', html, true],
    ['/login', html, false],
    ['/download', html, false],
    ['/packed', html, false],
    ['/feed', html, false],
    ['/json', html, false],
    ['/text', html, false],
    ['/form', dest('document'), false, 'POST']
  ]
  const wrong = []
  for (const [url, headers, isPage, method = 'GET'] of cases) {
    const { body, headers: fields } = await app.inject({ url, headers, method })
    const isWhole = Number(fields['content-length']) === Buffer.byteLength(body)
    if ((readElement(body) !== undefined) !== isPage || !isWhole) wrong.push([method, url, headers])
  }
  t.same(wrong, [])
})

t.test('the root app has it in its pages, under a prefix too', async (t) => {
  for (const prefix of ['', '/demo']) {
    const app = await start(t, { reload: true, prefix } as object)
    for (const [url, isPage] of [['/', true], ['/nowhere', true], ['/hello', false], ['/static/app.js', false]] as const) {
      const { script } = await open(app, prefix + url)
      t.equal(script?.url, isPage ? `${prefix}/quickstart-reload` : undefined, prefix + url)
      if (script !== undefined) t.equal(await ask(app, script.url), script.state)
    }
    const { headers, body } = await app.inject(`${prefix}/quickstart-reload.js`)
    t.match(headers['content-type'], 'text/javascript')
    t.equal(body, reloadScript)
  }
})

t.test('an answer to HEAD is as long as that to GET', async (t) => {
  const app = await start(t, { reload: true })
  const [get, head] = await Promise.all((['GET', 'HEAD'] as const).map((method) => app.inject({ method, url: '/', headers: html })))
  t.equal(head?.headers['content-length'], get?.headers['content-length'])
})

t.test('a page is always sent whole, and without a validator of the page that has no script', async (t) => {
  const folder = t.testdir({ 'page.html': '<p>é</p>' })
  const app = await start(t, { reload: true, static: { root: folder } })
  const plain = await app.inject('/static/page.html')
  t.equal(readElement(plain.body), undefined)
  const { etag = '', 'last-modified': lastModified = '' } = plain.headers
  const conditions: Record<string, string>[] = [
    {}, { 'if-none-match': String(etag) }, { 'if-modified-since': String(lastModified) }, { range: 'bytes=0-1' }
  ]
  for (const condition of conditions) {
    const { body, fields, script } = await open(app, '/static/page.html', { ...html, ...condition })
    t.ok(body.startsWith('<p>é</p><script '))
    t.equal(script?.state, await ask(app))
    t.match(fields, { etag: undefined, 'last-modified': undefined, 'accept-ranges': undefined })
  }
  const { headers } = await app.inject({ method: 'HEAD', url: '/static/page.html', headers: html })
  t.match(headers, { etag: undefined, 'content-length': undefined })
})

t.test('the script stands in the page where its policy lets it, else in a file', async (t) => {
  const self = "default-src 'self'"
  const cases: [field: string, policy: string, head: string, isInline: boolean][] = [
    ['', '', '', true],
    ['content-security-policy', self, '', false],
    ['content-security-policy', "script-src 'self' 'nonce-abc'", '', false],
    ['content-security-policy-report-only', self, '', false],
    ['', '', `<meta http-equiv="Content-Security-Policy" content="${self}">`, false],
    ['', '', `<META http-equiv = content-security-policy content="${self}">`, false]
  ]
  for (const [field, policy, head, isInline] of cases) {
    const app = host(t)
    app.get('/', async (request, reply) => {
      if (field !== '') reply.header(field, policy)
      return reply.type('text/html').send(`${head}<p>page</p>`)
    })
    const { script, fields } = await open(app, '/')
    t.match(script, isInline ? { nonce: '', text: reloadScript } : { src: '/quickstart-reload.js', text: '' }, `${field}${head}`)
    if (field !== '') t.equal(fields[field], policy)
  }
})

t.test('in the root app it has the nonce of the policy', async (t) => {
  const cases: [csp: string, isInline: boolean][] = [
    ['strict', true],
    ['off', true],
    ["script-src 'nonce-mine' 'strict-dynamic'", true],
    ["default-src 'none'; script-src 'self'; connect-src 'self'", true],
    ["default-src 'self' 'unsafe-inline'", false],
    ["script-src 'none'", false]
  ]
  for (const [csp, isInline] of cases) {
    const app = await start(t, { reload: true, csp })
    const { script, fields } = await open(app, '/')
    t.equal(script?.text === reloadScript, isInline, csp)
    if (isInline && csp !== 'off') t.match(fields['content-security-policy'], `'nonce-${script?.nonce}'`, csp)
  }
})

t.test('the script is a script, which no page ends early', async (t) => {
  t.ok(new vm.Script(reloadScript))
  t.notMatch(reloadScript, /<\/script|<!--/i)
})

t.test('is off by default and in production, and needs no folders', async (t) => {
  const cases: [given: object, env: Record<string, string>, statusCode: number][] = [
    [{}, {}, 404],
    [{ reload: false }, {}, 404],
    [{ reload: 'false' }, {}, 404],
    [{ reload: true, auth: false }, { NODE_ENV: 'production' }, 404],
    [{ reload: 'true' }, {}, 200],
    [{ reload: true, static: false, templates: false }, {}, 200]
  ]
  for (const [given, env, statusCode] of cases) {
    const app = await start(t, given, env)
    for (const url of ['/quickstart-reload', '/quickstart-reload.js']) {
      t.equal((await app.inject(url)).statusCode, statusCode, JSON.stringify(given))
    }
    t.equal((await open(app, '/')).script !== undefined, statusCode === 200 && !('static' in given))
  }
  await t.rejects(start(t, { reload: 'yes' } as object), { code: 'FST_QUICKSTART_APP_INVALID_OPTION', message: /^"reload" is "yes"/ })

  setEnvironment(t, { NODE_ENV: 'production' })
  const app = Fastify()
  reloadPages(app, [])
  t.equal((await app.inject('/quickstart-reload')).statusCode, 404)
  await app.close()
})

t.test('what pages ask is not in the log, and what fails is', async (t) => {
  const lines: string[] = []
  setEnvironment(t)
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  reloadPages(app, [])
  await ask(app)
  t.same(lines, [])
})
