import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Fastify from 'fastify'
import quickstart, { options } from 'fastify-quickstart'
import routes from './routes.js'

// The command finds these folders by itself.
process.env.QUICKSTART_VIEWS_DIR = join(import.meta.dirname, 'views')
process.env.QUICKSTART_PUBLIC_DIR = join(import.meta.dirname, 'public')

/** The app as `npm start` makes it, with a user for the tests. */
async function start (t) {
  const app = Fastify({ ...options, logger: false })
  t.after(() => app.close())
  await app.register(quickstart, { routes, tutorial: false, auth: { users: { ada: 'secret' } } })
  return app
}

const ada = { authorization: `Basic ${btoa('ada:secret')}` }

test('the start page leads to the others', async (t) => {
  const app = await start(t)
  const page = await app.inject('/')
  assert.equal(page.statusCode, 200)
  for (const [, path = ''] of page.body.matchAll(/<a href="(\/[^"]*)"/g)) {
    assert.equal((await app.inject({ url: path, headers: ada })).statusCode, 200, path)
  }
})

test('a die has as many sides as the form says', async (t) => {
  const app = await start(t)
  assert.match((await app.inject('/dice')).body, /You rolled a <strong>[1-6]</)
  assert.match((await app.inject('/dice?sides=2')).body, /You rolled a <strong>[12]</)
  const refused = await app.inject('/dice?sides=1')
  assert.equal(refused.statusCode, 400)
  assert.equal(refused.json().issues[0].name, 'sides')
})

test('the private page is for who logs in', async (t) => {
  const app = await start(t)
  assert.equal((await app.inject('/private')).statusCode, 401)
  assert.match((await app.inject({ url: '/private', headers: ada })).body, /Welcome, <strong>ada</)
})

test('who is logged in logs out', async (t) => {
  const app = await start(t)
  assert.doesNotMatch((await app.inject('/')).body, /Log out/)
  assert.match((await app.inject({ url: '/', headers: ada })).body, /ada<\/strong>, <a href="\/logout">Log out</)
  const { statusCode, body } = await app.inject({ url: '/logout', headers: { ...ada, accept: 'text/html' } })
  assert.equal(statusCode, 401) // by which the browser forgets the login
  assert.match(body, /You are logged out/)
  assert.doesNotMatch(body, /ada/)
})

test('what is not there is a page for a browser', async (t) => {
  const app = await start(t)
  const { statusCode, body } = await app.inject({ url: '/nowhere', headers: { accept: 'text/html' } })
  assert.equal(statusCode, 404)
  assert.match(body, /<h1>404 Not Found<\/h1>/)
})
