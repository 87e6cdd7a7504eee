import { Type, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { TSchema } from 'typebox'
import params, { any, bool, float, int, path, string, uuid } from '../../../plugins/params/index.ts'

/** An app whose routes read one parameter each way: in the path, in the query, as a list, or in a JSON body. */
async function reading (t: Test, schema: TSchema) {
  const app = Fastify({ routerOptions: { maxParamLength: 1024 } }).withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.get('/path/:value', { schema: { params: Type.Object({ value: schema }) } }, async (request) => request.params)
  app.get('/query', { schema: { querystring: Type.Object({ value: schema }) } }, async (request) => request.query)
  app.get('/optional', { schema: { querystring: Type.Object({ value: Type.Optional(schema) }) } }, async (request) => request.query)
  app.get('/list', { schema: { querystring: Type.Object({ value: Type.Array(schema) }) } }, async (request) => request.query)
  app.post('/body', { schema: { body: Type.Object({ value: schema }) } }, async (request) => request.body)
  return app
}

/** The bounds between which a JavaScript number tells every integer from the next. */
const safe = `${Number.MAX_SAFE_INTEGER}`
const unsafe = '9007199254740992'
const id = '123e4567-e89b-12d3-a456-426614174000'

const tables: [
  name: string, schema: TSchema, accepts: [text: string, value: unknown][], expected: string, refuses: string[]
][] = [
  ['string', string(), [['a', 'a'], ['a/b', 'a/b'], ['1', '1'], ['🦆', '🦆'], ['…', '…'], ['\u202e', '\u202e'], ['\u2028', '\u2028']],
    'text of at least 1 character without control characters', ['\n', 'a\0', '\x7f', '\x85']],
  ['string of a length', string({ minLength: 2, maxLength: 3 }), [['ab', 'ab'], ['abc', 'abc'], ['🦆🦆', '🦆🦆'], ['🦆🦆🦆', '🦆🦆🦆']],
    'text of 2 to 3 characters without control characters', ['a', '🦆', 'abcd', '🦆🦆🦆🦆', 'abcdefg']],
  ['string of a least length', string({ minLength: 2 }), [['ab', 'ab']], 'text of at least 2 characters without control characters', ['a']],
  ['int', int(), [['42', 42], ['-42', -42], ['0', 0], ['-0', 0], ['007', 7], [safe, Number.MAX_SAFE_INTEGER], [`-${safe}`, Number.MIN_SAFE_INTEGER]],
    `a whole number from -${safe} to ${safe}`,
    ['1.0', '1e3', ' 1', '1 ', '+1', '0x10', '0b1', '1_000', '1,000', '٣', '１', '--1', '-', 'one', 'NaN', 'Infinity', 'null', 'true', '[]', '1\n', unsafe, `-${unsafe}`, '9'.repeat(400)]],
  ['int in a range', int({ min: -1, max: 5 }), [['-1', -1], ['5', 5]], 'a whole number from -1 to 5', ['-2', '6']],
  ['float', float(), [['1', 1], ['1.5', 1.5], ['-0.5', -0.5], ['1e3', 1000], ['1E+3', 1000], ['.5', 0.5], ['-.5', -0.5], ['05', 5], ['-007.50', -7.5], ['.5e1', 5], ['1.e3', 1000], ['00', 0], ['5e-324', 5e-324], ['1.7976931348623157e308', Number.MAX_VALUE]],
    'a decimal number', ['1.', '-1.', '-', '-.', '.e1', '+1', '+.5', '--1', '1.2.3', '1_0', '1 ', '1e', '1e+', '1.e', '1e1.5', '1,5', ' 1', 'NaN', 'Infinity', '1e999', '-1e999', '0x1p3', '1e', '٣.٥']],
  ['float from', float({ min: 0.5 }), [['0.5', 0.5]], 'a decimal number of at least 0.5', ['0.49']],
  ['float to', float({ max: 0.5 }), [['0.5', 0.5]], 'a decimal number of at most 0.5', ['0.51']],
  ['float in a range', float({ min: 0, max: 1 }), [['0.5', 0.5]], 'a decimal number from 0 to 1', ['-1', '2']],
  ['uuid', uuid(), [[id, id], [id.toUpperCase(), id], ['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000']],
    `a UUID such as ${id}`, [`urn:uuid:${id}`, `{${id}}`, id.replaceAll('-', ''), id.slice(1), `${id}0`, id.replace('1', 'g')]],
  ['path', path(), [['a', 'a'], ['a/b', 'a/b'], ['a//b/', 'a//b/'], ['/a', '/a'], ['..a/b..', '..a/b..'], ['...', '...']],
    'a path without control characters and without "." or ".." between slashes', ['a/../b', 'a/..', './a', 'a/./b', 'a\\..\\b', '../a', 'a\nb']],
  ['any', any('metre', 'foot'), [['metre', 'metre'], ['foot', 'foot']], 'one of "metre", "foot"', ['Metre', 'metre ', 'inch', 'toString', 'metre,foot']],
  ['any of one', any('metre'), [['metre', 'metre']], '"metre"', ['foot']]
]

for (const [name, schema, accepts, expected, refuses] of tables) {
  t.test(`${name} reads what it takes, wherever it stands`, async (t) => {
    const app = await reading(t, schema)
    for (const [text, value] of accepts) {
      const encoded = encodeURIComponent(text)
      t.strictSame((await app.inject(`/path/${encoded}`)).json(), { value }, `path ${text}`)
      t.strictSame((await app.inject(`/query?value=${encoded}`)).json(), { value }, `query ${text}`)
      t.strictSame((await app.inject(`/optional?value=${encoded}`)).json(), { value }, `optional ${text}`)
      t.strictSame((await app.inject(`/list?value=${encoded}`)).json(), { value: [value] }, `list ${text}`)
      t.strictSame((await app.inject(`/list?value=${encoded}&value=${encoded}`)).json(), { value: [value, value] }, `list ${text}`)
      t.strictSame((await app.inject({ method: 'POST', url: '/body', payload: { value: text } })).json(), { value }, `body ${text}`)
    }
    t.strictSame((await app.inject('/optional')).json(), {})
    t.equal((await app.inject('/query')).json().message, `query parameter "value" must be given: ${expected}`)
    t.equal((await app.inject({ method: 'POST', url: '/body' })).json().message, `body field "value" must be given: ${expected}`)
  })

  t.test(`${name} refuses the rest, wherever it stands`, async (t) => {
    const app = await reading(t, schema)
    for (const text of refuses) {
      const encoded = encodeURIComponent(text)
      // A control character is amiss in a query before any converter sees it.
      const inQuery = /\p{Cc}/u.test(text) ? 'percent-encoded UTF-8 text without control characters' : expected
      t.match((await app.inject(`/path/${encoded}`)).json(), { statusCode: 400, message: `path parameter "value" must be ${expected}` }, `path ${text}`)
      t.match((await app.inject(`/query?value=${encoded}`)).json(), { statusCode: 400, message: `query parameter "value" must be ${inQuery}` }, `query ${text}`)
      t.match((await app.inject(`/list?value=${encoded}`)).json(), { statusCode: 400, message: /^query parameter "value" must be / }, `list ${text}`)
      t.match((await app.inject({ method: 'POST', url: '/body', payload: { value: text } })).json(), { statusCode: 400, message: `body field "value" must be ${expected}` }, `body ${text}`)
    }
    t.equal((await app.inject('/path/')).statusCode, 404)
    t.equal((await app.inject('/query?value=')).statusCode, 400)
    t.equal((await app.inject('/query?value=a&value=b')).json().message, `query parameter "value" must be given once: ${expected}`)
    t.equal((await app.inject({ method: 'POST', url: '/body', payload: { value: ['a', 'b'] } })).json().message, `body field "value" must be given once: ${expected}`)
  })
}

t.test('a handler gets numbers, under whatever validator the host has', async (t) => {
  const validators = {
    'Fastify\'s own': undefined,
    'TypeBox\'s': TypeBoxValidatorCompiler,
    'one that changes nothing': () => (value: unknown) => ({ value })
  }
  for (const [name, compiler] of Object.entries(validators)) {
    const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
    t.teardown(() => app.close())
    if (compiler !== undefined) app.setValidatorCompiler(compiler as typeof TypeBoxValidatorCompiler)
    await app.register(params, { routes: false })
    app.get('/:id', {
      schema: {
        params: Type.Object({ id: int() }),
        querystring: Type.Object(
          { page: int({ default: 3 }), size: Type.Optional(float()) }
        )
      }
    }, async ({ params: { id }, query: { page, size = 0.5 } }) => [id + 1, page + 1, size + 1])
    t.strictSame((await app.inject('/41')).json(), [42, 4, 1.5], name)
    t.strictSame((await app.inject('/41?page=1&size=1e1')).json(), [42, 2, 11], name)
    t.equal((await app.inject('/1.0')).statusCode, 400, name)
    t.equal((await app.inject('/1?page=1.0')).statusCode, 400, name)
  }
})

t.test('minus zero is zero', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.get('/:i/:f', { schema: { params: Type.Object({ i: int(), f: float() }) } }, async ({ params: { i, f } }) => [Object.is(i, 0), Object.is(f, 0)])
  t.strictSame((await app.inject('/-0/-0.0')).json(), [true, true])
})

