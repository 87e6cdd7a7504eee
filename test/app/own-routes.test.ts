import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import quickstart from '../../app.ts'
import { requiresAuth } from '../../plugins/auth/index.ts'
import { int } from '../../plugins/params/index.ts'
import { setEnvironment } from '../environment.ts'
import { asAdmin, cheapUsers, html, start } from './start.ts'

async function own (app: FastifyInstance): Promise<void> {
  app.get('/mine', async (request, reply) => reply.render('secret', { user: { name: app.asset('app.js') } }))
  app.get('/guarded', { onRequest: requiresAuth }, async (request) => ({ for: request.user?.name }))
  app.get('/url', { config: { name: 'own' } }, async () => app.urlFor('own', {}, { query: { a: 1 } }))
}

t.test('run inside the app, with decorators, pages, guards, names and headers', async (t) => {
  const app = await start(t, { routes: own })
  const page = await app.inject('/mine')
  t.match(page.body, '<strong>/static/app.js</strong>')
  t.ok(page.headers['content-security-policy'])
  t.equal((await app.inject('/guarded')).statusCode, 401)
  t.same((await app.inject({ url: '/guarded', headers: asAdmin })).json(), { for: 'admin' })
  t.equal((await app.inject('/url')).body, '/url?a=1')
  t.match((await app.inject({ url: '/guarded', headers: html })).body, '<h1>401 Unauthorized</h1>')
})

t.test('may be a plugin in any of its forms, or a list', async (t) => {
  const typed: FastifyPluginAsyncTypebox = async (app) => {
    app.get('/a/:n', { schema: { params: Type.Object({ n: int() }) } }, async ({ params }) => ({ n: params.n + 1 }))
  }
  const forms: [routes: Parameters<typeof start>[1], answers: string[]][] = [
    [{ routes: [] }, []],
    [{ routes: undefined }, []],
    [{ routes: typed }, ['/a/1']],
    [{ routes: [typed, own] }, ['/a/1', '/url']],
    [{ routes: (app, options, done) => { app.get('/b', async () => 'b'); done() } }, ['/b']],
    [{ routes: fp(async (app) => { app.get('/c', async () => app.urlFor('index')) }) }, ['/c']]
  ]
  for (const [given, urls] of forms) {
    const app = await start(t, given)
    for (const url of urls) t.equal((await app.inject(url)).statusCode, 200, url)
  }
})

t.test('lie below the prefix of the app, and QUICKSTART_PROTECT covers them', async (t) => {
  const app = await start(t, { routes: own, prefix: '/demo' } as object, { QUICKSTART_PROTECT: '/url' })
  t.equal((await app.inject('/demo/url')).statusCode, 401)
  t.equal((await app.inject({ url: '/demo/url', headers: asAdmin })).body, '/demo/url?a=1')
  t.equal((await app.inject('/demo/mine')).statusCode, 200)
})

t.test('may be a file, as the flag --routes names it', async (t) => {
  const folder = t.testdir({
    'one.mjs': 'export default async function (app) { app.get("/one", async () => "one") }',
    'two.mjs': 'export default [async (app) => { app.get("/one", async () => "one") }, async (app) => { app.get("/two", async () => "two") }]',
    'common.cjs': 'module.exports = async (app) => { app.get("/one", async () => "one") }'
  })
  t.chdir(folder)
  for (const file of ['one.mjs', './one.mjs', join(folder, 'two.mjs'), 'common.cjs']) {
    const app = await start(t, { routes: file })
    t.equal((await app.inject('/one')).body, 'one', file)
  }
})

