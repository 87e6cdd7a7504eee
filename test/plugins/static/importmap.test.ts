import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import type { CspNonce } from '../../../app/answers/security-headers.ts'
import staticFiles from '../../../plugins/static/index.ts'
import templates from '../../../plugins/templates/index.ts'

/* The import map of a page: a module has one URL, whoever names it. */

const tree = {
  'main.js': "import './lib.js'",
  'lib.js': 'lib',
  'big.mjs': 'a module that is over the cap for memory',
  'style.css': 'css',
  'data.json': '{}',
  js: { 'a b&c.js': 'x' },
  '.hidden.js': 'hidden'
}

t.test('maps the plain URL of each script to the one that asset gives', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root: t.testdir(tree), memory: { maxFileSize: 30 } })
  const names = ['big.mjs', 'js/a b&c.js', 'lib.js', 'main.js']
  const imports = Object.fromEntries(names.map((name) => [`/static/${name.replace(' ', '%20')}`, app.asset(name)]))
  for (const [plain, url] of Object.entries(imports)) t.not(plain, url)
  t.same(JSON.parse(app.importmap()), { imports })
  t.equal(app.importmap(), app.importmap())
  t.same(JSON.parse(app.importmap({ lib: app.asset('lib.js'), '/same.js': '/same.js' })),
    { imports: { ...imports, lib: app.asset('lib.js') } })
  t.equal(app.importmap({ a: '</script>' }).includes('<'), false, 'it cannot end the element that it is in')
})

t.test('is empty where files have their plain URLs alone', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root: t.testdir(tree), memory: false })
  t.equal(app.importmap(), '')
  t.same(JSON.parse(app.importmap({ lib: app.asset('lib.js') })), { imports: { lib: '/static/lib.js' } })
})

t.test('of several folders, the one that answers at a URL is named', async (t) => {
  const root = t.testdir({
    outer: { 'a.js': 'outer a', more: { 'a.js': 'unreachable', 'b.js': 'unreachable' } }, inner: { 'a.js': 'inner a' }
  })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root: join(root, 'outer'), memory: true })
  t.same(Object.keys(JSON.parse(app.importmap()).imports), ['/static/a.js', '/static/more/a.js', '/static/more/b.js'])
  await app.register(staticFiles, { root: join(root, 'inner'), memory: true, prefix: '/static/more/' })
  const { imports } = JSON.parse(app.importmap()) as { imports: Record<string, string> }
  t.same(Object.keys(imports), ['/static/a.js', '/static/more/a.js'])
  for (const [plain, url] of Object.entries(imports)) {
    t.equal((await app.inject(url)).body, (await app.inject(plain)).body)
    t.match((await app.inject(url)).headers['cache-control'], 'immutable')
  }
})

t.test('a script whose fingerprint is not known yet is mapped once it is', async (t) => {
  const root = t.testdir({ 'lib.js': 'lib' })
  writeFileSync(join(root, 'huge.js'), Buffer.alloc(65 * 1024 * 1024, ' '))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory: { maxFileSize: 1000 } })
  t.same(Object.keys(JSON.parse(app.importmap()).imports), ['/static/lib.js'])
  await app.ready()
  while (app.asset('huge.js') === '/static/huge.js') await new Promise((resolve) => setTimeout(resolve, 20))
  t.same(Object.keys(JSON.parse(app.importmap()).imports).sort(), ['/static/huge.js', '/static/lib.js'])
})

t.test('a page prints it with its nonce, or nothing where there is nothing to map', async (t) => {
  const root = t.testdir({ public: { 'lib.js': 'lib' }, views: { 'index.eta': '[<%~ it.importmap() %>]' } })
  const pageOf = async (memory: boolean, nonce?: unknown): Promise<string> => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(staticFiles, { root: join(root, 'public'), memory })
    await app.register(templates, { root: join(root, 'views') })
    if (nonce !== undefined) app.decorateRequest('cspNonce', { getter: () => nonce as CspNonce })
    app.get('/', async (request, reply) => reply.render('index'))
    const { body } = await app.inject('/')
    return body.replaceAll(/[0-9a-f]{16}/g, '…')
  }
  const map = '{"imports":{"/static/lib.js":"/static/lib.….js"}}'
  let isAsked = false
  const lazy = { toString: () => { isAsked = true; return 'ab+/_-9==' } }
  t.equal(await pageOf(false, lazy), '[]')
  t.equal(isAsked, false, 'the policy stays as it is')
  t.equal(await pageOf(true, lazy), `[<script type="importmap" nonce="ab+/_-9==">${map}</script>]`)
  t.equal(await pageOf(true), `[<script type="importmap">${map}</script>]`)
  t.equal(await pageOf(true, '"><b>'), `[<script type="importmap" nonce="b">${map}</script>]`)
})

t.test('a page that asks for it where static is off is told what to register', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(templates, { root: t.testdir({ 'index.eta': '<%~ it.importmap() %>' }) })
  app.get('/', async (request, reply) => reply.render('index'))
  t.match((await app.inject('/')).body, 'it.importmap(…) needs the static topic: register fastify-quickstart/static')
})
