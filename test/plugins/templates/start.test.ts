/* eslint-disable no-template-curly-in-string -- templates hold them */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import t from 'tap'
import templates from '../../../plugins/templates/index.ts'
import { build, register } from './build.ts'
import { lacks } from '../../system.ts'

t.test('stops the start with file, line and reason', async (t) => {
  const table: [what: string, page: string, line: number, reason: string | RegExp][] = [
    ['a tag that is not closed', 'a\n<% if (it.a) {', 2, 'unclosed tag'],
    ['a string that is not closed', 'a\n\n<%= "x %>', 3, 'unclosed string'],
    ['a comment that is not closed', '<%/* x %>', 1, 'unclosed comment'],
    ['a bracket that is never closed', 'a\n<% for (const x of it.list) { %>\n<%= x %>\n', 2, '"{" is never closed'],
    ['a bracket that closes nothing', 'a\n<% if (it.a) { %>\n<% } %>\n<% } %>', 4, '"}" closes nothing'],
    ['brackets that do not match', 'a\n<% for (const x of it.list] { %>\n<% } %>\n', 2, '"]" closes nothing'],
    ['brackets in strings and comments left alone', '<% const a = "}" + `{${"("}` /* ] */ // )\n%>\n<% if (a) { %>', 3, '"{" is never closed'],
    ['JavaScript that is none', '<p>\r\n<%= it.a b %>\r\n</p>', 2, /^Unexpected identifier|^missing \)/],
    ['a wrong line of a tag with several', '<%\n  let a = 1\n\n  let a = 2\n%>', 4, "Identifier 'a' has already been declared"],
    ['a tag that is not complete', 'a\n<% for %>text', 2, 'the code in this tag is not complete'],
    ['a tag after an async one', '<%= await it.a %>\n\n<%= it.a b %>', 3, /^Unexpected identifier|^missing \)/],
    ['await in a function that is not async', '<% const f = () => { await it.a } %>', 1, /await/],
    ['a character that JavaScript does not have', 'a\n<% it.a @ b %>', 2, 'Invalid or unexpected token'],
    ['a comment of another language', 'a\n<%# a comment %>', 2, '"<%#" starts no comment in Eta; write <%/* … */%>'],
    ['a missing layout', '<% layout("./none") %>', 1, /^layout\('\.\/none'\) names no template under /],
    ['a missing include', 'a\n\n<%~ include(\'./none\', { a: 1 }) %>', 3, /^include\('\.\/none'\) names no template under /],
    ['a missing include in a longer tag', '<%\n  if (it.a) {\n    include("none")\n  }\n%>', 3, /^include\('none'\)/],
    ['a missing include in a template literal', '<%~ `a\n${ it.b\n + include(`./none`) } b` %>', 3, /^include\('\.\/none'\)/],
    ['a missing includeAsync', '<%~ await includeAsync("/none") %>', 1, /^includeAsync\('\/none'\)/],
    ['a missing file of another extension', '<%~ include("./none.svg") %>', 1, /^include\('\.\/none\.svg'\)/],
    ['a folder', '<%~ include("./sub.eta") %>', 1, /^include\('\.\/sub\.eta'\)/],
    ['a file outside root', '<%~ include("../../outside") %>', 1, /^include\('\.\.\/\.\.\/outside'\) names no template under /],
    ['an include of an async template', '<%~ include("./later") %>', 1, "include('./later') is of a template that uses await: write await includeAsync('./later')"]
  ]
  const ok = { 'ok.eta': 'ok', 'later.eta': '<%= await 1 %>', 'sub.eta': {} }
  for (const [what, page, line, reason] of table) {
    const files = { views: { ...ok, sub: { 'page.eta': page }, 'sub.eta': {}, sub2: {} }, 'outside.eta': '' }
    Object.assign(files.views.sub, ok)
    const root = join(t.testdir(files), 'views')
    const app = Fastify()
    t.teardown(() => app.close())
    const file = join(root, 'sub', 'page.eta')
    const error = await app.register(templates, { root }).then(() => undefined, (error) => error)
    t.equal(error?.code, 'FST_QUICKSTART_TEMPLATES_INVALID', what)
    const [title, blank, first = '', ...excerpt] = String(error?.message).split('\n')
    t.equal(title, 'A template is wrong', what)
    t.equal(blank, '', what)
    t.ok(first.startsWith(`${file}:${line}: `), `${what}: ${first}`)
    t.match(first.slice(`${file}:${line}: `.length), reason, what)
    t.match(excerpt.join('\n'), `> ${line} | ${page.split(/\r?\n/)[line - 1]}`, what)
  }
})