t.test('what is not a plugin stops the start with one line', async (t) => {
  t.chdir(t.testdir({
    folder: {},
    'none.mjs': 'export const routes = 1',
    'object.mjs': 'export default { routes: [] }',
    'list.mjs': 'export default [5]',
    'text.txt': 'hello',
    'faulty.mjs': 'throw new TypeError("a fault of the file")',
    'null.mjs': 'throw null',
    'thrown.mjs': 'throw "ERR_UNKNOWN_FILE_EXTENSION"',
    'symbol.mjs': 'throw { code: Symbol("x") }',
    'list.json': '[]',
    'style.css': '',
    'imports.mjs': 'import "./style.css"'
  }))
  const wrong: [routes: unknown, says: string | RegExp][] = [
    [5, /^option "routes" is 5; it takes a Fastify plugin \(async function routes \(app\) \{ … \}\), or a list of them/],
    [null, 'option "routes" is null; it takes'],
    [true, 'option "routes" is true; it takes'],
    [{}, 'option "routes" is an object; it takes'],
    [[own, undefined], 'option "routes" is a list with missing in it; it takes'],
    [[[own]], 'option "routes" is a list with a list in it; it takes'],
    ['nowhere.js', '--routes nowhere.js does not exist'],
    ['', '--routes takes the path of a file'],
    ['folder', '--routes folder is not a file'],
    ['text.txt', '--routes text.txt is not JavaScript; it takes a .js file, or .ts from Node 22.18 on'],
    ['null.mjs', '--routes null.mjs throws null'],
    ['thrown.mjs', "--routes thrown.mjs throws 'ERR_UNKNOWN_FILE_EXTENSION'"],
    ['symbol.mjs', '--routes symbol.mjs throws { code: Symbol(x) }'],
    ['list.json', '--routes list.json is not JavaScript'],
    // Systems and versions of Node differ in what they take for missing.
    ['none.mjs/routes.js', /^--routes none\.mjs\/routes\.js (?:does not exist|cannot be read \(ENOTDIR\))$/],
    [`${'long'.repeat(100)}.js`, /^--routes (?:long)+\.js (?:does not exist|cannot be read \(ENAMETOOLONG\))$/],
    ['none.mjs', '--routes none.mjs: the default export is missing; it must be a Fastify plugin'],
    ['object.mjs', '--routes object.mjs: the default export is an object; it must be'],
    ['list.mjs', '--routes list.mjs: the default export is a list with 5 in it; it must be']
  ]
  for (const [routes, message] of wrong) {
    await t.rejects(start(t, { routes } as object), { code: 'FST_QUICKSTART_APP_INVALID_ROUTES', message }, String(message))
  }
  await t.rejects(start(t, { routes: 'imports.mjs' }), { message: /\.css/, code: 'ERR_UNKNOWN_FILE_EXTENSION' })
  await t.rejects(start(t, { routes: 'faulty.mjs' }), { name: 'TypeError', message: 'a fault of the file' })
})

t.test('a file that Node refuses stops the start with one line that says what to change', async (t) => {
  const files = {
    'module.js': 'export default async function routes (app) {}',
    'imports.js': '// a comment\nimport { join } from "node:path"\nexport default async function routes (app) {}',
    'module.cjs': 'export default async function routes (app) {}',
    'common.js': 'module.exports = async function routes (app) {}',
    'common.mjs': 'const { join } = require("node:path")\nmodule.exports = async function routes (app) {}',
    'mixed.mjs': 'import "node:path"\nexport default async (app) => {}\nrequire("node:fs")',
    'broken.js': 'export default async function routes (app) {\n  const a = {{ }\n}',
    'broken.mjs': 'export default async function routes (app) {\n\n  const a = {{ }\n}',
    'broken.cjs': 'module.exports = async function routes (app) {\n\n  const a = {{ }\n}',
    'typed.mjs': 'export default async function routes (app: unknown) {}',
    'name.mjs': '\n\nimport { nothing } from "node:fs"',
    'package.mjs': 'import "no-such-package-anywhere"',
    'package.cjs': '"use strict"\nrequire("no-such-package-anywhere")',
    'file.mjs': 'import "./no-such-file.js"',
    'loads-broken.mjs': 'import "./broken.mjs"',
    'loads-missing.mjs': 'import "./package.mjs"',
    'loads-common.mjs': 'import "./common.mjs"'
  }
  t.chdir(t.testdir({
    commonjs: { ...files, 'package.json': '{ "type": "commonjs" }', below: { 'module.js': files['module.js'], 'package.json': '{' } },
    module: { ...files, 'package.json': '{ "type": "module" }' }
  }))
  const isModule = 'is an ES module, and Node takes it for CommonJS; name it'
  const orType = ', or write "type": "module" into package.json'
  const isCommon = /^--routes \S+ uses CommonJS in an ES module \((?:module|require) is not defined in ES module scope.*\); write import and export default/
  const right = 'starts'
  const cases: [file: string, says: string | RegExp][] = [
    ['commonjs/module.js', `${isModule} module.mjs${orType}`],
    ['commonjs/imports.js', `${isModule} imports.mjs${orType}`],
    ['commonjs/below/module.js', `${isModule} module.mjs${orType}`],
    ['commonjs/broken.js', `${isModule} broken.mjs${orType}`],
    ['commonjs/module.cjs', /is an ES module, and Node takes it for CommonJS; name it module\.mjs$/],
    ['commonjs/common.js', right],
    ['module/module.js', right],
    ['module/common.js', isCommon],
    ['module/common.js', ', or name it common.cjs'],
    ['commonjs/common.mjs', isCommon],
    ['commonjs/common.mjs', ', or name it common.cjs'],
    ['commonjs/mixed.mjs', /write import and export default$/],
    ['module/broken.js', 'broken.js cannot be loaded (line 2): Unexpected token'],
    ['commonjs/broken.mjs', 'broken.mjs cannot be loaded (line 3): Unexpected token'],
    ['commonjs/broken.cjs', 'broken.cjs cannot be loaded (line 3): Unexpected token'],
    ['commonjs/typed.mjs', 'typed.mjs cannot be loaded (line 1): '],
    ['commonjs/name.mjs', "name.mjs cannot be loaded (line 3): The requested module 'node:fs' does not provide"],
    ['commonjs/package.mjs', /package\.mjs cannot be loaded: Cannot find package 'no-such-package-anywhere'$/],
    ['commonjs/package.cjs', /package\.cjs cannot be loaded: Cannot find module 'no-such-package-anywhere'$/],
    ['commonjs/file.mjs', /file\.mjs cannot be loaded: Cannot find module '.*no-such-file\.js'$/]
  ]
  const wrong: unknown[] = []
  for (const [file, says] of cases) {
    const error: unknown = await start(t, { routes: file }).then(() => ({ message: right }), (error) => error)
    const { code, message } = error as { code?: string, message: string } // either of the two above
    const isRefused = code === 'FST_QUICKSTART_APP_INVALID_ROUTES' && message.startsWith(`--routes ${file} `)
    const isSaid = typeof says === 'string' ? message.includes(says) : says.test(message)
    if (!isSaid || (says !== right && !isRefused) || message.includes('\n')) wrong.push({ file, says, code, message })
  }
  t.same(wrong, [])

  // Their own stack, or Node's place of the error, says more than a line.
  const ofOtherFiles: [file: string, error: { name: string }][] = [
    ['loads-broken.mjs', { name: 'SyntaxError' }],
    ['loads-missing.mjs', { name: 'Error' }],
    ['loads-common.mjs', { name: 'ReferenceError' }]
  ]
  for (const [file, error] of ofOtherFiles) await t.rejects(start(t, { routes: `commonjs/${file}` }), error, file)
})

