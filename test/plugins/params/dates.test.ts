import formbody from '@fastify/formbody'
import fc from 'fast-check'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { type TSchema, Type } from 'typebox'
import params, { date, datetime, type DateOptions, type InvalidInputError, time, type UnfitParameterError } from '../../../plugins/params/index.ts'
import { runs } from '../../runs.ts'

/** An app whose routes read one value each way, and write its URL. */
async function withRoutes (t: Test, schema: TSchema) {
  const app = Fastify({ routerOptions: { maxParamLength: 1024 } }).withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  app.setErrorHandler<InvalidInputError>((error, request, reply) => reply.code(error.statusCode).send(error.issues))
  const value = Type.Object({ value: schema })
  app.get('/path/:value', { config: { name: 'value' }, schema: { params: value } }, async (request) => request.params)
  app.get('/query', { schema: { querystring: value } }, async (request) => request.query)
  app.get('/list', { schema: { querystring: Type.Object({ value: Type.Array(schema) }) } }, async (request) => request.query)
  app.post('/body', { schema: { body: value } }, async (request) => request.body)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const ask = async (text: string) => {
    const encoded = encodeURIComponent(text)
    const answers = await Promise.all([
      app.inject(`/path/${encoded}`),
      app.inject(`/query?value=${encoded}`),
      app.inject({ method: 'POST', url: '/body', payload: { value: text } }),
      app.inject({ method: 'POST', url: '/body', headers: form, payload: `value=${encoded}` })
    ])
    return answers.map((answer) => ({ status: answer.statusCode, body: answer.json() }))
  }
  return { app, ask }
}

type Table = [
  name: string, schema: TSchema, takes: (string | [text: string, value: string])[], expected: string, refuses: string[]
]

const notDates = [
  // Form
  '2026-1-31', '2026-01-1', '26-01-01', '026-01-01', '2026/01/31', '20260131', '2026-01', '2026-W05', '2026-031', '31.01.2026', '-2026-01-01', '+2026-01-01',
  '2026-01-31T00:00', '2026-01-31Z', ' 2026-01-31', '2026-01-31 ', '2026-01-31x', '２０２６-01-31', '2026-01-٣١', '2026‐01‐31', '--', 'today', 'null', '__proto__', 'constructor', 'toString',
  // Days that do not exist
  '0000-01-01', '00000-01-01', '2026-00-01', '2026-13-01', '2026-01-00', '2026-01-32', '2026-02-29', '2026-02-30', '2026-04-31', '2026-06-31', '2026-09-31', '2026-11-31',
  '1900-02-29', '2100-02-29', '2023-02-29', '0001-02-29', '10001-02-29', '12100-02-29',
  // Past the last day of browsers
  '275760-09-14', '275761-01-01', '999999-12-31', '1000000-01-01', `${'9'.repeat(400)}-01-01`
]
const notTimes = [
  '24:00', '23:60', '25:00', '12:60', '12:30:60', '12:30:61', '1:30', '12:3', '12', '1230', '12.30', '12:30:', '12:30:5', '12:30:05.', '12:30:05.1234', '12:30:05,5', '12:30.5',
  '12:30Z', '12:30+01:00', '12:30 pm', ' 12:30', '12:30 ', '-1:30', '１２:30', 'noon', 'constructor'
]

