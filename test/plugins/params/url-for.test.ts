import fc from 'fast-check'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import { Type } from 'typebox'
import type { PathParams, UrlFor } from '../../../plugins/params/index.ts'
import params, { any, float, int, path, string, uuid } from '../../../plugins/params/index.ts'
import { runs } from '../../runs.ts'

/** An app with a route of each given path, named for the path, that answers with the parameters it got. */
async function withRoutes (t: Test, paths: string[], server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ exposeHeadRoutes: false, ...server })
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  for (const path of paths) {
    app.get(path, { config: { name: path } }, async (request) => ({ name: path, params: request.params }))
  }
  return app
}

t.test('writes each kind of path, and the router reads the same values from it', async (t) => {
  const table: [pattern: string, values: Record<string, string>, url: string][] = [
    ['/', {}, '/'],
    ['/about', {}, '/about'],
    ['/user/:name', { name: 'a b' }, '/user/a%20b'],
    ['/user/:name', { name: 'a/b?c#d' }, '/user/a%2Fb%3Fc%23d'],
    ['/user/:name', { name: "-_.~!'()*" }, '/user/-_.~%21%27%28%29%2A'],
    ['/user/:name', { name: '100%' }, '/user/100%25'],
    ['/user/:name', { name: '%2F' }, '/user/%252F'],
    ['/user/:name', { name: 'é🦆' }, '/user/%C3%A9%F0%9F%A6%86'],
    ['/user/:name', { name: ':name' }, '/user/%3Aname'],
    ['/user/:name', { name: '__proto__' }, '/user/__proto__'],
    ['/user/:name/posts', { name: '...' }, '/user/.../posts'],
    ['/:a/:b', { a: '1', b: '2' }, '/1/2'],
    ['/at/:lat-:lon', { lat: '1', lon: '2' }, '/at/1-2'],
    ['/at/:lat-:lon', { lat: '1-2', lon: '3' }, '/at/1-2-3'],
    ['/file/:base.:ext', { base: 'a', ext: 'txt' }, '/file/a.txt'],
    ['/image/:name.png', { name: 'a.b' }, '/image/a.b.png'],
    ['/v:major.:minor', { major: '1', minor: '0' }, '/v1.0'],
    ['/time/:h(^\\d{2}$)h:m(^\\d{2}$)m', { h: '08', m: '30' }, '/time/08h30m'],
    ['/number/:n(^\\d+$)', { n: '42' }, '/number/42'],
    ['/either/:e((?:a|b\\))+)', { e: 'ab)' }, '/either/ab%29'],
    ['/pair/:x(\\d+):y', { x: '12', y: 'ab' }, '/pair/12ab'],
    ['/optional/:a?', { a: 'x' }, '/optional/x'],
    ['/optional/:a?', {}, '/optional'],
    ['/optional-slash/:a?/', { a: 'x' }, '/optional-slash/x/'],
    ['/optional-slash/:a?/', {}, '/optional-slash/'],
    ['/:root?', {}, '/'],
    ['/two/:a-:b?', { a: 'x', b: 'y' }, '/two/x-y'],
    ['/two/:a-:b?', {}, '/two'],
    ['/colon/a::b/:c', { c: '1' }, '/colon/a:b/1'],
    ['/colon/:a-x::y', { a: '1' }, '/colon/1-x:y'],
    ['/static @+;,=&$/:a', { a: '1' }, '/static%20@+;,=&$/1'],
    ['/café/100%/:a', { a: '1' }, '/caf%C3%A9/100%25/1'],
    ['/files/*', { '*': 'a/b c/d' }, '/files/a/b%20c/d'],
    ['/files/*', { '*': 'a//b/' }, '/files/a//b/'],
    ['/files/*', { '*': '/a' }, '/files//a'],
    ['/files/*', { '*': '100%/*' }, '/files/100%25/%2A'],
    ['/files/*', { '*': '' }, '/files/'],
    ['/from-:a/*', { a: 'x', '*': 'y' }, '/from-x/y'],
    ['*', { '*': '/anywhere/else' }, '/anywhere/else']
  ]
  for (const [pattern, values, url] of table) {
    const app = await withRoutes(t, [pattern])
    t.equal(app.urlFor(pattern, values), url, pattern)
    const answer = (await app.inject(url)).json()
    const expected = Object.fromEntries(Object.entries(values))
    t.strictSame(
      { ...answer, params: Object.fromEntries(Object.entries(answer.params)) }, { name: pattern, params: expected }, url
    )
  }
})

