import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import templates from '../../../plugins/templates/index.ts'
import { build } from './build.ts'

const views = {
  'layout.eta': '[<%~ it.body %>]',
  'index.eta': 'index view',
  'outside.eta': 'outside',
  pages: {
    'about.eta': '<% layout("/layout") %>about <%= it.site %><%~ include("./_part") %>',
    '_part.eta': '<part>',
    '.hidden.eta': 'hidden',
    'a b.eta': 'blank',
    'é😀.eta': 'accents',
    'R&D,@+;=$!.eta': 'signs',
    'a:b.eta': 'colon',
    '100%.eta': 'percent',
    'v1.2.eta': 'dotted',
    'e.eta.eta': 'twice',
    'indexes.eta': 'indexes',
    'other.txt': 'other',
    'broken.html': '<% ( %>',
    docs: { 'index.eta': 'docs', 'guide.eta': '<%= it.x %>', deep: { 'page.eta': 'deep' }, _parts: { 'x.eta': 'x' }, '.git': { 'x.eta': 'x' } }
  }
}

for (const production of [true, false]) {
  for (const prefix of ['', '/site']) {
    t.test(`answers pages at their names, ${production ? 'in production' : 'in development'}, below "${prefix}"`, async (t) => {
      const app = await build(t, views, { production, prefix, pages: true, context: { site: '<x>' }, index: { view: 'index' } })
      app.setNotFoundHandler((request, reply) => { reply.code(404).send('host') })
      const found: [url: string, html: string][] = [
        ['/', 'index view'], ['/about', '[about &lt;x&gt;<part>]'], ['/docs', 'docs'], ['/docs/guide', 'undefined'], ['/docs/deep/page', 'deep'],
        ['/a%20b', 'blank'], ['/%C3%A9%F0%9F%98%80', 'accents'], ['/R&D,@+;=$!', 'signs'], ['/a:b', 'colon'], ['/100%25', 'percent'],
        ['/v1.2', 'dotted'], ['/e.eta', 'twice'], ['/indexes', 'indexes'], ['/about?x=1', '[about &lt;x&gt;<part>]']
      ]
      for (const [url, html] of found) {
        const answer = await app.inject(prefix + url)
        t.equal(answer.body, html, url)
        t.equal(answer.statusCode, 200, url)
        t.equal(answer.headers['content-type'], 'text/html; charset=utf-8', url)
        const head = await app.inject({ method: 'HEAD', url: prefix + url })
        t.equal(head.statusCode, 200, `HEAD ${url}`)
        t.equal(head.headers['content-length'], String(Buffer.byteLength(html)), `HEAD ${url}`)
      }
      for (const url of ['/none', '/about.eta', '/about/', '/_part', '/.hidden', '/docs/index', '/index', '/docs/_parts/x', '/docs/.git/x', '/outside',
        '/pages/about', '/../outside', '/%2e%2e/outside', '/..%2foutside', '/layout', '/other', '/other.txt', '/broken', '/broken.html', '/e', '/ABOUT']) {
        const answer = await app.inject(prefix + url)
        t.equal(answer.statusCode, 404, url)
        t.equal(answer.body, 'host', url)
      }
      t.equal((await app.inject({ method: 'POST', url: `${prefix}/about` })).statusCode, 404)
      t.equal(app.hasRoute({ method: 'GET', url: `${prefix}/about` }), true, 'each is a route of its own, which a guard can name')
      writeFileSync(join(app.root, 'pages', 'about.eta'), 'edited')
      t.equal((await app.inject(`${prefix}/about`)).body, production ? '[about &lt;x&gt;<part>]' : 'edited')
    })
  }
}

t.test('takes another folder, a page in the place of the index view, and no folder at all', async (t) => {
  const named = await build(t, { site: { en: { 'about.eta': 'about', 'index.eta': 'home' } }, 'index.eta': 'index' }, { pages: 'site/en', index: { view: 'index' } })
  const names: unknown[] = []
  named.addHook('onRequest', async ({ routeOptions }) => { names.push((routeOptions.config as { name?: string }).name) })
  t.equal((await named.inject('/about')).body, 'about')
  t.equal((await named.inject('/')).body, 'home')
  t.strictSame(names, ['site/en/about', 'site/en/index'])
  t.equal((await (await build(t, views)).inject('/about')).statusCode, 404, 'off by default')
  t.equal((await (await build(t, { 'about.eta': '' }, { pages: true })).inject('/about')).statusCode, 404, 'the folder may be missing')
})