const tables: Table[] = [
  ['date', date(),
    ['2026-01-31', '2026-12-01', '0001-01-01', '0999-01-01', '9999-12-31', '10000-01-01', '12026-02-28', '275760-09-13', '2000-02-29', '2024-02-29', '0004-02-29', '2400-02-29', '10000-02-29', '12000-02-29', '12024-02-29',
      '1582-10-10', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30', '2026-07-31', '2026-08-31', '2026-09-30', '2026-10-31', '2026-11-30', ['02026-01-31', '2026-01-31'], ['00001-01-01', '0001-01-01'], ['012026-01-31', '12026-01-31']],
    'a date such as 2026-01-31', notDates],
  ['date in a range', date({ min: '2026-01-01', max: '2026-12-31' }), ['2026-01-01', '2026-06-15', '2026-12-31'], 'a date from 2026-01-01 to 2026-12-31', ['2025-12-31', '2027-01-01', '12026-06-15', '0026-06-15', '2026-02-29']],
  ['date from', date({ min: '9999-12-31' }), ['9999-12-31', '10000-01-01'], 'a date on or after 9999-12-31', ['9999-12-30', '1000-01-01']],
  ['date to', date({ max: '10000-01-01' }), ['9999-12-31', '10000-01-01', '0001-01-01'], 'a date on or before 10000-01-01', ['10000-01-02', '20000-01-01']],
  ['date on one day', date({ min: '2024-02-29', max: '2024-02-29' }), ['2024-02-29'], 'a date from 2024-02-29 to 2024-02-29', ['2024-02-28', '2024-03-01']],
  ['time', time(),
    ['00:00', '23:59', '09:05', '12:30:05', '23:59:59', '23:59:59.999', '00:00:00.001', ['12:30:00', '12:30'], ['12:30:00.000', '12:30'], ['12:30:05.0', '12:30:05'], ['12:30:05.50', '12:30:05.5'], ['12:30:00.120', '12:30:00.12'], ['12:30:10.000', '12:30:10']],
    'a time such as 13:45', notTimes],
  ['time in a range', time({ min: '09:00', max: '17:00' }), ['09:00', ['09:00:00', '09:00'], '16:59:59.999', '17:00', ['17:00:00.000', '17:00']], 'a time from 09:00 to 17:00', ['08:59:59.999', '17:00:00.001', '17:00:01', '00:00']],
  ['time from', time({ min: '12:30:30.5' }), ['12:30:30.5', '12:30:30.51', '12:30:31'], 'a time at or after 12:30:30.5', ['12:30:30.499', '12:30:30', '12:30']],
  ['time to', time({ max: '12:30:00' }), ['12:30', '12:29:59'], 'a time at or before 12:30', ['12:30:00.001', '12:30:01']],
  ['datetime', datetime(),
    ['2026-01-31T13:45', '2024-02-29T00:00', '0001-01-01T00:00', '275760-09-13T00:00', '12026-01-31T23:59:59.999', ['2026-01-31T13:45:00', '2026-01-31T13:45'], ['02026-01-31T13:45:30.50', '2026-01-31T13:45:30.5']],
    'a date and time such as 2026-01-31T13:45',
    [...notDates.map((text) => `${text}T13:45`), ...notTimes.map((text) => `2026-01-31T${text}`), '2026-01-31', '13:45', '2026-01-31 13:45', '2026-01-31t13:45', '2026-01-31TT13:45', 'T', '2026-01-31T', 'T13:45', '2026-01-31T13:45T13:45', '275760-09-13T00:01']],
  ['datetime in a range', datetime({ min: '2026-01-01T09:00', max: '2026-01-31T17:00' }), ['2026-01-01T09:00', '2026-01-15T00:00', '2026-01-31T17:00'], 'a date and time from 2026-01-01T09:00 to 2026-01-31T17:00', ['2026-01-01T08:59:59', '2026-01-31T17:00:00.1', '12026-01-15T12:00']],
  ['datetime from', datetime({ min: '2026-01-01T09:00' }), ['2026-01-01T09:00', '10000-01-01T00:00'], 'a date and time at or after 2026-01-01T09:00', ['2026-01-01T08:59']],
  ['datetime to', datetime({ max: '2026-01-01T09:00' }), ['2026-01-01T09:00'], 'a date and time at or before 2026-01-01T09:00', ['2026-01-01T09:01', '10000-01-01T00:00']]
]

for (const [name, schema, takes, expected, refuses] of tables) {
  t.test(`${name} takes what a field of a browser sends, and writes it in a URL`, async (t) => {
    const { app, ask } = await withRoutes(t, schema)
    const wrong: unknown[] = []
    for (const row of takes) {
      const [text, value] = typeof row === 'string' ? [row, row] : row
      for (const { status, body } of await ask(text)) {
        if (status !== 200 || body.value !== value) wrong.push([text, status, body])
      }
      const url = app.urlFor('value', { value: text })
      if (url !== `/path/${encodeURIComponent(value)}`) wrong.push([text, url])
    }
    t.strictSame(wrong, [])
  })

  t.test(`${name} refuses the rest, in words`, async (t) => {
    const { app, ask } = await withRoutes(t, schema)
    const wrong: unknown[] = []
    const message = `Please enter ${expected}`
    for (const text of refuses) {
      for (const { status, body } of await ask(text)) {
        const isRight = status === 400 && body[0].expected === expected && body[0].message === message
        if (!isRight) wrong.push([text, status, body])
      }
      try {
        wrong.push([text, app.urlFor('value', { value: text })])
      } catch (error) {
        const { code, expected: said } = error as UnfitParameterError // any other one is wrong
        if (code !== 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER' || said !== expected) wrong.push([text, code, said])
      }
    }
    t.strictSame(wrong, [])
  })

  t.test(`${name} that is blank, missing, sent twice, or of another type of JSON`, async (t) => {
    const { app } = await withRoutes(t, schema)
    const first = [takes[0]].flat()[0]!
    const send = async (url: string, payload?: object) => (await app.inject(payload === undefined ? url : { method: 'POST', url, payload })).json()
    const issue = (place: string, expected: string, message: string) => [{ in: place, name: 'value', expected, message }]
    t.equal((await app.inject('/path/')).statusCode, 404)
    for (const query of ['?value=', '?value']) t.strictSame(await send(`/query${query}`), issue('query', expected, 'Please fill this in'), query)
    t.strictSame(await send('/query'), issue('query', `given: ${expected}`, 'Please fill this in'))
    t.strictSame(await send(`/query?value=${first}&value=${first}`), issue('query', `given once: ${expected}`, 'Please enter one value only'))
    t.strictSame(await send(`/list?value=${first}&value=${first}`), { value: [first, first] })
    t.strictSame(await send(`/list?value=${first}&value=x`), issue('query', `${expected}, each time it is given`, `Please enter ${expected}`))
    t.strictSame(await send('/body', { value: '' }), issue('body', expected, 'Please fill this in'))
    for (const value of [null, 20260131, true]) t.strictSame(await send('/body', { value }), issue('body', expected, `Please enter ${expected}`), String(value))
    t.equal((await app.inject({ method: 'POST', url: '/body', payload: { value: {} } })).statusCode, 400)
  })
}

t.test('a default stands for what is missing or blank, in its plain form', async (t) => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  const query = Type.Object({
    day: date({ default: '02026-01-31' }),
    at: time({ default: '13:45:00' }),
    start: datetime({ default: '2026-01-31T13:45', min: '2026-01-31T13:45' }),
    end: Type.Optional(datetime())
  })
  app.get('/', { schema: { querystring: query } }, async (request) => request.query)
  const defaults = { day: '2026-01-31', at: '13:45', start: '2026-01-31T13:45' }
  for (const url of ['/', '/?day=&at=&start=&end=']) t.strictSame((await app.inject(url)).json(), defaults)
  t.strictSame(JSON.parse(JSON.stringify(query.properties.at)), {
    type: 'string', pattern: '^(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?)?$', default: '13:45'
  })
})

t.test('wrong options are refused in one line where the converter is made', async (t) => {
  const day = 'a date such as 2026-01-31'
  const table: [make: (options: never) => unknown, options: unknown, says: string][] = [
    [date, { min: '2026-02-29' }, `option "min" is "2026-02-29"; expected ${day}`],
    [date, { min: 5, max: '2026-01-01' }, `option "min" is 5; expected ${day}`],
    [date, { max: '2026-01-01', min: 'x' }, `option "min" is "x"; expected ${day}`],
    [date, { min: new Date(0) }, `option "min" is an object; expected ${day}`],
    [date, { max: '2026-01-31T00:00' }, `option "max" is "2026-01-31T00:00"; expected ${day}, not before min`],
    [date, { max: null }, `option "max" is null; expected ${day}, not before min`],
    [date, { min: '2026-01-02', max: '2026-01-01' }, `option "max" is "2026-01-01"; expected ${day}, not before min`],
    [date, { min: '10000-01-01', max: '9999-01-01' }, `option "max" is "9999-01-01"; expected ${day}, not before min`],
    [date, { min: '2026-01-01', default: '2025-12-31' }, `option "default" is "2025-12-31"; expected ${day}, between min and max`],
    [date, { max: '2026-01-01', default: '2026-01-02' }, `option "default" is "2026-01-02"; expected ${day}, between min and max`],
    [date, { default: '' }, `option "default" is ""; expected ${day}, between min and max`],
    [time, { min: '24:00' }, 'option "min" is "24:00"; expected a time such as 13:45'],
    [time, { min: '12:00:00.001', max: '12:00' }, 'option "max" is "12:00"; expected a time such as 13:45, not before min'],
    [datetime, { max: '2026-01-31 13:45' }, 'option "max" is "2026-01-31 13:45"; expected a date and time such as 2026-01-31T13:45, not before min'],
    [date, { minimum: '2026-01-01' }, 'unknown option "minimum"; expected one of min, max, default'],
    ...[date, time, datetime].flatMap((make): typeof table => [
      [make, null, 'the argument is null; expected an object of options'],
      [make, '2026-01-01', 'the argument is "2026-01-01"; expected an object of options'],
      [make, ['2026-01-01'], 'the argument is an array; expected an object of options']
    ])
  ]
  const wrong: unknown[] = []
  for (const [make, options, says] of table) {
    try {
      make(options as never)
      wrong.push([says, 'is taken'])
    } catch (error) {
      const { code, message } = error as Error & { code: string } // whatever was thrown
      if (code !== 'FST_QUICKSTART_PARAMS_INVALID_OPTION' || message !== `fastify-quickstart/params: ${says}`) wrong.push([says, message])
    }
  }
  t.strictSame(wrong, [])
})

const moments = fc.date({
  min: new Date('0001-01-01T00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true
})

t.test('every day and time is read as JavaScript has it, and its URL leads back to it', async (t) => {
  const kinds: [make: (options?: DateOptions) => TSchema, slice: [from: number, to: number]][] =
    [[date, [0, 10]], [time, [11, 23]], [datetime, [0, 23]]]
  for (const [make, [from, to]] of kinds) {
    const { app } = await withRoutes(t, make())
    await fc.assert(fc.asyncProperty(moments, async (moment) => {
      const text = moment.toISOString().slice(from, to)
      const answer = await app.inject(app.urlFor('value', { value: text }))
      const { value } = answer.json()
      // The same moment, and the plain form is its own.
      const again = app.urlFor('value', { value })
      const whole = from === 11 ? `2026-01-31T${value}Z` : to === 10 ? value : `${value}Z`
      const other = new Date(whole).toISOString().slice(from, to)
      return answer.statusCode === 200 && other === text && again === `/path/${encodeURIComponent(value)}`
    }), { numRuns: runs })
    // Days and months in all their combinations, right or wrong.
    const part = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'))
    const year = fc.integer({ min: 0, max: 12_000 }).map((number) => String(number).padStart(4, '0'))
    if (make !== date) continue
    await fc.assert(fc.asyncProperty(year, part(13), part(32), async (year, month, day) => {
      const moment = new Date(0)
      moment.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
      const isSame = moment.getUTCMonth() === Number(month) - 1 && moment.getUTCDate() === Number(day)
      const isReal = Number(year) > 0 && isSame
      return (await app.inject(`/path/${year}-${month}-${day}`)).statusCode === (isReal ? 200 : 400)
    }), { numRuns: runs })
  }
})
