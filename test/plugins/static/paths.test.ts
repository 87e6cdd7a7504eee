import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import staticFiles from '../../../plugins/static/index.ts'
import { keepConnected, rawRequest } from './raw-request.ts'
import { lacks } from '../../system.ts'

/* Which names lead to a file: one spelling each, and nothing that is not to be served. */

const secret = 'not for anybody'

/** A root with an outside, and files that a careless server would give away. */
function site (t: Test): string {
  const outside = t.testdir({
    'secret.txt': secret,
    'root-of-others': { 'secret.txt': secret },
    root: {
      'app.js': 'app.js',
      'do..ts.txt': 'do..ts.txt',
      '100%.txt': '100%.txt',
      '100%25.txt': '100%25.txt',
      'a%20.md': 'a%20.md',
      'a b#c?d&e;f+g.txt': 'odd',
      'grüße-日本.txt': 'umlaut',
      '...txt': secret,
      '.env': secret,
      '.git': { config: secret },
      '.well-known': { x: 'x', '.hidden': secret },
      sub: { 'x.txt': 'sub/x.txt', '.env': secret, '.well-known': { x: secret }, 'index.html': 'index' }
    }
  })
  const root = join(outside, 'root')
  writeFileSync(join(root, 'back\\slash.txt'), secret)
  mkdirSync(join(outside, 'root', 'links'))
  const links: [at: string, to: string][] = [
    ['links/inside.js', '../app.js'],
    ['links/sub', '../sub'],
    ['links/outside.txt', '../../secret.txt'],
    ['links/outside', '../..'],
    ['links/sibling', '../../root-of-others'],
    ['links/env', '../.env'],
    ['links/git', '../.git'],
    ['links/broken.txt', 'nowhere.txt'],
    ['links/itself', 'itself'],
    ['links/loop', '.'],
    ['links/root', '..'],
    ['links/absolute.txt', join(outside, 'secret.txt')]
  ]
  for (const [at, to] of links) symlinkSync(to, join(root, at))
  symlinkSync(join(root, 'sub'), join(outside, 'root-of-others', 'back'))
  return root
}

const served: [target: string, body: string][] = [
  ['app.js', 'app.js'],
  ['app.js?v=1', 'app.js'],
  ['app.js?%2f', 'app.js'],
  ['%61pp.js', 'app.js'],
  ['do..ts.txt', 'do..ts.txt'],
  ['100%25.txt', '100%.txt'],
  ['100%2525.txt', '100%25.txt'],
  ['a%2520.md', 'a%20.md'],
  ['a%20b%23c%3Fd&e;f+g.txt', 'odd'],
  ['gr%C3%BC%C3%9Fe-%E6%97%A5%E6%9C%AC.txt', 'umlaut'],
  ['.well-known/x', 'x'],
  ['sub/x.txt', 'sub/x.txt'],
  ['links/inside.js', 'app.js'],
  ['links/sub/x.txt', 'sub/x.txt']
]

const refused: string[] = [
  '', '?', '/', '.', '..', './', '../',
  'missing.js', 'app.js/', 'app.js//', 'app.js/x', 'APP.JS', 'app', 'app.js%20', 'app.js.', 'sub', 'sub/', 'sub/index', 'links', 'links/',
  '../secret.txt', '../../secret.txt', 'sub/../../secret.txt', '/../secret.txt', 'sub/../app.js', 'links/../app.js',
  '%2e%2e/secret.txt', '%2E%2E/secret.txt', '.%2e/secret.txt', '%2e./secret.txt', '..%2fsecret.txt', '%2e%2e%2fsecret.txt', 'sub%2f..%2f..%2fsecret.txt',
  '..%5csecret.txt', '%2e%2e%5csecret.txt', '..\\secret.txt', 'sub\\x.txt', 'sub%5cx.txt', 'back\\slash.txt', 'back%5cslash.txt',
  '%252e%252e/secret.txt', '%252e%252e%252fsecret.txt', '..%252fsecret.txt', '%25%32%65%25%32%65/secret.txt', '%252fapp.js', 'sub%252fx.txt',
  '%c0%ae%c0%ae/secret.txt', '%c0%ae%c0%ae%c0%afsecret.txt', '..%c0%afsecret.txt', '%e0%80%ae%e0%80%ae/secret.txt', '%uff0e%uff0e/secret.txt', '%ff', '%', '%zz', 'app.js%',
  'sub%2fx.txt', 'sub%2Fx.txt', '%2fapp.js', '/app.js', '//app.js', 'sub//x.txt', './app.js', 'sub/./x.txt', 'sub/x.txt/.', '%2e/app.js',
  'app.js%00', 'app.js%00.txt', '%00app.js', 'sub%00/x.txt', '../secret.txt%00.js',
  '.env', '%2eenv', './.env', '.git/config', '.git', '.git/', '%2egit/config', 'sub/.env', '...txt', '.well-known', '.well-known/', '.well-known/.hidden', '.well-known/../.env', 'sub/.well-known/x', '.well-known%2fx',
  'links/outside.txt', 'links/outside/secret.txt', 'links/outside/root/app.js', 'links/sibling/secret.txt', 'links/sibling/back/x.txt', 'links/env', 'links/git/config', 'links/broken.txt', 'links/itself',
  'links/loop/inside.js', 'links/loop/loop/inside.js', 'links/root/app.js', 'links/root/links/inside.js', 'links/absolute.txt',
  `${'x'.repeat(300)}.js`, `${'x/'.repeat(3000)}.js`
]

