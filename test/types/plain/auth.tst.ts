import Fastify, { type FastifyInstance, type FastifyRequest, type onRequestHookHandler } from 'fastify'
import auth, {
  type AuthOptions, hash, logOut, optionalAuth, requiresAuth, requiresGroup, type ThrottleOptions, type User
} from 'fastify-quickstart/auth'
import { expect, test } from 'tstyche'

const app = Fastify()
declare const request: FastifyRequest

test('each option', () => {
  expect<AuthOptions>().type.toBeAssignableFrom({})
  expect<AuthOptions>().type.toBeAssignableFrom({ users: { alice: 'hash' } })
  expect<AuthOptions>().type.toBeAssignableFrom({ users: new Map([['alice', 'hash']]) })
  expect<AuthOptions>().type.toBeAssignableFrom({ users: (name: string, request: FastifyRequest) => request.ip === name ? 'hash' : null })
  expect<AuthOptions>().type.toBeAssignableFrom({ users: async (name: string) => name === 'alice' ? 'hash' : null })
  expect<AuthOptions>().type.toBeAssignableFrom({ htpasswd: '/srv/users' })
  expect<AuthOptions>().type.toBeAssignableFrom({ verify: (name: string, password: string, request: FastifyRequest) => name === password && request.ip === '' })
  expect<AuthOptions>().type.toBeAssignableFrom({ verify: async () => true })
  expect<AuthOptions>().type.toBeAssignableFrom({ realm: 'Laboratory', path: '/login', protect: ['/', '/static/*'] as const })
  expect<AuthOptions>().type.toBeAssignableFrom(
    { realm: (request: FastifyRequest) => request.hostname, path: false as const }
  )
  expect<AuthOptions>().type.toBeAssignableFrom({ throttle: false as const, cache: false as const })
  expect<AuthOptions>().type.toBeAssignableFrom({ cache: { max: 100, ttl: 60 }, hashing: { parallel: 2, queue: 10 } })
  expect<ThrottleOptions>().type.toBeAssignableFrom({ perLogin: 5, perAddress: 50, window: 60, block: 60, delay: 0, redis: 'redis://127.0.0.1', keyPrefix: 'a' })
})

test('wrong options', () => {
  expect<AuthOptions>().type.not.toBeAssignableFrom({ user: { alice: 'hash' } })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ users: ['alice'] })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ users: { alice: 5 } })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ users: () => 5 })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ htpasswd: new URL('file:///srv/users') })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ verify: () => 'yes' })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ realm: 5 })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ path: true })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ protect: '/' })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ throttle: true })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ cache: true })
  expect<AuthOptions>().type.not.toBeAssignableFrom({ hashing: 4 })
  expect<ThrottleOptions>().type.not.toBeAssignableFrom({ redis: {} })
  expect<ThrottleOptions>().type.not.toBeAssignableFrom({ window: '15 minutes' })
})

test('is registered with its options', () => {
  expect(app.register).type.toBeCallableWith(auth)
  expect(app.register).type.toBeCallableWith(auth, { users: { alice: 'hash' }, prefix: '/p' })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart/auth'), { path: false as const })
  expect(app.register).type.not.toBeCallableWith(auth, { protect: '/' })
})

test('a guard guards a route, and a plugin', () => {
  for (const guard of [requiresAuth, optionalAuth, requiresGroup('admins')]) {
    expect(guard).type.toBeAssignableTo<onRequestHookHandler>()
    expect(app.get).type.toBeCallableWith('/', { onRequest: guard }, async () => 'guarded')
    expect(app.addHook).type.toBeCallableWith('onRequest', guard)
  }
})

test('a route logs out', () => {
  expect(app.get).type.toBeCallableWith('/logout', logOut)
  expect(app.get).type.toBeCallableWith('/logout', { config: { name: 'logout' } }, logOut)
  expect(Fastify({ http2: true }).get).type.toBeCallableWith('/logout', { config: { auth: false as const } }, logOut)
})

test('requiresGroup is called, and there are no decorators', () => {
  expect(app.addHook).type.not.toBeCallableWith('onRequest', requiresGroup)
  expect<FastifyInstance>().type.not.toHaveProperty('requiresAuth')
  expect<FastifyInstance>().type.not.toHaveProperty('optionalAuth')
  expect<FastifyInstance>().type.not.toHaveProperty('requiresGroup')
})

test('request.user', () => {
  expect(request.user).type.toBe<User | null>()
  expect<User>().type.toBe<{ name: string, groups: readonly string[] }>()
})

test('hash', () => {
  expect(hash('correct horse')).type.toBe<Promise<string>>()
  expect(hash).type.not.toBeCallableWith()
})