t.test('PathParams has the parameters that the router reads', async (t) => {
  /** The compiler refuses a parameter that PathParams does not have, and a missing one. So do urlFor and the router. */
  async function agrees<Path extends string> (path: Path, values: PathParams<Path>): Promise<void> {
    const app = await withRoutes(t, [path])
    const { params } = (await app.inject(app.urlFor(path, values))).json()
    t.strictSame({ ...params }, { ...values }, path)
  }
  await agrees('/about', {})
  await agrees('/user/:name', { name: 'x' })
  await agrees('/:year/:month/', { year: '2026', month: '1' })
  await agrees('/a/:from-:to', { from: 'x', to: 'y' })
  await agrees('/file/:base.:ext', { base: 'a', ext: 'txt' })
  await agrees('/v:major.:minor/x', { major: '1', minor: '0' })
  await agrees('/:a:b', { 'a:b': 'x' })
  await agrees('/:a::b', { 'a::b': 'x' })
  await agrees('/:a*', { 'a*': 'x' })
  await agrees('/:a-*', { a: 'x' })
  await agrees('/:a-x::y', { a: 'x' })
  await agrees('/a::b/:c', { c: 'x' })
  await agrees('/::a/:b', { b: 'x' })
  await agrees('/:::a', { a: 'x' })
  await agrees('/number/:n(^\\d+$)', { n: '42' })
  await agrees('/at/:h(^\\d{2}$)h:m(^\\d{2}$)m', { h: '08', m: '30' })
  await agrees('/pair/:x(\\d+):y', { x: '12', y: 'ab' })
  await agrees('/either/:e((?:a|b\\))+)/:then', { e: 'ab)', then: 'x' })
  await agrees('/not/:n([^:*]+)-:m', { n: 'x', m: 'y' })
  await agrees('/files/*', { '*': 'a/b' })
  await agrees('/:team/files/*', { team: 'x', '*': 'y' })
  await agrees('*', { '*': '/x' })
  await agrees('/list/:page?', { page: '2' })
  await agrees('/list/:page?', {})
  await agrees('/two/:a-:b?', { a: 'x', b: 'y' })
  await agrees('/two/:a-:b?/', {})
  await agrees('/:list/:page?', { list: 'x' })
  await agrees('/a-:b?', { 'b?': 'x' })
})

t.test('refuses a value that would not come back, and says which', async (t) => {
  const table: [pattern: string, values: Record<string, string>, parameter: string, expected: string][] = [
    ['/user/:name', { name: '' }, 'name', 'text of at least 1 character'],
    ['/user/:name', { name: '.' }, 'name', 'other than "." and ".."'],
    ['/user/:name', { name: '..' }, 'name', 'other than "." and ".."'],
    ['/:a/:b', { a: '..', b: 'x' }, 'a', 'other than "." and ".."'],
    ['/user/:name', { name: '\ud83e' }, 'name', 'well-formed Unicode'],
    ['/user/:name', { name: 'x'.repeat(101) }, 'name', 'text of at most 100 characters, where an emoji counts as two or more'],
    ['/user/:name', { name: '🦆'.repeat(51) }, 'name', 'text of at most 100 characters, where an emoji counts as two or more'],
    ['/at/:lat-:lon', { lat: '1', lon: '2-3' }, 'lat', 'such that the router finds it again in the path'],
    ['/at/:lat-:lon', { lat: '1\n', lon: '3' }, 'lat', 'such that the router finds it again in the path'],
    ['/number/:n(^\\d+$)', { n: 'x' }, 'n', 'such that the router finds it again in the path'],
    ['/time/:h(^\\d{2}$)h:m(^\\d{2}$)m', { h: '08', m: '3' }, 'h', 'such that the router finds it again in the path'],
    ['/.:a', { a: '.' }, 'a', 'other than "." and ".." between slashes'],
    ['/files/*', { '*': 'a/../b' }, '*', 'other than "." and ".." between slashes'],
    ['/files/*', { '*': '\udd86' }, '*', 'well-formed Unicode'],
    ['/*', { '*': '/evil.example' }, '*', 'such that the path does not start with two slashes'],
    ['*', { '*': '//evil.example' }, '*', 'such that the path does not start with two slashes'],
    ['*', { '*': 'foo' }, '*', 'such that the path starts with a slash'],
    ['*', { '*': '' }, '*', 'such that the path starts with a slash']
  ]
  for (const [pattern, values, parameter, expected] of table) {
    const app = await withRoutes(t, [pattern])
    t.throws(() => app.urlFor(pattern, values), {
      code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER',
      message: `route "${pattern}": parameter "${parameter}" must be ${expected}`,
      parameter,
      expected
    }, `${pattern} ${JSON.stringify(values)}`)
  }
})

