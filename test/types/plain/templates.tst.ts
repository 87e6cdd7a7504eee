import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import templates, { type TemplatesOptions, type ViewContext, type ViewData, type ViewName, type Views, type ViewScope } from 'fastify-quickstart/templates'
import { expect, test } from 'tstyche'

const app = Fastify()
declare const reply: FastifyReply

test('each option', () => {
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv/views' })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: new URL('file:///srv/views') })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', extension: '.html', index: false as const, context: {} })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', index: { view: 'index' } })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', index: { path: '/', view: 'index', data: { title: 'a' } } })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', index: { view: 'index', data: async (request: FastifyRequest) => ({ url: request.url }) } })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', context: (request: FastifyRequest) => ({ url: request.url }) })
})

test('wrong options', () => {
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({})
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: 5 })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', extension: 5 })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', index: true })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', index: { path: '/' } })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', index: { view: 'index', data: 'text' } })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', context: 'text' })
})

test('is registered with its options', () => {
  expect(app.register).type.toBeCallableWith(templates, { root: '/srv' })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart/templates'), { root: '/srv' })
  expect(app.register).type.not.toBeCallableWith(templates, { root: 5 })
})

test('until Views is filled in, any view takes any object', () => {
  expect<keyof Views>().type.toBe<never>()
  expect<keyof ViewContext>().type.toBe<never>()
  expect<ViewName>().type.toBe<string>()
  expect<ViewData<'any'>>().type.toBe<object>()
  expect<ViewScope<'any'>>().type.toHaveProperty('asset')
  expect<ViewScope<'any'>>().type.toHaveProperty('urlFor')
  expect<ReturnType<ViewScope<'any'>['importmap']>>().type.toBe<string>()
  expect<ViewScope<'any'>>().type.toHaveProperty('user')
  expect<ViewScope<'any'>>().type.toHaveProperty('nonce')
  expect(reply.render('any')).type.toBe<FastifyReply>()
  expect(reply.render('any', { title: 'a' })).type.toBe<FastifyReply>()
  expect(reply.render).type.not.toBeCallableWith()
  expect(reply.render).type.not.toBeCallableWith('any', 'text')
})

test('app.hasView', () => {
  expect(app.hasView).type.toBe<(name: string) => boolean>()
})

test('app.page gives the text of a page', () => {
  expect(app.page(reply, 'any')).type.toBe<Promise<string>>()
  expect(app.page).type.toBeCallableWith(reply, 'any', { title: 'a' })
  expect(app.page).type.not.toBeCallableWith('any')
})

test('pages and fallback', () => {
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', pages: true, fallback: new URL('file:///srv') })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', pages: 'site' })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', pages: 5 })
})

test('reply.view is typed for who installs the package', () => {
  expect(reply.view).type.toBeCallableWith('any', { title: 'a' })
})
