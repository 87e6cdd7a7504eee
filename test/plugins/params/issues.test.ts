import formbody from '@fastify/formbody'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifySchema, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import params, { bool, type InvalidInputError, int, type Issue, string } from '../../../plugins/params/index.ts'

/* Every refusal of a route with a schema has `issues`, whichever rule the request breaks. */

type Rows = [place: Issue['in'], name: string, expected: string][]

/** A sentence for people: no regular expression, none of the limits of JavaScript, no talk of characters or schemas. */
const sentence = /^Please (?!.*(?:9007199254740991|e\+308|control|schema|pattern|undefined|NaN))[^^\\$]{5,}$/

/** The issues as the rows of a table have them. A message that is no sentence is left in. */
function withoutSentences (issues: Issue[]): object[] {
  return issues.map(({ message, ...rest }) => sentence.test(message) ? rest : { ...rest, message })
}

/** What a client sends. A marker in it must not be seen in any issue. */
interface Sent {
  url?: string
  payload?: string | object
  headers?: Record<string, string>
}
const marker = 'XSENTX'

type Prepare = (app: FastifyInstance) => unknown
type Row = [
  what: string, schema: FastifySchema, sent: Sent, issues: Rows, prepare?: Prepare, server?: FastifyServerOptions
]

/** An app with one route that answers the issues, where they are asked for and where they are not. */
async function withSchema (
  t: Test, schema: FastifySchema, prepare?: Prepare, server: FastifyServerOptions = {}
) {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(formbody)
  await prepare?.(app)
  await app.register(params, { routes: false })
  app.setErrorHandler<InvalidInputError>((error, request, reply) => {
    return reply.code(error.statusCode).send(withoutSentences(error.issues))
  })
  const url = schema.params === undefined ? '' : '/:id'
  app.post(`/thrown${url}`, { schema }, async () => 'fits')
  app.post(`/attached${url}`, { schema, attachValidation: true }, async (request) => {
    const { issues } = (request.validationError ?? {}) as Partial<InvalidInputError>
    return issues === undefined ? 'fits' : withoutSentences(issues)
  })
  return async ({ url = '', ...sent }: Sent) => {
    const [thrown, attached] = await Promise.all(['/thrown', '/attached'].map(async (path) => await app.inject({ method: 'POST', url: path + url, ...sent })))
    return { thrown: thrown!.body, attached: attached!.body, status: thrown!.statusCode }
  }
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const date = Type.String({ format: 'date' })
const aDate = 'a date such as 2026-01-31'
const address = Type.Object({ street: Type.String({ minLength: 1 }), zip: Type.String({ pattern: '^\\d{5}$' }) })

/** Sends what each row says, and returns the rows whose answer is another one than the row has. */
async function findWrong (t: Test, table: Row[]): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const [what, schema, sent, rows, prepare, server] of table) {
    const send = await withSchema(t, schema, prepare, server)
    const expected = JSON.stringify(rows.map(([place, name, expected]) => ({ in: place, name, expected })))
    const { thrown, attached, status } = await send(sent)
    const isRight = thrown === expected && attached === expected && status === 400 && !thrown.includes(marker)
    if (!isRight) wrong.push({ what, thrown, attached, status, expected })
  }
  return wrong
}

