import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifySchema } from 'fastify'
import { once } from 'node:events'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type TSchema, Type } from 'typebox'
import params, {
  addIssue, any, bool, date, datetime, float, int, type InvalidInputError, listIssues, path, string, time, uuid
} from '../../../plugins/params/index.ts'

/* What a person reads beside a field. `expected` is what a program reads: see issues.test.ts. */

const fillIn = 'Please fill this in'
const one = 'Please enter one value only'
const unreadable = 'Please leave out characters that cannot be shown'
const whole = 'Please enter a whole number'

const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

/** Returns the messages for a form or JSON that a schema's field `v` refuses; the status where it is taken. */
async function withField (t: Test, schema: TSchema, part: FastifySchema = { body: Type.Object({ v: schema }) }) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  app.setErrorHandler<InvalidInputError>((error, request, reply) => {
    return reply.code(error.statusCode).send(error.issues.map(({ message }) => message).join('; '))
  })
  app.post('/', { schema: part }, async () => 'taken')
  return async (sent: string | object) => {
    const headers = typeof sent === 'string' ? urlencoded : {}
    return (await app.inject({ method: 'POST', url: '/', payload: sent, headers })).body
  }
}

type Row = [schema: TSchema, sent: string | object, message: string]

/** What each converter and each plain rule says, of texts of a form (`v=…`) and of values of JSON. */
async function findWrong (t: Test, table: Row[]): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const [schema, sent, message] of table) {
    const found = await (await withField(t, schema))(sent)
    if (found !== message) wrong.push({ schema, sent, found, message })
  }
  return wrong
}

