import Fastify, { type FastifyReply } from 'fastify'
import type { TemplatesOptions, ViewName, ViewScope } from 'fastify-quickstart/templates'
import { expect, test } from 'tstyche'

declare module 'fastify-quickstart/templates' {
  interface Views {
    results: { names: string[], page?: number }
    about: {}
  }
  interface ViewContext {
    site: string
  }
}

const app = Fastify()
declare const reply: FastifyReply

test('a view is one of those, with its data', () => {
  expect<ViewName>().type.toBe<'results' | 'about'>()
  expect(reply.render).type.toBeCallableWith('results', { names: [] })
  expect(reply.render).type.toBeCallableWith('results', { names: ['a'], page: 2 })
  expect(reply.render).type.toBeCallableWith('about')
  expect(reply.render('about')).type.toBe<FastifyReply>()
})

test('another view, and wrong or missing data, are refused', () => {
  expect(reply.render).type.not.toBeCallableWith('result', { names: [] })
  expect(reply.render).type.not.toBeCallableWith('results')
  expect(reply.render).type.not.toBeCallableWith('results', {})
  expect(reply.render).type.not.toBeCallableWith('results', { names: [5] })
  expect(reply.render).type.not.toBeCallableWith('results', { names: [], page: '2' })
})

test('so are they in the option index', () => {
  const context = { site: 'a' }
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', context, index: { view: 'about' as const } })
  expect<TemplatesOptions>().type.toBeAssignableFrom({ root: '/srv', context, index: { view: 'results' as const, data: () => ({ names: [] }) } })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', context, index: { view: 'results' as const } })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', context, index: { view: 'none' as const } })
})

test('the option context gives what ViewContext says', () => {
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', context: {} })
  expect<TemplatesOptions>().type.not.toBeAssignableFrom({ root: '/srv', context: () => ({ site: 5 }) })
})

test('what a view finds in it', () => {
  expect<ViewScope<'results'>['names']>().type.toBe<string[]>()
  expect<ViewScope<'results'>['site']>().type.toBe<string>()
  expect<ViewScope<'results'>['asset']>().type.toBe<(name: string) => string>()
})

test('hasView still takes any name', () => {
  expect(app.hasView).type.toBeCallableWith('none')
})