t.test('names every field that is wrong, by plain rules, by converters and by both', async (t) => {
  const body = (properties: Record<string, object>, rest = {}) => ({ body: Type.Object(properties as {}, rest) })
  const table: Row[] = [
    ['a plain rule beside converters', body({ day: date, n: int({ max: 9 }) }), { payload: { day: marker, n: 1 } }, [['body', 'day', aDate]]],
    ['a converter beside a plain rule', body({ day: date, n: int({ max: 9 }) }), { payload: { day: '2026-01-31', n: marker } }, [['body', 'n', 'a whole number from -9007199254740991 to 9']]],
    ['both at once', body({ day: date, n: int({ max: 9 }) }), { payload: { day: marker, n: marker } },
      [['body', 'n', 'a whole number from -9007199254740991 to 9'], ['body', 'day', aDate]]],
    ['a converter\'s number of JSON that is left to the validator', body({ n: int({ max: 9 }) }), { payload: { n: 10 } }, [['body', 'n', 'a whole number from -9007199254740991 to 9']]],
    ['a form', body({ day: date, mail: Type.String({ format: 'email' }), ok: bool() }), { headers: form, payload: `day=${marker}&mail=&ok=on` },
      [['body', 'day', aDate], ['body', 'mail', 'an email address']]],
    ['plain rules alone', body({ a: Type.Integer({ minimum: 1 }), b: Type.Number({ maximum: 5 }), c: Type.Boolean(), d: Type.Literal('x'), e: Type.Null() }),
      { payload: { a: 0, b: 6, c: marker, d: marker, e: marker } },
      [['body', 'a', 'a whole number of at least 1'], ['body', 'b', 'a number of at most 5'], ['body', 'c', 'true or false'], ['body', 'd', '"x"'], ['body', 'e', 'null']]],
    ['ranges', body({ a: Type.Integer({ minimum: 1, maximum: 5 }), b: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }), c: Type.Integer({ multipleOf: 5 }) }),
      { payload: { a: 6, b: 0, c: 7 } }, [['body', 'a', 'a whole number from 1 to 5'], ['body', 'b', 'a number above 0 below 1'], ['body', 'c', 'a whole number that is a multiple of 5']]],
    ['texts', body({ a: Type.String({ minLength: 2 }), b: Type.String({ maxLength: 3 }), c: Type.String({ minLength: 1 }), d: Type.String({ pattern: '^x' }), e: Type.String({ format: 'json-pointer' }), f: Type.String() }),
      { payload: { a: 'a', b: 'abcd', c: '', d: marker, e: marker, f: { x: marker } } },
      [['body', 'a', 'text of at least 2 characters'], ['body', 'b', 'text of 0 to 3 characters'], ['body', 'c', 'text of at least 1 character'],
        ['body', 'd', 'text that matches ^x'], ['body', 'e', 'text in the format "json-pointer"'], ['body', 'f.*', 'such that it fits the schema of this route']]],
    ['choices', body({ a: Type.Union([Type.Literal('x'), Type.Literal('y')]), b: Type.Unsafe({ enum: ['x', 1] }), c: Type.Unsafe({ type: ['integer', 'null'] }), d: Type.Unsafe({ const: 5 }), e: Type.Unsafe({ enum: ['x'] }) }),
      { payload: { a: marker, b: marker, c: marker, d: marker, e: marker } },
      [['body', 'a', '"x", or "y"'], ['body', 'b', 'one of "x", 1'], ['body', 'c', 'a whole number, or null'], ['body', 'd', '5'], ['body', 'e', '"x"']]],
    ['what is missing', body({ a: Type.String(), b: int(), c: Type.Optional(Type.String()), d: Type.Object({ x: Type.String() }), e: Type.Integer({ default: 1 }) }), { payload: {} },
      [['body', 'b', 'given: a whole number from -9007199254740991 to 9007199254740991'], ['body', 'a', 'given: text'], ['body', 'd', 'given: an object']]],
    ['a name that only `required` has', body({ a: Type.String() }, { required: ['a', 'other'] }), { payload: { a: 'x' } }, [['body', 'other', 'given: such that it fits the schema of this route']]],
    ['nested names', body({ to: address, n: Type.Integer() }), { payload: { to: { street: '', zip: marker }, n: 1.5 } },
      [['body', 'to.street', 'text of at least 1 character'], ['body', 'to.zip', 'text that matches ^\\d{5}$'], ['body', 'n', 'a whole number']]],
    ['nested names beside a converter', body({ to: address, n: int() }), { payload: { to: { zip: marker }, n: marker } },
      [['body', 'n', 'a whole number from -9007199254740991 to 9007199254740991'], ['body', 'to.street', 'given: text of at least 1 character'], ['body', 'to.zip', 'text that matches ^\\d{5}$']]],
    ['something else in the place of an object', body({ to: address }), { payload: { to: marker } }, [['body', 'to', 'an object']]],
    ['lists', body({ tags: Type.Array(Type.String({ maxLength: 3 })), days: Type.Array(date, { minItems: 2 }), all: Type.Array(Type.String(), { uniqueItems: true }) }),
      { payload: { tags: ['a', marker, 'b', marker], days: ['2026-01-31'], all: [marker, marker] } },
      [['body', 'tags.1', 'text of 0 to 3 characters'], ['body', 'tags.3', 'text of 0 to 3 characters'], ['body', 'days', 'a list of at least 2 values'], ['body', 'all', 'a list without repeats']]],
    ['objects in a list', body({ to: Type.Array(address, { maxItems: 5 }) }), { payload: { to: [{ street: 'x', zip: '12345' }, { street: 'x', zip: marker }, {}] } },
      [['body', 'to.1.zip', 'text that matches ^\\d{5}$'], ['body', 'to.2.street', 'given: text of at least 1 character'], ['body', 'to.2.zip', 'given: text that matches ^\\d{5}$']]],
    ['too long a list', body({ to: Type.Array(Type.Integer(), { maxItems: 2 }) }), { payload: { to: [1, 2, 3] } }, [['body', 'to', 'a list of 0 to 2 values']]],
    ['a body that is a list', { body: Type.Array(address) }, { payload: [{ street: 'x', zip: marker }] }, [['body', '0.zip', 'text that matches ^\\d{5}$']]],
    ['a text in the place of a body', body({ a: Type.Optional(Type.String()) }), { headers: json, payload: `"${marker}"` }, [['body', '*', 'in an object']]],
    ['a list in the place of a body', body({ n: int({ default: 1 }) }), { headers: json, payload: `["${marker}"]` }, [['body', '*', 'in an object']]],
    ['no body', body({ a: Type.Optional(Type.String()) }), {}, [['body', '*', 'such that it fits the schema of this route']]],
    ['no body, and a field that must be given', body({ a: Type.String() }), {}, [['body', 'a', 'given: text']]],
    ['too few names', body({}, { minProperties: 2 }), { payload: { [marker]: marker } }, [['body', '*', 'such that it fits the schema of this route']]],
    ['a rule for names of the client', body({ a: Type.Record(Type.String(), Type.Integer()) }), { payload: { a: { [marker]: marker } } }, [['body', 'a.*', 'such that it fits the schema of this route']]],
    ['a schema for each media type', { body: { content: { 'application/json': { schema: Type.Object({ day: date }) } } } }, { payload: { day: marker } }, [['body', 'day', aDate]]],
    ['a media type without a schema', { body: { content: { 'application/xml': { schema: Type.Object({ day: date }) } } }, querystring: Type.Object({ n: Type.Integer() }) },
      { url: `?n=${marker}`, payload: { day: marker } }, [['query', 'n', 'a whole number']]],
    ['every part at once',
      {
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        querystring: Type.Object({ page: Type.Integer(), from: date }),
        body: Type.Object({ n: Type.Integer() }),
        headers: Type.Object({ 'X-Token': Type.String({ minLength: 3 }), 'x-other': Type.String() })
      },
      { url: `/0?page=${marker}&from=${marker}`, payload: { n: marker }, headers: { 'x-token': 'a' } },
      [['params', 'id', 'a whole number of at least 1'], ['query', 'page', 'a whole number'], ['query', 'from', aDate], ['body', 'n', 'a whole number'],
        ['headers', 'X-Token', 'text of at least 3 characters'], ['headers', 'x-other', 'given: text']]],
    ['every part at once, with converters',
      {
        params: Type.Object({ id: int({ min: 1 }) }),
        querystring: Type.Object({ page: int(), from: date }),
        body: Type.Object({ s: string({ maxLength: 3 }), n: Type.Integer() })
      },
      { url: `/0?page=1&from=${marker}`, payload: { s: 'x', n: marker } },
      [['params', 'id', 'a whole number from 1 to 9007199254740991'], ['query', 'from', aDate], ['body', 'n', 'a whole number']]]
  ]
  t.strictSame(await findWrong(t, table), [])
})

