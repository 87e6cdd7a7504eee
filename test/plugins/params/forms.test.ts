import formbody from '@fastify/formbody'
import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import Fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { createGzip, createGunzip } from 'node:zlib'
import type { Test } from 'tap'
import t from 'tap'
import type { TProperties } from 'typebox'
import { Type } from 'typebox'
import type { InvalidInputError } from '../../../plugins/params/index.ts'
import params, { any, bool, float, int, path, string, uuid } from '../../../plugins/params/index.ts'

const urlencoded = 'application/x-www-form-urlencoded'
const encoded = 'percent-encoded UTF-8 text without control characters'
const text = 'text of at least 1 character without control characters'
const whole = 'a whole number from -9007199254740991 to 9007199254740991'

/**
 * A host with a form of its own, which answers what it read, by POST and, with the same fields in the query, by GET.
 */
async function withForm (t: Test, fields: TProperties, options: RouteShorthandOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  app.post('/', { ...options, schema: { body: Type.Object(fields) } }, async (request) => request.body)
  app.get('/', { ...options, schema: { querystring: Type.Object(fields) } }, async (request) => request.query)
  return app
}

async function post (app: FastifyInstance, payload: string | Buffer, type = urlencoded) {
  return await app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
}

t.test('a host\'s own form is refused where it is malformed, by the name of the field', async (t) => {
  const app = await withForm(t, { s: string({ default: 'none' }), list: Type.Array(string(), { default: [] }) })
  const bytes = (latin1: string) => Buffer.from(latin1, 'latin1')
  const table: [form: string | Buffer, name: string | undefined][] = [
    ['s=a', undefined],
    ['s=a+b%20c%C3%A9é', undefined],
    ['s=100%25', undefined],
    ['s=%EF%BF%BD', undefined],
    ['s=%zz', 's'],
    ['s=%E9', 's'],
    ['s=%', 's'],
    ['s=a%2', 's'],
    ['s=%c0%af', 's'],
    ['s=%ed%a0%80', 's'],
    ['s=%f4%90%80%80', 's'],
    ['s=%00', 's'],
    ['s=a%0d%0ab', 's'],
    ['s=a\nb', 's'],
    ['s=%C2%85', 's'],
    ['s=\ufffd', 's'],
    [bytes('s=\xe9'), 's'],
    [bytes('s=\xc0\xaf'), 's'],
    [bytes('s=a\x00'), 's'],
    ['list=a&list=%zz', 'list'],
    ['%73=%zz', 's'],
    ['other=%zz', '*'],
    ['%zz=a', '*'],
    [bytes('caf\xe9=a'), '*']
  ]
  for (const type of [urlencoded, `${urlencoded}; charset=utf-8`, ' Application/X-WWW-Form-Urlencoded ;x=y']) {
    for (const [form, name] of table) {
      const answer = await post(app, form, type)
      t.equal(answer.statusCode, name === undefined ? 200 : 400, `${form.toString()} as ${type}`)
      if (name === undefined) continue
      t.equal(answer.json().message, `${name === '*' ? 'every body field' : `body field "${name}"`} must be ${encoded}`)
    }
  }
  t.strictSame((await post(app, 's=a+b%20c%C3%A9é')).json(), { s: 'a b céé', list: [] })
})

t.test('a form is checked before whichever parser reads it, and JSON is not taken for a form', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.addContentTypeParser(urlencoded, { parseAs: 'string' }, (request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body.toString())))
  })
  app.post('/', { schema: { body: Type.Object({ s: string() }) } }, async (request) => request.body)
  t.equal((await post(app, 's=%E9')).json().message, `body field "s" must be ${encoded}`)
  t.strictSame((await post(app, 's=é')).json(), { s: 'é' })
  t.strictSame((await post(app, '{"s":"%zz&%E9=%"}', 'application/json')).json(), { s: '%zz&%E9=%' })
})