/** Other spellings of the prefix: the router knows none of them. */
const elsewhere = ['//static/app.js', '/./static/app.js', '/x/../static/app.js', '/static%2fapp.js', '/static\\app.js', '/STATIC/app.js', '/%73tatic/app.js', '/%73tatic/100%25.txt', 'http://test/%73tatic/app.js', '/static', '/static../secret.txt', '/static../root/app.js']

for (const memory of [true, false, { maxFileSize: 0 }]) {
  const mode = `memory ${JSON.stringify(memory)}`

  async function serve (t: Test, prepare?: (app: FastifyInstance) => void): Promise<FastifyInstance> {
    const app = Fastify({ routerOptions: { maxParamLength: 100 } })
    t.teardown(() => app.close())
    prepare?.(app)
    await app.register(staticFiles, { root: site(t), memory })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app
  }

  t.test(`names that lead to a file, ${mode}`, async (t) => {
    const request = keepConnected(t, await serve(t))
    const wrong: unknown[] = []
    for (const [target, body] of served) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await request(method, `/static/${target}`)
        const isRight = answer.status === 200 && String(answer.body) === (method === 'GET' ? body : '')
        if (!isRight) wrong.push([method, target, answer.status, String(answer.body)])
      }
    }
    t.same(wrong, [])
  })

  t.test(`names that lead nowhere, ${mode}`, async (t) => {
    const request = keepConnected(t, await serve(t))
    const wrong: unknown[] = []
    for (const target of [...refused.map((name) => `/static/${name}`), ...elsewhere]) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const { status, body } = await request(method, target)
        const isRight = [400, 404].includes(status) && !body.includes(secret)
        if (!isRight) wrong.push([method, target.slice(0, 60), status])
      }
    }
    t.same(wrong, [])
  })

  t.test(`what no page can link, ${mode}`, async (t) => {
    const app = await serve(t)
    const names = ['', '.', '..', '/app.js', 'app.js/', './app.js', '../secret.txt', '.env', '.git/config', 'sub', 'sub\\x.txt', 'back\\slash.txt', 'missing.js', 'links/outside.txt', 'links/env', 'links/loop/inside.js', 'a\0b', '\ud800', '__proto__', 'constructor']
    for (const name of names) t.throws(() => app.asset(name), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' }, JSON.stringify(name))
  })

  t.test(`what a page links is served, ${mode}`, async (t) => {
    const app = await serve(t)
    for (const name of ['app.js', 'do..ts.txt', '100%.txt', '100%25.txt', 'a%20.md', 'a b#c?d&e;f+g.txt', 'grüße-日本.txt', '.well-known/x', 'sub/x.txt', 'links/inside.js', 'links/sub/x.txt']) {
      const url = app.asset(name)
      t.match(url, /^\/static\/[!-~]+$/)
      t.notMatch(url, /[#?"<>]/)
      const answer = await rawRequest(app, 'GET', url)
      t.equal(answer.status, 200, url)
      t.equal(answer.fields['cache-control'], memory === false ? 'no-cache' : 'public, max-age=31536000, immutable')
    }
  })

  t.test(`whichever way the request is written, ${mode}`, { skip: lacks.links }, async (t) => {
    const app = await serve(t)
    for (const target of ['http://test/static/app.js', 'http://test/static/%61pp.js', 'HTTP://test:80/static/app.js']) {
      t.equal(String((await rawRequest(app, 'GET', target)).body), 'app.js', target)
    }
    const doubled = Fastify({ routerOptions: { ignoreDuplicateSlashes: true, caseSensitive: false } })
    t.teardown(() => doubled.close())
    await doubled.register(async (tenant) => {
      await tenant.register(staticFiles, { root: site(t), memory })
    }, { prefix: '/:tenant/a+b' })
    await doubled.listen({ port: 0, host: '127.0.0.1' })
    for (const target of ['/one/a+b/static/%61pp.js', '//one/A+b//static/%61pp.js']) t.equal((await rawRequest(doubled, 'GET', target)).status, 200, target)
    for (const target of ['/one/a%2bb/static/app.js', '/one/%61+b/static/app.js']) t.equal((await rawRequest(doubled, 'GET', target)).status, 404, target)
  })

  t.test(`no escape leads past a route beside it, ${mode}`, async (t) => {
    const root = t.testdir({ '@private': { 'x.txt': secret }, 'a,b@c.txt': 'open' })
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(staticFiles, { root, memory })
    app.get('/static/@private/*', (request, reply) => { reply.code(401).send() })
    for (const target of ['/static/@private/x.txt', '/static/%40private/x.txt', app.asset('@private/x.txt')]) {
      const answer = await app.inject(target)
      t.match(String(answer.statusCode), /^(?:40[14]|308)$/, target)
      t.notMatch(answer.body, secret)
    }
    t.equal((await app.inject('/static/a,b@c.txt')).body, 'open')
    t.equal((await app.inject(app.asset('a,b@c.txt'))).body, 'open')
  })

  t.test(`redirects to the one URL of a file, ${mode}`, async (t) => {
    const app = await serve(t)
    const rows: [target: string, location: string | undefined][] = [
      ['/static/a%20b%23c%3Fd%26e%3Bf%2Bg.txt', '/static/a%20b%23c%3Fd&e;f+g.txt'],
      ['/static/a%20b%23c%3Fd%26e;f%2bg.txt?v=%26', '/static/a%20b%23c%3Fd&e;f+g.txt?v=%26'],
      ['http://test/static/do%40.txt', '/static/do@.txt'],
      ['/static/missing%40.txt', '/static/missing@.txt'],
      ['/static/%2Fmissing%40.txt', undefined],
      ['/%73tatic/missing%40.txt', undefined]
    ]
    for (const [target, location] of rows) {
      for (const method of ['GET', 'HEAD']) {
        const { status, fields } = await rawRequest(app, method, target)
        t.equal(status, location === undefined ? 404 : 308, `${method} ${target}`)
        t.equal(fields.location, location, target)
      }
      t.equal((await rawRequest(app, 'POST', target)).status, 404)
    }
    t.equal(String((await rawRequest(app, 'GET', '/static/a%20b%23c%3Fd&e;f+g.txt')).body), 'odd')
  })

  // As the auth plugin does it: by route, when the route is declared, before what the route itself has.
  t.test(`not one byte without the guard's leave, ${mode}`, async (t) => {
    let guarded = 0
    const app = await serve(t, (app) => {
      app.addHook('onRoute', (route) => {
        if (route.url !== '/static/*') return
        guarded++
        const own = route.onRequest === undefined ? [] : [route.onRequest].flat()
        route.onRequest = [(request, reply, done) => {
          if (request.headers.authorization === 'yes') done()
          else reply.code(401).send()
        }, ...own]
      })
    })
    t.equal(guarded, 2)
    const request = keepConnected(t, app)
    const wrong: unknown[] = []
    const withoutContent = /^(?:\{"message":"Route |\{"error":"Bad Request"|\{"statusCode":400|\{"error":"Not Found"|$|\{"code":"FST_ERR_BAD_URL")/
    for (const target of [...served.map(([name]) => `/static/${name}`), ...refused.map((name) => `/static/${name}`), ...elsewhere]) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
        const { status, body } = await request(method, target)
        const isRefused = status === 401 && body.length === 0
        const isRight = isRefused || ([400, 404].includes(status) && withoutContent.test(String(body)))
        if (!isRight) wrong.push([method, target.slice(0, 60), status, String(body)])
      }
    }
    t.same(wrong, [])
    for (const [name, body] of served) {
      t.equal((await rawRequest(app, 'GET', `/static/${name}`)).status, 401, 'even whether there is such a file is not told')
      const answer = await rawRequest(app, 'GET', `/static/${name}`, { authorization: 'yes' })
      t.equal(String(answer.body), body)
    }
    t.equal((await rawRequest(app, 'POST', '/static/app.js')).status, 401)
    t.equal((await rawRequest(app, 'POST', '/static/app.js', { authorization: 'yes' })).status, 405)
    const linked = await rawRequest(app, 'GET', app.asset('app.js'), { authorization: 'yes' })
    t.equal(linked.fields['cache-control'], memory === false ? 'no-cache' : 'private, max-age=31536000, immutable', 'and no shared cache keeps it')
  })
}

/** Lays files out as Kubernetes mounts a ConfigMap, and returns a function that changes them all at once. */
function mountVolume (folder: string, files: Record<string, string>): (files: Record<string, string>) => void {
  let version = 0
  function publish (files: Record<string, string>): void {
    const name = `..2026_01_31_12_00_0${++version}.123456789`
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name, file)), { recursive: true })
      writeFileSync(join(folder, name, file), text)
    }
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  publish(files)
  for (const first of new Set(Object.keys(files).map((file) => file.split('/')[0]!))) {
    symlinkSync(`..data/${first}`, join(folder, first))
  }
  return publish
}

