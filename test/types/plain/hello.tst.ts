import Fastify from 'fastify'
import hello, { type HelloOptions } from 'fastify-quickstart/hello'
import { expect, test } from 'tstyche'

const app = Fastify()

test('each option', () => {
  expect<HelloOptions>().type.toBe<{ path?: string, message?: string }>()
  expect<HelloOptions>().type.toBeAssignableFrom({})
  expect<HelloOptions>().type.toBeAssignableFrom({ path: '/', message: 'Hello' })
})

test('wrong options', () => {
  expect<HelloOptions>().type.not.toBeAssignableFrom({ path: 5 })
  expect<HelloOptions>().type.not.toBeAssignableFrom({ message: null })
  expect<HelloOptions>().type.not.toBeAssignableFrom({ mesage: 'Hello' })
})

test('is registered with its options', () => {
  expect(app.register).type.toBeCallableWith(hello)
  expect(app.register).type.toBeCallableWith(hello, { path: '/', prefix: '/p' })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart/hello'), { message: 'Hello' })
  expect(app.register).type.not.toBeCallableWith(hello, { path: 5 })
})