t.test('each converter says in a sentence what to do, for each kind of failure', async (t) => {
  const long = 'v=' + 'x'.repeat(50)
  const id = '123e4567-e89b-12d3-a456-426614174000'
  const typedIn = [
    string(), int(), float(), uuid(), path(), date(), time(), datetime(), string({ multiline: true, maxLength: 5 }),
    int({ min: 1, max: 10 })
  ]
  const table: Row[] = [
    // Missing, blank, given twice, malformed: the same for all that are typed in
    ...typedIn.flatMap((schema): Row[] => [
      [schema, '', fillIn], [schema, 'v=', fillIn], [schema, { v: '' }, fillIn], [schema, {}, fillIn],
      [schema, 'v=1&v=2', one], [schema, { v: ['1', '2'] }, one], [schema, 'v=%zz', unreadable], [schema, 'v=%00', unreadable], [schema, 'v=%E9', unreadable],
      [schema, { v: '\ud800' }, unreadable]
    ]),
    [string({ minLength: 2 }), 'v=a', 'Please enter at least 2 characters'],
    [string({ minLength: 2 }), 'v=', fillIn],
    [string({ maxLength: 5 }), long, 'Please enter at most 5 characters'],
    [string({ maxLength: 5 }), 'v=🦆🦆🦆🦆🦆🦆', 'Please enter at most 5 characters'],
    [string({ maxLength: 1 }), long, 'Please enter at most 1 character'],
    [string({ minLength: 3, maxLength: 5 }), 'v=ab', 'Please enter at least 3 characters'],
    [string({ minLength: 3, maxLength: 5 }), long, 'Please enter at most 5 characters'],
    [string({ multiline: true, maxLength: 3 }), 'v=a%0D%0A%0D%0Ab', 'Please enter at most 3 characters'],
    [string({ multiline: true, maxLength: 3 }), { v: 'a\u0007' }, unreadable],
    [string({ minLength: 0 }), 'v=%07', unreadable],
    [string(), { v: 'a\nb' }, unreadable],
    [string(), { v: 5 }, 'Please enter text'],
    [string(), { v: null }, 'Please enter text'],
    [string(), { v: { a: 1 } }, 'Please enter text'],
    [int({ min: 1, max: 10 }), 'v=0', `${whole} from 1 to 10`],
    [int({ min: 1, max: 10 }), 'v=two', `${whole} from 1 to 10`],
    [int({ min: 1, max: 10 }), { v: 11 }, `${whole} from 1 to 10`],
    [int({ min: 1 }), 'v=-5', `${whole} of at least 1`],
    [int({ min: 1 }), 'v=99999999999999999999', 'Please enter a smaller number'],
    [int({ max: 10 }), 'v=1.5', `${whole} of at most 10`],
    [int({ max: 10 }), 'v=-99999999999999999999', 'Please enter a larger number'],
    [int({ max: 10 }), 'v=99999999999999999999', `${whole} of at most 10`],
    [int(), 'v=1.5', whole],
    [int(), 'v=9007199254740992', 'Please enter a smaller number'],
    [int(), { v: 1e300 }, 'Please enter a smaller number'],
    [int(), { v: -1e300 }, 'Please enter a larger number'],
    [int(), { v: 1.5 }, whole],
    [int(), { v: true }, whole],
    [int(), { v: { a: 1 } }, whole],
    [int({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }), 'v=x', whole],
    [float(), 'v=1,5', 'Please enter a number'],
    [float(), 'v=1e999', 'Please enter a smaller number'],
    [float(), 'v=-1e999', 'Please enter a larger number'],
    [float({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }), 'v=x', 'Please enter a number'],
    [float({ min: 0.5 }), 'v=0', 'Please enter a number of at least 0.5'],
    [float({ max: 0.5 }), 'v=1', 'Please enter a number of at most 0.5'],
    [float({ min: 0, max: 1 }), 'v=2', 'Please enter a number from 0 to 1'],
    [bool(), 'v=maybe', 'Please choose yes or no'],
    [bool(), { v: 1 }, 'Please choose yes or no'],
    [bool(), { v: '' }, 'Please choose yes or no'],
    [uuid(), 'v=x', `Please enter a UUID such as ${id}`],
    [path(), 'v=a/../b', 'Please leave out "." and ".." between slashes'],
    [path(), { v: 'a\n' }, unreadable],
    [path(), { v: 1 }, 'Please enter text'],
    [any('lake', 'wood'), 'v=sea', 'Please choose one of: lake, wood'],
    [any('lake', 'wood'), '', 'Please choose one of: lake, wood'],
    [any('lake', 'wood'), 'v=', 'Please choose one of: lake, wood'],
    [any('lake'), 'v=sea', 'Please choose lake'],
    [any('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'), 'v=x', 'Please choose one of the options'],
    [any('lake', 'wood'), 'v=lake&v=wood', one],
    [date({ min: '2026-01-01', max: '2026-12-31' }), 'v=2027-01-01', 'Please enter a date from 2026-01-01 to 2026-12-31'],
    [date(), 'v=2026-02-30', 'Please enter a date such as 2026-01-31'],
    [time({ min: '09:00' }), 'v=08:00', 'Please enter a time at or after 09:00'],
    [datetime(), 'v=x', 'Please enter a date and time such as 2026-01-31T13:45'],
    // Lists
    [Type.Array(int({ max: 7 }), { minItems: 2 }), 'v=1', 'Please enter at least 2 values'],
    [Type.Array(int({ max: 7 }), { minItems: 1 }), '', fillIn],
    [Type.Array(int({ max: 7 }), { minItems: 1 }), { v: [] }, 'Please enter at least 1 value'],
    [Type.Array(int({ max: 7 }), { minItems: 2, maxItems: 3 }), 'v=1', 'Please enter 2 to 3 values'],
    [Type.Array(int({ max: 7 }), { maxItems: 1 }), 'v=1&v=2', 'Please enter at most 1 value'],
    [Type.Array(int({ max: 7 }), { minItems: 2, maxItems: 2 }), 'v=1', 'Please enter 2 values'],
    [Type.Array(int({ max: 7 }), { minItems: 1, maxItems: 1 }), 'v=1&v=2', 'Please enter 1 value'],
    [Type.Array(int({ max: 7 })), 'v=1&v=9', `${whole} of at most 7`],
    [Type.Array(any('lake', 'wood')), 'v=sea', 'Please choose one of: lake, wood'],
    [Type.Array(string({ maxLength: 1 })), { v: ['a', 'bc', ''] }, 'Please enter at most 1 character']
  ]
  t.strictSame(await findWrong(t, table), [])
})