t.test('the hooks of a route find values, after the host\'s own validation and before its own', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const seen: unknown[] = []
  const see = async (request: { params: unknown }) => { seen.push((request.params as { id: unknown }).id) }
  app.get('/one/:id', { schema: { params: Type.Object({ id: int() }) }, preValidation: see }, async () => 'ok')
  app.get('/two/:id', { schema: { params: Type.Object({ id: int() }) }, preValidation: [see, see] }, async () => 'ok')
  await app.inject('/one/1')
  await app.inject('/two/2')
  t.strictSame(seen, [1, 2, 2])
})

t.test('reads the routes of plugins that come later, and Fastify\'s other name for the query', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(async (child) => {
    // Fastify's types do not know the name.
    const schema: object = { query: Type.Object({ n: int() }) }
    child.get('/', { schema }, async (request) => request.query)
  }, { prefix: '/later' })
  for (const url of ['/later', '/later/']) {
    t.strictSame((await app.inject(`${url}?n=1`)).json(), { n: 1 })
    t.equal((await app.inject(`${url}?n=1.0`)).statusCode, 400)
  }
})

t.test('a default stands in for what is missing, freshly for each request', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const schema = { querystring: Type.Object({ s: string({ default: 'x' }), i: int({ default: 0 }), f: float({ default: 0.5 }), list: Type.Array(int(), { default: [1] }) }) }
  app.get('/', { schema }, async (request) => {
    request.query.list.push(2)
    return request.query
  })
  const expected = { s: 'x', i: 0, f: 0.5, list: [1, 2] }
  t.strictSame((await app.inject('/')).json(), expected)
  t.strictSame((await app.inject('/')).json(), expected)
})

