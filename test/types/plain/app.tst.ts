import Fastify from 'fastify'
import quickstart, { options, type QuickstartOptions } from 'fastify-quickstart'
import { expect, test } from 'tstyche'

const app = Fastify()

test('each switch', () => {
  expect<QuickstartOptions>().type.toBeAssignableFrom({})
  expect<QuickstartOptions>().type.toBeAssignableFrom(
    { hello: true, static: false, templates: true, params: false, auth: true }
  )
  expect<QuickstartOptions>().type.toBeAssignableFrom({
    hello: { message: 'Hello' },
    static: { maxAge: 60 },
    templates: { context: { site: 'a' } },
    params: { routes: true },
    auth: { realm: 'Laboratory' }
  })
})

test('wrong switches', () => {
  expect<QuickstartOptions>().type.not.toBeAssignableFrom({ helo: true })
  expect<QuickstartOptions>().type.not.toBeAssignableFrom({ hello: 'false' })
  expect<QuickstartOptions>().type.not.toBeAssignableFrom({ hello: { message: 5 } })
  expect<QuickstartOptions>().type.not.toBeAssignableFrom({ auth: { protect: '/' } })
})

test('is registered, and its options make a server', () => {
  expect(app.register).type.toBeCallableWith(quickstart)
  expect(app.register).type.toBeCallableWith(quickstart, { auth: false, prefix: '/demo' })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart'), { auth: false })
  expect(app.register).type.not.toBeCallableWith(quickstart, { auth: 5 })
  expect(Fastify).type.toBeCallableWith(options)
  expect(Fastify).type.toBeCallableWith({ ...options, logger: false })
})

test('a health check is a function, with a name', () => {
  expect(app.addHealthCheck).type.toBeCallableWith('database', async () => ({ rows: [] }))
  expect(app.addHealthCheck).type.toBeCallableWith('disk', () => {})
  expect(app.addHealthCheck).type.not.toBeCallableWith(() => {})
  expect(app.addHealthCheck).type.not.toBeCallableWith('database', Promise.resolve())
})