t.test('knows the router\'s settings, wherever the host gave them', async (t) => {
  const long = 'x'.repeat(200)
  for (const server of [{ maxParamLength: 200 }, { routerOptions: { maxParamLength: 200 } }]) {
    const app = await withRoutes(t, ['/user/:name'], server)
    t.equal((await app.inject(app.urlFor('/user/:name', { name: long }))).json().params.name, long)
    t.throws(() => app.urlFor('/user/:name', { name: `${long}x` }), { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', expected: /at most 200/ })
  }

  const settings: [setting: 'ignoreTrailingSlash' | 'ignoreDuplicateSlashes', unfit: string, expected: string][] = [
    ['ignoreTrailingSlash', 'a/', 'a path that does not end in a slash'],
    ['ignoreTrailingSlash', '', 'a path that does not end in a slash'],
    ['ignoreDuplicateSlashes', 'a//b', 'a path without an empty segment'],
    ['ignoreDuplicateSlashes', '/a', 'a path without an empty segment']
  ]
  for (const [setting, unfit, expected] of settings) {
    for (const server of [{ [setting]: true }, { routerOptions: { [setting]: true } }]) {
      const app = await withRoutes(t, ['/files/*'], server)
      t.throws(() => app.urlFor('/files/*', { '*': unfit }), { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', expected })
      t.equal((await app.inject(app.urlFor('/files/*', { '*': 'a/b' }))).json().params['*'], 'a/b')
    }
  }
})

t.test('whatever it writes, the router reads back', async (t) => {
  const patterns = [
    '/a/:a', '/b/:a/:b', '/c/:a-:b', '/d/:a.:b.:c', '/e/:a(^\\d+$)', '/f/:a(^[^x]+$)x:b', '/g/:a.png', '/h/:a?', '/i-:a/*', '/j/*', '/k::/:a', '/é %/:a'
  ]
  const prefixed = '/tenant/:tenant'
  const declare = (context: FastifyInstance, prefix: string) => {
    for (const path of patterns) {
      context.get(path, { config: { name: prefix + path } }, async (request) => (
        { name: prefix + path, values: Object.entries(request.params as object) }
      ))
    }
  }
  // Fastify has two routers: one walks its tree, one is compiled.
  const apps = [false, true].map((compile) => Fastify({ routerOptions: { compile } }))
  for (const app of apps) {
    t.teardown(() => app.close())
    await app.register(params, { routes: false })
    declare(app, '')
    await app.register(async (child) => declare(child, prefixed), { prefix: prefixed })
    await app.ready()
  }

  const character = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
    { weight: 3, arbitrary: fc.constantFrom(...'%/\\?#:;@&=+$,-._~!\'()*"<>[]{}|^` \n\r\t\0', '%2F', '%25', '%2e', '..') },
    { weight: 2, arbitrary: fc.constantFrom(...'019xX') }
  )
  const text = fc.oneof(
    { weight: 9, arbitrary: fc.string({ unit: character, minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.nat().map(String) }
  )
  const names = ['tenant', 'a', 'b', 'c', '*']
  const values = fc.record(Object.fromEntries(names.map((name) => [name, text])))
  let refused = 0

  await fc.assert(fc.asyncProperty(fc.constantFrom(...apps), fc.constantFrom('', prefixed), fc.constantFrom(...patterns), values, async (app, prefix, pattern, all) => {
    const name = prefix + pattern
    const given = Object.fromEntries([...name.matchAll(/(?<!:):(\w+)|\*/g)].map(([match, param = match]) => [param, all[param]!]))
    let url
    try {
      url = app.urlFor(name, given)
    } catch (error) {
      // It may refuse what the pattern cannot tell apart, and what a client resolves; nothing else.
      const { code, parameter } = error as { code: string, parameter: string }
      const ambiguous = /[-(]|\.:|\.png/.test(pattern)
      const dots = Object.values(given).some((value) => /(?:^|\/)\.\.?(?:\/|$)/.test(value))
      refused++
      return code === 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER' && (dots || (ambiguous && parameter in given))
    }
    // RFC 3986 section 3.3: nothing but what a path may hold.
    if (!/^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[\dA-F]{2})*)+$/.test(url)) return false
    const answer = (await app.inject(url)).json()
    return answer.name === name && answer.values.length === Object.keys(given).length &&
      answer.values.every(([param, value]: [string, string]) => given[param] === value)
  }), { numRuns: runs })
  // The property would say little if most cases were refusals.
  t.ok(refused < 0.3 * runs, `${refused} of ${runs} refused`)
})

t.test('queries are read back as they were given', async (t) => {
  const app = await withRoutes(t, [])
  app.get('/', { config: { name: 'home' } }, async (request) => Object.entries(request.query as object))
  const text = fc.string({ unit: 'binary', maxLength: 8 })
  await fc.assert(fc.asyncProperty(fc.dictionary(text.filter((key) => key !== ''), fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 3 }))), async (query) => {
    const answer: [string, string | string[]][] = (await app.inject(app.urlFor('home', {}, { query }))).json()
    t.strictSame(new Map(answer), new Map(Object.entries(query)))
  }), { numRuns: Math.ceil(runs / 10) })
})

t.test('writes a query', async (t) => {
  const app = await withRoutes(t, ['/'])
  const table: [query: object, url: string][] = [
    [{}, '/'],
    [{ q: 'a b' }, '/?q=a%20b'],
    [{ q: '', page: 2, exact: false, big: 10n }, '/?q=&page=2&exact=false&big=10'],
    [{ tag: ['a', 'b'], none: [], skip: undefined }, '/?tag=a&tag=b'],
    [{ 'a&b=c': 'd&e=f+g' }, '/?a%26b%3Dc=d%26e%3Df%2Bg'],
    [{ q: "!'()*" }, '/?q=%21%27%28%29%2A']
  ]
  for (const [query, url] of table) t.equal(app.urlFor('/', {}, { query: query as {} }), url)

  const wrong: [query: object, message: string][] = [
    [{ q: null }, 'route "/": parameter "q" must be text, a number, a boolean, or a list of these'],
    [{ q: { deep: 1 } }, 'route "/": parameter "q" must be text, a number, a boolean, or a list of these'],
    [{ q: ['a', undefined] }, 'route "/": parameter "q" must be text, a number, a boolean, or a list of these'],
    [{ q: '\ud800' }, 'route "/": parameter "q" must be well-formed Unicode'],
    [{ '\ud800': 'q' }, 'route "/": parameter "\ud800" must be well-formed Unicode']
  ]
  for (const [query, message] of wrong) {
    t.throws(() => app.urlFor('/', {}, { query: query as {} }), { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', message })
  }
})

t.test('writes an absolute URL below a base', async (t) => {
  const app = await withRoutes(t, ['/a/:b'])
  const table: [absolute: string, url: string][] = [
    ['https://example.org', 'https://example.org/a/x?q=1'],
    ['https://example.org/', 'https://example.org/a/x?q=1'],
    ['http://127.0.0.1:5001', 'http://127.0.0.1:5001/a/x?q=1'],
    ['https://example.org/app//', 'https://example.org/app/a/x?q=1'],
    ['HTTPS://Example.ORG', 'https://example.org/a/x?q=1'],
    ['https://bücher.example/é', 'https://xn--bcher-kva.example/%C3%A9/a/x?q=1'],
    // What would be markup, or another folder, comes out as the URL parser has it.
    ['https://example.org/"><script>', 'https://example.org/%22%3E%3Cscript%3E/a/x?q=1'],
    ['https://example.org/app/../other', 'https://example.org/other/a/x?q=1']
  ]
  for (const [absolute, url] of table) t.equal(app.urlFor('/a/:b', { b: 'x' }, { absolute, query: { q: 1 } }), url)

  const wrong: [options: object, says: string][] = [
    [{ absolute: true }, 'option "absolute" is true; expected an http or https URL without login, query, fragment, spaces and backslashes'],
    [{ absolute: 'example.org' }, 'option "absolute" is "example.org"; expected an http'],
    [{ absolute: 'ftp://example.org' }, 'option "absolute" is "ftp://example.org"; expected an http'],
    [{ absolute: 'https://example.org?a' }, 'option "absolute" is "https://example.org?a"; expected an http'],
    [{ absolute: 'https://example.org?' }, 'option "absolute" is "https://example.org?"; expected an http'],
    [{ absolute: 'https://example.org#' }, 'option "absolute" is "https://example.org#"; expected an http'],
    [{ absolute: 'https://example.org#a' }, 'option "absolute" is "https://example.org#a"; expected an http'],
    [{ absolute: 'https://alice:secret@example.org' }, 'expected an http'],
    ...[
      '', 'https://', 'https:', 'https:example.org', 'https:/example.org', 'https:///example.org', '//example.org', ' https://example.org', 'https://example.org ',
      'https://example.org/a b', 'https://example.org/a\nb', 'https://example.org/?\n', 'https://example.org/\0', 'https://example.org\\a', 'https:\\\\example.org',
      'https://example.org:port', 'https://alice@example.org', 'javascript:alert(1)//https://'
    ].map((absolute): [object, string] => [{ absolute }, 'expected an http or https URL']),
    [{ query: new URLSearchParams('q=1') }, 'option "query" is an object; expected an object of keys and values'],
    [{ query: new Map() }, 'option "query" is an object;'],
    [{ query: 'q=1' }, 'option "query" is "q=1"; expected an object of keys and values'],
    [{ query: ['q'] }, 'option "query" is an array; expected an object of keys and values'],
    [{ query: null }, 'option "query" is null; expected an object of keys and values'],
    [{ _external: true }, 'unknown option "_external"; expected one of query, absolute']
  ]
  for (const [options, says] of wrong) {
    t.throws(() => app.urlFor('/a/:b', { b: 'x' }, options), { code: 'FST_QUICKSTART_PARAMS_INVALID_OPTION', message: says })
  }
})

t.test('reads a base in a time that grows with its length', async (t) => {
  const app = await withRoutes(t, ['/a'])
  const slashes = '/'.repeat(200_000)
  const started = performance.now()
  t.equal(app.urlFor('/a', {}, { absolute: `https://example.org${slashes}x${slashes}` }), `https://example.org${slashes}x/a`)
  t.equal(app.urlFor('/a', {}, { absolute: `https://example.org/${slashes}` }), 'https://example.org/a')
  // An expression that starts again at each slash takes half a minute.
  t.ok(performance.now() - started < 2000)
})

t.test('names what is unknown, missing, too much or of a wrong kind', async (t) => {
  const app = await withRoutes(t, ['/plain', '/user/:name', '/two/:a-:b?'])
  const wrong: [name: string, values: object, code: string, message: string][] = [
    ['nobody', {}, 'UNKNOWN_ROUTE', 'no route is named "nobody"'],
    ['toString', {}, 'UNKNOWN_ROUTE', 'no route is named "toString"'],
    ['/user/:name', {}, 'MISSING_PARAMETER', 'route "/user/:name" needs parameter "name"'],
    ['/user/:name', { name: undefined }, 'MISSING_PARAMETER', 'route "/user/:name" needs parameter "name"'],
    ['/user/:name', Object.create({ name: 'inherited' }), 'MISSING_PARAMETER', 'route "/user/:name" needs parameter "name"'],
    ['/two/:a-:b?', { b: '1' }, 'MISSING_PARAMETER', 'route "/two/:a-:b?" needs parameter "a"'],
    ['/plain', { q: '1' }, 'EXTRA_PARAMETER', 'route "/plain" has no parameter "q"; what belongs in the query goes into { query }'],
    ['/user/:name', { name: 'a', id: 1 }, 'EXTRA_PARAMETER', 'route "/user/:name" has no parameter "id"; what belongs in the query goes into { query }'],
    ['/user/:name', { name: null }, 'UNFIT_PARAMETER', 'route "/user/:name": parameter "name" must be text, a number or a boolean'],
    ['/user/:name', { name: ['a'] }, 'UNFIT_PARAMETER', 'route "/user/:name": parameter "name" must be text, a number or a boolean'],
    ['/user/:name', { name: {} }, 'UNFIT_PARAMETER', 'route "/user/:name": parameter "name" must be text, a number or a boolean']
  ]
  for (const [name, values, code, message] of wrong) {
    t.throws(() => app.urlFor(name, values as {}), { code: `FST_QUICKSTART_PARAMS_${code}`, message, statusCode: 500 })
  }
  for (const name of [undefined, 5, null, { username: 'a' }, ['user']]) {
    t.throws(() => app.urlFor(name as never), { code: 'FST_QUICKSTART_PARAMS_INVALID_OPTION', message: /option "name" is .*; expected the name of a route$/ })
  }
  const noObjects: [value: unknown, shown: string][] = [[null, 'null'], [['a'], 'an array'], [new Map([['name', 'a']]), 'an object'], [5, '5'], ['a', '"a"']]
  for (const [value, shown] of noObjects) {
    const code = 'FST_QUICKSTART_PARAMS_INVALID_OPTION'
    t.throws(() => app.urlFor('/user/:name', value as {}), { code, message: `fastify-quickstart/params: option "params" is ${shown}; expected an object of names and values` })
    t.throws(() => app.urlFor('/plain', {}, value as {}), { code, message: `fastify-quickstart/params: option "options" is ${shown}; expected an object with query or absolute` })
  }
  t.equal(app.urlFor('/user/:name', { name: 5, id: undefined }), '/user/5')
  t.equal(app.urlFor('/user/:name', Object.assign(Object.create(null), { name: 'a' })), '/user/a')
  t.equal(app.urlFor('/user/:name', { name: false }), '/user/false')
  t.equal(app.urlFor('/user/:name', { name: 2n ** 64n }), '/user/18446744073709551616')
})

t.test('asks the converters of the route', async (t) => {
  const app = await withRoutes(t, [])
  const schemas = {
    string: string({ maxLength: 3 }),
    int: int({ min: 0 }),
    float: float(),
    uuid: uuid(),
    any: any('a', 'b')
  }
  for (const [name, schema] of Object.entries(schemas)) app.get(`/${name}/:value`, { config: { name }, schema: { params: Type.Object({ value: schema }) } }, async (request) => request.params)
  app.get('/path/*', { config: { name: 'path' }, schema: { params: Type.Object({ '*': path() }) } }, async (request) => request.params)
  const table: [name: string, value: string | number | boolean, url: string | RegExp][] = [
    ['string', 'abc', '/string/abc'], ['string', 'abcd', /must be text of 1 to 3 characters/], ['string', '\n', /must be text of 1 to 3/],
    ['int', 7, '/int/7'], ['int', '007', '/int/7'], ['int', -1, /must be a whole number from 0/], ['int', 1.5, /must be a whole number/], ['int', 'x', /must be a whole number/], ['int', true, /must be a whole number/],
    ['float', 1e-7, '/float/1e-7'], ['float', 1e21, '/float/1e%2B21'], ['float', NaN, /must be a decimal number/],
    ['uuid', '123E4567-E89B-12D3-A456-426614174000', '/uuid/123e4567-e89b-12d3-a456-426614174000'], ['uuid', 'x', /must be a UUID/],
    ['any', 'b', '/any/b'], ['any', 'c', /must be one of "a", "b"/]
  ]
  for (const [name, value, url] of table) {
    if (url instanceof RegExp) t.throws(() => app.urlFor(name, { value }), { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', parameter: 'value', message: url })
    else t.equal(app.urlFor(name, { value }), url)
  }
  t.equal(app.urlFor('path', { '*': 'a/b c' }), '/path/a/b%20c')
  t.throws(() => app.urlFor('path', { '*': '' }), { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', parameter: '*' })
})

t.test('numbers come back as they went', async (t) => {
  const app = await withRoutes(t, [])
  app.get('/int/:n', { config: { name: 'int' }, schema: { params: Type.Object({ n: int() }) } }, async (request) => request.params)
  app.get('/float/:n', { config: { name: 'float' }, schema: { params: Type.Object({ n: float() }) } }, async (request) => request.params)
  const comesBack = async (name: string, n: number) => (await app.inject(app.urlFor(name, { n }))).json().n === n
  await t.resolves(fc.assert(fc.asyncProperty(fc.maxSafeInteger(), async (n) => await comesBack('int', n)), { numRuns: Math.ceil(runs / 10) }))
  // Minus zero is written as zero.
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)
  await t.resolves(fc.assert(fc.asyncProperty(finite, async (n) => await comesBack('float', n)), { numRuns: Math.ceil(runs / 10) }))
})

t.test('asks the validator of a route that has another schema', async (t) => {
  const schema = { params: { type: 'object', properties: { id: { type: 'integer', minimum: 1 }, word: { type: 'string', pattern: '^a' } } } }
  const referring = { params: { $ref: 'shared#' } }
  const unfit = 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER'

  const app = await withRoutes(t, [])
  app.addSchema({ ...schema.params, $id: 'shared' })
  app.get('/own/:id/:word', { config: { name: 'own' }, schema }, async () => 'ok')
  app.get('/shared/:id/:word', { config: { name: 'shared' }, schema: referring }, async () => 'ok')
  app.get('/never/:id', { config: { name: 'never' }, schema: { params: false } }, async () => 'ok')
  app.get('/object/:id', { config: { name: 'object' }, schema, validatorCompiler: () => (value) => ({ value }) }, async () => 'ok')
  app.get('/error/:id', { config: { name: 'error' }, schema, validatorCompiler: () => () => ({ error: new Error('must not be') }) }, async () => 'ok')
  app.get('/async/:id', { config: { name: 'async' }, schema, validatorCompiler: () => (async () => true) as never }, async () => 'ok')

  t.equal(app.urlFor('own', { id: 0, word: 'b' }), '/own/0/b', 'before the app is ready it has no validator to ask')
  await app.ready()

  for (const name of ['own', 'shared']) {
    t.equal(app.urlFor(name, { id: 1, word: 'a' }), `/${name}/1/a`)
    t.throws(() => app.urlFor(name, { id: 0, word: 'a' }), { code: unfit, parameter: 'id', expected: 'such that it fits the route\'s schema (must be >= 1)' })
    t.throws(() => app.urlFor(name, { id: 1, word: 'b' }), { code: unfit, parameter: 'word', expected: 'such that it fits the route\'s schema (must match pattern "^a")' })
    t.throws(() => app.urlFor(name, { id: 'x', word: 'a' }), { code: unfit, parameter: 'id' })
  }
  t.throws(() => app.urlFor('never', { id: 1 }), { code: unfit, parameter: 'id' })
  t.equal(app.urlFor('object', { id: 0 }), '/object/0')
  t.throws(() => app.urlFor('error', { id: 0 }), { code: unfit, parameter: 'id', expected: 'such that it fits the route\'s schema (must not be)' })
  t.equal(app.urlFor('async', { id: 0 }), '/async/0', 'an answer that comes later comes too late')
})

t.test('one name is one path', async (t) => {
  const app = await withRoutes(t, [])
  app.get('/a/:id', { config: { name: 'a' } }, async () => 'get')
  app.route({ method: ['PUT', 'DELETE'], url: '/a/:id', config: { name: 'a' }, handler: async () => 'put' })
  t.equal(app.urlFor('a', { id: 1 }), '/a/1')
  t.throws(() => app.get('/b/:id', { config: { name: 'a' } }, async () => 'b'), {
    code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', message: 'two routes are named "a": /a/:id and /b/:id'
  })
  await t.rejects(async () => await app.register(async (child) => { child.get('/', { config: { name: 'a' } }, async () => 'c') }, { prefix: '/c' }), {
    code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', message: 'two routes are named "a": /a/:id and /c'
  })
})

t.test('a route for / below a prefix has one name, though it answers with and without the slash', async (t) => {
  const app = await withRoutes(t, [])
  await app.register(async (child) => { child.get('/', { config: { name: 'area' } }, async () => 'area') }, { prefix: '/area' })
  t.equal(app.urlFor('area'), '/area')
  const two = await withRoutes(t, [])
  await t.rejects(async () => await two.register(async (child) => {
    child.get('/', { config: { name: 'one' } }, async () => 'one')
    child.get('/more', { config: { name: 'one' } }, async () => 'more')
  }, { prefix: '/one' }), { message: 'two routes are named "one": /one and /one/more' })
  for (const url of ['/area', '/area/']) t.equal((await app.inject(url)).body, 'area')
  const other = await withRoutes(t, [])
  await t.rejects(async () => await other.register(async (child) => {
    child.get('/x', { config: { name: 'x' } }, async () => 'x')
    child.get('/x/', { config: { name: 'x' } }, async () => 'another')
  }, { prefix: '/area' }), { code: 'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE' })
})

t.test('leaves it to the router to refuse a path', async (t) => {
  for (const path of ['/:a(', '/:a((b)', '/a*b', '/:a?/b', 'a']) {
    const app = await withRoutes(t, [])
    t.throws(() => app.get(path, { config: { name: 'a' } }, async () => 'a'), path)
  }
})

t.test('a name that is not text is somebody else\'s', async (t) => {
  const app = await withRoutes(t, [])
  app.get('/a', { config: { name: 5 as never } }, async () => 'a')
  app.get('/b', { config: { name: 5 as never } }, async () => 'b')
  t.throws(() => app.urlFor('5'), { code: 'FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE' })
})

t.test('its types know the routes that the host names', async (t) => {
  const app = await withRoutes(t, ['/'])
  app.get('/user/:username', { config: { name: 'user' } }, async () => 'user')
  app.get('/post/:id/:part?', { config: { name: 'post' } }, async () => 'post')
  app.get('/search', { config: { name: 'search' } }, async () => 'search')

  const urlFor: UrlFor<{ user: { username: string }, post: { id: number, part?: string }, search: {} }> = app.urlFor
  t.equal(urlFor('user', { username: 'a' }), '/user/a')
  t.equal(urlFor('post', { id: 1 }, { query: { q: ['a', 1] } }), '/post/1?q=a&q=1')
  t.equal(urlFor('search'), '/search')
  t.equal(urlFor('search', {}, { query: { q: undefined } }), '/search')
  const refused = [
    // @ts-expect-error an unknown name
    () => urlFor('nobody'),
    // @ts-expect-error a missing parameter
    () => urlFor('user'),
    // @ts-expect-error a missing parameter
    () => urlFor('user', {}),
    // @ts-expect-error one too many
    () => urlFor('user', { username: 'a', id: 1 }),
    // @ts-expect-error one too many, where there is none
    () => urlFor('search', { q: 1 })
  ]
  for (const call of refused) t.throws(call, { code: /^FST_QUICKSTART_PARAMS_/ })
  // @ts-expect-error of another type, and yet a number when it is written
  t.equal(urlFor('post', { id: '1' }), '/post/1')

  const loose: UrlFor<{}> = app.urlFor
  t.equal(loose('user', { username: 'a' }), '/user/a')
})

t.test('a named route whose pattern shifts its values stops the start', async (t) => {
  const rows: [path: string, values: Record<string, string>, shifting?: string][] = [
    ['/a/:k((x|y))/:v', {}, 'k'],
    ['/a/:k((x|y))-:v', {}, 'k'],
    ['/a/:k((?<kind>x|y))/:v', {}, 'k'],
    ['/a/:k((x)|(y))/b/:v', {}, 'k'],
    ['/a/:j/:k((x|y))/*', {}, 'k'],
    ['/a/:k((x|y))/:v?', {}, 'k'],
    ['/a/:j(^(\\d)+$)/:k((x|y))', {}, 'j'],
    // What comes back as it went.
    ['/a/:k((x|y))', { k: 'x' }],
    ['/a/:j/:k((x|y))', { j: '1', k: 'y' }],
    ['/a/:k((?:x|y))/:v', { k: 'x', v: '1' }],
    ['/a/:k(\\(x\\))/:v', { k: '(x)', v: '1' }],
    ['/a/:k([(]x[)])/:v', { k: '(x)', v: '1' }],
    ['/a/:k((?=x)x)/:v', { k: 'x', v: '1' }]
  ]
  const wrong: unknown[] = []
  for (const [path, values, shifting] of rows) {
    const says = `route "${path}": ${path}: the pattern of parameter "${shifting}" has a group in it`
    try {
      const app = await withRoutes(t, [path])
      const url = app.urlFor(path, values)
      const { params } = (await app.inject(url)).json()
      if (shifting !== undefined || JSON.stringify(params) !== JSON.stringify(values)) wrong.push({ path, url, params })
    } catch (error) {
      const { code, message } = error as { code: string, message: string }
      if (code !== 'FST_QUICKSTART_PARAMS_CAPTURING_GROUP' || !message.startsWith(says)) wrong.push({ path, message })
    }
  }
  t.strictSame(wrong, [])

  const app = await withRoutes(t, [])
  app.get('/a/:k((x|y))/:v', async () => 'a route without a name is the router\'s matter')
  t.equal((await app.inject('/a/x/1')).statusCode, 200)
})