t.test('knows a name however the query spells it', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.get('/', { schema: { querystring: Type.Object({ 'first name': string() }) } }, async (request) => request.query)
  for (const name of ['first+name', 'first%20name', '%66irst+name']) {
    t.strictSame((await app.inject(`/?${name}=a`)).json(), { 'first name': 'a' })
    t.match((await app.inject(`/?${name}=%ff`)).json().message, 'query parameter "first name" must be percent-encoded')
  }
})

t.test('a list has its least and its most', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.get('/two', { schema: { querystring: Type.Object({ n: Type.Array(int(), { minItems: 2 }) }) } }, async (request) => request.query)
  app.get('/few', { schema: { querystring: Type.Object({ n: Type.Array(int(), { minItems: 1, maxItems: 2 }) }) } }, async (request) => request.query)
  t.strictSame((await app.inject('/two?n=1&n=2&n=3')).json(), { n: [1, 2, 3] })
  t.equal((await app.inject('/two?n=1')).json().message, 'query parameter "n" must be given at least 2 times')
  t.equal((await app.inject('/few?n=1&n=2&n=3')).json().message, 'query parameter "n" must be given 1 to 2 times')
  t.equal((await app.inject('/few')).json().message, `query parameter "n" must be given: a whole number from -${safe} to ${safe}`)
})

t.test('a JSON body keeps its own types, and its validator', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.post('/', { schema: { body: Type.Object({ n: int({ max: 9 }) }) } }, async (request) => request.body)
  t.strictSame((await app.inject({ method: 'POST', url: '/', payload: { n: 5 } })).json(), { n: 5 })
  t.equal((await app.inject({ method: 'POST', url: '/', payload: { n: 10 } })).json().code, 'FST_ERR_VALIDATION')
  t.equal((await app.inject({ method: 'POST', url: '/', payload: { n: '10' } })).json().code, 'FST_QUICKSTART_PARAMS_INVALID')
})

t.test('a list in a JSON body keeps its own types too', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.post('/', { schema: { body: Type.Object({ day: Type.Array(int({ min: 1, max: 31 }), { maxItems: 3 }) }) } }, async (request) => request.body)
  app.post('/two', { schema: { body: Type.Object({ day: Type.Array(int(), { minItems: 2 }) }) } }, async (request) => request.body)
  const post = async (day: unknown, url = '/') => (await app.inject({ method: 'POST', url, payload: { day } })).json()

  for (const day of [[1, 2], ['1', '2'], [1, '2']]) t.strictSame(await post(day), { day: [1, 2] }, JSON.stringify(day))
  t.strictSame(await post('1'), { day: [1] })
  t.strictSame(await post([]), { day: [] })
  // What is no text is the validator's, which makes a list of one number.
  t.strictSame(await post(1), { day: [1] })

  for (const day of [[1, 32], [1.5], [{}], { a: 1 }]) t.match(await post(day), { statusCode: 400, code: 'FST_ERR_VALIDATION' }, JSON.stringify(day))
  const refused: [day: unknown, url: string, expected: string][] = [
    [['1', '1.0'], '/', 'a list in which each value is a whole number from 1 to 31'],
    [[1, 'x'], '/', 'a list in which each value is a whole number from 1 to 31'],
    [[1, 2, 3, 4], '/', 'a list of 0 to 3 values'],
    [[1], '/two', 'a list of at least 2 values'],
    ['1', '/two', 'a list of at least 2 values']
  ]
  for (const [day, url, expected] of refused) {
    t.match(await post(day, url), { statusCode: 400, code: 'FST_QUICKSTART_PARAMS_INVALID', message: `body field "day" must be ${expected}` }, JSON.stringify(day))
  }
})

