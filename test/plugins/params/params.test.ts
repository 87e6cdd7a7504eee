import type { FastifyInstance, FastifyServerOptions, InjectOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { InvalidInputError, ParamsOptions } from '../../../plugins/params/index.ts'
import params, { int } from '../../../plugins/params/index.ts'
import { Type } from 'typebox'

async function build (
  t: Test,
  options: ParamsOptions & { prefix?: string } = {},
  server: FastifyServerOptions = {},
  onError?: (error: InvalidInputError) => void
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  if (onError !== undefined) app.addHook('onError', async (request, reply, error) => onError(error as InvalidInputError))
  await app.register(params, options)
  return app
}

function form (payload: string, url = '/user'): InjectOptions {
  return { method: 'POST', url, payload, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
}

t.test('answers each of the demo routes', async (t) => {
  const app = await build(t)
  const answers: [url: string, status: number, body: string][] = [
    ['/user/alice', 200, 'User alice'],
    ['/user/a%20b', 200, 'User a b'],
    ['/user/a+b', 200, 'User a+b'],
    ['/user/a%2Fb', 200, 'User a/b'],
    ['/user/100%25', 200, 'User 100%'],
    ['/user/%2541', 200, 'User %41'],
    ['/user/%3Cb%3E', 200, 'User <b>'],
    ['/user/%F0%9F%A6%86', 200, 'User 🦆'],
    ['/user/%D7%A9%D7%9C%D7%95%D7%9D', 200, 'User שלום'],
    ['/user/__proto__', 200, 'User __proto__'],
    ['/user/constructor', 200, 'User constructor'],
    ['/post/42', 200, 'Post 42'],
    ['/post/-7', 200, 'Post -7'],
    ['/post/007', 200, 'Post 7'],
    ['/post/-0', 200, 'Post 0'],
    ['/post/9007199254740991', 200, 'Post 9007199254740991'],
    ['/path/a', 200, 'Subpath a'],
    ['/path/a/b/', 200, 'Subpath a/b/'],
    ['/path/a%2Fb/..c', 200, 'Subpath a/b/..c'],
    ['/search', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?q=', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?q=fox&page=&tag=', 200, '{"q":"fox","page":1,"tag":[]}'],
    ['/search?q&page&tag&tag=', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?tag=a&tag=&tag=b', 200, '{"q":"","page":1,"tag":["a","b"]}'],
    ['/search?q=a+b%20c&page=2&tag=x', 200, '{"q":"a b c","page":2,"tag":["x"]}'],
    ['/search?q=..&tag=a&tag=b&unknown=1', 200, '{"q":"..","page":1,"tag":["a","b"]}'],
    ['/search?__proto__=1&constructor=2', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?a[b][c]=1&q[x]=2', 200, '{"q":"","page":1,"tag":[]}']
  ]
  for (const [url, status, body] of answers) {
    const answer = await app.inject(url)
    t.match({ url, status: answer.statusCode, body: answer.body }, { url, status, body })
    t.equal(answer.headers['content-type'], body.startsWith('{') ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8')
    t.equal(answer.headers['x-content-type-options'], 'nosniff')
  }
})

t.test('has no page for an empty parameter', async (t) => {
  const app = await build(t)
  app.setNotFoundHandler((request, reply) => reply.code(404).send('nothing here'))
  for (const url of ['/user/', '/post/', '/path/', '/user/?x=1', '/user', '/path']) {
    const answer = await app.inject(url)
    t.match(answer, { statusCode: 404, body: 'nothing here' }, url)
  }
})

t.test('answers HEAD as it answers GET, without the body', async (t) => {
  const app = await build(t)
  t.match(await app.inject({ method: 'HEAD', url: '/post/42' }), { statusCode: 200, body: '', headers: { 'content-length': '7' } })
  t.match(await app.inject({ method: 'HEAD', url: '/post/x' }), { statusCode: 400, body: '' })
})

t.test('takes a form and leads to its user', async (t) => {
  const app = await build(t, {}, { routerOptions: { maxParamLength: 2048 } })
  const names: [payload: string, location: string][] = [
    ['username=alice', '/user/alice'],
    ['username=a+b%20c', '/user/a%20b%20c'],
    ['username=a%2Fb%3F', '/user/a%2Fb%3F'],
    ['username=%2F%2Fevil.example', '/user/%2F%2Fevil.example'],
    ['username=%F0%9F%A6%86', '/user/%F0%9F%A6%86'],
    ['other=1&username=it%27s(fine)!', '/user/it%27s%28fine%29%21'],
    // As curl -d sends them, and as Flask and the URL Standard's parser take them.
    ['username=John Doe', '/user/John%20Doe'],
    ['username=José', '/user/Jos%C3%A9'],
    ['username=é%20+%F0%9F%A6%86', '/user/%C3%A9%20%20%F0%9F%A6%86'],
    [`username=${'x'.repeat(1024)}`, `/user/${'x'.repeat(1024)}`],
    [`username=${'🦆'.repeat(1024)}`, `/user/${'%F0%9F%A6%86'.repeat(1024)}`]
  ]
  for (const [payload, location] of names) {
    const answer = await app.inject(form(payload))
    t.match(answer, { statusCode: 303, headers: { location }, body: '' }, payload)
    t.equal((await app.inject(location)).statusCode, 200)
  }
})

t.test('refuses a form that names no user, and says what it must be', async (t) => {
  const app = await build(t)
  const text = 'text of 1 to 1024 characters without control characters'
  const encoded = 'percent-encoded UTF-8 text without control characters'
  const wrong: [payload: string, expected: string][] = [
    ['', `given: ${text}`],
    ['user=alice', `given: ${text}`],
    ['username=', text],
    ['username', text],
    ['username=%00', encoded],
    ['username=a%0d%0aSet-Cookie:x', encoded],
    ['username=%zz', encoded],
    ['username=%', encoded],
    ['username=%c0%af', encoded],
    ['username=%ed%a0%80', encoded],
    ['username=a\tb', encoded],
    ['username=%C2%85', encoded],
    ['username=a&username=b', `given once: ${text}`],
    ['username=..', 'other than "." and ".."'],
    [`username=${'x'.repeat(1025)}`, text],
    // Within the form's limit, but not within this router's.
    [`username=${'x'.repeat(101)}`, 'text of at most 100 characters, where an emoji counts as two or more']
  ]
  for (const [payload, expected] of wrong) {
    const answer = await app.inject(form(payload))
    t.strictSame(answer.json(), {
      statusCode: 400,
      code: 'FST_QUICKSTART_PARAMS_INVALID',
      error: 'Bad Request',
      message: `body field "username" must be ${expected}`
    }, payload)
  }
  t.match((await app.inject({ method: 'POST', url: '/user' })).json(), { statusCode: 400, message: `body field "username" must be given: ${text}` })
})

t.test('takes nothing but a small form', async (t) => {
  const app = await build(t)
  const types: [type: string, status: number][] = [
    ['application/json', 415],
    ['text/plain', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/x-www-form-urlencoded; charset=utf-8', 303]
  ]
  for (const [type, status] of types) {
    const payload = type === 'application/json' ? '{"username":"alice"}' : 'username=alice'
    t.equal((await app.inject({ method: 'POST', url: '/user', payload, headers: { 'content-type': type } })).statusCode, status, type)
  }
  t.equal((await app.inject(form(`username=a&x=${'x'.repeat(16 * 1024)}`))).statusCode, 413)
  t.equal((await app.inject(form(`username=${'x'.repeat(2e6)}`))).statusCode, 413)
})

t.test('says where, which name, and what was expected, of everything that is wrong', async (t) => {
  let seen: InvalidInputError | undefined
  const app = await build(t, {}, {}, (error) => { seen = error })
  const number = 'a whole number from 1 to 9007199254740991'
  const encoded = 'percent-encoded UTF-8 text without control characters'
  const wrong: [url: string, issues: object[], message: string][] = [
    ['/post/1.0', [{ in: 'params', name: 'id', expected: 'a whole number from -9007199254740991 to 9007199254740991' }],
      'path parameter "id" must be a whole number from -9007199254740991 to 9007199254740991'],
    ['/user/%0a', [{ in: 'params', name: 'username', expected: 'text of 1 to 1024 characters without control characters' }],
      'path parameter "username" must be text of 1 to 1024 characters without control characters'],
    ['/search?page=0', [{ in: 'query', name: 'page', expected: number }], `query parameter "page" must be ${number}`],
    ['/search?page=1&page=1', [{ in: 'query', name: 'page', expected: `given once: ${number}` }], `query parameter "page" must be given once: ${number}`],
    [`/search?${'tag=a&'.repeat(101)}`, [{ in: 'query', name: 'tag', expected: 'given 0 to 100 times' }], 'query parameter "tag" must be given 0 to 100 times'],
    ['/search?q=%zz&page=x', [{ in: 'query', name: 'q', expected: encoded }, { in: 'query', name: 'page', expected: number }],
      `query parameter "q" must be ${encoded}; query parameter "page" must be ${number}`],
    // A name that the client made up is not shown; one of ours is named once.
    ['/search?%3Cb%3E=%ff&page=%00', [{ in: 'query', name: '*', expected: encoded }, { in: 'query', name: 'page', expected: encoded }],
      `every query parameter must be ${encoded}; query parameter "page" must be ${encoded}`],
    ['/search?%zz', [{ in: 'query', name: '*', expected: encoded }], `every query parameter must be ${encoded}`],
    ['/user/alice?x=%c0%af', [{ in: 'query', name: '*', expected: encoded }], `every query parameter must be ${encoded}`]
  ]
  for (const [url, issues, message] of wrong) {
    const answer = await app.inject(url)
    t.strictSame(answer.json(), { statusCode: 400, code: 'FST_QUICKSTART_PARAMS_INVALID', error: 'Bad Request', message }, url)
    t.strictSame(seen?.issues.map(({ message, ...rest }) => rest), issues, url)
    t.ok(seen?.issues.every(({ message }) => message.startsWith('Please ')), url)
  }
})

t.test('gives an error handler what Fastify gives it for an error of validation', async (t) => {
  let seen: InvalidInputError | undefined
  const app = await build(t, {}, {}, (error) => { seen = error })
  const parts: [url: string, name: string, context: string][] = [
    ['/post/x', 'id', 'params'],
    ['/search?page=x', 'page', 'querystring']
  ]
  for (const [url, name, validationContext] of parts) {
    await app.inject(url)
    t.match(seen, { validation: [{ keyword: 'converter', instancePath: `/${name}`, message: /^must be a whole number/ }], validationContext })
  }
  await app.inject(form(''))
  t.match(seen, { validation: [{ instancePath: '/username' }], validationContext: 'body' })
})

t.test('stands below a prefix, and its links too', async (t) => {
  const app = await build(t, { prefix: '/demo' })
  t.equal((await app.inject('/demo/user/alice')).body, 'User alice')
  t.equal((await app.inject('/user/alice')).statusCode, 404)
  t.equal((await app.inject(form('username=a/b', '/demo/user'))).headers.location, '/demo/user/a%2Fb')
  t.equal(app.urlFor('user', { username: 'alice' }), '/demo/user/alice')
})

t.test('stands below a prefix that has a parameter, and says where a wrong one is', async (t) => {
  const app = await build(t, { prefix: '/:tenant' })
  t.equal((await app.inject(form('username=a b', '/acme/user'))).headers.location, '/acme/user/a%20b')
  t.equal((await app.inject('/acme/user/a%20b')).body, 'User a b')
  t.match((await app.inject(form('username=..', '/acme/user'))).json(), { statusCode: 400, message: 'body field "username" must be other than "." and ".."' })
  t.match((await app.inject(form('username=a', 'http://localhost//user'))).json(), { statusCode: 400, message: 'path parameter "tenant" must be text of at least 1 character' })
})

t.test('does not take a fault of the host for one of the form', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('preHandler', async (request) => { Object.assign(request.params as object, { added: 'by the host' }) })
  await app.register(params)
  t.match((await app.inject(form('username=a'))).json(), { statusCode: 500, code: 'FST_QUICKSTART_PARAMS_EXTRA_PARAMETER' })
})

t.test('leaves the routes out where the host wants urlFor alone', async (t) => {
  const app = await build(t, { routes: false })
  t.equal((await app.inject('/user/alice')).statusCode, 404)
  t.throws(() => app.urlFor('user', { username: 'alice' }), { code: 'FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE' })
})

t.test('leaves the host\'s validation, content types and routes alone', async (t) => {
  const app = await build(t)
  const seen: unknown[] = []
  const schema = { params: { type: 'object', properties: { id: { type: 'integer' } } } }
  app.get<{ Params: { id: number } }>('/host/:id', { schema, preValidation: async (request) => { seen.push(request.params.id) } }, async (request) => request.params)
  app.post('/host', async (request) => request.body)

  t.strictSame((await app.inject('/host/1.0')).json(), { id: 1 })
  t.strictSame(seen, ['1.0'])
  t.equal((await app.inject('/host/x')).json().code, 'FST_ERR_VALIDATION')
  t.equal((await app.inject('/host/1?x=%zz')).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/host', payload: { a: 1 } })).body, '{"a":1}')
  t.equal((await app.inject(form('a=1', '/host'))).statusCode, 415)
  t.equal((await app.inject('/host/1')).headers['x-content-type-options'], undefined)
})

t.test('does not depend on the host\'s validator, serializer and query parser', async (t) => {
  const app = Fastify({ routerOptions: { querystringParser: (text) => ({ page: { from: text }, tag: [1], q: 'x' }) } })
  t.teardown(() => app.close())
  app.setValidatorCompiler(() => { throw new Error('not a schema of mine') })
  app.setSerializerCompiler(() => { throw new Error('not a schema of mine') })
  await app.register(params)
  t.equal((await app.inject('/user/alice')).body, 'User alice')
  t.equal((await app.inject('/post/4e2')).statusCode, 400)
  t.match((await app.inject('/search?page=3')).json(), {
    message: 'query parameter "page" must be a whole number from 1 to 9007199254740991; query parameter "tag" must be text of at least 1 character without control characters, each time it is given'
  })
})

t.test('hands a wrong parameter to a route that asks for it', async (t) => {
  const app = await build(t, { routes: false })
  app.get('/year/:year', {
    attachValidation: true,
    schema: { params: Type.Object({ year: int() }) }
  }, async ({ validationError }) => ({ wrong: validationError?.message, where: validationError?.validationContext }))
  t.match((await app.inject('/year/2000.0')).json(), { wrong: /^path parameter "year" must be a whole number/, where: 'params' })
  t.strictSame((await app.inject('/year/2000')).json(), {})
})

t.test('its error stays, where the host\'s validator finds fault with the same text', async (t) => {
  const app = await build(t, { routes: false })
  const seen: unknown[] = []
  app.post('/year/:year', {
    attachValidation: true,
    schema: { params: Type.Object({ year: int() }), body: Type.Object({ leap: Type.Boolean() }) },
    preHandler: async ({ validationError }) => { seen.push(validationError?.message) }
  }, async ({ validationError }) => ({ ...validationError }))
  const post = async (year: string, leap: unknown) => (await app.inject({ method: 'POST', url: `/year/${year}`, payload: { leap } })).json()
  t.match(await post('abc', true), { code: 'FST_QUICKSTART_PARAMS_INVALID', issues: [{ in: 'params', name: 'year' }] })
  t.match(seen, [/^path parameter "year" must be a whole number/])
  t.match(await post('2000', 'often'), { code: 'FST_ERR_VALIDATION', validationContext: 'body' })
})

t.test('leaves the words to a route that has a formatter of its own', async (t) => {
  let seen: InvalidInputError | undefined
  const app = await build(t, { routes: false }, {}, (error) => { seen = error })
  const schema = { params: Type.Object({ year: int({ min: 0 }) }) }
  const own: [url: string, error: object][] = [['/plain', {}], ['/own', { statusCode: 422, code: 'YEAR' }]]
  for (const [url, error] of own) {
    app.get(`${url}/:year`, { schema, schemaErrorFormatter: (errors, place) => Object.assign(new Error(`${place}${errors[0]?.instancePath} ${errors[0]?.message}`), error) }, async () => 'ok')
  }
  const message = 'params/year must be a whole number from 0 to 9007199254740991'
  t.strictSame((await app.inject('/plain/x')).json(), { statusCode: 400, code: 'FST_QUICKSTART_PARAMS_INVALID', error: 'Bad Request', message })
  t.match(seen, { issues: [{ in: 'params', name: 'year' }], validation: [{ instancePath: '/year' }], validationContext: 'params' })
  t.strictSame((await app.inject('/own/x')).json(), { statusCode: 422, code: 'YEAR', error: 'Unprocessable Entity', message })
})

t.test('takes for the query what the router takes for it', async (t) => {
  // Fastify's types know it in its older place alone.
  const servers: object[] = [{ routerOptions: { useSemicolonDelimiter: true } }, { useSemicolonDelimiter: true }]
  for (const server of servers) {
    const app = await build(t, {}, server)
    t.equal((await app.inject('/search;q=a')).body, '{"q":"a","page":1,"tag":[]}')
    t.match((await app.inject('/search;q=%zz')).json(), { statusCode: 400, message: 'query parameter "q" must be percent-encoded UTF-8 text without control characters' })
  }
  const app = await build(t)
  t.equal((await app.inject('/path/a;q=%20')).body, 'Subpath a;q= ')
})

t.test('reads a route once that the host declares again', async (t) => {
  const app = await build(t, { routes: false })
  const seen: unknown[] = []
  const declared = new Set<string>()
  app.addHook('onRoute', (route) => {
    if (route.method !== 'GET' || route.url.startsWith('/v2') || declared.has(route.url)) return
    declared.add(route.url)
    app.route({ ...route, url: `/v2${route.url}`, ...(route.url === '/bare/:year' && { schema: {} }) })
  })
  const options = {
    attachValidation: true,
    schema: {
      params: Type.Object({ year: int() }), querystring: Type.Object({ n: Type.Array(int(), { default: [] }) })
    },
    preValidation: async (request: { params: unknown }) => { seen.push({ ...request.params as object }) }
  }
  for (const url of ['/year/:year', '/bare/:year']) app.get(url, options, async ({ params, query, validationError }) => [params, query, validationError?.message])

  t.strictSame((await app.inject('/v2/year/2000?n=1')).json(), [{ year: 2000 }, { n: [1] }, null])
  t.match((await app.inject('/v2/year/x')).json()[2], /^path parameter "year" must be a whole number/)
  t.strictSame((await app.inject('/v2/bare/2000?n=1')).json(), [{ year: '2000' }, { n: '1' }, null], 'without its schema it has no converter')
  t.strictSame(seen, [{ year: 2000 }, { year: 'x' }, { year: '2000' }])
})

t.test('warns of a converter where it is not read', async (t) => {
  let log = ''
  const app = await build(t, {}, { logger: { level: 'warn', stream: { write: (line: string) => { log += line } } } })
  const id = int()
  const read = {
    params: Type.Object({ id }),
    querystring: Type.Object(
      { a: Type.Optional(id), b: Type.Array(id), c: Type.Union([Type.Literal(1), Type.Literal(2)]) }
    ),
    // A body's values have types, with or without converters.
    body: Type.Object({ deep: Type.Object({ id }), either: Type.Union([id, Type.Null()]) })
  }
  app.post('/read/:id', { schema: read }, async () => 'ok')
  app.get('/none', { schema: {} }, async () => 'ok')
  // A schema of another library, whose insides are its own.
  app.get('/other', { schema: { querystring: new (class { inside = { id } })() }, validatorCompiler: () => () => true }, async () => 'ok')
  t.equal(log, '')

  const around = { type: 'object', properties: { id }, $defs: {} as object }
  around.$defs = { around }
  const unread: [schema: object, place: string][] = [
    [{ headers: Type.Object({ 'x-id': id }) }, 'headers/properties/x-id'],
    [{ querystring: Type.Object({ page: Type.Union([id, Type.Literal('last')]) }) }, 'querystring/properties/page/anyOf/0'],
    [{ query: Type.Object({ page: Type.Array(Type.Array(id)) }) }, 'query/properties/page/items/items'],
    [{ params: Type.Intersect([Type.Object({ id })]) }, 'params/allOf/0/properties/id'],
    [{ headers: around }, 'headers/properties/id']
  ]
  for (const [index, [schema, place]] of unread.entries()) {
    log = ''
    app.get(`/${index}/:id`, { schema }, async () => 'ok')
    t.same(log.trim().split('\n').map((line) => JSON.parse(line).msg), [
      `GET /${index}/:id: the converter at ${place} of the schema is not read there, and does no more than plain JSON Schema`
    ])
  }
})

t.test('refuses wrong options when it is registered', async (t) => {
  const wrong: [options: object, says: string][] = [
    [{ routes: 'no' }, 'option "routes" is "no"; expected true or false'],
    [{ route: false }, 'unknown option "route"; expected one of routes']
  ]
  for (const [options, says] of wrong) {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(params, options), {
      code: 'FST_QUICKSTART_PARAMS_INVALID_OPTION',
      message: `fastify-quickstart/params: ${says}`
    })
  }
})

t.test('a schema that no request could fit stops the start', async (t) => {
  const uncalled = (name: string) => `the schema of GET /x/:id has a function at ${name}; call the converter, as in int()`
  const unknown = (name: string) => `the schema of GET /x/:id has the parameter "${name}", which is not in the path`
  const converter = int as never // as where the parentheses are forgotten
  const rows: [schema: object, message: string | undefined][] = [
    [{ params: Type.Object({ id: converter }) }, uncalled('params/properties/id')],
    [{ querystring: Type.Object({ page: converter }) }, uncalled('querystring/properties/page')],
    [{ querystring: Type.Object({ tag: Type.Array(converter) }) }, uncalled('querystring/properties/tag/items')],
    [{ query: Type.Object({ page: converter }) }, uncalled('query/properties/page')],
    [{ params: converter }, uncalled('params')],
    [{ params: Type.Object({ ident: int() }) }, unknown('ident')],
    [{ params: Type.Object({ id: int(), '*': int() }) }, unknown('*')],
    [{ params: Type.Object({ ident: Type.Optional(int()) }) }, undefined],
    [{ params: Type.Object({ ident: int({ default: 1 }) }) }, undefined],
    [{ params: Type.Object({ ident: Type.Integer() }) }, undefined]
  ]
  const wrong: unknown[] = []
  for (const [schema, expected] of rows) {
    const app = await build(t, { routes: false })
    let error: { code?: string, message?: string } = {}
    try {
      app.get('/x/:id', { schema }, async () => 'ok')
    } catch (thrown) {
      error = thrown as Error
    }
    const code = expected === undefined ? undefined : 'FST_QUICKSTART_PARAMS_INVALID_SCHEMA'
    if (error.message !== expected || error.code !== code) wrong.push({ schema, error })
  }
  t.strictSame(wrong, [])
})

t.test('the names of a path are those of its prefix, too, and of its optional and last parts', async (t) => {
  const app = await build(t, { routes: false })
  await app.register(async (child) => {
    child.get('/:a-:b(^\\d+$)/:c?', { schema: { params: Type.Object({ team: int(), a: int(), b: int(), c: Type.Optional(int()) }) } }, async (request) => request.params)
    child.get('/files/*', { schema: { params: Type.Object({ '*': int() }) } }, async (request) => request.params)
  }, { prefix: '/:team' })
  t.strictSame((await app.inject('/1/2-3/4')).json(), { team: 1, a: 2, b: 3, c: 4 })
  t.strictSame((await app.inject('/1/files/4')).json(), { team: '1', '*': 4 })
})