for (const memory of [true, false, { maxFileSize: 0 }]) {
  t.test(`a mounted ConfigMap, memory ${JSON.stringify(memory)}`, { skip: lacks.links }, async (t) => {
    const root = t.testdir({ nested: {}, '.git': { config: secret }, '.env.local': secret, '..secret': secret })
    const files = {
      'app.js': 'app.js', 'sub/x.txt': 'sub/x.txt', '.well-known/security.txt': 'contact', '.env': secret, '.git2/config': secret, 'sub/.env': secret
    }
    const publish = mountVolume(root, files)
    mountVolume(join(root, 'nested'), { 'page.html': 'page', '.env': secret })
    const links = [
      ['env.txt', '.env'], ['env2.txt', '..data/.env'], ['local.txt', '.env.local'], ['git', '.git'], ['git2', '..data/.git2'],
      ['dots.txt', '..secret'], ['outside.txt', '..data/../../../x']
    ] as const
    for (const [at, to] of links) symlinkSync(to, join(root, at))
    symlinkSync('..data', join(root, 'all'))
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(staticFiles, { root, memory })
    await app.listen({ port: 0, host: '127.0.0.1' })

    const version = '..2026_01_31_12_00_01.123456789'
    const rows: [name: string, body: string | undefined][] = [
      ['app.js', 'app.js'], ['sub/x.txt', 'sub/x.txt'], ['.well-known/security.txt', 'contact'], ['nested/page.html', 'page'], ['all/app.js', 'app.js'],
      ...[
        '..data/app.js', '%2e%2edata/app.js', '..data', `${version}/app.js`, version, 'nested/..data/page.html', 'nested/../..data/app.js', '.env', 'nested/.env',
        'sub/.env', '.git/config', '.git2/config', ...links.map(([at]) => at), 'git/config', 'git2/config'
      ].map((name): [string, undefined] => [name, undefined])
    ]
    const wrong: unknown[] = []
    for (const [name, body] of rows) {
      const answer = await rawRequest(app, 'GET', `/static/${name}`)
      if (answer.status !== (body === undefined ? 404 : 200)) wrong.push({ name, status: answer.status })
      if (body === undefined && String(answer.body).includes(secret)) wrong.push({ name, body: String(answer.body) })
      if (body !== undefined && (await rawRequest(app, 'GET', app.asset(name))).body.toString() !== body) wrong.push({ name, url: app.asset(name) })
      if (body === undefined) t.throws(() => app.asset(name), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
    }
    t.strictSame(wrong, [])

    publish({ ...files, 'app.js': 'newer' })
    t.equal(String((await rawRequest(app, 'GET', '/static/app.js')).body), memory === true ? 'app.js' : 'newer')
  })
}

/* Each printable character that a route's path can have and a file's name, with how the route is written. */
const characters = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
  .filter((character) => !/[*/\\.()A-Z]/.test(character))
const inRoute: Record<string, string> = { ':': '::' }

/** Every way to write a character in a URL that a client can send. */
function spellings (character: string): string[] {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0')
  const escapes = [`%${hex}`, `%${hex.toUpperCase()}`, `%25${hex}`]
  return ' #?%'.includes(character) ? escapes : [character, ...escapes]
}

const routers: [name: string, routerOptions: object, outer: string, inUrl: string][] = [
  ['as it is', {}, '', ''],
  ['with a parameter in front', {}, '/:tenant', '/one'],
  ['with two parameters in one segment', {}, '/:tenant-:part', '/one-two'],
  ['without upper and lower case', { caseSensitive: false }, '', ''],
  ['without the last slash', { ignoreTrailingSlash: true }, '', ''],
  ['without doubled slashes', { ignoreDuplicateSlashes: true }, '', ''],
  ['without any of them', { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true }, '/:tenant', '/one']
]

/** A folder of a secret file for each character, and a secret file beside it. */
function secrets (t: Test): string {
  const root = t.testdir({})
  for (const character of characters) {
    mkdirSync(join(root, `a${character}b`))
    writeFileSync(join(root, `a${character}b`, 'x.txt'), secret)
    writeFileSync(join(root, `a${character}b.txt`), secret)
  }
  return root
}

t.test('no spelling leads past a guarded route below the files', async (t) => {
  const root = secrets(t)
  for (const [name, routerOptions, outer, inUrl] of routers) {
    for (const order of ['before', 'after', 'outside']) {
      await t.test(`a router ${name}, declared ${order}`, async (t) => {
        const app = Fastify({ routerOptions })
        t.teardown(() => app.close())
        const guard = (): void => {
          for (const character of characters) {
            const segment = `a${inRoute[character] ?? character}b`
            app.get(`${outer}/static/${segment}/*`, (request, reply) => { reply.code(401).send('guarded') })
            app.get(`${outer}/static/${segment}.txt`, (request, reply) => { reply.code(401).send('guarded') })
          }
        }
        const wrong: unknown[] = []
        if (order === 'before') guard()
        await app.register(async (part) => {
          await part.register(staticFiles, { root, memory: true })
          if (order === 'after') guard()
          for (const character of characters) {
            for (const file of [`a${character}b/x.txt`, `a${character}b.txt`]) {
              const url = part.asset(file).replace(outer, inUrl).replace(/\.[0-9a-f]{16}/, '')
              if (!url.startsWith(`${inUrl}/static/a`)) wrong.push([file, url])
            }
          }
        }, { prefix: outer })
        if (order === 'outside') guard()
        await app.listen({ port: 0, host: '127.0.0.1' })

        const request = keepConnected(t, app)
        let requests = 0
        for (const character of characters) {
          for (const spelling of spellings(character)) {
            const targets = [`a${spelling}b/x.txt`, `a${spelling}b.txt`, `a${spelling}b//x.txt`, `a${spelling}b.txt/`, `%61${spelling}b/x.txt`, `A${spelling}B/x.txt`]
            for (const target of targets) {
              const { status, body } = await request('GET', `${inUrl}/static/${target}`)
              if (![308, 401, 404].includes(status) || body.includes(secret)) wrong.push([target, status])
              requests++
            }
          }
        }
        t.same(wrong, [])
        t.equal(requests, 1488)
      })
    }
  }
})

t.test('a redirect never leads to another host', { skip: lacks.links }, async (t) => {
  const app = Fastify({ routerOptions: { ignoreDuplicateSlashes: true } })
  t.teardown(() => app.close())
  await app.register(async (tenant) => {
    await tenant.register(staticFiles, { root: site(t), memory: false })
  }, { prefix: '/:tenant' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (const target of ['//evil.test/static/%40.js', '///evil.test//static/%40.js', 'http://x//evil.test/static/%40.js']) {
    const { status, fields } = await rawRequest(app, 'GET', target)
    t.equal(status, 308)
    t.match(fields.location, /^\/evil\.test\//, target)
  }
})

t.test('what a route names in a text that no URL matches is not served', async (t) => {
  const root = t.testdir({
    'a@b': { 'x.txt': secret },
    'a&b.txt': secret,
    'a#b': { sub: { 'x.txt': secret } },
    'A#b': { 'y.txt': secret },
    'p:q#r.txt': secret,
    'my files': { 'x.txt': secret },
    'grüße.txt': secret,
    'post#.txt': 'open',
    'a@c.txt': 'open',
    'a#c': { 'x.txt': 'open' },
    '%.txt': 'open'
  })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory: false })
  for (const path of ['a%40b/*', 'a%26b.txt', 'a#b/*', 'p::q#r.txt', 'my%20files/*', 'gr%C3%BC%c3%9fe.txt', '%zz.txt']) app.get(`/static/${path}`, (request, reply) => { reply.code(401).send() })
  app.post('/static/post#.txt', async () => 'posted')
  for (const target of ['a@b/x.txt', 'a&b.txt', 'a%23b/sub/x.txt', 'A%23b/y.txt', 'p:q%23r.txt', 'my%20files/x.txt', 'gr%C3%BC%C3%9Fe.txt']) {
    t.equal((await app.inject(`/static/${target}`)).statusCode, 404, target)
  }
  t.equal((await app.inject('/static/a&b.0123456789abcdef.txt')).statusCode, 404, 'nor by a fingerprint')
  for (const target of ['a@c.txt', 'post%23.txt', 'a%23c/x.txt', '%25.txt']) t.equal((await app.inject(`/static/${target}`)).body, 'open', target)
  mkdirSync(join(root, 'my files', 'sub'))
  writeFileSync(join(root, 'my files', 'sub', 'later.txt'), secret)
  t.equal((await app.inject('/static/my%20files/sub/later.txt')).statusCode, 404, 'a file that was made later')
})

for (const memory of [true, false, { maxFileSize: 0 }]) {
  t.test(`nothing asks the router with what a client sends, memory ${JSON.stringify(memory)}`, { skip: lacks.links }, async (t) => {
    const odd = ['*', '**', 'a*b.txt', 'a*#b&c.txt', '*&', ':*', '(*', 'a:b#c(.txt', 'x/*/y&.txt', 'p:q&r.txt']
    const root = t.testdir({})
    for (const name of odd) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), name)
    }
    for (const prefix of ['/static/', '/']) {
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(staticFiles, { root, prefix, memory })
      await app.register(async (part) => await part.register(staticFiles, { root, prefix, memory }), { prefix: '/:tenant/x' })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const missing = ['*&x', '&*', '*;', 'a*b', '*/*', '*@*/x', 'x*y&z', '*%23', '%2A&x', '*:', '::*', ':a(*', '(*)', 'a+*', '$*', '*=']
      const rows: [target: string, status: number][] = [
        ...odd.map((name): [string, number] => [app.asset(name), 200]),
        ...missing.map((name): [string, number] => [prefix + name, 404]),
        [`${prefix}%2a%26`, 308], [`${prefix}*?&`, 200], [`/one/x${prefix}*&`, 200], [`/one/x${prefix}*&x`, 404]
      ]
      const wrong: unknown[] = []
      for (const [target, status] of rows) {
        const answer = await rawRequest(app, 'GET', target)
        if (answer.status !== status) wrong.push([target, answer.status])
      }
      t.strictSame(wrong, [])
    }
  })
}