t.test('a form that comes in pieces, or compressed, is read as one', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.headers['content-encoding'] !== 'gzip') return payload
    const unzipped = Object.assign(createGunzip(), { receivedEncodedLength: 0 })
    payload.on('data', (chunk: Buffer) => { unzipped.receivedEncodedLength += chunk.length })
    return payload.pipe(unzipped)
  })
  await app.register(params, { routes: false })
  await app.register(formbody)
  app.post('/', { schema: { body: Type.Object({ s: string() }) } }, async (request) => request.body)

  const send = async (chunks: Buffer[], headers: Record<string, string> = {}) => await app.inject({
    method: 'POST', url: '/', headers: { 'content-type': urlencoded, ...headers }, payload: Readable.from(chunks)
  })
  const duck = Buffer.from('s=🦆')
  t.strictSame((await send([duck.subarray(0, 4), duck.subarray(4)])).json(), { s: '🦆' })
  t.equal((await send([Buffer.from('s=%'), Buffer.from('zz')])).statusCode, 400)

  for (const [form, status] of [['s=a', 200], ['s=%zz', 400]] as const) {
    const zipped = Buffer.concat(await Readable.from([Buffer.from(form)]).pipe(createGzip()).toArray())
    const answer = await send([zipped], { 'content-encoding': 'gzip', 'content-length': `${zipped.length}` })
    t.equal(answer.statusCode, status, form)
  }
})

