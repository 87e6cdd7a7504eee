import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import staticFiles, { type StaticOptions } from '../../../plugins/static/index.ts'
import { rawRequest } from './raw-request.ts'

/* Folders with an index, and front ends that read the URL in the browser: the options `index` and `fallback`. */

/** What a browser sends when somebody opens a page. */
const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8' }
const page = '<!doctype html><title>The front end</title>'
const tree = {
  'index.html': page,
  'app.js': 'app.js',
  '.env': 'SECRET=1',
  assets: { 'index-B1x2.js': 'bundle' },
  docs: {
    'index.html': 'docs', 'page.html': 'page', deep: { 'index.html': 'deep' }, 'grüße & so': { 'index.html': 'hello' }
  },
  empty: { 'a.txt': 'a' },
  'evil.example': { 'index.html': 'evil' },
  '.git': { 'index.html': 'SECRET=2' }
}

interface Setting extends Partial<StaticOptions> {
  server?: FastifyServerOptions
  /** Adds what the host has beside the files. */
  host?: (app: FastifyInstance) => unknown
}

async function start (t: Test, { server = {}, host, ...options }: Setting = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(staticFiles, { ...options, root: options.root ?? t.testdir(tree) })
  await host?.(app)
  return app
}

const modes = [['disk', { memory: false }], ['memory', { memory: true }]] as const

