import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import templates from '../../../plugins/templates/index.ts'
import { build, register } from './build.ts'
import { lacks } from '../../system.ts'

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
      const wrong: unknown[] = []
      for (const [url, html] of found) {
        const { statusCode, headers, body } = await app.inject(prefix + url)
        const isPage = statusCode === 200 && headers['content-type'] === 'text/html; charset=utf-8' && body === html
        if (!isPage) wrong.push([url, statusCode, headers, body])
        const head = await app.inject({ method: 'HEAD', url: prefix + url })
        const isHead = head.statusCode === 200 && head.headers['content-length'] === String(Buffer.byteLength(html))
        if (!isHead) wrong.push([url, 'HEAD', head.statusCode, head.headers])
      }
      for (const url of ['/none', '/about.eta', '/about/', '/_part', '/.hidden', '/docs/index', '/index', '/docs/_parts/x', '/docs/.git/x', '/outside',
        '/pages/about', '/../outside', '/%2e%2e/outside', '/..%2foutside', '/layout', '/other', '/other.txt', '/broken', '/broken.html', '/e', '/ABOUT']) {
        const { statusCode, body } = await app.inject(prefix + url)
        if (statusCode !== 404 || body !== 'host') wrong.push([url, statusCode, body])
      }
      t.same(wrong, [])
      t.equal((await app.inject({ method: 'POST', url: `${prefix}/about` })).statusCode, 404)
      t.equal(app.hasRoute({ method: 'GET', url: `${prefix}/about` }), true, 'each is a route of its own, which a guard can name')
      writeFileSync(join(app.root, 'pages', 'about.eta'), 'edited')
      t.equal((await app.inject(`${prefix}/about`)).body, production ? '[about &lt;x&gt;<part>]' : 'edited')
    })
  }
}

t.test('sends a page as the type of its name', async (t) => {
  const html = 'text/html; charset=utf-8'
  const types: [name: string, type: string][] = [
    ['feed.xml', 'application/xml'], ['news/feed.rss', 'application/rss+xml'], ['feed.atom', 'application/atom+xml'],
    ['logo.svg', 'image/svg+xml'], ['page.xhtml', 'application/xhtml+xml'], ['robots.txt', 'text/plain; charset=utf-8'],
    ['data.json', 'application/json; charset=utf-8'], ['data2.JSON', 'application/json; charset=utf-8'],
    ['site.webmanifest', 'application/manifest+json; charset=utf-8'], ['a.jsonld', 'application/ld+json; charset=utf-8'],
    ['theme.css', 'text/css; charset=utf-8'], ['app.js', 'text/javascript; charset=utf-8'], ['app.mjs', 'text/javascript; charset=utf-8'],
    ['list.csv', 'text/csv; charset=utf-8'], ['talks.ics', 'text/calendar; charset=utf-8'], ['notes.md', 'text/markdown; charset=utf-8'],
    ['about', html], ['page.html', html], ['page.htm', html], ['v1.2', html], ['xml', html], ['js', html], ['json/about', html],
    ['mr.smith', html], ['photo.png', html], ['report.pdf', html], ['data.zip', html], ['feed.xml.d/about', html], ['a.xml.b', html]
  ]
  for (const extension of ['.eta', '.tmpl']) {
    const root = t.testdir({})
    for (const [name] of types) {
      const path = join(root, 'pages', name + extension)
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, '<%= it.text %>')
    }
    for (const production of [true, false]) {
      const app = Fastify()
      t.teardown(() => app.close())
      await register(app, { root, extension, pages: true, context: { text: '<"\'&>' } }, production)
      app.get('/render', async (request, reply) => reply.render((request.query as { view: string }).view))
      app.get('/set', async (request, reply) => reply.type('text/x-own').render((request.query as { view: string }).view))
      const wrong: unknown[] = []
      for (const [name, type] of types) {
        const asked: [url: string, query: Record<string, string>, type: string][] = [
          [`/${name}`, {}, type],
          ['/render', { view: `pages/${name}` }, type],
          ['/render', { view: `./pages/x/../${name}${extension}` }, type],
          ['/set', { view: `pages/${name}` }, 'text/x-own']
        ]
        for (const [url, query, type] of asked) {
          const { headers, body } = await app.inject({ url, query })
          const isRight = headers['content-type'] === type && body === '&lt;&quot;&#39;&amp;&gt;'
          if (!isRight) wrong.push([url, query, type, headers['content-type'], body])
        }
      }
      t.same(wrong, [], 'and escapes as in HTML, whatever the type')
    }
  }
})