t.test('tells of all mistakes at once, each with the lines around it', async (t) => {
  const root = t.testdir({
    'a.eta': '1\n2\n3\n4\n5\n6\n7\n8\n9\n<% layout("./none") %>\n11\n<%~ include("./b") %>\n<%~ include("./c.svg") %>\n14\n15',
    'b.eta': '<% if (x %>',
    'c.svg': '<svg>\n<%= ( %>'
  })
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(templates, { root, index: { view: 'home' } }), {
    code: 'FST_QUICKSTART_TEMPLATES_INVALID',
    message: `4 templates or calls in them are wrong

${root}/b.eta:1: "(" is never closed
> 1 | <% if (x %>

${root}/a.eta:10: layout('./none') names no template under ${root}
   7 | 7
   8 | 8
   9 | 9
> 10 | <% layout("./none") %>
  11 | 11
  12 | <%~ include("./b") %>
  13 | <%~ include("./c.svg") %>

${root}/c.svg:2: "(" is never closed
  1 | <svg>
> 2 | <%= ( %>

option "index" names the view "home", and ${root} has no such view; it has a.eta
`
  })
})

t.test('compiles a thousand templates, links and sub-folders included, and leaves out what is none', { skip: lacks.links }, async (t) => {
  const files = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`page${index}.eta`, `<% layout("/layout") %><p><%= ${index} %></p>`]))
  const root = t.testdir({
    views: { 'layout.eta': '<%~ it.body %>', deep: { deeper: files }, '.git': { 'broken.eta': '<% ( %>' }, '.broken.eta': '<% ( %>', 'broken.html': '<% ( %>' },
    elsewhere: { 'linked.eta': 'linked' }
  })
  const views = join(root, 'views')
  symlinkSync(join(root, 'elsewhere'), join(views, 'folder'))
  symlinkSync(join(root, 'elsewhere', 'linked.eta'), join(views, 'file.eta'))
  symlinkSync(join(root, 'none'), join(views, 'dangling.eta'))
  symlinkSync(views, join(views, 'round'))
  const app = Fastify()
  t.teardown(() => app.close())
  await register(app, { root: pathToFileURL(views) }, true)
  app.get('/*', async (request, reply) => reply.render((request.params as { '*': string })['*']))

  t.equal((await app.inject('/deep/deeper/page999')).body, '<p>999</p>')
  t.equal((await app.inject('/folder/linked')).body, 'linked')
  t.equal((await app.inject('/file')).body, 'linked')
  t.equal(app.hasView('dangling'), false)
  t.equal(app.hasView('.broken'), false)
})

t.test('checks literal assets when all is loaded, where the static topic is on', async (t) => {
  const files = {
    'index.eta': '<script src="<%= it.asset("app.js") %>"></script>\n<%= it.asset(\'gone.js\') %>\n<%~ it.raw ? asset(`lost.css`) : it.asset("a" + "b") %>'
  }
  const asset = (name: string): string => {
    if (name !== 'app.js') throw new Error(`there is no file "${name}"`)
    return `/static/${name}`
  }
  for (const production of [true, false]) {
    const app = await build(t, files, { production })
    // The static topic comes later, as it may.
    app.decorate('asset', asset)
    await t.rejects(async () => await app.ready(), {
      code: 'FST_QUICKSTART_TEMPLATES_INVALID',
      message: `2 templates or calls in them are wrong

${app.root}/index.eta:2: asset('gone.js'): there is no file "gone.js"
  1 | <script src="<%= it.asset("app.js") %>"></script>
> 2 | <%= it.asset('gone.js') %>
  3 | <%~ it.raw ? asset(\`lost.css\`) : it.asset("a" + "b") %>

${app.root}/index.eta:3: asset('lost.css'): there is no file "lost.css"
  1 | <script src="<%= it.asset("app.js") %>"></script>
  2 | <%= it.asset('gone.js') %>
> 3 | <%~ it.raw ? asset(\`lost.css\`) : it.asset("a" + "b") %>
`
    })
  }
  await t.resolves(async () => await (await build(t, files)).ready(), 'where it is off, a page may have that call in a branch that is not taken')
  const app = await build(t, { 'index.eta': '<%= it.asset("app.js") %>' })
  app.decorate('asset', asset)
  await t.resolves(async () => await app.ready())
})