for (const [mode, options] of modes) {
  t.test(`a folder answers with its index, under one URL: from ${mode}`, async (t) => {
    const below = await start(t, { ...options, index: 'index.html' })
    const atRoot = await start(t, { ...options, index: 'index.html', prefix: '/' })
    const rows: [app: FastifyInstance, target: string, status: number, answer?: string][] = [
      [below, '/static/', 200, page],
      [below, '/static/?a=1', 200, page],
      [below, '/static', 308, '/static/'],
      [below, '/static?a=%20b', 308, '/static/?a=%20b'],
      [below, '/static/index.html', 308, '/static/'],
      [below, '/static/docs/', 200, 'docs'],
      [below, '/static/docs', 308, '/static/docs/'],
      [below, '/static/docs?a=/b#c', 308, '/static/docs/?a=/b#c'],
      [below, '/static/docs/index.html?path=/story/x--y', 308, '/static/docs/?path=/story/x--y'],
      [below, 'http://host/static/docs', 308, '/static/docs/'],
      [below, '/static/docs/page.html', 200, 'page'],
      [below, '/static/docs/deep', 308, '/static/docs/deep/'],
      [below, '/static/docs/deep/', 200, 'deep'],
      [below, '/static/docs/gr%C3%BC%C3%9Fe%20&%20so/', 200, 'hello'],
      [below, '/static/docs/gr%C3%BC%C3%9Fe%20&%20so', 308, '/static/docs/gr%C3%BC%C3%9Fe%20&%20so/'],
      [below, '/static/docs/gr%C3%BC%C3%9Fe%20%26%20so', 308, '/static/docs/gr%C3%BC%C3%9Fe%20&%20so'],
      [below, '/static/empty/', 404],
      [below, '/static/empty', 404],
      [below, '/static/empty/index.html', 404],
      [below, '/static/docs//', 404],
      [below, '/static//docs/', 404],
      [below, '/static/app.js/', 404],
      [below, '/static/docs%2F', 404],
      [below, '/static/.git/', 404],
      [below, '/static/.git', 404],
      [below, '/static/docs/../docs', 404],
      [atRoot, '/', 200, page],
      [atRoot, '/index.html', 308, '/'],
      [atRoot, '/docs', 308, '/docs/'],
      [atRoot, '/docs/', 200, 'docs'],
      [atRoot, '/app.js', 200, 'app.js'],
      [atRoot, '//', 404],
      [atRoot, '//docs', 404],
      [atRoot, '//evil.example', 404],
      [atRoot, '/\\evil.example', 404],
      [atRoot, '/%5Cevil.example', 404],
      [atRoot, '/%2Fevil.example', 404],
      [atRoot, '/%2F/evil.example', 404],
      [atRoot, '/%09/evil.example', 404],
      [atRoot, '/evil.example', 308, '/evil.example/'],
      // A spelling is looked at before any file.
      [atRoot, '//evil.example/%40', 308, '/evil.example/@'],
      [atRoot, '/\\evil.example/%40', 308, '/evil.example/@'],
      [atRoot, '/\\/evil.example/%40', 308, '/evil.example/@']
    ]
    for (const app of [below, atRoot]) await app.listen({ port: 0, host: '127.0.0.1' })
    const wrong = []
    for (const [app, target, status, expected] of rows) {
      const answer = await rawRequest(app, 'GET', target)
      const told = answer.status === 308 ? answer.fields.location : answer.body.toString()
      const isRight = answer.status === status && (expected === undefined || told === expected)
      if (!isRight) wrong.push([target, answer.status, told])
      if (answer.status === 308 && answer.fields['cache-control'] !== 'no-cache') wrong.push([target, 'is kept'])
    }
    t.same(wrong, [])
  })

  t.test(`an index is answered as any file: from ${mode}`, async (t) => {
    const app = await start(t, { ...options, index: 'index.html' })
    const whole = await app.inject('/static/docs/')
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache', 'accept-ranges': 'bytes' }
    t.match(whole.headers, headers)
    const { etag } = whole.headers
    const rows: [method: 'GET' | 'HEAD' | 'POST', headers: Record<string, string>, status: number, body: string][] = [
      ['HEAD', {}, 200, ''],
      ['GET', { 'if-none-match': String(etag) }, 304, ''],
      ['GET', { 'if-match': '"x"' }, 412, '*'],
      ['GET', { range: 'bytes=1-2' }, 206, 'oc'],
      ['POST', {}, 405, '*']
    ]
    const wrong = []
    for (const [method, headers, status, body] of rows) {
      const answer = await app.inject({ method, url: '/static/docs/', headers })
      const isRight = answer.statusCode === status && (body === '*' || answer.body === body)
      if (!isRight) wrong.push([method, headers, answer.statusCode, answer.body])
    }
    t.same(wrong, [])
    t.same([app.asset('docs/index.html'), app.asset('index.html')], ['/static/docs/', '/static/'], 'linked by its folder')
    t.throws(() => app.asset('empty/index.html'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
  })

  t.test(`the fallback is for pages that nothing else answers: from ${mode}`, async (t) => {
    const host = (app: FastifyInstance): void => {
      app.get('/own', async () => 'own')
      app.get('/users/:id', async () => 'user')
      app.register(async (part) => { part.get('/items', async () => 'items') }, { prefix: '/api' })
      app.register(async (part) => { part.get('/list', async () => 'list') }, { prefix: '/t/:tenant/data' })
    }
    const both = await start(t, { ...options, index: 'index.html', fallback: 'index.html', prefix: '/', host })
    const beside = (app: FastifyInstance): void => {
      for (const prefix of ['/', '/app', '/other']) app.register(async () => {}, { prefix })
    }
    const below = await start(t, { ...options, fallback: 'docs/page.html', prefix: '/app/', host: beside })
    type Headers = Record<string, string>
    const rows: [app: FastifyInstance, url: string, headers: Headers, status: number, body?: string][] = [
      [both, '/app/some/route', browser, 200, page],
      [both, '/app/some/route/', browser, 200, page],
      [both, '/app/a%2Fb?x=1', browser, 200, page],
      [both, '/v1.2', browser, 200, page],
      [both, '/app/some/route', { accept: 'text/html' }, 200, page],
      [both, '/app/some/route', { accept: 'text/*' }, 200, page],
      [both, '/app/some/route', { accept: 'application/xhtml+xml, text/html;q=0.9' }, 200, page],
      [both, '/app/some/route', { accept: 'text/html;q=0.2, application/json;q=0.1' }, 200, page],
      [both, '/app/some/route', { ...browser, 'sec-fetch-dest': 'document' }, 200, page],
      [both, '/app/some/route', { ...browser, 'sec-fetch-dest': 'empty' }, 200, page],
      [both, '/app/some/route', {}, 404],
      [both, '/app/some/route', { accept: '' }, 404],
      [both, '/app/some/route', { accept: '*/*' }, 404],
      [both, '/app/some/route', { accept: 'text/html;q=0, */*' }, 404],
      [both, '/app/some/route', { accept: 'application/json, text/html;q=0.9' }, 404],
      [both, '/assets/x.js', { accept: '*/*', 'sec-fetch-dest': 'script' }, 404],
      [both, '/assets/x.js', { ...browser, 'sec-fetch-dest': 'script' }, 404],
      [both, '/assets/x.css', { accept: 'text/css,*/*;q=0.1' }, 404],
      [both, '/assets/x.png', { accept: 'image/avif,image/webp,*/*;q=0.8' }, 404],
      [both, '/assets/index-B1x2.js', browser, 200, 'bundle'],
      [both, '/docs/', browser, 200, 'docs'],
      [both, '/docs', browser, 308],
      [both, '/.env', browser, 404],
      [both, '/.well-known/security.txt', browser, 404],
      [both, '/app/.git/config', browser, 404],
      [both, '/app//x', browser, 404],
      [both, '/app%5Cx', browser, 404],
      [both, '/own', browser, 200, 'own'],
      [both, '/users/5', browser, 200, 'user'],
      [both, '/users/5/edit', browser, 200, page],
      [both, '/api/items', browser, 200, 'items'],
      [both, '/api/other', browser, 404],
      [both, '/API%2Fother', browser, 404],
      [both, '/api', browser, 404],
      [both, '/apis', browser, 200, page],
      [both, '/t/acme/data/x', browser, 404],
      [both, '/t/acme/other', browser, 200, page],
      [below, '/app/', browser, 200, 'page'],
      [below, '/app/x', browser, 200, 'page'],
      [below, '/%61pp/x', browser, 404],
      [below, '/app', browser, 404],
      [below, '/x', browser, 404]
    ]
    const wrong = []
    for (const [app, url, headers, status, body] of rows) {
      const answer = await app.inject({ url, headers })
      const isRight = answer.statusCode === status && (body === undefined || answer.body === body)
      if (!isRight) wrong.push([url, headers, answer.statusCode, answer.body])
      const head = await app.inject({ method: 'HEAD', url, headers })
      if (head.statusCode !== status || head.body !== '') wrong.push(['HEAD', url, headers, head.statusCode, head.body])
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      const { statusCode } = await both.inject({ method, url: '/app/some/route', headers: browser })
      if (statusCode !== 404) wrong.push([method, statusCode])
    }
    t.same(wrong, [])
  })

  t.test(`the fallback is never kept without asking: from ${mode}`, async (t) => {
    const app = await start(t, { ...options, fallback: 'index.html', prefix: '/', maxAge: 60 })
    const answer = await app.inject({ url: '/app/some/route', headers: browser })
    t.match(answer.headers, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
    t.equal(answer.headers.vary, 'Accept, Sec-Fetch-Dest, Accept-Encoding')
    const headers = { ...browser, 'if-none-match': String(answer.headers.etag) }
    t.equal((await app.inject({ url: '/app/other', headers })).statusCode, 304, 'one page, whatever its URL')
    const part = await app.inject({ url: '/app/other', headers: { ...browser, range: 'bytes=0-8' } })
    t.same([part.statusCode, part.body], [206, page.slice(0, 9)])
    const missing = await app.inject({ url: '/x.js', headers: { accept: '*/*' } })
    t.equal(missing.headers.vary, 'Accept, Sec-Fetch-Dest', 'a cache keeps the 404 for its like alone')
  })
}

t.test('a folder has one URL whatever the router is told, and below whatever prefix', async (t) => {
  const index = { index: 'index.html' }
  const slash = { server: { routerOptions: { ignoreTrailingSlash: true } } }
  const doubled = { server: { routerOptions: { ignoreDuplicateSlashes: true } } }
  const semicolon = { server: { useSemicolonDelimiter: true } }
  const rows: [what: string, setting: Setting, prefix: string, target: string, status: number, told: string][] = [
    ['trailing slashes', slash, '', '/static/', 200, page],
    ['trailing slashes', slash, '', '/static', 308, '/static/'],
    ['trailing slashes', slash, '', '/static/docs/', 200, 'docs'],
    ['trailing slashes', slash, '', '/static/docs', 308, '/static/docs/'],
    ['trailing slashes', slash, '', '/static/docs/index.html/', 308, '/static/docs/'],
    ['trailing slashes', { ...slash, prefix: '/' }, '', '/', 200, page],
    ['trailing slashes', { ...slash, prefix: '/' }, '', '/docs/', 200, 'docs'],
    ['doubled slashes', { ...doubled, prefix: '/' }, '', '//evil.example', 308, '/evil.example/'],
    ['doubled slashes', { ...doubled, prefix: '/' }, '', '///evil.example//index.html', 308, '/evil.example//'],
    ['doubled slashes', doubled, '', '//static//docs?a', 308, '/static//docs/?a'],
    ['a semicolon', semicolon, '', '/static/docs;a=/b', 308, '/static/docs/;a=/b'],
    ['a semicolon', semicolon, '', '/static;a=%20', 308, '/static/;a=%20'],
    ['a host prefix', {}, '/x', '/x/static/docs', 308, '/x/static/docs/'],
    ['a host prefix', {}, '/x', '/x/static', 308, '/x/static/'],
    ['a host prefix', { prefix: '/' }, '/x', '/x/', 200, page],
    ['a host prefix', { prefix: '/' }, '/x', '/x', 308, '/x/'],
    ['a host prefix', { prefix: '/' }, '/x', '/x/docs', 308, '/x/docs/'],
    ['a parameter', { prefix: '/' }, '/:tenant', '/acme/docs', 308, '/acme/docs/'],
    ['a parameter', { prefix: '/' }, '/:tenant', '/\\evil.example/docs', 308, '/evil.example/docs/'],
    ['a parameter', { prefix: '/' }, '/:tenant', '//docs', 308, '/docs/']
  ]
  const wrong = []
  const root = t.testdir(tree)
  for (const [what, { server = {}, ...options }, prefix, target, status, expected] of rows) {
    const app = Fastify(server)
    await app.register(async (part) => await part.register(staticFiles, { root, ...index, ...options }), { prefix })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const answer = await rawRequest(app, 'GET', target)
    const told = answer.status === 308 ? answer.fields.location : answer.body.toString()
    if (answer.status !== status || told !== expected) wrong.push([what, target, answer.status, told])
    await app.close()
  }
  t.same(wrong, [])
})

t.test('what a route has that no URL leads to is answered by no index and no fallback', async (t) => {
  for (const [, options] of modes) {
    const app = await start(t, {
      ...options,
      index: 'index.html',
      fallback: 'index.html',
      root: t.testdir({ 'index.html': page, 'a#b': { 'index.html': 'SECRET' } }),
      host: (app) => app.get('/static/a#b/*', async () => 'guarded')
    })
    for (const url of ['/static/a%23b/', '/static/a%23b', '/static/a%23b/index.html', '/static/a%23b/x']) {
      const { statusCode, body } = await app.inject({ url, headers: browser })
      // The folder's own name is not below it.
      t.same([statusCode, body.includes('SECRET')], [url === '/static/a%23b' ? 200 : 404, false], url)
    }
  }
})

t.test('a build that is made later answers in development, with no restart', async (t) => {
  const root = t.testdir({})
  const app = await start(t, { root, memory: false, index: 'index.html', fallback: 'index.html', prefix: '/' })
  t.equal((await app.inject({ url: '/some/route', headers: browser })).statusCode, 404)
  writeFileSync(join(root, 'index.html'), page)
  t.equal((await app.inject({ url: '/some/route', headers: browser })).body, page)
  t.equal((await app.inject('/')).body, page)
})

t.test('no part of the app is answered past its guard, whenever it is registered', async (t) => {
  const guard = async (): Promise<never> => { throw Object.assign(new Error('a login is needed'), { statusCode: 401 }) }
  const area = async (part: FastifyInstance): Promise<void> => {
    part.addHook('onRequest', guard)
    part.get('/list', async () => 'SECRET')
    await part.register(async (inner) => { inner.get('/list', async () => 'SECRET') }, { prefix: '/inner' })
  }
  const app = Fastify()
  t.teardown(() => app.close())
  const options = { root: t.testdir(tree), prefix: '/', fallback: 'index.html' }
  app.register(area, { prefix: '/before' })
  app.register(async (outer) => await outer.register(area, { prefix: '/deep' }), { prefix: '/far' })
  await app.register(async (part) => await part.register(staticFiles, options))
  app.register(area, { prefix: '/after' })
  const rows: [url: string, status: number][] = [
    ['/before/list', 401], ['/before/unknown', 404], ['/before/inner/unknown', 404], ['/far/deep/unknown', 404],
    ['/after/list', 401], ['/after/unknown', 404], ['/after/inner/unknown', 404], ['/app/route', 200]
  ]
  const answers = []
  for (const [url] of rows) answers.push([url, (await app.inject({ url, headers: browser })).statusCode])
  t.same(answers, rows)
})

t.test('both options may be switched off', async (t) => {
  const app = await start(t, { index: false, fallback: false })
  t.equal((await app.inject({ url: '/static/docs/', headers: browser })).statusCode, 404)
})

t.test('wrong options stop the start with a line that says what is taken', async (t) => {
  const root = t.testdir(tree)
  const index = 'false, or a file name such as "index.html"'
  const html = 'the name below root of an HTML file'
  const rows: [options: object, message: string][] = [
    [{ index: true }, `option "index" is true; expected ${index}`],
    [{ index: '' }, `option "index" is ""; expected ${index}`],
    [{ index: 'docs/index.html' }, `option "index" is "docs/index.html"; expected ${index}`],
    [{ index: '.index.html' }, `option "index" is ".index.html"; expected ${index}`],
    [{ index: '..' }, `option "index" is ".."; expected ${index}`],
    [{ index: ['index.html'] }, `option "index" is an array; expected ${index}`],
    [{ fallback: true }, `option "fallback" is true; expected false, or ${html}, such as "index.html"`],
    [{ fallback: '/index.html' }, `option "fallback" is "/index.html"; expected false, or ${html}, such as "index.html"`],
    [{ fallback: '../x.html' }, `option "fallback" is "../x.html"; expected false, or ${html}, such as "index.html"`],
    [{ fallback: 'app.js' }, `option "fallback" is "app.js"; expected false, or ${html}, such as "index.html"`],
    [{ fallback: 'x.html', memory: true }, `option "fallback" is "x.html"; expected ${html}, and root has no such file`]
  ]
  const wrong = []
  for (const [options, message] of rows) {
    const app = Fastify()
    // Cast: the types refuse what JavaScript may pass.
    const given = { root, ...options } as StaticOptions
    const error = await app.register(staticFiles, given).then(() => undefined, (error) => error)
    if (error?.code !== 'FST_QUICKSTART_STATIC_INVALID_OPTION' || !error.message.endsWith(`static: ${message}`)) {
      wrong.push([options, error?.message])
    }
    await app.close().catch(() => {})
  }
  t.same(wrong, [])
})

t.test('in production the fallback must be there, also where files are read from the disk', async (t) => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
  const expected = { code: 'FST_QUICKSTART_STATIC_INVALID_OPTION' }
  await t.rejects(start(t, { memory: false, fallback: '200.html' }), expected)
  await t.resolves(start(t, { memory: false, fallback: 'index.html' }))
})

/** What generators write: each file with the links that its pages have, as far as their form differs. */
const exports: Record<string, Record<string, string[]>> = {
  sphinx: {
    'index.html': ['#', '#welcome', 'genindex.html', 'search.html', 'api/index.html#module-x', '_static/pygments.css?v=b76e3c8a',
      '_sources/index.rst.txt', 'objects.inv', 'index.html'],
    'genindex.html': ['index.html', '#', 'api/index.html#x.run'],
    'search.html': ['#', 'searchindex.js'],
    'api/index.html': ['../index.html', '../genindex.html', '../_static/pygments.css?v=b76e3c8a', 'x.html', './', '../'],
    'api/x.html': ['index.html', '#x.run'],
    '_static/pygments.css': [],
    '_sources/index.rst.txt': [],
    'searchindex.js': [],
    'objects.inv': [],
    '.buildinfo': [],
    '.nojekyll': []
  },
  storybook: {
    'index.html': ['./sb-manager/runtime.js', './favicon.svg', '?path=/docs/configure-your-project--docs', './?path=/story/x--y',
      'iframe.html?id=example-button--primary&viewMode=story', 'index.html?path=/story/example-button--primary', './index.json'],
    'iframe.html': ['./assets/iframe-D3XZ.js', './index.html?path=/story/a--b'],
    'index.json': [],
    'favicon.svg': [],
    'sb-manager/runtime.js': [],
    'assets/iframe-D3XZ.js': []
  },
  notebooks: {
    'index.html': ['analysis.html', 'lab/index.html?path=analysis.ipynb', 'lab', 'lab?path=analysis.ipynb', 'files/my%20data.csv', 'tree/'],
    'analysis.html': ['analysis_files/analysis_1_0.png', '#Results', './index.html'],
    'analysis_files/analysis_1_0.png': [],
    'files/my data.csv': [],
    'lab/index.html': ['../build/lab/bundle.js?_=f2e4', '../tree/index.html', '../', '.', '..'],
    'tree/index.html': ['../lab/index.html', '../index.html'],
    'build/lab/bundle.js': []
  }
}

for (const [generator, files] of Object.entries(exports)) {
  t.test(`each link of what ${generator} writes leads to an answer`, async (t) => {
    const root = t.testdir({})
    for (const [name, links] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), links.map((link) => `<a href="${link}">x</a>`).join(''))
    }
    for (const prefix of ['/', '/static/docs/']) {
      const app = await start(t, { root, index: 'index.html', memory: true, prefix })
      const wrong: unknown[] = []
      const pages = new Set<string>([`http://host${prefix}`])
      for (const url of pages) {
        let { pathname, search } = new URL(url)
        let answer = await app.inject(pathname + search)
        if (answer.statusCode === 308) {
          ({ pathname, search } = new URL(answer.headers.location as string, url)) // a 308 has one
          answer = await app.inject(pathname + search)
        }
        if (answer.statusCode !== 200) wrong.push([url, answer.statusCode])
        if (pathname.endsWith('/index.html')) wrong.push([url, 'is a second URL'])
        if (new URL(url).search !== search) wrong.push([url, 'has lost its query'])
        const base = `http://host${pathname}`
        for (const [, link] of answer.body.matchAll(/href="(.*?)"/g)) pages.add(new URL(link!, base).href)
      }
      t.same(wrong, [], prefix)
      t.ok(pages.size >= Object.keys(files).filter((name) => !name.startsWith('.')).length)
    }
  })
}

t.test('names that a build tool makes can be kept, by a registration of their own', async (t) => {
  const root = t.testdir(tree)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory: true, prefix: '/', index: 'index.html', fallback: 'index.html' })
  await app.register(staticFiles, { root: join(root, 'assets'), memory: true, prefix: '/assets/', maxAge: 31536000 })
  const script = await app.inject('/assets/index-B1x2.js')
  t.same([script.body, script.headers['cache-control']], ['bundle', 'public, max-age=31536000'])
  t.equal((await app.inject({ url: '/assets/gone.js', headers: browser })).statusCode, 404)
  t.equal((await app.inject({ url: '/some/route', headers: browser })).body, page)
})