for (const memory of [true, false]) {
  t.test(`a semicolon in a name where it ends the path, memory ${memory}`, { skip: lacks.links }, async (t) => {
    const root = t.testdir({ 'a;b.txt': 'semicolon', 'a@b.txt': 'at', 'a.js': 'script' })
    // Fastify's types know the setting in its older place alone.
    const setting = { useSemicolonDelimiter: true }
    for (const server of [setting, { routerOptions: setting as object }]) {
      const app: FastifyInstance = Fastify(server)
      t.teardown(() => app.close())
      await app.register(staticFiles, { root, memory })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const rows: [target: string, status: number, body?: string, location?: string][] = [
        [app.asset('a;b.txt'), 200, 'semicolon'], [app.asset('a@b.txt'), 200, 'at'],
        ['/static/a%3Bb.txt', 200, 'semicolon'], ['/static/a;b.txt', 404],
        ['/static/a%40b.txt', 308, '', '/static/a@b.txt'], ['/static/a%40b.txt;v=%40', 308, '', '/static/a@b.txt;v=%40'],
        ['/static/a.js;v=%2f', 200, 'script'], ['/static/%61.js;v=%40', 200, 'script'], ['/static/a%2fb;x', 404]
      ]
      const wrong: unknown[] = []
      for (const [target, status, body, location] of rows) {
        const answer = await rawRequest(app, 'GET', target)
        const isBody = body === undefined || String(answer.body) === body
        if (answer.status !== status || !isBody || answer.fields.location !== location) wrong.push([target, answer])
      }
      t.strictSame(wrong, [])
    }
  })
}