t.test('plain JSON Schema says it in a sentence too', async (t) => {
  const unsafe = (schema: object) => Type.Unsafe(schema)
  const form = 'Please enter this in the form that is asked for'
  const id = '123e4567-e89b-12d3-a456-426614174000'
  const table: Row[] = [
    [Type.String(), {}, fillIn],
    [Type.String({ minLength: 1 }), 'v=', fillIn],
    [Type.String({ minLength: 2 }), 'v=a', 'Please enter at least 2 characters'],
    [Type.String({ minLength: 1, maxLength: 3 }), 'v=abcd', 'Please enter at most 3 characters'],
    [Type.String({ maxLength: 1 }), 'v=abcd', 'Please enter at most 1 character'],
    [Type.String({ pattern: '^\\d{5}$' }), 'v=abc', form],
    [Type.String({ pattern: '^\\d{5}$', maxLength: 5 }), 'v=abcdef', 'Please enter at most 5 characters'],
    [Type.String(), 'v=a&v=b', one],
    [Type.String(), { v: { a: 1 } }, 'Please enter text'],
    [Type.String({ format: 'date' }), 'v=x', 'Please enter a date such as 2026-01-31'],
    [Type.String({ format: 'time' }), 'v=x', 'Please enter a time such as 13:45:00Z'],
    [Type.String({ format: 'date-time' }), 'v=x', 'Please enter a date and time such as 2026-01-31T13:45:00Z'],
    [Type.String({ format: 'email' }), 'v=x', 'Please enter an email address such as name@example.org'],
    [Type.String({ format: 'email' }), 'v=', fillIn],
    [Type.String({ format: 'hostname' }), 'v=-', 'Please enter a host name such as example.org'],
    [Type.String({ format: 'ipv4' }), 'v=x', 'Please enter an IPv4 address such as 192.0.2.1'],
    [Type.String({ format: 'ipv6' }), 'v=x', 'Please enter an IPv6 address such as 2001:db8::1'],
    [Type.String({ format: 'uri' }), 'v=x', 'Please enter a web address such as https://example.org'],
    [Type.String({ format: 'uuid' }), 'v=x', `Please enter a UUID such as ${id}`],
    [Type.String({ format: 'json-pointer' }), 'v=x', form],
    [Type.Integer(), 'v=x', whole],
    [Type.Integer({ minimum: 1 }), 'v=0', `${whole} of at least 1`],
    [Type.Integer({ maximum: 5 }), 'v=6', `${whole} of at most 5`],
    [Type.Integer({ minimum: 1, maximum: 5 }), 'v=6', `${whole} from 1 to 5`],
    [Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }), 'v=x', whole],
    [Type.Integer({ exclusiveMaximum: Number.MAX_SAFE_INTEGER }), 'v=x', whole],
    [Type.Integer({ multipleOf: 5 }), 'v=7', `${whole} that is a multiple of 5`],
    [Type.Integer({ multipleOf: 5, maximum: 10 }), 'v=15', `${whole} of at most 10`],
    [Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }), 'v=0', 'Please enter a number above 0 and below 1'],
    [Type.Number({ maximum: 5 }), 'v=6', 'Please enter a number of at most 5'],
    [Type.Number(), 'v=x', 'Please enter a number'],
    [Type.Number(), {}, fillIn],
    [Type.Boolean(), 'v=maybe', 'Please choose yes or no'],
    [Type.Boolean(), {}, 'Please choose yes or no'],
    [Type.Literal('x'), 'v=y', 'Please choose x'],
    [Type.Union([Type.Literal('x'), Type.Literal(5)]), 'v=y', 'Please choose one of: x, 5'],
    [Type.Union([Type.Literal('x'), Type.Literal(5)]), {}, 'Please choose one of: x, 5'],
    [unsafe({ oneOf: [{ const: 'x' }, { enum: ['y', 'z'] }] }), 'v=a', 'Please choose one of: x, y, z'],
    [unsafe({ enum: ['x', 1] }), 'v=y', 'Please choose one of: x, 1'],
    [unsafe({ enum: 'abcdefghijk'.split('') }), 'v=y', 'Please choose one of the options'],
    [unsafe({ type: ['integer', 'null'] }), 'v=x', whole],
    [Type.Union([Type.Integer(), Type.Null()]), 'v=x', whole],
    [Type.Union([Type.Integer(), Type.Boolean()]), 'v=x', 'Please check this'],
    [Type.Union([Type.Integer(), Type.Number()]), {}, fillIn],
    [unsafe({ oneOf: [true, { type: 'string' }] }), { v: 'both' }, 'Please check this'],
    [Type.Null(), 'v=x', 'Please leave this blank'],
    [Type.Object({}), 'v=x', fillIn],
    [Type.Object({}, { minProperties: 1 }), { v: {} }, 'Please check this'],
    [unsafe({ not: {} }), 'v=x', 'Please check this'],
    [unsafe({ not: {} }), {}, fillIn],
    [Type.Array(Type.String(), { minItems: 2 }), { v: ['a'] }, 'Please enter at least 2 values'],
    [Type.Array(Type.String(), { maxItems: 2 }), { v: ['a', 'b', 'c'] }, 'Please enter at most 2 values'],
    [Type.Array(Type.String(), { uniqueItems: true }), { v: ['a', 'a'] }, 'Please enter each value only once'],
    [Type.Array(Type.Integer()), { v: [1, 'x'] }, whole],
    [Type.Array(Type.Object({})), { v: { a: 1 } }, 'Please check this']
  ]
  t.strictSame(await findWrong(t, table), [])

  const closed = { body: Type.Object({ v: Type.String() }, { additionalProperties: false }) }
  const app = Fastify({ ajv: { customOptions: { removeAdditional: false } } })
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.post('/', { schema: closed, attachValidation: true }, async (request) => listIssues(request).map(({ message }) => message))
  const post = async (payload: string | object) => (await app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': 'application/json' } })).json()
  t.strictSame(await post({ v: 'x', other: 1 }), ['Please leave out fields that are not in the form'], 'an unknown field')
  t.strictSame(await post('"x"'), [fillIn], 'no form at all')
  t.strictSame(await post({ v: 'x' }), [], 'what fits has no issues')
})