t.test('works with references, other validators, and errors of the host\'s making', async (t) => {
  const shared = (app: FastifyInstance) => app.addSchema({ $id: 'address', ...address })
  const integer = { type: 'integer' }
  const toShared = { body: { type: 'object', required: ['to'], properties: { to: { $ref: 'address#' }, n: integer } } }
  const definitions = { word: { type: 'string', maxLength: 3 }, pair: { type: 'array', items: { $ref: '#/definitions/word' } } }
  const toOwn = { body: { type: 'object', properties: { to: { $ref: '#/definitions/word' }, two: { $ref: '#/definitions/pair' }, n: integer }, definitions } }
  const tree = { body: { $id: 'tree', type: 'object', required: ['n'], properties: { n: integer, sub: { type: 'array', items: { $ref: '#' } } } } }
  const byId = { body: { $id: 'words', type: 'object', properties: { to: { $ref: 'words#/definitions/word' }, n: integer }, definitions } }
  const typebox = (app: FastifyInstance) => app.setValidatorCompiler(TypeBoxValidatorCompiler)
  const ownErrors = (app: FastifyInstance) => app.setSchemaErrorFormatter(() => new Error('no'))
  const thrower = (app: FastifyInstance) => app.setValidatorCompiler(() => () => ({ error: new Error(marker) }))
  const strict = { ajv: { customOptions: { removeAdditional: false, allErrors: true } } } as const
  const noMore = { additionalProperties: false }
  const closed = { body: Type.Object({ a: Type.Integer(), to: Type.Optional(Type.Object({}, noMore)) }, noMore) }
  const plain = { body: Type.Object({ day: date, n: Type.Integer() }) }
  const generic = 'such that it fits the schema of this route'

  const table: Row[] = [
    ['a reference to a shared schema', toShared, { payload: { to: { street: 'x', zip: marker }, n: 1.5 } }, [['body', 'to.zip', 'text that matches ^\\d{5}$'], ['body', 'n', 'a whole number']], shared],
    ['references within the schema', toOwn, { payload: { to: marker, two: ['a', marker], n: 1 } },
      [['body', 'to', 'text of 0 to 3 characters'], ['body', 'two.1', 'text of 0 to 3 characters']]],
    ['a schema within itself', tree, { payload: { n: 1, sub: [{ n: 2 }, { n: marker, sub: [{}] }] } },
      [['body', 'sub.1.n', 'a whole number'], ['body', 'sub.1.sub.0.n', 'given: a whole number']]],
    ['a reference that is not followed', byId, { payload: { to: marker, n: 1 } }, [['body', '*', generic]]],
    ['a reference that is not followed, beside another field', byId, { payload: { to: marker, n: marker } }, [['body', 'n', 'a whole number']]],
    ['TypeBox\'s validator', { body: Type.Object({ s: Type.String({ maxLength: 3 }), n: Type.Integer(), to: address }) }, { payload: { s: marker, n: 1.5, to: { street: '', zip: '12345' } } },
      [['body', 's', 'text of 0 to 3 characters'], ['body', 'n', 'a whole number'], ['body', 'to.street', 'text of at least 1 character']], typebox],
    ['an error of the host\'s making', plain, { payload: { day: marker, n: 1.5 } }, [['body', 'day', aDate], ['body', 'n', 'a whole number']], ownErrors],
    ['a validator that says nothing but no', plain, { payload: { day: marker, n: 1 } }, [['body', 'day', aDate], ['body', 'n', 'a whole number']], thrower],
    ['names that are not known', closed, { payload: { a: 1, [marker]: marker } }, [['body', '*', 'known here']], undefined, strict],
    ['names that are not known, within', closed, { payload: { a: 1, to: { [marker]: marker } } }, [['body', 'to.*', 'known here']], undefined, strict]
  ]
  t.strictSame(await findWrong(t, table), [])
})

