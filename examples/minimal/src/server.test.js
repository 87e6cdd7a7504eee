import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import server from './server.js'

async function start (t) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(server)
  return app
}

test('the start page leads to the others', async (t) => {
  const app = await start(t)
  const page = await app.inject('/')
  assert.equal(page.statusCode, 200)
  for (const [, path = ''] of page.body.matchAll(/<a href="([^"]+)"/g)) {
    const { statusCode } = await app.inject(path)
    assert.equal(statusCode, path === '/secret' ? 401 : 200, path)
  }
})

test('a die shows one to six eyes', async (t) => {
  const app = await start(t)
  const { body } = await app.inject('/dice')
  assert.match(body, /You rolled a [1-6]\./)
})

test('the secret page is for who logs in', async (t) => {
  const app = await start(t)
  const headers = { authorization: `Basic ${btoa('admin:secret')}` }
  const { statusCode, body } = await app.inject({ url: '/secret', headers })
  assert.equal(statusCode, 200)
  assert.match(body, /admin/)
})