t.test('in a path and a query as well', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.setErrorHandler<InvalidInputError>((error, request, reply) => reply.send(error.issues[0]?.message))
  app.get('/:v', { schema: { params: Type.Object({ v: string({ maxLength: 3 }) }), querystring: Type.Object({ day: date({ min: '2026-01-01' }) }) } }, async () => 'taken')
  const table: [url: string, message: string][] = [
    ['/abcd', 'Please enter at most 3 characters'], ['/a', fillIn],
    ['/a?day=2025-12-31', 'Please enter a date on or after 2026-01-01'], ['/a?day=2026-01-01', 'taken'], ['/a?day=2026-01-01&x=%ff', unreadable]
  ]
  for (const [url, message] of table) t.equal((await app.inject(url)).body, message, url)

  // A client of Node's sends such a path as it is; `inject` resolves it.
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo // it listens on a port
  const [answer] = await once(get({ port, host: '127.0.0.1', path: '/..?day=2026-01-01' }), 'response')
  t.equal(await text(answer), 'Please enter something other than "." and ".."')
})

t.test('a file in the place of a text, and lost bytes in a form with files', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(multipart, { attachFieldsToBody: 'keyValues' })
  const body = Type.Object({ title: string(), photo: Type.Unsafe<Buffer>({}) })
  app.post('/', { schema: { body }, attachValidation: true }, async (request) => listIssues(request).map(({ name, message }) => [name, message]))
  const post = async (fields: [name: string, value: string | Blob][]) => {
    const form = new FormData()
    for (const [name, value] of fields) form.append(name, value)
    const sent = new Response(form)
    const headers = Object.fromEntries(sent.headers)
    return (await app.inject({ method: 'POST', url: '/', headers, payload: Buffer.from(await sent.arrayBuffer()) })).json()
  }
  const file = new Blob(['x'], { type: 'image/png' })
  t.strictSame(await post([['title', 'a'], ['photo', file]]), [])
  t.strictSame(await post([['title', '']]), [['title', fillIn], ['photo', fillIn]])
  t.strictSame(await post([['title', '\ufffd'], ['photo', file]]), [['title', unreadable]])
  t.strictSame(await post([['title', file], ['photo', file]]), [['title.*', 'Please enter text']])
})

