import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Fastify, { type InjectOptions } from 'fastify'
import quickstart, { options } from 'fastify-quickstart'
import routes from './routes.ts'
import { openStore } from './store.ts'

// The command finds these folders by itself.
process.env.QUICKSTART_VIEWS_DIR = join(import.meta.dirname, '..', 'views')
process.env.QUICKSTART_PUBLIC_DIR = join(import.meta.dirname, '..', 'public')
process.env.DATABASE_URL = ':memory:' // each app has one of its own

const auth = { users: { ada: 'secret', bob: 'secret' }, groups: { wardens: ['ada'] } }

/** The app as `npm start` makes it, with users for the tests, and a function that asks it as a browser does. */
async function start (t: TestContext) {
  const app = Fastify({ ...options, logger: false })
  t.after(() => app.close())
  await app.register(quickstart, { routes, tutorial: false, auth })
  return (url: string, user?: string, form?: Record<string, string>) => {
    const options: InjectOptions = { url, headers: { accept: 'text/html' } }
    if (user) options.headers = { ...options.headers, authorization: `Basic ${btoa(`${user}:secret`)}` }
    if (!form) return app.inject(options)
    const headers = { ...options.headers, 'content-type': 'application/x-www-form-urlencoded' }
    return app.inject({ ...options, method: 'POST', headers, payload: new URLSearchParams(form).toString() })
  }
}

const wren = {
  species: 'Wren', day: '2026-05-01', count: '2', place: 'wood', ringed: 'on', note: 'under the <oak>\r\nsinging'
}

test('who logs in writes down a bird, and everybody reads of it', async (t) => {
  const ask = await start(t)
  const answer = await ask('/new', 'bob', wren)
  assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/mine'])
  assert.match((await ask('/')).body, /2 × Wren/)
  assert.match((await ask('/mine', 'bob')).body, /under the &lt;oak&gt;/)
  assert.doesNotMatch((await ask('/mine', 'ada')).body, /Wren/)
  assert.deepEqual((await ask('/sightings.json?species=Wren')).json(), [
    { ...wren, id: 1, by: 'bob', count: 2, ringed: true, note: 'under the <oak>\nsinging' }
  ])
  assert.deepEqual((await ask('/sightings.json?species=Robin')).json(), [])
})

test('a refused form comes back with what was typed and the reasons', async (t) => {
  const ask = await start(t)
  const { statusCode, body } = await ask('/new', 'bob', { ...wren, species: '', day: '2026-02-30', count: 'two' })
  assert.equal(statusCode, 400)
  assert.match(body, /value="two"/)
  assert.match(body, /<option selected>wood/)
  assert.match(body, /name="ringed"[^>]* checked/)
  assert.match(body, /<p id="count-wrong" class="wrong">Please enter a whole number from 1 to 10000</)
  assert.match(body, /<a href="#day">Day: Please enter a date on or after 2000-01-01</)
  assert.match(body, /<input id="species" [^>]*aria-describedby="species-wrong" aria-invalid="true" autofocus/)
  assert.match(body, /<p id="species-wrong" class="wrong">Please fill this in</)
  assert.equal((await ask('/new', 'bob', {})).statusCode, 400)
  assert.deepEqual((await ask('/sightings.json')).json(), [])
})

test('a bird is written down once a day', async (t) => {
  const ask = await start(t)
  assert.equal((await ask('/new', 'bob', wren)).statusCode, 303)
  const { statusCode, body } = await ask('/new', 'bob', wren)
  assert.equal(statusCode, 400)
  assert.match(body, /<p id="day-wrong" class="wrong">You have this species on this day already</)
  assert.equal((await ask('/new', 'bob', { ...wren, day: '2026-05-02' })).statusCode, 303)
  assert.equal((await ask('/new', 'ada', wren)).statusCode, 303)
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

test('who is logged in logs out', async (t) => {
  const ask = await start(t)
  assert.doesNotMatch((await ask('/')).body, /Log out/)
  assert.match((await ask('/', 'bob')).body, /<span>bob<\/span> <a href="\/logout">Log out</)
  const { statusCode, headers, body } = await ask('/logout', 'bob')
  assert.equal(statusCode, 401) // by which the browser forgets the login
  assert.match(String(headers['www-authenticate']), /^Basic realm=/)
  assert.match(body, /<h1>Logged out<\/h1>\s*<p role="alert">You are logged out\.</)
  assert.doesNotMatch(body, /bob/)
})

test('an address of no database stops the start with one line', async () => {
  for (const [url, message] of [
    ['sightings.db', /^DATABASE_URL takes file:/],
    ['postgres://ada:secret@localhost/birds', /^DATABASE_URL takes file:/],
    ['http://ada:secret@localhost:1', /^DATABASE_URL takes file:/],
    ['libsql://', /^DATABASE_URL takes file:/],
    ['file:/nowhere/sightings.db', /^the file of DATABASE_URL cannot be used: .*\/nowhere\/sightings\.db/],
    [`file:${import.meta.filename}`, /^the file of DATABASE_URL cannot be used: file is not a database$/],
    ['http://127.0.0.1:9', /^the server of DATABASE_URL cannot be used: .+$/],
    ['libsql://nowhere.invalid', /^the server of DATABASE_URL cannot be used: .*nowhere\.invalid/]
  ] as const) await assert.rejects(openStore(url), { code: 'FST_QUICKSTART_APP_CANNOT_START', message }, url)
})

test('what is not there is a page for a browser', async (t) => {
  const ask = await start(t)
  const { statusCode, body } = await ask('/none')
  assert.equal(statusCode, 404)
  assert.match(body, /There is nothing at this address/)
})

test('a list has pages of twenty, the newest first', async (t) => {
  const ask = await start(t)
  for (let count = 1; count <= 41; count++) {
    const day = `2026-05-${String(1 + count % 28).padStart(2, '0')}`
    const { statusCode } = await ask('/new', 'bob', { ...wren, species: `Bird ${count}`, day, count: String(count) })
    assert.equal(statusCode, 303)
  }
  for (const [path, user] of [['/'], ['/mine', 'bob']] as const) {
    const sizes = []
    const counts = []
    for (let next: string | undefined = path; next !== undefined;) {
      const { body } = await ask(next, user)
      const found = [...body.matchAll(/<h2>(\d+) ×/g)].map(([, count]) => Number(count))
      sizes.push(found.length)
      counts.push(...found)
      next = /<a href="([^"]+)" rel="next"/.exec(body)?.[1]
    }
    assert.deepEqual(sizes, [20, 20, 1])
    assert.deepEqual(counts, Array.from({ length: 41 }, (none, index) => 41 - index))
  }
  assert.equal((await ask('/?before=x')).statusCode, 400)
})

test('of the same bird sent twice at once, one is written down', async (t) => {
  const ask = await start(t)
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/new', 'bob', wren)))
  assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [303, ...Array(9).fill(400)])
  assert.equal((await ask('/sightings.json')).json().length, 1)
})

test('the health is that of the database too', async (t) => {
  const ask = await start(t)
  assert.equal((await ask('/health')).statusCode, 200)
})