t.test('in development, a page whose file is gone is not found, until it is back', async (t) => {
  for (const production of [true, false]) {
    const files = { pages: { 'about.eta': 'about', 'feed.xml.eta': '<x/>', docs: { 'index.eta': 'docs', 'guide.eta': 'guide' } }, 'index.eta': 'index' }
    const app = await build(t, files, { production, pages: true, prefix: '/site' })
    app.setNotFoundHandler((request, reply) => { reply.code(404).type('text/plain').send('host') })
    await app.ready()
    const before: [url: string, html: string][] = [['/site/about', 'about'], ['/site/feed.xml', '<x/>'], ['/site/docs', 'docs'], ['/site/docs/guide', 'guide']]
    rmSync(join(app.root, 'pages', 'about.eta'))
    rmSync(join(app.root, 'pages', 'feed.xml.eta'))
    renameSync(join(app.root, 'pages', 'docs'), join(app.root, 'pages', 'other'))
    const wrong: unknown[] = []
    for (const [url, html] of before) {
      for (const method of ['GET', 'HEAD'] as const) {
        for (const accept of ['text/html', 'application/json']) {
          const { statusCode, body } = await app.inject({ method, url, headers: { accept } })
          const text = production ? html : 'host'
          const isRight = statusCode === (production ? 200 : 404) && (method === 'HEAD' || body === text)
          if (!isRight) wrong.push([production, method, url, statusCode, body])
        }
      }
    }
    t.same(wrong, [])
    writeFileSync(join(app.root, 'pages', 'about.eta'), 'again')
    t.equal((await app.inject('/site/about')).body, production ? 'about' : 'again')
  }
})

t.test('takes views and pages that Kubernetes mounts from a ConfigMap', { skip: lacks.links }, async (t) => {
  // Each file is a link through ..data, which is a link to a folder named for the time.
  const mount = (root: string, version: string, files: Record<string, string>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, version, name, '..'), { recursive: true })
      writeFileSync(join(root, version, name), text)
    }
    symlinkSync(version, join(root, '..data_tmp'))
    renameSync(join(root, '..data_tmp'), join(root, '..data'))
  }
  const first = {
    'layout.eta': '[<%~ it.body %>]',
    'index.eta': '<% layout("./layout") %>index <%~ include("./part/row") %>',
    '.hidden.eta': 'hidden',
    'part/row.eta': 'row',
    'pages/about.eta': '<% layout("/layout") %>about'
  }
  for (const production of [true, false]) {
    const root = t.testdir({})
    mount(root, '..2026_01_31_12_00_00.123456789', first)
    for (const name of ['layout.eta', 'index.eta', '.hidden.eta', 'part', 'pages']) symlinkSync(`..data/${name}`, join(root, name))
    const app = Fastify()
    t.teardown(() => app.close())
    await register(app, { root, index: { view: 'index' }, pages: true }, production)
    t.equal((await app.inject('/')).body, '[index row]')
    t.equal((await app.inject('/about')).body, '[about]')
    const views = ['index', '.hidden', '..data/index', '..2026_01_31_12_00_00.123456789/index', 'part/../..data/index']
    t.same(views.filter((view) => app.hasView(view)), ['index'])
    for (const url of ['/..data/about', '/%2e%2edata/about', '/.hidden']) t.equal((await app.inject(url)).statusCode, 404, url)

    mount(root, '..2026_02_01_12_00_00.987654321', { ...first, 'layout.eta': '(<%~ it.body %>)', 'part/row.eta': 'new row' })
    t.equal((await app.inject('/')).body, production ? '[index row]' : '(index new row)', 'the files change at once')
  }
})

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