t.test('a rule of one\'s own adds to the same list', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  const body = Type.Object({ day: date(), seats: int({ min: 1, max: 10 }) })
  app.post('/', { schema: { body }, attachValidation: true }, async (request, reply) => {
    if (request.body.day === '2026-12-24') addIssue(request, { name: 'day', message: 'This day is taken' })
    const issues = listIssues(request)
    return reply.code(issues.length > 0 ? 400 : 200).send({ issues, message: request.validationError?.message })
  })
  app.post('/thrown', { schema: { body } }, async (request) => {
    if (request.body.day === '2026-12-24') throw addIssue(request, { in: 'body', name: 'day', expected: 'a day that is free', message: 'This day is taken' })
    return 'booked'
  })
  const post = async (payload: string, url = '/') => await app.inject({ method: 'POST', url, payload, headers: urlencoded })

  t.strictSame((await post('day=2026-12-25&seats=2')).json(), { issues: [] })
  const taken = { in: 'body', name: 'day', expected: 'another value', message: 'This day is taken' }
  t.strictSame((await post('day=2026-12-24&seats=2')).json(), { issues: [taken], message: 'body field "day" must be another value' })
  const seats = { in: 'body', name: 'seats', expected: 'a whole number from 1 to 10', message: 'Please enter a whole number from 1 to 10' }
  t.strictSame((await post('day=2026-12-24&seats=11')).json(), {
    issues: [seats, taken], message: 'body field "seats" must be a whole number from 1 to 10; body field "day" must be another value'
  })
  const refused = await post('day=2026-12-24&seats=2', '/thrown')
  t.strictSame(refused.json(), { statusCode: 400, code: 'FST_QUICKSTART_PARAMS_INVALID', error: 'Bad Request', message: 'body field "day" must be a day that is free' })
  t.equal((await post('day=2026-12-25&seats=2', '/thrown')).body, 'booked')
})

t.test('a field that has an issue keeps it, and plain rules and other errors have their list', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.post('/before', { schema: { body: Type.Object({ n: Type.Integer() }) }, attachValidation: true }, async (request) => listIssues(request))
  await app.register(params, { routes: false })
  app.post('/plain', { schema: { body: Type.Object({ n: Type.Integer() }) }, attachValidation: true }, async (request) => {
    addIssue(request, { name: 'n', message: 'This number is taken' })
    addIssue(request, { in: 'query', name: 'n', message: 'And this one' })
    return listIssues(request)
  })
  app.post('/other', async (request) => {
    // A hook of the host's may set any error.
    request.validationError = new Error('no') as NonNullable<typeof request.validationError>
    return listIssues(request)
  })
  const post = async (url: string, payload: object = {}) => (await app.inject({ method: 'POST', url, payload })).json()
  const n = { in: 'body', name: 'n', expected: 'a whole number', message: whole }
  t.match(await post('/plain', { n: 'x' }), [n, { in: 'query', name: 'n', message: 'And this one' }])
  t.match(await post('/plain', { n: 1 }), [{ name: 'n', message: 'This number is taken' }, { in: 'query' }])
  t.strictSame(await post('/before', { n: 'x' }), [n], 'a route that was declared before the plugin')
  t.strictSame(await post('/before', { n: 1 }), [])
  t.strictSame(await post('/other'), [{ in: 'body', name: '*', expected: 'such that it fits the schema of this route', message: 'Please check this' }])
})
