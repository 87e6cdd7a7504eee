import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Fastify, { type InjectOptions } from 'fastify'
import sightingsApp from './app.ts'

/** The app, and a function that asks it as a browser does. */
async function start (t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(sightingsApp)
  return (url: string, user?: string, form?: Record<string, string>) => {
    const options: InjectOptions = { url, headers: { accept: 'text/html' } }
    if (user) options.headers = { ...options.headers, authorization: `Basic ${btoa(`${user}:secret`)}` }
    if (!form) return app.inject(options)
    const headers = { ...options.headers, 'content-type': 'application/x-www-form-urlencoded' }
    return app.inject({ ...options, method: 'POST', headers, payload: new URLSearchParams(form).toString() })
  }
}

const wren = { species: 'Wren', count: '2', place: 'wood', ringed: 'on', note: 'under the <oak>\r\nsinging' }

test('who logs in writes down a bird, and everybody reads of it', async (t) => {
  const ask = await start(t)
  const answer = await ask('/new', 'bob', wren)
  assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/mine'])
  assert.match((await ask('/')).body, /2 × Wren/)
  assert.match((await ask('/mine', 'bob')).body, /under the &lt;oak&gt;/)
  assert.doesNotMatch((await ask('/mine', 'ada')).body, /Wren/)
  assert.deepEqual((await ask('/sightings.json?species=Wren')).json(), [
    { id: 1, by: 'bob', species: 'Wren', count: 2, place: 'wood', ringed: true, note: 'under the <oak>\nsinging' }
  ])
  assert.deepEqual((await ask('/sightings.json?species=Robin')).json(), [])
})

test('a refused form comes back with what was typed and the reasons', async (t) => {
  const ask = await start(t)
  const { statusCode, body } = await ask('/new', 'bob', { ...wren, species: '', count: 'two' })
  assert.equal(statusCode, 400)
  assert.match(body, /value="two"/)
  assert.match(body, /<option selected>wood/)
  assert.match(body, /name="ringed"[^>]* checked/)
  assert.match(body, /<p id="count-wrong" class="wrong">must be a whole number from 1 to 10000</)
  assert.match(body, /<p id="species-wrong" class="wrong">must be text of 1 to 80 characters/)
  assert.equal((await ask('/new', 'bob', {})).statusCode, 400)
  assert.deepEqual((await ask('/sightings.json')).json(), [])
})

test('pages behind the login ask for it, and a warden alone deletes', async (t) => {
  const ask = await start(t)
  for (const path of ['/mine', '/new']) assert.equal((await ask(path)).statusCode, 401, path)
  await ask('/new', 'bob', wren)
  assert.doesNotMatch((await ask('/', 'bob')).body, /Delete/)
  assert.match((await ask('/', 'ada')).body, /action="\/sightings\/1\/delete"/)
  assert.equal((await ask('/sightings/1/delete', 'bob', {})).statusCode, 403)
  assert.equal((await ask('/sightings/1/delete', 'ada', {})).statusCode, 303)
  assert.equal((await ask('/sightings/1/delete', 'ada', {})).statusCode, 404)
  assert.equal((await ask('/sightings/one/delete', 'ada', {})).statusCode, 400)
})

test('what is not there is a page for a browser', async (t) => {
  const ask = await start(t)
  const { statusCode, body } = await ask('/none')
  assert.equal(statusCode, 404)
  assert.match(body, /There is nothing at this address/)
})