t.test('issues have a bound, and a deep body is no trouble', async (t) => {
  const list = Type.Array(Type.Integer())
  const send = await withSchema(t, { body: Type.Object({ list, rows: Type.Optional(Type.Array(list)) }) })
  const sent = { list: Array(100_000).fill('x'), rows: Array(1000).fill(Array(100).fill('x')) }
  const many = JSON.parse((await send({ payload: sent })).thrown)
  t.equal(many.length, 100)
  t.match(many[99], { name: 'list.99' })
  const late = JSON.parse((await send({ payload: { list: [...Array(1000).fill(1), 'x'] } })).thrown)
  t.strictSame(late, [{ in: 'body', name: 'list', expected: 'a list' }], 'beyond the values that are looked at, the list is named')

  const deep = await withSchema(t, { body: Type.Object({ n: int() }) })
  const nested = `{"x":${'['.repeat(200_000)}"\\ud800"${']'.repeat(200_000)},"n":1}`
  t.match((await deep({ headers: json, payload: nested })).status, 400)

  const tree = { $id: 'tree', type: 'object', properties: { n: { type: 'integer' }, sub: { $ref: '#' } } }
  const recursive = await withSchema(t, { body: tree })
  const levels = (count: number) => `${'{"sub":'.repeat(count)}{"n":"x"}${'}'.repeat(count)}`
  const [issue] = JSON.parse((await recursive({ headers: json, payload: levels(30) })).thrown)
  t.strictSame(issue, { in: 'body', name: `${'sub.'.repeat(20)}*`, expected: 'such that it fits the schema of this route' })
})

t.test('leaves other errors and other routes alone', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const seen: unknown[] = []
  app.addHook('onError', async (request, reply, error) => { seen.push('issues' in error) })
  app.get('/broken', async () => { throw new Error('no') })
  app.get('/own', async () => { throw Object.assign(new Error('no'), { validation: [], validationContext: 'elsewhere' }) })
  app.get('/mine', async () => { throw Object.assign(new Error('no'), { validationContext: 'body', issues: [] }) })
  app.get('/fits', { attachValidation: true, schema: { querystring: Type.Object({}) } }, async (request) => request.validationError ?? 'fits')
  app.get('/checked', { schema: { querystring: Type.Object({ n: Type.Integer() }) } }, async () => 'fits')
  for (const url of ['/broken', '/own', '/mine', '/checked?n=x']) await app.inject(url)
  t.strictSame(seen, [false, false, true, true])
  t.equal((await app.inject('/fits')).body, 'fits')
  const { statusCode, code, message } = (await app.inject('/checked?n=x')).json()
  t.strictSame([statusCode, code, message], [400, 'FST_ERR_VALIDATION', 'querystring/n must be integer'], 'what Fastify says stays')
})
