import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import allFive from './app.ts'

const admin = { authorization: `Basic ${btoa('admin:secret')}` }

async function start (t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(allFive)
  return app
}

test('the start page links a script, a user and the notes', async (t) => {
  const app = await start(t)
  const { body } = await app.inject('/')
  for (const url of ['src="/static/clock.js"', 'href="/user/Grace%20Hopper"', 'href="/notes"']) {
    assert.ok(body.includes(url), url)
  }
})

test('the notes are for who logs in', async (t) => {
  const app = await start(t)
  assert.equal((await app.inject('/notes')).statusCode, 401)
  const { body } = await app.inject({ url: '/notes', headers: admin })
  assert.match(body, /water the &lt;plants&gt;/)
  assert.match(body, /Logged in as admin/)
})

test('a note has a number', async (t) => {
  const app = await start(t)
  const note = await app.inject({ url: '/notes/1', headers: admin })
  assert.deepEqual(note.json(), { number: 1, note: 'feed the cat', for: 'admin' })
  const refusal = await app.inject({ url: '/notes/three', headers: admin })
  assert.equal(refusal.json().message, 'path parameter "number" must be a whole number from 1 to 2')
})
