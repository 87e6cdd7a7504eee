import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import params, {
  addIssue, any, bool, date, type DateOptions, datetime, float, int, type InvalidInputError, type Issue, listIssues,
  type OwnIssue, type ParamsOptions, type ParamValue, path, type PathParams, type RouteName, type Routes,
  type RoutesFrom, string, time, type UrlOptions, uuid
} from 'fastify-quickstart/params'
import { expect, test } from 'tstyche'
import { type Static, Type } from 'typebox'

const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()

test('each option', () => {
  expect<ParamsOptions>().type.toBe<{ routes?: boolean }>()
})

test('wrong options', () => {
  expect<ParamsOptions>().type.not.toBeAssignableFrom({ routes: 'no' })
  expect<ParamsOptions>().type.not.toBeAssignableFrom({ route: false })
})

test('is registered with its options', () => {
  expect(app.register).type.toBeCallableWith(params)
  expect(app.register).type.toBeCallableWith(params, { routes: false, prefix: '/p' })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart/params'), { routes: false })
  expect(app.register).type.not.toBeCallableWith(params, { routes: 'no' })
})

test('until Routes is filled in, urlFor takes any name', () => {
  expect<keyof Routes>().type.toBe<never>()
  expect(app.urlFor('any')).type.toBe<string>()
  expect(app.urlFor).type.toBeCallableWith('any', { id: 5, name: 'a', flag: true, big: 5n, none: undefined })
  expect(app.urlFor).type.toBeCallableWith('any', {}, { query: { q: 'a', tag: ['a', 5], none: undefined }, absolute: 'https://example.org' })
  expect(app.urlFor).type.not.toBeCallableWith()
  expect(app.urlFor).type.not.toBeCallableWith(5)
  expect(app.urlFor).type.not.toBeCallableWith('any', { when: new Date() })
  expect(app.urlFor).type.not.toBeCallableWith('any', { list: ['a'] })
  expect<UrlOptions>().type.not.toBeAssignableFrom({ query: 'a=b' })
  expect<UrlOptions>().type.not.toBeAssignableFrom({ absolute: true })
})

test('a route is named in its config', () => {
  expect(app.get).type.toBeCallableWith('/', { config: { name: 'home' } }, async () => 'home')
  expect(app.get).type.not.toBeCallableWith('/', { config: { name: 5 } }, async () => 'home')
})

test('until Routes is filled in, a route may have any name', () => {
  expect<RouteName>().type.toBe<string>()
})

test('a path has these parameters', () => {
  expect<PathParams<'/'>>().type.toBe<{}>()
  expect<PathParams<'/about'>>().type.toBe<{}>()
  expect<PathParams<'/user/:username'>>().type.toBe<{ username: ParamValue }>()
  expect<PathParams<'/:year/:month/'>>().type.toBe<{ year: ParamValue, month: ParamValue }>()
  expect<PathParams<'/files/*'>>().type.toBe<{ '*': ParamValue }>()
  expect<PathParams<'*'>>().type.toBe<{ '*': ParamValue }>()
  expect<PathParams<'/:team/files/*'>>().type.toBe<{ team: ParamValue, '*': ParamValue }>()
})

test('several parameters may be in a segment', () => {
  expect<PathParams<'/a/:from-:to'>>().type.toBe<{ from: ParamValue, to: ParamValue }>()
  expect<PathParams<'/file/:base.:ext'>>().type.toBe<{ base: ParamValue, ext: ParamValue }>()
  expect<PathParams<'/image/:name.png'>>().type.toBe<{ name: ParamValue }>()
  expect<PathParams<'/v:major.:minor/x'>>().type.toBe<{ major: ParamValue, minor: ParamValue }>()
  // The router ends a name at none but these characters.
  expect<PathParams<'/:a:b'>>().type.toBe<{ 'a:b': ParamValue }>()
  expect<PathParams<'/:a::b'>>().type.toBe<{ 'a::b': ParamValue }>()
  expect<PathParams<'/:a*'>>().type.toBe<{ 'a*': ParamValue }>()
  expect<PathParams<'/:a-*'>>().type.toBe<{ a: ParamValue }>()
})

test('a regular expression is no part of a name', () => {
  expect<PathParams<'/number/:n(^\\d+$)'>>().type.toBe<{ n: ParamValue }>()
  expect<PathParams<'/at/:h(^\\d{2}$)h:m(^\\d{2}$)m'>>().type.toBe<{ h: ParamValue, m: ParamValue }>()
  expect<PathParams<'/pair/:x(\\d+):y'>>().type.toBe<{ x: ParamValue, y: ParamValue }>()
  expect<PathParams<'/either/:e((?:a|b\\))+)/:then'>>().type.toBe<{ e: ParamValue, then: ParamValue }>()
  expect<PathParams<'/not/:n([^:/*]+)-:m'>>().type.toBe<{ n: ParamValue, m: ParamValue }>()
  expect<PathParams<'/:long(^(?:aaaaaaaaaaaaaaaaaaaa|bbbbbbbbbbbbbbbbbbbb|cccccccccccccccccccc|dddddddddddddddddddd)$)'>>()
    .type.toBe<{ long: ParamValue }>()
})

test('a doubled colon is a colon', () => {
  expect<PathParams<'/colon/a::b/:c'>>().type.toBe<{ c: ParamValue }>()
  expect<PathParams<'/colon/:a-x::y'>>().type.toBe<{ a: ParamValue }>()
  expect<PathParams<'/::a/:b'>>().type.toBe<{ b: ParamValue }>()
  expect<PathParams<'/:::a'>>().type.toBe<{ a: ParamValue }>()
})