t.test('leaves an asset to the context that gives pages another one', async (t) => {
  const files = { 'index.eta': '<%= it.asset("only-there.js") %> <%= it.asset("app.js") %>' }
  class Context { asset (name: string): string { return `/there/${name}` } }
  const asset = (name: string): string => `/there/${name}`
  const lines: { level: number, msg: string }[] = []
  const server = { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(JSON.parse(line)) } } } }
  const contexts: [what: string, context: object][] = [
    ['an object', { asset }], ['an instance', new Context()], ['a function', () => ({ asset })], ['an async function', async () => ({ asset })]
  ]
  for (const production of [true, false]) {
    for (const [what, context] of contexts) {
      lines.length = 0
      const app = await build(t, files, { production, context, server, index: { view: 'index' } })
      app.decorate('asset', (name: string) => {
        if (name !== 'app.js') throw new Error(`there is no file "${name}"`)
        return `/static/${name}`
      })
      t.equal((await app.inject('/')).body, '/there/only-there.js /there/app.js', what)
      // Only when it is called does a function show what it gives.
      const says = `a page may fail: ${app.root}/index.eta:1: asset('only-there.js'): there is no file "only-there.js"\n> 1 | ${files['index.eta']}`
      t.same(lines.map(({ level, msg }) => [level, msg]), typeof context === 'function' ? [[40, says]] : [], what)
    }
    const app = await build(t, files, { production, context: { site: 'x' } })
    app.decorate('asset', () => { throw new Error('there is no file') })
    await t.rejects(async () => await app.ready(), { code: 'FST_QUICKSTART_TEMPLATES_INVALID' }, 'another context changes nothing')
  }
})