t.test('a file in a folder without any package.json may be CommonJS', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'common.js'), 'module.exports = async (app) => { app.get("/one", async () => "one") }')
  t.equal((await (await start(t, { routes: join(folder, 'common.js') })).inject('/one')).body, 'one')
})

t.test('may answer what no route does, and errors, themselves', async (t) => {
  const notFound = async (app: FastifyInstance): Promise<void> => {
    app.setNotFoundHandler((request, reply) => reply.code(404).send('nothing of mine'))
  }
  const nested = async (app: FastifyInstance): Promise<void> => { await app.register(notFound, { prefix: '/deep' }) }
  const suite = 'There is nothing at this address.'
  const cases: [given: object, answers: Record<string, string>][] = [
    [{ routes: notFound }, { '/none': 'nothing of mine', '/static/none.js': 'nothing of mine', '/source/none': 'nothing of mine' }],
    [{ routes: fp(async (app) => notFound(app)) }, { '/none': 'nothing of mine', '/static/none.js': 'nothing of mine' }],
    [{ routes: [own, notFound] }, { '/none': 'nothing of mine' }],
    [{ routes: notFound, prefix: '/demo' }, { '/demo/none': 'nothing of mine', '/none': 'Route GET:/none not found' }],
    [{ routes: nested }, { '/deep/none': 'nothing of mine', '/none': suite }],
    [{}, { '/none': suite }]
  ]
  const wrong: unknown[] = []
  for (const [given, answers] of cases) {
    const app = await start(t, given)
    for (const [url, expected] of Object.entries(answers)) {
      const { statusCode, body, headers } = await app.inject(url)
      const isSecure = headers['x-content-type-options'] === 'nosniff' || expected.startsWith('Route')
      if (statusCode !== 404 || !body.includes(expected) || !isSecure) wrong.push({ url, expected, statusCode, body })
    }
  }
  t.same(wrong, [])
})

t.test('may answer the errors of their own routes themselves; the topics keep the app\'s answers', async (t) => {
  const handler = async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error: FastifyError, request, reply) => reply.code(418).send(`mine: ${error.message}`))
    app.get('/fails', async () => { throw new Error('a fault') })
  }
  for (const routes of [handler, fp(async (app) => handler(app))]) {
    const app = await start(t, { routes })
    t.equal((await app.inject('/fails')).body, 'mine: a fault')
    t.equal((await app.inject('/post/nine')).statusCode, 400)
    t.match((await app.inject('/none')).json(), { message: 'There is nothing at this address.' })
  }
})

t.test('a host that answers what no route does goes on doing so', async (t) => {
  setEnvironment(t)
  const host = Fastify()
  t.teardown(() => host.close())
  host.setNotFoundHandler((request, reply) => reply.code(404).send('the host says no'))
  await host.register(quickstart, { auth: { users: cheapUsers } })
  t.equal((await host.inject('/none')).body, 'the host says no')
  t.equal((await host.inject('/hello')).body, 'Hello World!')
})