t.test('an optional parameter may be absent, and text may be empty where its least length is 0', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.get('/a/:n?', { schema: { params: Type.Object({ n: Type.Optional(int()) }) } }, async (request) => request.params)
  app.get('/b/:s', { schema: { params: Type.Object({ s: string({ minLength: 0 }) }) } }, async (request) => request.params)
  t.strictSame((await app.inject('/a')).json(), {})
  t.strictSame((await app.inject('/a/1')).json(), { n: 1 })
  t.strictSame((await app.inject('/b/')).json(), { s: '' })
})

t.test('a schema shows JSON Schema and nothing of the converter', async (t) => {
  t.strictSame(JSON.parse(JSON.stringify(int({ min: 1, default: 1 }))), { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 1 })
  t.strictSame(JSON.parse(JSON.stringify(float({ min: 0, max: 1 }))), { type: 'number', minimum: 0, maximum: 1 })
  t.strictSame(JSON.parse(JSON.stringify(float())), { type: 'number' })
  t.match(JSON.parse(JSON.stringify(string({ maxLength: 5 }))), { type: 'string', minLength: 1, maxLength: 5, pattern: String })
  t.strictSame(JSON.parse(JSON.stringify(any('a', 'b'))), { type: 'string', enum: ['a', 'b'] })
})

t.test('a converter refuses wrong options where it is made', async (t) => {
  const wrong: [make: () => unknown, says: RegExp][] = [
    [() => string({ minLength: -1 }), /option "minLength" is -1; expected a whole number from 0/],
    [() => string({ maxLength: 0.5 }), /option "maxLength" is 0.5; expected a whole number not below minLength/],
    [() => string({ maxLength: 0 }), /option "maxLength" is 0;/],
    [() => string({ default: 1 as never }), /option "default" is 1; expected a string within these lengths/],
    [() => string({ default: '' }), /option "default" is "";/],
    [() => string({ length: 1 } as never), /unknown option "length"; expected one of minLength, maxLength, default/],
    [() => int({ min: 0.5 }), /option "min" is 0.5; expected a whole number in the safe range/],
    [() => int({ min: 2 ** 53 }), /option "min" is 9007199254740992;/],
    [() => int({ min: 5, max: 4 }), /option "max" is 4; expected a whole number in the safe range, not below min/],
    [() => int({ default: '1' as never }), /option "default" is "1";/],
    [() => int({ min: 2, max: 3, default: 1 }), /option "default" is 1; expected a whole number from 2 to 3/],
    [() => int({ default: 0.5 }), /option "default" is 0.5;/],
    [() => float({ max: 3, default: 4 }), /option "default" is 4; expected a finite number between min and max/],
    [() => float({ min: NaN }), /option "min" is NaN; expected a finite number/],
    [() => float({ min: 1, max: 0 }), /option "max" is 0; expected a finite number, not below min/],
    [() => float({ default: Infinity }), /option "default" is Infinity;/],
    [() => any(...[] as unknown as ['a']), /expected one or more words to choose from/],
    [() => any(''), /expected one or more words/],
    [() => any(1 as never), /expected one or more words/]
  ]
  for (const [make, says] of wrong) {
    t.throws(make, { code: 'FST_QUICKSTART_PARAMS_INVALID_OPTION', message: says })
  }
})

t.test('options that are no object are refused in the same words by each converter', async (t) => {
  const given: [options: unknown, shown: string][] = [
    [null, 'null'], ['x', '"x"'], ['', '""'], [5, '5'], [0, '0'], [true, 'true'], [false, 'false'], [[], 'an array'],
    [[1], 'an array'], [() => {}, 'a function'], [Symbol('x'), 'a symbol'], [NaN, 'NaN'], [5n, '5']
  ]
  const wrong: unknown[] = []
  for (const [name, make] of Object.entries({ string, int, float, bool })) {
    for (const [options, shown] of given) {
      let found: unknown
      try {
        make(options as never)
      } catch (error) {
        found = error
      }
      const { code, message } = Object(found) as { code?: string, message?: string } // whatever was thrown
      const says = `fastify-quickstart/params: the argument is ${shown}; expected an object of options`
      if (code !== 'FST_QUICKSTART_PARAMS_INVALID_OPTION' || message !== says) wrong.push([name, shown, code, message])
    }
  }
  t.same(wrong, [])
  for (const make of [string, int, float, bool]) t.doesNotThrow(() => make(undefined))
})