t.test('refuses wrong options when it is registered', async (t) => {
  const root = t.testdir({ 'file.eta': '' })
  const folder = 'the absolute path, or file: URL, of a folder that exists'
  const extension = 'a file extension with its dot, such as ".html"'
  const index = 'false, or { path: a path that starts with "/", view: a name, data: an object or a function }'
  const context = 'an object, or a function of the request'
  const wrong: [options: object, says: string][] = [
    [{}, `option "root" is missing; expected ${folder}`],
    [{ root: 'views' }, `option "root" is "views"; expected ${folder}`],
    [{ root: join(root, 'none') }, `option "root" is ${JSON.stringify(join(root, 'none'))}; expected ${folder}`],
    [{ root: join(root, 'file.eta') }, `option "root" is ${JSON.stringify(join(root, 'file.eta'))}; expected ${folder}`],
    [{ root: new URL('https://localhost/views') }, `option "root" is "https://localhost/views"; expected ${folder}`],
    [{ root: pathToFileURL(join(root, 'none')) }, `option "root" is "${pathToFileURL(join(root, 'none')).href}"; expected ${folder}`],
    [{ root: pathToFileURL(join(root, 'none')).href }, `option "root" is ${JSON.stringify(pathToFileURL(join(root, 'none')).href)}; expected ${folder}`],
    [{ root: 'file://elsewhere/views' }, `option "root" is "file://elsewhere/views"; expected ${folder}`],
    [{ root: '' }, `option "root" is ""; expected ${folder}`],
    [{ root: ['views'] }, `option "root" is an array; expected ${folder}`],
    [{ root, extension: 'html' }, `option "extension" is "html"; expected ${extension}`],
    [{ root, extension: '.' }, `option "extension" is "."; expected ${extension}`],
    [{ root, extension: './x' }, `option "extension" is "./x"; expected ${extension}`],
    [{ root, extension: 5 }, `option "extension" is 5; expected ${extension}`],
    [{ root, index: true }, `option "index" is true; expected ${index}`],
    [{ root, index: 'file' }, `option "index" is "file"; expected ${index}`],
    [{ root, index: null }, `option "index" is null; expected ${index}`],
    [{ root, index: ['file'] }, `option "index" is an array; expected ${index}`],
    [{ root, index: {} }, 'option "index.view" is missing; expected the name of a view'],
    [{ root, index: { path: '/home' } }, 'option "index.view" is missing; expected the name of a view'],
    [{ root, index: { path: '/', data: {} } }, 'option "index.view" is missing; expected the name of a view'],
    [{ root, index: { view: undefined } }, 'option "index.view" is missing; expected the name of a view'],
    [{ root, index: { view: 5 } }, 'option "index.view" is 5; expected the name of a view'],
    [{ root, index: { view: 'file', path: 'home' } }, 'option "index.path" is "home"; expected a path that starts with "/"'],
    [{ root, index: { view: 'file', path: 5 } }, 'option "index.path" is 5; expected a path that starts with "/"'],
    [{ root, index: { view: 'file', data: null } }, `option "index.data" is null; expected ${context}`],
    [{ root, index: { view: 'file', data: 'text' } }, `option "index.data" is "text"; expected ${context}`],
    [{ root, index: { view: 'file', datas: {} } }, 'unknown option "index.datas"; expected one of index.path, index.view, index.data'],
    [{ root, index: { view: 'file', prefix: '/x' } }, 'unknown option "index.prefix"; expected one of index.path, index.view, index.data'],
    [{ root, fallback: 'views' }, `option "fallback" is "views"; expected ${folder}`],
    ...['', '/pages', 'pages/', '../pages', 'a/../b', '.pages', '_pages', 'a/_b', 'a\\b', 'a//b'].map((pages): [object, string] =>
      [{ root, pages }, `option "pages" is ${JSON.stringify(pages)}; expected true, false, or the name of a folder in root`]),
    [{ root, pages: 5 }, 'option "pages" is 5; expected true, false, or the name of a folder in root'],
    [{ root, context: 'x' }, `option "context" is "x"; expected ${context}`],
    [{ root, context: null }, `option "context" is null; expected ${context}`],
    [{ root, context: [] }, `option "context" is an array; expected ${context}`],
    [{ root, layout: 'x' }, 'unknown option "layout"; expected one of root, fallback, extension, index, pages, context']
  ]
  for (const [options, says] of wrong) {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(templates, options as { root: string }), {
      code: 'FST_QUICKSTART_TEMPLATES_INVALID_OPTION',
      message: `fastify-quickstart/templates: ${says}`
    })
  }
})

t.test('takes a folder by its path, its URL, and the text of its URL', async (t) => {
  const root = t.testdir({ 'a b': { 'index.eta': 'index' } })
  const path = join(root, 'a b')
  for (const given of [path, `${path}/`, pathToFileURL(path), pathToFileURL(path).href, pathToFileURL(`${path}/`).href]) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(templates, { root: given, fallback: given, index: { view: 'index' } })
    t.equal((await app.inject('/')).body, 'index', String(given))
  }
})

t.test('tells what views there are when the one of the index route is not among them', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const root = t.testdir({})
  await t.rejects(async () => await app.register(templates, { root, index: { view: 'index' } }), {
    code: 'FST_QUICKSTART_TEMPLATES_INVALID',
    message: `option "index" names the view "index", and ${root} has no such view; it has none`
  })
})

