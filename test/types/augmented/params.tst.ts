import Fastify from 'fastify'
import type {} from 'fastify-quickstart/params'
import { expect, test } from 'tstyche'

declare module 'fastify-quickstart/params' {
  interface Routes {
    user: { username: string }
    year: { year: number }
    home: {}
  }
}

const app = Fastify()

test('a route is one of those, with its parameters', () => {
  expect(app.urlFor('user', { username: 'alice' })).type.toBe<string>()
  expect(app.urlFor).type.toBeCallableWith('year', { year: 2026 })
  expect(app.urlFor).type.toBeCallableWith('home')
  expect(app.urlFor).type.toBeCallableWith('home', {}, { query: { page: 2 } })
})

test('another route, and wrong or missing parameters, are refused', () => {
  expect(app.urlFor).type.not.toBeCallableWith('users', { username: 'alice' })
  expect(app.urlFor).type.not.toBeCallableWith('user')
  expect(app.urlFor).type.not.toBeCallableWith('user', {})
  expect(app.urlFor).type.not.toBeCallableWith('user', { name: 'alice' })
  expect(app.urlFor).type.not.toBeCallableWith('year', { year: '2026' })
})