t.test('a form past the limit is 413, and one that breaks off ends its request', async (t) => {
  const app = Fastify({ bodyLimit: 1000 })
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  let handled = 0
  app.post('/', { schema: { body: Type.Object({ s: string() }) } }, async (request) => { handled++; return request.body })
  const chunks = Array.from({ length: 100 }, () => Buffer.alloc(100, 'a'))
  const answer = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': urlencoded }, payload: Readable.from(chunks) })
  t.equal(answer.statusCode, 413)

  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${urlencoded}\r\nContent-Length: 100\r\n\r\ns=a`)
  const aborted = new Promise((resolve) => app.server.on('connection', (server) => server.on('close', resolve)))
  app.server.once('request', () => socket.destroy())
  await aborted
  t.strictSame((await post(app, 's=a')).json(), { s: 'a' })
  t.equal(handled, 1)
})

t.test('a blank field is its default, or absent, or what is missing', async (t) => {
  const list = <Item extends TProperties[string]>(item: Item) => Type.Array(item)
  const table: [name: string, fields: TProperties, sent: string, answer: object | string][] = [
    ['with a default', { v: int({ default: 1 }) }, 'v=', { v: 1 }],
    ['without its equals sign', { v: int({ default: 1 }) }, 'v', { v: 1 }],
    ['a text with a default', { v: string({ default: 'x' }) }, 'v=', { v: 'x' }],
    ['a text with a default that may be empty', { v: string({ minLength: 0, default: 'x' }) }, 'v=', { v: 'x' }],
    ['optional', { v: Type.Optional(int()) }, 'v=', {}],
    ['optional float', { v: Type.Optional(float({ min: 1 })) }, 'v=', {}],
    ['optional uuid', { v: Type.Optional(uuid()) }, 'v=', {}],
    ['optional choice', { v: Type.Optional(any('a', 'b')) }, 'v=', {}],
    ['optional path', { v: Type.Optional(path()) }, 'v=', {}],
    ['optional text', { v: Type.Optional(string()) }, 'v=', {}],
    ['optional text that may be empty', { v: Type.Optional(string({ minLength: 0 })) }, 'v=', {}],
    ['a checkbox', { v: bool() }, 'v=', { v: false }],
    ['a blank is not a space', { v: Type.Optional(int()) }, 'v=+', whole],
    ['required', { v: int() }, 'v=', whole],
    ['required text', { v: string() }, 'v=', text],
    ['required text that may be empty', { v: string({ minLength: 0 }) }, 'v=', { v: '' }],
    ['required choice', { v: any('a', 'b') }, 'v=', 'one of "a", "b"'],
    ['required, and not there at all', { v: int() }, 'w=1', `given: ${whole}`],
    ['twice', { v: Type.Optional(int()) }, 'v=&v=', `given once: ${whole}`],
    ['a list', { v: Type.Optional(list(int())) }, 'v=', {}],
    ['a list with a default', { v: Type.Array(int(), { default: [7] }) }, 'v=', { v: [7] }],
    ['a list with a default, twice', { v: Type.Array(int(), { default: [7] }) }, 'v=&v=', { v: [7] }],
    ['one blank of a list', { v: list(int()) }, 'v=1&v=&v=2', { v: [1, 2] }],
    ['one value of a list', { v: list(int()) }, 'v=1', { v: [1] }],
    ['a required list', { v: list(int()) }, 'v=', whole],
    ['a required list, twice', { v: list(int()) }, 'v=&v=', whole],
    ['a list that needs two', { v: Type.Array(int(), { minItems: 2 }) }, 'v=1&v=', 'at least 2'],
    ['blanks do not count', { v: Type.Array(int(), { maxItems: 1 }) }, 'v=&v=1&v=', { v: [1] }],
    ['a list of texts that may be empty', { v: list(string({ minLength: 0 })) }, 'v=a&v=&v=b', { v: ['a', '', 'b'] }],
    ['a required list of texts that may be empty', { v: list(string({ minLength: 0 })) }, 'v=', { v: [''] }],
    ['a wrong one beside a blank', { v: list(int()) }, 'v=&v=x', whole]
  ]
  for (const [name, fields, sent, expected] of table) {
    const app = await withForm(t, fields)
    for (const [place, answer] of [['form', await post(app, sent)], ['query', await app.inject(`/?${sent}`)]] as const) {
      if (typeof expected === 'object') {
        t.strictSame([answer.statusCode, answer.json()], [200, expected], `${name}, ${place}`)
      } else {
        t.equal(answer.statusCode, 400, `${name}, ${place}`)
        t.match(answer.json().message, `${place === 'form' ? 'body field' : 'query parameter'} "v" must be `, `${name}, ${place}`)
        t.match(answer.json().message, expected, `${name}, ${place}`)
      }
    }
  }
})

t.test('a checkbox is a boolean', async (t) => {
  const table: [sent: string, value: boolean | undefined][] = [
    ['', false], ['v=on', true], ['v=true', true], ['v=1', true], ['v=off', false], ['v=false', false], ['v=0', false],
    ['v=yes', undefined], ['v=On', undefined], ['v=TRUE', undefined], ['v=01', undefined], ['v=on+', undefined],
    // The last one counts, as of a hidden field before a checkbox.
    ['v=off&v=on', true], ['v=false&v=true', true], ['v=on&v=on', true], ['v=on&v=off', false], ['v=1&v=0&v=1', true], ['v=yes&v=on', true], ['v=&v=on', true],
    ['v=on&v=', false], ['v=on&v=yes', undefined], ['v=on&v=on+', undefined]
  ]
  const app = await withForm(t, { v: bool() })
  const ticked = await withForm(t, { v: bool({ default: true }) })
  const maybe = await withForm(t, { v: Type.Optional(bool()) })
  for (const [sent, value] of table) {
    for (const answer of [await post(app, sent), await app.inject(`/?${sent}`), await post(maybe, sent)]) {
      if (value !== undefined) t.strictSame([answer.statusCode, answer.json()], [200, { v: value }], sent)
      else t.match(answer.json(), { statusCode: 400, message: /"v" must be (given once: )?on, true or 1, or off, false or 0$/ }, sent)
    }
  }
  t.strictSame((await post(ticked, '')).json(), { v: true })
  for (const [sent, v] of [['v=off', false], ['v=off&v=on', true], ['v=false&v=true', true], ['v=off&v=', true]] as const) {
    t.strictSame((await post(ticked, sent)).json(), { v }, sent)
  }
  const twoDays = await withForm(t, { v: Type.Array(bool()) })
  t.strictSame((await post(twoDays, 'v=off&v=on')).json(), { v: [false, true] }, 'a list keeps them all')
  t.equal((await app.inject({ method: 'POST', url: '/', payload: { v: [false, true] } })).statusCode, 400, 'JSON is no form')
  t.throws(() => bool({ default: 'on' as never }), { code: 'FST_QUICKSTART_PARAMS_INVALID_OPTION', message: 'option "default" is "on"; expected true or false' })
})

t.test('several boxes with one name are a list', async (t) => {
  const app = await withForm(t, { day: Type.Array(int({ min: 1, max: 7 }), { default: [] }) })
  const table: [sent: string, day: number[]][] = [['', []], ['day=3', [3]], ['day=3&day=5', [3, 5]]]
  for (const [sent, day] of table) t.strictSame((await post(app, sent)).json(), { day }, sent)
})

t.test('a text of several lines takes tabs and line breaks, and no other control character', async (t) => {
  const app = await withForm(t, { v: string({ multiline: true, maxLength: 5 }), one: Type.Optional(string()) })
  const lines = 'without control characters other than tabs and line breaks'
  const table: [sent: string, expected: string | { refused: string }][] = [
    ['v=a%0D%0Ab', 'a\nb'],
    ['v=a%0Ab', 'a\nb'],
    ['v=a%0Db', 'a\nb'],
    ['v=a%0D%0D%0Ab', 'a\n\nb'],
    ['v=a%09b', 'a\tb'],
    ['v=%0d%0a', '\n'],
    // A line break counts once, as the browser's maxlength counts it.
    ['v=a%0D%0A%0D%0A%0D%0A%0D%0A', 'a\n\n\n\n'],
    ['v=a%0A%0A%0A%0A%0A', { refused: `text of 1 to 5 characters ${lines}` }],
    ['v=', { refused: `text of 1 to 5 characters ${lines}` }],
    ...['%00', '%08', '%0B', '%0C', '%0E', '%1B', '%7F', '%C2%85', '%zz', '%E9'].map((escape): [string, { refused: string }] => {
      return [`v=a${escape}`, { refused: `percent-encoded UTF-8 text ${lines}` }]
    })
  ]
  for (const [sent, expected] of table) {
    for (const answer of [await post(app, sent), await app.inject(`/?${sent}`)]) {
      if (typeof expected === 'string') t.strictSame([answer.statusCode, answer.json()], [200, { v: expected }], sent)
      else t.match(answer.json(), { statusCode: 400, message: new RegExp(`"v" must be ${expected.refused}$`) }, sent)
    }
  }
  t.strictSame((await post(app, 'v=a\r\n\tb')).json(), { v: 'a\n\tb' }, 'as curl --data-binary sends it')
  t.equal((await post(app, 'v=a&one=a%0Ab')).json().message, `body field "one" must be ${encoded}`, 'another field has one line')
  t.equal((await post(app, 'v%0A=a')).json().message, `every body field must be ${encoded}; body field "v" must be given: text of 1 to 5 characters ${lines}`)
})

t.test('a refused form is shown again with what was typed and the reasons', async (t) => {
  const fields = {
    name: string({ maxLength: 20 }),
    age: int({ min: 0 }),
    weight: float(),
    news: bool(),
    day: Type.Array(int({ max: 7 }), { default: [] })
  }
  const show = (input: unknown, error?: Error & { issues?: { name: string, expected: string }[] }) => {
    return {
      typed: input, wrong: Object.fromEntries((error?.issues ?? []).map(({ name, expected }) => [name, expected]))
    }
  }
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  const body = Type.Object(fields)
  app.post('/', { attachValidation: true, schema: { body } }, async (request) => show(request.body, request.validationError))
  app.get('/', { attachValidation: true, schema: { querystring: body } }, async (request) => show(request.query, request.validationError))
  app.setErrorHandler<InvalidInputError>((error, request, reply) => reply.send(show(request.body, error)))
  app.post('/handler', { schema: { body } }, async () => 'ok')

  // Fastify's validator would make 1 of "1.0" and of "+1", and true of "true".
  const sent = 'name=%3Cb%3E&age=1.0&weight=%2B1&news=maybe&day=1&day=9'
  const expected = {
    typed: { name: '<b>', age: '1.0', weight: '+1', news: 'maybe', day: ['1', '9'] },
    wrong: {
      age: 'a whole number from 0 to 9007199254740991',
      weight: 'a decimal number',
      news: 'on, true or 1, or off, false or 0',
      day: 'a list in which each value is a whole number from -9007199254740991 to 7'
    }
  }
  t.strictSame((await post(app, sent)).json(), expected)
  t.strictSame((await app.inject({ method: 'POST', url: '/handler', headers: { 'content-type': urlencoded }, payload: sent })).json(), expected)
  t.match((await app.inject(`/?${sent}`)).json(), { typed: expected.typed, wrong: { age: expected.wrong.age } })

  t.strictSame((await post(app, 'name=a&age=7&weight=70.5&news=on&day=3')).json(), {
    typed: { name: 'a', age: 7, weight: 70.5, news: true, day: [3] }, wrong: {}
  })
  const nothing = (await app.inject({ method: 'POST', url: '/' })).json()
  t.match(nothing.wrong, { name: /^given: text/, age: /^given: a whole/ })
  t.equal(nothing.typed, undefined, 'no body was sent')
  t.strictSame((await post(app, 'name=&age=')).json().typed, { name: '', age: '' }, 'a blank stays blank')
})
