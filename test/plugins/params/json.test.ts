import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { TSchema } from 'typebox'
import { Type } from 'typebox'
import params, { any, bool, float, int, path, string, uuid } from '../../../plugins/params/index.ts'

/**
 * Posts JSON to an app whose body has one field `value`. The JSON is text, as 1.0 and 1e400 are lost in a JavaScript
 * value.
 */
async function posting (t: Test, value: TSchema) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.post('/', { schema: { body: Type.Object({ value }) } }, async (request) => request.body)
  return async (json: string) => await app.inject({
    method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: `{"value":${json}}`
  })
}

const id = '123e4567-e89b-12d3-a456-426614174000'
const notText = ['null', 'true', 'false', '1', '0', '[]', '["a"]', '[1]', '{}']

const scalars: [name: string, schema: TSchema, accepts: [json: string, value: unknown][], refuses: string[]][] = [
  ['int', int(), [['1', 1], ['1.0', 1], ['1e3', 1000], ['-7', -7], ['0', 0], ['"1"', 1], ['"007"', 7]],
    ['null', 'true', 'false', '""', '" "', '"1.0"', '"true"', '"null"', '1.5', '1e400', '[]', '[1]', '["1"]', '[[1]]', '[null]', '{}', '{"a":1}']],
  ['int in a range', int({ min: 1, max: 9 }), [['1', 1], ['"9"', 9]], ['0', '10', '"0"', '"10"', 'null', 'true', '[5]']],
  ['int with a default', int({ default: 3 }), [['5', 5]], ['null', '""', 'true', '[1]', '{}']],
  ['float', float(), [['1', 1], ['1.5', 1.5], ['-0.5', -0.5], ['"1e-3"', 0.001], ['".5"', 0.5], ['"05"', 5]],
    ['null', 'true', 'false', '""', '"5."', '"+5"', '1e400', '[]', '[1.5]', '{}']],
  ['bool', bool(), [['true', true], ['false', false], ['"on"', true], ['"true"', true], ['"1"', true], ['"off"', false], ['"false"', false], ['"0"', false]],
    ['null', '1', '0', '1.0', '""', '"yes"', '"True"', '"ON"', '[]', '[true]', '["on"]', '{}']],
  ['string', string(), [['"a"', 'a'], ['"1"', '1'], ['"null"', 'null'], ['" "', ' ']], [...notText, '""', '"\\u0000"', '"a\\nb"']],
  ['string that may be empty', string({ minLength: 0 }), [['""', ''], ['"a"', 'a']], notText],
  ['string of several lines', string({ multiline: true }), [['"a\\r\\nb\\tc"', 'a\nb\tc']], [...notText, '""', '"\\u001b"']],
  ['uuid', uuid(), [[`"${id.toUpperCase()}"`, id]], [...notText, '""', '"1"']],
  ['path', path(), [['"a/b"', 'a/b']], [...notText, '""', '".."']],
  ['any', any('1', 'true'), [['"1"', '1'], ['"true"', 'true']], [...notText, '""']]
]

for (const [name, schema, accepts, refuses] of scalars) {
  t.test(`JSON for ${name}: its own type or its text, and nothing that only looks like it`, async (t) => {
    const post = await posting(t, schema)
    for (const [json, value] of accepts) {
      const answer = await post(json)
      t.strictSame([answer.statusCode, answer.json()], [200, { value }], json)
    }
    for (const json of refuses) {
      const answer = await post(json)
      t.equal(answer.statusCode, 400, json)
      t.match(answer.json().message, /"value"|\bvalue\b/, `${json} is refused by its name`)
    }
  })
}

t.test('JSON for a list: each value by itself, and one value alone', async (t) => {
  const tables: [schema: TSchema, accepts: [json: string, value: unknown][], refuses: string[]][] = [
    [int(), [['[1,"2"]', [1, 2]], ['1', [1]], ['"1"', [1]], ['[]', []]],
      ['null', 'true', '""', '[null]', '[true]', '[1,false]', '[[1]]', '[1,[2]]', '[""]', '[1,""]', '[{}]', '{}', '{"0":1}', '[1.5]']],
    [bool(), [['[true,"off"]', [true, false]], ['true', [true]]], ['null', '[null]', '[1]', '1', '[""]', '{}']],
    [string(), [['["a","b"]', ['a', 'b']], ['"a"', ['a']]], ['null', '[null]', '[1]', '1', 'true', '[true]', '[""]', '""', '[["a"]]', '{}']]
  ]
  for (const [item, accepts, refuses] of tables) {
    const post = await posting(t, Type.Array(item))
    for (const [json, value] of accepts) t.strictSame((await post(json)).json(), { value }, json)
    for (const json of refuses) {
      const answer = await post(json)
      t.equal(answer.statusCode, 400, json)
      t.match(answer.json().message, 'value', json)
    }
  }
})

t.test('a default stands for what JSON leaves out, not for its null', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const body = Type.Object({ n: int({ default: 3 }), yes: bool(), s: string({ default: 'x' }), maybe: Type.Optional(float()) })
  app.post('/', { schema: { body } }, async (request) => request.body)
  t.strictSame((await app.inject({ method: 'POST', url: '/', payload: {} })).json(), { n: 3, yes: false, s: 'x' })
  t.strictSame((await app.inject({ method: 'POST', url: '/', payload: { n: null, yes: null, s: null, maybe: null } })).json().message, [
    'body field "n" must be a whole number from -9007199254740991 to 9007199254740991',
    'body field "yes" must be on, true or 1, or off, false or 0',
    'body field "s" must be text of at least 1 character without control characters',
    'body field "maybe" must be a decimal number'
  ].join('; '))
})

