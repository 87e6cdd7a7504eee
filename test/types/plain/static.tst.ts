import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import files, { asset, type MemoryCaps, type StaticOptions } from 'fastify-quickstart/static'
import { expect, test } from 'tstyche'

const app = Fastify()
declare const reply: FastifyReply

test('each option', () => {
  expect<StaticOptions>().type.toBe<{
    root: string | URL
    prefix?: string
    maxAge?: number
    memory?: boolean | MemoryCaps
    index?: string | false
    fallback?: string | false
  }>()
  expect<MemoryCaps>().type.toBe<{ maxFileSize?: number, maxTotalSize?: number }>()
})

test('wrong options', () => {
  expect<StaticOptions>().type.not.toBeAssignableFrom({})
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: 5 })
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: '/srv', maxAge: '1 day' })
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: '/srv', memory: 'yes' })
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: '/srv', memory: { maxFileSize: '8 MiB' } })
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: '/srv', index: true })
  expect<StaticOptions>().type.not.toBeAssignableFrom({ root: '/srv', fallback: ['index.html'] })
})

test('is registered with its options', () => {
  expect(app.register).type.toBeCallableWith(files, { root: '/srv' })
  expect(app.register).type.toBeCallableWith(files, { root: new URL('file:///srv') })
  expect(app.register).type.toBeCallableWith(import('fastify-quickstart/static'), { root: '/srv' })
  expect(app.register).type.not.toBeCallableWith(files, { root: 5 })
})

test('reply.sendFile and reply.download', () => {
  expect(reply.sendFile).type.toBeCallableWith('report.txt')
  expect(reply.download).type.toBeCallableWith('report.txt', 'yours.txt')
})

test('the function asset', () => {
  expect(asset).type.toBe<(app: FastifyInstance, name: string) => string>()
})

test('app.asset', () => {
  expect(app.asset).type.toBe<(name: string) => string>()
  expect(app.asset).type.not.toBeCallableWith()
  expect(app.asset).type.not.toBeCallableWith(5)
})

test('app.importmap', () => {
  expect(app.importmap()).type.toBe<string>()
  expect(app.importmap).type.toBeCallableWith({ three: '/static/three.js' })
  expect(app.importmap).type.not.toBeCallableWith({ three: 5 })
})