t.test('stops the start for pages that cannot be told apart, cannot be asked for, or are not there', async (t) => {
  const table: [pages: Record<string, string | Record<string, string>>, option: boolean | string, says: string][] = [
    [{ 'docs.eta': '', docs: { 'index.eta': '' } }, true, 'the views pages/docs/index and pages/docs would both answer at /docs'],
    ...['*', '?', '#'].map((sign): [Record<string, string>, true, string] =>
      [{ [`a${sign}.eta`]: '' }, true, `pages/a${sign}.eta: the name of a page must not contain "*", "?" or "#"`]),
    [{}, 'sites', 'option "pages" names the folder sites, which is not in ']
  ]
  for (const [pages, option, says] of table) {
    const app = Fastify()
    t.teardown(() => app.close())
    const root = t.testdir({ pages })
    await t.rejects(async () => await app.register(templates, { root, pages: option }), { code: 'FST_QUICKSTART_TEMPLATES_INVALID', message: says })
  }
  const app = await build(t, { pages: { 'about.eta': '' } }, { pages: true })
  t.throws(() => app.get('/about', async () => 'own'), { code: 'FST_ERR_DUPLICATED_ROUTE' })
})

for (const production of [true, false]) {
  t.test(`takes from the fallback what root does not have, ${production ? 'in production' : 'in development'}`, async (t) => {
    const folders = t.testdir({
      own: { 'index.eta': '<% layout("./layout") %>own index', 'other.eta': '<% layout("./frame") %>other', sub: { 'part.eta': 'own part' } },
      suite: {
        'layout.eta': 'suite [<%~ it.body %>]',
        'error.eta': '<% layout("./layout") %>error',
        'index.eta': 'suite index',
        'frame.eta': '(<%~ it.body %><%~ include("./sub/part") %>)',
        sub: { 'part.eta': 'suite part' }
      }
    })
    const app = Fastify()
    t.teardown(() => app.close())
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = production ? 'production' : 'test'
    await app.register(templates, { root: join(folders, 'own'), fallback: join(folders, 'suite') })
    process.env.NODE_ENV = before ?? 'test'
    app.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view))
    app.get('/view/:view', async (request, reply) => reply.view((request.params as { view: string }).view))
    for (const [view, html] of [['index', 'suite [own index]'], ['error', 'suite [error]'], ['other', '(otherown part)'], ['layout', 'suite [undefined]']]) {
      t.equal((await app.inject(`/${view}`)).body, html)
      t.equal((await app.inject(`/view/${view}`)).body, html)
      t.equal(app.hasView(view!), true)
    }
    t.equal(app.hasView('none'), false)
    writeFileSync(join(folders, 'own', 'layout.eta'), 'own {<%~ it.body %>}')
    t.equal((await app.inject('/error')).body, production ? 'suite [error]' : 'own {error}')
  })
}

t.test('stops the start where root holds only pages of another kind, and says what is expected', async (t) => {
  for (const file of ['index.html', 'about.ejs', 'page.njk', 'INDEX.HTM', 'a.html.j2', 'x.hbs', 'x.liquid', 'x.mustache', 'x.pug', 'x.twig', 'x.tpl']) {
    for (const fallback of [true, false]) {
      const folders = t.testdir({ own: { [file]: '' }, suite: { 'index.eta': '' } })
      const root = join(folders, 'own')
      const app = Fastify()
      t.teardown(() => app.close())
      await t.rejects(async () => await app.register(templates, { root, ...(fallback && { fallback: join(folders, 'suite') }) }), {
        code: 'FST_QUICKSTART_TEMPLATES_INVALID',
        message: `${root} has no template, only ${file}; templates are written in Eta (https://eta.js.org), in files whose names end with ".eta"`
      })
    }
  }
  for (const files of [{}, { 'notes.txt': '' }, { 'index.html': '', 'index.eta': '' }, { 'index.html': '', sub: { 'index.eta': '' } }]) {
    await t.resolves(async () => { await build(t, files) })
  }
  await t.resolves(async () => { await build(t, { 'index.html': '' }, { extension: '.html' }) })
})