test('optional parameters come together, or not at all', () => {
  expect<PathParams<'/:page?'>>().type.toBe<{ page: ParamValue } | { page?: undefined }>()
  expect<PathParams<'/list/:page?/'>>().type.toBe<{ page: ParamValue } | { page?: undefined }>()
  expect<PathParams<'/:list/:page?'>>().type.toBe<{ list: ParamValue, page: ParamValue } | { list: ParamValue, page?: undefined }>()
  expect<PathParams<'/two/:a-:b?'>>().type.toBe<{ a: ParamValue, b: ParamValue } | { a?: undefined, b?: undefined }>()
  expect<PathParams<'/:list/:a-:b?'>>().type.toBe<
    { list: ParamValue, a: ParamValue, b: ParamValue } | { list: ParamValue, a?: undefined, b?: undefined }
  >()
  // The router takes these question marks for text, and for a part of the pattern.
  expect<PathParams<'/:n(^\\d+$)?'>>().type.toBe<{ n: ParamValue }>()
  expect<PathParams<'/:n(^\\d?$)'>>().type.toBe<{ n: ParamValue }>()
  expect<PathParams<'/:a/b?'>>().type.toBe<{ a: ParamValue }>()
  expect<PathParams<'/a-:b?'>>().type.toBe<{ 'b?': ParamValue }>()
})

test('a path that TypeScript does not know may have any parameters', () => {
  expect<PathParams<string>>().type.toBe<Record<string, ParamValue | undefined>>()
})

test('an object of paths gives each name its parameters', () => {
  expect<RoutesFrom<{ home: '/', user: '/user/:username', map: '/map/:lat-:lon?' }>>().type.toBe<{
    home: {},
    user: { username: ParamValue },
    map: { lat: ParamValue, lon: ParamValue } | { lat?: undefined, lon?: undefined }
  }>()
})

test('each converter gives its type', () => {
  expect<Static<ReturnType<typeof string>>>().type.toBe<string>()
  expect<Static<ReturnType<typeof int>>>().type.toBe<number>()
  expect<Static<ReturnType<typeof float>>>().type.toBe<number>()
  expect<Static<ReturnType<typeof bool>>>().type.toBe<boolean>()
  expect<Static<ReturnType<typeof date>>>().type.toBe<string>()
  expect<Static<ReturnType<typeof time>>>().type.toBe<string>()
  expect<Static<ReturnType<typeof datetime>>>().type.toBe<string>()
  expect<Static<ReturnType<typeof uuid>>>().type.toBe<string>()
  expect<Static<ReturnType<typeof path>>>().type.toBe<string>()
})

test('each converter refuses what it does not take', () => {
  expect(string).type.toBeCallableWith({ minLength: 1, maxLength: 5, default: 'a' })
  expect(string).type.toBeCallableWith({ multiline: true })
  expect(string).type.not.toBeCallableWith({ min: 1 })
  expect(string).type.not.toBeCallableWith({ multiline: 'yes' })
  expect(bool).type.toBeCallableWith()
  expect(bool).type.toBeCallableWith({ default: true })
  expect(bool).type.not.toBeCallableWith({ default: 'on' })
  expect(int).type.toBeCallableWith({ min: 1, max: 5, default: 1 })
  expect(int).type.not.toBeCallableWith({ min: '1' })
  expect(float).type.not.toBeCallableWith({ maxLength: 1 })
  for (const make of [date, time, datetime]) {
    expect(make).type.toBeCallableWith()
    expect(make).type.toBeCallableWith({ min: '2026-01-01', max: '2026-12-31', default: '2026-06-01' })
    expect(make).type.not.toBeCallableWith({ min: new Date() })
    expect(make).type.not.toBeCallableWith({ max: 1 })
    expect(make).type.not.toBeCallableWith({ step: '1' })
  }
  expect<DateOptions>().type.toBe<{ min?: string, max?: string, default?: string }>()
  expect(uuid).type.not.toBeCallableWith({ min: 1 })
  expect(path).type.not.toBeCallableWith({ min: 1 })
  expect(any).type.not.toBeCallableWith(5)
})

test('what is wrong with a request, and a rule of one\'s own', () => {
  app.post('/', { schema: { body: Type.Object({ day: date(), at: Type.Optional(time()) }) }, attachValidation: true }, async (request) => {
    expect(request.body).type.toBe<{ day: string, at?: string }>()
    expect(listIssues(request)).type.toBe<Issue[]>()
    expect(addIssue(request, { name: 'day', message: 'This day is taken' })).type.toBe<InvalidInputError>()
    expect(addIssue).type.not.toBeCallableWith(request, { name: 'day' })
    expect(addIssue).type.not.toBeCallableWith(request, { message: 'This day is taken' })
    expect(addIssue).type.not.toBeCallableWith(request, { in: 'form', name: 'day', message: 'This day is taken' })
  })
  expect<Issue>().type.toBe<{ in: 'params' | 'query' | 'body' | 'headers', name: string, expected: string, message: string }>()
  expect<OwnIssue>().type.toBe<{ in?: Issue['in'], name: string, message: string, expected?: string }>()
})

test('a handler has the types of its schema', () => {
  app.get('/:id/:rest', { schema: { params: Type.Object({ id: int(), rest: path() }), querystring: Type.Object({ size: any('s', 'l'), above: Type.Optional(float()), tag: Type.Array(string()), exact: bool() }) } }, async (request) => {
    expect(request.params).type.toBe<{ id: number, rest: string }>()
    expect(request.query).type.toBe<{ size: 's' | 'l', above?: number, tag: string[], exact: boolean }>()
  })
})