t.test('a body that is not an object is the validator\'s', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.post('/', { schema: { body: Type.Object({ n: int({ default: 3 }) }) } }, async (request) => request.body)
  for (const payload of ['null', '1', '"a"', '[1]']) {
    const answer = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload })
    t.match(answer.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION' }, payload)
  }
})

t.test('a name that every object inherits is a field like others', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const schema = { body: Type.Object({ constructor: int({ default: 1 }) }) }
  app.post('/', { schema }, async (request) => ({ ...request.body as object }))
  for (const [payload, value] of [[{}, 1], [{ constructor: '5' }, 5]] as const) {
    t.strictSame((await app.inject({ method: 'POST', url: '/', payload })).json(), { constructor: value })
  }
})

t.test('JSON that is not text is refused by the name of the field', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  app.addContentTypeParser('application/vnd.api+json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'))
  const body = Type.Object({ s: string({ default: '-' }), list: Type.Array(string(), { default: [] }), o: Type.Optional(Type.Object({})) })
  app.post('/', { schema: { body } }, async (request) => request.body)
  app.post('/plain', { schema: { body: Type.Object({ s: Type.String() }) } }, async (request) => request.body)

  const latin1 = (json: string) => Buffer.from(json, 'latin1')
  const text = 'well-formed Unicode text in UTF-8'
  const rows: [json: string | Buffer, name: string | undefined][] = [
    ['{"s":"é🦆"}', undefined],
    ['{"s":"\\u00e9"}', undefined],
    ['{"s":"\\ud83e\\udd86"}', undefined],
    ['{"s":"\\uD83E\\uDD86"}', undefined],
    ['{"s":"\ufffd"}', undefined],
    ['{"s":"\\ufffd"}', undefined],
    ['{"s":"\\\\ud800"}', undefined],
    ['\ufeff{"s":"a"}', undefined],
    [latin1('{"s":"caf\xe9"}'), 's'],
    [latin1('{"s":"\xc0\xaf"}'), 's'],
    [latin1('{"s":"\xed\xa0\x80"}'), 's'],
    [latin1('{"s":"\xf4\x90\x80\x80"}'), 's'],
    [latin1('{"s":"\xe2\x82"}'), 's'],
    [latin1('{"list":["a","\xff"]}'), 'list'],
    [latin1('{"o":{"x":["\xff"]}}'), 'o'],
    [latin1('{"other":"\xff"}'), '*'],
    [latin1('{"\xff":1}'), '*'],
    ['{"s":"\\ud800"}', 's'],
    ['{"s":"\\udfff"}', 's'],
    ['{"s":"\\ud83e\\ud83e\\udd86"}', 's'],
    ['{"s":"\\udd86\\ud83e"}', 's'],
    ['{"s":"\\ud83e\\\\udd86"}', 's'],
    ['{"list":["\\ud800"]}', 'list'],
    ['{"o":{"\\ud800":1}}', 'o'],
    ['{"other":{"x":{"y":["\\ud800"]}}}', '*'],
    ['{"\\ud800":1}', '*']
  ]
  const wrong: unknown[] = []
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json']) {
    for (const [json, name] of rows) {
      const answer = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload: json })
      const message = name === undefined ? undefined : `${name === '*' ? 'every body field' : `body field "${name}"`} must be ${text}`
      if (answer.json().message !== message) wrong.push([type, String(json), answer.body])
    }
  }
  t.strictSame(wrong, [])

  const latin = Fastify()
  t.teardown(() => latin.close())
  await latin.register(params, { routes: false })
  latin.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => done(null, JSON.parse(bytes.toString('latin1'))))
  latin.addContentTypeParser('text/plain', { parseAs: 'string' }, (request, text, done) => done(null, { s: text }))
  latin.post('/', { schema: { body } }, async (request) => request.body)
  const asLatin1 = await latin.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: latin1('{"s":"\xe9"}') })
  t.equal(asLatin1.json().message, `every body field must be ${text}`, 'a parser of the host does not change what JSON is')
  const asText = await latin.inject({ method: 'POST', url: '/', headers: { 'content-type': 'text/plain' }, payload: latin1('\xe9') })
  t.equal(asText.json().s, '\ufffd', 'another type is the host\'s matter')

  const post = async (json: string | Buffer, url = '/') => await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload: json })
  t.strictSame((await post('{"s":"\\ufffd","o":{"a":1}}')).json(), { s: '\ufffd', list: [], o: { a: 1 } }, 'what was lost elsewhere is text')
  t.equal((await post(latin1('"\xff"'))).json().message, `every body field must be ${text}`)
  t.equal((await post(latin1('["\xff"'))).statusCode, 400, 'no JSON at all')
  t.equal((await post('["\\ud83e\\udd86"]')).statusCode, 400, 'a list is no object')
  t.equal((await post('{"s":"\\ud800"}', '/plain')).statusCode, 200, 'a route without converters stays as it is')
})
