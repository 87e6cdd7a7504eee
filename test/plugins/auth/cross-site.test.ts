import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth, { optionalAuth, requiresAuth, requiresGroup } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

const users = { alice: cheap.argon2id('a') }
const alice = basic('alice', 'a')

async function start (t: Test, options: AuthOptions = {}, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, { users, groups: { all: ['alice'] }, protect: ['/protected'], ...options })
  const guards = { login: requiresAuth, optional: optionalAuth, group: requiresGroup('all') }
  for (const [name, onRequest] of Object.entries(guards)) app.all(`/${name}`, { onRequest }, async () => 'done')
  for (const name of ['protected', 'open']) app.all(`/${name}`, async () => 'done')
  return app
}

const guarded = ['/login', '/optional', '/group', '/protected']

t.test("refuses what another site's page sends, and lets all else pass", async (t) => {
  const app = await start(t)
  const rows: Array<[what: string, headers: Record<string, string>, passes: boolean]> = [
    ['a program', {}, true],
    ['the same origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['the person', { 'sec-fetch-site': 'none' }, true],
    ['another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['another origin of the site', { 'sec-fetch-site': 'same-site' }, false],
    ['an unknown word', { 'sec-fetch-site': 'future' }, false],
    ['an empty word', { 'sec-fetch-site': '' }, false],
    ['two words', { 'sec-fetch-site': 'same-origin, cross-site' }, false],
    ['another site with the origin of this', { 'sec-fetch-site': 'cross-site', origin: 'http://app.example' }, false],
    ['the same origin, by word alone', { 'sec-fetch-site': 'same-origin', origin: 'https://other.example' }, true],
    ['an older browser, same origin', { origin: 'http://app.example' }, true],
    ['behind a proxy that ends HTTPS', { origin: 'https://app.example' }, true],
    ['the port written out', { origin: 'https://app.example', host: 'app.example:443' }, true],
    ['another case', { origin: 'https://APP.example' }, true],
    ['an older browser, another host', { origin: 'https://evil.example' }, false],
    ['a host that begins the same', { origin: 'https://app.example.evil.example' }, false],
    ['another port', { origin: 'http://app.example:8080' }, false],
    ['a sandboxed page', { origin: 'null' }, false],
    ['another scheme', { origin: 'ftp://app.example' }, false],
    ['no page of the web', { origin: 'file://app.example' }, false],
    ['a name before the host', { origin: 'http://evil.example@app.example' }, false],
    ['a path after the host', { origin: 'http://app.example/' }, false],
    ['a query after the host', { origin: 'http://app.example?' }, false],
    ['two origins', { origin: 'http://app.example http://evil.example' }, false],
    ['what no URL holds', { origin: 'http://[' }, false],
    ['not an origin', { origin: 'x' }, false],
    ['an empty origin', { origin: '' }, false]
  ]
  for (const [what, headers, passes] of rows) {
    for (const url of guarded) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const answer = await app.inject({ method, url, headers: { host: 'app.example', ...alice, ...headers } })
        t.equal(answer.statusCode, passes ? 200 : 403, `${what}: ${method} ${url}`)
        if (passes) continue
        t.equal(answer.json().code, 'FST_QUICKSTART_AUTH_CROSS_SITE')
        t.equal(answer.headers['cache-control'], 'no-store')
      }
      for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
        t.equal((await app.inject({ method, url, headers: { host: 'app.example', ...alice, ...headers } })).statusCode, 200, `${what}: ${method}`)
      }
    }
    t.equal((await app.inject({ method: 'POST', url: '/open', headers })).statusCode, 200, 'an open route is its own affair')
  }
})

t.test('is asked before the password, so that a foreign page cannot lock anybody out', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, delay: 0 } })
  for (let time = 0; time < 5; time++) {
    const headers = { 'sec-fetch-site': 'cross-site', ...basic('alice', 'x') }
    t.equal((await app.inject({ method: 'POST', url: '/login', headers })).statusCode, 403)
  }
  t.equal((await app.inject({ method: 'POST', url: '/login', headers: alice })).statusCode, 200)
})

t.test('origins that the host trusts may', async (t) => {
  const app = await start(t, { trustedOrigins: ['https://app.example.org', 'http://localhost:3000'] })
  const rows: Array<[origin: string, status: number]> = [
    ['https://app.example.org', 200], ['http://localhost:3000', 200], ['http://app.example.org', 403], ['https://example.org', 403]
  ]
  for (const [origin, status] of rows) {
    for (const site of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const answer = await app.inject({ method: 'POST', url: '/login', headers: { ...alice, origin, ...site } })
      t.equal(answer.statusCode, status, `${origin} ${JSON.stringify(site)}`)
    }
  }
  for (const origin of ['app.example.org', 'https://app.example.org/', '*', 'null', 5]) {
    await t.rejects(async () => await start(t, { trustedOrigins: [origin] as string[] }), {
      code: 'FST_QUICKSTART_AUTH_INVALID_OPTION', message: /option "trustedOrigins" .*expected a list of origins such as "https:\/\/app\.example\.com"/
    }, String(origin))
  }
})

t.test('the host is the one that a trusted proxy tells', async (t) => {
  const headers = { ...alice, host: '127.0.0.1:5001', 'x-forwarded-host': 'app.example', origin: 'https://app.example' }
  const behind = await start(t, {}, { trustProxy: true })
  t.equal((await behind.inject({ method: 'POST', url: '/login', headers })).statusCode, 200)
  const direct = await start(t)
  t.equal((await direct.inject({ method: 'POST', url: '/login', headers })).statusCode, 403)
})
