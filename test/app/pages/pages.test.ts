import type { FastifyInstance } from 'fastify'
import { HtmlValidate } from 'html-validate'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { requiresGroup } from '../../../plugins/auth/index.ts'
import { basic } from '../../plugins/auth/logins.ts'
import { asAdmin, cheapUsers, html, start } from '../start.ts'

t.test('the page shows no login where there is no secret page, and names no password but the tutorial\'s', async (t) => {
  const without = await start(t, { auth: { path: false } })
  t.notMatch((await without.inject('/')).body, 'href="/secret"')
  t.match((await without.inject('/')).body, 'the password is secret')
  const own = await start(t, { auth: { verify: () => true } })
  t.notMatch((await own.inject('/')).body, 'the password is secret')
})

t.test('shows the source of the topics that are on', async (t) => {
  const app = await start(t, { params: false })
  t.match((await app.inject('/source/auth')).body, 'Basic authentication')
  for (const url of [
    '/source/params', '/source/nothing', '/source/..%2Fapp.ts', '/source/package.json', '/source/plugins/params/index.ts',
    '/source/plugins/auth', '/source/docs/auth.md', '/source/plugins/auth/../../package.json', '/source//etc/passwd'
  ]) {
    const missing = await app.inject(url)
    t.equal(missing.statusCode, 404, url)
    t.match(missing.json(), { message: 'There is nothing at this address.' })
  }
})

t.test('a reader comes from the index page to the map, and from there to each source that is shown', async (t) => {
  const app = await start(t, { auth: { users: cheapUsers } })
  const seen = new Set<string>()
  const waiting = ['/']
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    const { statusCode, body } = await app.inject(url)
    t.equal(statusCode, 200, url)
    seen.add(url)
    const links = [...body.matchAll(/href="(\/source\/[^"]+)"/g)].map(([, link = '']) => link)
    waiting.push(...links.filter((link) => !seen.has(link) && !waiting.includes(link)))
  }
  const files = ['app.ts', 'lib', 'app', 'plugins'].flatMap((name) => name.endsWith('.ts')
    ? name
    : readdirSync(new URL(`../../../${name}`, import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts')).map((file) => `${name}/${file}`))
  t.same(files.filter((file) => !seen.has(`/source/${file}`) && !/\/index\.ts$/.test(file)), [])
})

t.test('links neither to the sources of a topic that is off, nor where no sources are shown', async (t) => {
  const app = await start(t, { auth: false })
  t.notMatch((await app.inject('/source/docs/how-the-code-tells-it.md')).body, 'href="/source/plugins/auth')
  t.match((await app.inject('/source/docs/how-the-code-tells-it.md')).body, 'href="/source/plugins/static/answer.ts"')
  const own = await start(t, {}, { QUICKSTART_VIEWS_DIR: t.testdir({}) })
  t.notMatch((await own.inject('/')).body, '/source/')
})

t.test('shows no sources beside views of one\'s own, whatever they are called', async (t) => {
  const root = t.testdir({ 'index.eta': '', 'source.eta': 'a view of mine' })
  for (const [given, env] of [[{ templates: { root } }, {}], [{}, { QUICKSTART_VIEWS_DIR: root }]] as const) {
    t.equal((await (await start(t, given, env)).inject('/source/hello')).statusCode, 404)
  }
})

t.test('a page that refuses says so in a sentence, and what to do where there is something', async (t) => {
  const routes = async (app: FastifyInstance): Promise<void> => {
    app.get('/staff', { onRequest: requiresGroup('staff') }, async () => 'staff alone')
    app.get('/fault', async () => { throw new Error('secrets') })
    app.get('/busy', async () => { throw Object.assign(new Error('secrets'), { statusCode: 503 }) })
  }
  const auth = { users: cheapUsers, groups: { staff: ['grace'] }, throttle: { delay: 0 } }
  const app = await start(t, { auth, routes }, { QUICKSTART_LOGIN_TRIES: '1' })
  const wrong = basic('admin', 'wrong')
  const rows: [statusCode: number, url: string, headers: object, says: string][] = [
    [401, '/secret', {}, 'Please log in first.'],
    [403, '/staff', asAdmin, 'You are logged in, but this is not open to you.'],
    [401, '/secret', wrong, 'The name or the password is wrong. Please try again.'],
    [429, '/secret', wrong, 'There were too many failed logins. Please try again later.'],
    [401, '/logout', {}, 'You are logged out.'],
    [404, '/nowhere', {}, 'There is nothing at this address.'],
    [500, '/fault', {}, 'The server could not answer this request.'],
    [503, '/busy', {}, 'The server is busy right now. Please try again in a moment.']
  ]
  for (const [statusCode, url, headers, says] of rows) {
    const answer = await app.inject({ url, headers: { ...html, ...headers }, remoteAddress: '192.0.2.7' })
    t.equal(answer.statusCode, statusCode, url)
    t.match(answer.body, `<p class="lead">${says}</p>`)
  }
})

t.test('the pages invite to change them in a clone, while one develops', async (t) => {
  const footer = async (env: Record<string, string>): Promise<boolean> => {
    const app = await start(t, {}, env)
    return (await app.inject('/')).body.includes('<footer>')
  }
  t.equal(await footer({}), true)
  t.equal(await footer({ NODE_ENV: 'production' }), false)
})

t.test('its pages are valid HTML', async (t) => {
  const validator = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { 'no-trailing-whitespace': 'off' } })
  const wrong: unknown[] = []
  for (const given of [{ auth: { users: cheapUsers } }, { static: false }, { params: false, auth: false }]) {
    const app = await start(t, given)
    for (const url of ['/', '/secret', '/nowhere', '/post/nine', '/source/hello']) {
      const { body, headers } = await app.inject({ url, headers: { ...html, ...asAdmin } })
      t.match(headers['content-type'], 'text/html')
      const { results } = await validator.validateString(body)
      for (const { ruleId, message, line } of results.flatMap(({ messages }) => messages)) {
        wrong.push({ url, line, message, ruleId })
      }
    }
  }
  t.same(wrong, [])
})