t.test('development and production agree on which files are views', { skip: lacks.links }, async (t) => {
  for (const production of [true, false]) {
    const app = await build(t, {
      'e.eta': 'e',
      'e.eta.eta': 'ee',
      'only.eta.eta': 'only',
      'logo.svg': '<svg/>',
      '.hid.eta': 'hidden',
      '.eta': 'nameless',
      '.d': { 'x.eta': 'hidden' },
      sub: { 'x.eta': 'x', '.y.eta': 'hidden', '.z': { 'x.eta': 'hidden' } },
      'literal.eta': '<%~ include("./logo.svg") %><%~ include("./.hid.eta") %>',
      'dynamic.eta': '<%~ include("./" + it.name) %>'
    }, { production: false })
    symlinkSync(app.root, join(app.root, 'round'))
    symlinkSync('..', join(app.root, 'sub', 'up'))
    const again = Fastify()
    t.teardown(() => again.close())
    await register(again, { root: app.root }, production)
    again.get('/:view', async (request, reply) => reply.render((request.params as { view: string }).view, request.query as object))
    const table: [view: string, html: string | undefined][] = [
      ['e', 'e'], ['e.eta', 'e'], ['e.eta.eta', 'ee'], ['only', undefined], ['only.eta', undefined], ['only.eta.eta', 'only'],
      ['.hid', undefined], ['.hid.eta', undefined], ['.d/x', undefined], ['sub/.y', undefined], ['sub/.z/x', undefined], ['', undefined],
      ['.eta', undefined], ['sub/', undefined], ['logo.svg', undefined], ['sub/x', 'x'], ['round/e', undefined], ['sub/up/e', undefined],
      ['round/sub/x', undefined], ['e/', undefined], ['e.eta/', undefined], ['literal', '<svg/>hidden'], ['sub/../e', 'e'], ['x/../e', 'e']
    ]
    for (const [view, html] of table) {
      t.equal(again.hasView(view), html !== undefined, `${view} ${production}`)
      const answer = await again.inject({ url: `/${encodeURIComponent(view)}`, remoteAddress: '192.0.2.7' })
      t.equal(answer.statusCode === 200 ? answer.body : undefined, html, `${view} ${production}`)
    }
    for (const [name, html] of [['e', 'e'], ['sub/x', 'x'], ['logo.svg', undefined], ['.hid', undefined], ['.d/x', undefined], ['round/e', undefined]]) {
      const answer = await again.inject({ url: '/dynamic', query: { name: name! }, remoteAddress: '192.0.2.7' })
      t.equal(answer.statusCode === 200 ? answer.body : undefined, html, `include of ${name} ${production}`)
    }
  }
})

t.test('takes no name for a view that leads out of the folder on any system', { skip: lacks.links }, async (t) => {
  // On Windows a backslash is a slash. Elsewhere it may be part of a file's name, and so there is a file to be found.
  const root = t.testdir({ views: { sub: { 'in.eta': 'in' }, 'index.eta': 'index' }, 'secret.eta': 'secret', 'secret.txt': 'secret' })
  const views = join(root, 'views')
  const named = ['sub\\..\\..\\secret', '..\\secret', '.\\..\\secret', 'sub\\..\\../secret', '\\..\\secret', '\\\\host\\share\\secret', 'C:\\secret',
    'sub\\in', '\\index', 'index\\', 'sub/..\\..\\secret']
  for (const name of named) {
    const path = join(views, `${name}.eta`)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, 'reached')
  }
  const spellings = [...named, ...named.map((name) => `${name}.eta`), ...named.map((name) => `/${name}`),
    '../secret', 'sub/../../secret', './../secret', '//../secret', '/..//secret', 'sub/./../.././secret', '....//secret', '..', '../', '.', '/', '..%2fsecret', '%2e%2e/secret',
    '\u2025/secret', '.. /secret', '..\0/secret', join(root, 'secret'), join(root, 'secret.eta'), pathToFileURL(join(root, 'secret.eta')).href]
  const wrong: unknown[] = []
  for (const production of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    writeFileSync(join(views, 'dynamic.eta'), '<%~ include(it.name) %>')
    await register(app, { root: views }, production)
    app.get('/render', async (request, reply) => reply.render((request.query as { name: string }).name))
    app.get('/view', async (request, reply) => reply.view((request.query as { name: string }).name))
    app.get('/include', async (request, reply) => reply.render('dynamic', request.query as object))
    for (const name of spellings) {
      for (const url of ['/render', '/view', '/include']) {
        const { statusCode, body } = await app.inject({ url, query: { name }, remoteAddress: '192.0.2.7' })
        if (statusCode !== 500 || /secret|reached/.test(body)) wrong.push([production, url, name, statusCode, body])
      }
      if (app.hasView(name)) wrong.push([production, 'hasView', name])
    }
  }
  t.same(wrong, [])
})

t.test('stops the start where a template cannot be read', { skip: lacks.links }, async (t) => {
  const root = t.testdir({ 'index.eta': '' })
  symlinkSync('x'.repeat(300), join(root, 'long.eta'))
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(templates, { root }), {
    code: 'FST_QUICKSTART_TEMPLATES_INVALID', message: 'a template cannot be read: ENAMETOOLONG'
  })
})
