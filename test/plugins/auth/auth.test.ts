import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth, { hash, requiresAuth } from '../../../plugins/auth/index.ts'
import { basic, cheap, logLines } from './logins.ts'
import { lacks } from '../../system.ts'

const users = { alice: cheap.argon2id('wonder:land') }
const alice = basic('alice', 'wonder:land')

async function start (
  t: Test, options: AuthOptions & { prefix?: string } = { users }, server: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, options)
  return app
}

function inProduction (t: Test): void {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
}

t.test('asks for a login, then shows the secret page', async (t) => {
  const app = await start(t)

  const asked = await app.inject('/secret')
  t.equal(asked.statusCode, 401)
  t.equal(asked.headers['www-authenticate'], 'Basic realm="Login Required", charset="UTF-8"')
  t.equal(asked.headers['cache-control'], 'no-store')
  t.equal(asked.json().code, 'FST_QUICKSTART_AUTH_LOGIN_REQUIRED')

  const wrong = await app.inject({ url: '/secret', headers: basic('alice', 'wonder') })
  t.equal(wrong.statusCode, 401)
  t.equal(wrong.headers['www-authenticate'], 'Basic realm="Login Required", charset="UTF-8"')
  t.equal(wrong.json().code, 'FST_QUICKSTART_AUTH_LOGIN_FAILED')

  const unknown = await app.inject({ url: '/secret', headers: basic('bob', 'wonder:land') })
  t.equal(unknown.body, wrong.body, 'an unknown name is told nothing else than a wrong password')

  for (const time of ['first', 'remembered']) {
    const page = await app.inject({ url: '/secret', headers: alice })
    t.equal(page.statusCode, 200, time)
    t.equal(page.body, 'Hello alice, this is the secret page.')
    t.equal(page.headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(page.headers['x-content-type-options'], 'nosniff')
    t.equal(page.headers['cache-control'], 'no-store')
  }
})

t.test('renders the view "secret" of a host that has one, even when the views come later', async (t) => {
  const app = await start(t)
  const views = new Set(['index'])
  app.decorate('hasView', (name: string) => views.has(name))
  app.decorateReply('render', function (view: string, data?: object) {
    return this.send(`${view} ${JSON.stringify(data)}`)
  })

  t.match((await app.inject({ url: '/secret', headers: alice })).body, /^Hello/)
  views.add('secret')
  t.equal((await app.inject({ url: '/secret', headers: alice })).body, 'secret {"user":{"name":"alice","groups":[]}}')
})

t.test('the page moves with path and prefix, or stays away', async (t) => {
  const moved = await start(t, { users, path: '/hidden', prefix: '/api' })
  t.equal((await moved.inject('/api/hidden')).statusCode, 401)
  t.equal((await moved.inject('/hidden')).statusCode, 404)
  t.ok(moved.hasRoute({ method: 'HEAD', url: '/api/hidden' }))

  const without = await start(t, { users, path: false })
  t.equal((await without.inject('/secret')).statusCode, 404)
})

t.test('guards a route, or a whole plugin, and tells who is logged in', async (t) => {
  const app = await start(t)
  app.get('/open', async (request) => ({ user: request.user }))
  app.get('/route', { onRequest: requiresAuth }, async (request) => ({ user: request.user }))
  await app.register(async (child) => {
    child.addHook('onRequest', requiresAuth)
    child.get('/', async (request) => ({ user: request.user }))
    child.get('/twice', { onRequest: [requiresAuth] }, async (request) => ({ user: request.user }))
  }, { prefix: '/plugin' })

  const open = await app.inject({ url: '/open', headers: alice })
  t.same(open.json(), { user: null }, 'nobody was asked')
  t.equal(open.headers['cache-control'], undefined)
  for (const url of ['/route', '/plugin', '/plugin/', '/plugin/twice']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.same((await app.inject({ url, headers: alice })).json(), { user: { name: 'alice', groups: [] } }, url)
  }
  t.equal((await app.inject('/plugin/nothing')).statusCode, 404)
})

t.test('protect guards routes by the path they are declared with, in every method', async (t) => {
  const app = await start(t, { users, protect: ['/', '/admin/*', '/user/:name', '/team/', '/files/*'] })
  const calls: string[] = []
  const paths = ['/', '/admin/a', '/admin/:id/edit', '/user/:name', '/user/:name/open', '/files/*', '/administrator', '/open']
  for (const url of paths) {
    app.all(url, {
      onRequest: async () => { calls.push(url) }
    }, async () => url)
  }
  await app.register(async (child) => {
    child.get('/', async () => 'team')
    child.get('/open', async () => 'open')
  }, { prefix: '/team' })
  await app.register(async (child) => {
    child.get('/', async () => 'admin')
    child.get('/deep', async () => 'deep')
  }, { prefix: '/admin' })

  const guarded = ['/', '/?q', '/admin', '/admin/', '/admin/a', '/admin/%61', '/admin/5/edit', '/admin/deep', '/user/bob', '/user/%2e%2e', '/files/x/y', '/files/', '/team', '/team/']
  for (const url of guarded) {
    for (const method of ['GET', 'HEAD'] as const) {
      t.equal((await app.inject({ method, url })).statusCode, 401, `${method} ${url}`)
    }
    t.equal((await app.inject({ url, headers: alice })).statusCode, 200, url)
  }
  calls.length = 0
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
    t.equal((await app.inject({ method, url: '/admin/a' })).statusCode, 401, method)
  }
  t.same(calls, [], "the guard comes before the route's own hooks")
  for (const url of ['/administrator', '/open', '/user/bob/open', '/team/open']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
})

t.test('protect is not dodged by another spelling of the URL', async (t) => {
  const plain = await start(t, { users, protect: ['/static/*'] })
  const lax = await start(t, { users, protect: ['/Static/*'] }, {
    routerOptions: { caseSensitive: false, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true }
  })
  for (const app of [plain, lax]) {
    await app.register(async (child) => {
      child.get('/*', async () => 'SECRET')
      child.get('//twice', async () => 'SECRET')
      child.get('/', async () => 'SECRET')
      child.head('/app.js', async () => 'SECRET')
    }, { prefix: '/static' })
    const spellings = [
      '/static/a', '/static/../a', '/static/%2e%2e/a', '/static/%2fa', '/static%2fa', '/static/%5ca', '/static/\\a', '//static/a', '/static//a', '/./static/a',
      '/static/./a', '/static/a/', '/static/%00', '/static/%c0%ae', '/static/%252e', '/%73tatic/a', '/STATIC/a', '/static/twice', '/static//twice', '/static',
      '/static/', '/static?a', '/static/;a', '/static/.env', '/static/a%20.md', '/x/../static/a', '/static/app.js'
    ]
    for (const url of spellings) {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await app.inject({ method, url })
        t.ok([400, 401, 404].includes(answer.statusCode), `${method} ${url} is ${answer.statusCode}`)
        t.notMatch(answer.body, 'SECRET')
      }
    }
    t.equal((await app.inject({ url: '/static/a', headers: alice })).body, 'SECRET')
  }
  t.equal((await lax.inject('/STATIC//twice/')).statusCode, 401)
})

t.test('protect: ["/*"] guards everything, the catch-all route too', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.options('*', async () => 'preflight') // as CORS declares it, before
  await app.register(auth, { users, protect: ['/*'] })
  app.get('*', async () => 'everything')
  t.equal((await app.inject('/any/thing')).statusCode, 401)
  t.equal((await app.inject({ method: 'OPTIONS', url: '/any' })).statusCode, 200)
})

t.test('protect is relative to the context that auth is registered in', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (child) => {
    await child.register(auth, { users, protect: ['/', '/in/*'] })
    child.get('/', async () => 'root')
    child.get('/in/side', async () => 'in')
  }, { prefix: '/area' })
  app.get('/in/side', async () => 'outside')
  for (const [url, status] of [['/area', 401], ['/area/', 401], ['/area/in/side', 401], ['/in/side', 200]] as const) {
    t.equal((await app.inject(url)).statusCode, status, url)
  }
})

t.test('a route can be left out of what protect guards', async (t) => {
  const app = await start(t, { users, protect: ['/*'] })
  app.get('/health', { config: { auth: false } }, async () => 'fine')
  app.get('/page', async () => 'guarded')
  t.equal((await app.inject('/health')).body, 'fine')
  t.equal((await app.inject('/page')).statusCode, 401)
  const nothing = await start(t, { users, protect: ['/health'] })
  nothing.get('/health', { config: { auth: false } }, async () => 'fine')
  await t.rejects(async () => await nothing.ready(), { code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING' })
})

t.test('an entry of protect that guards nothing stops the start', async (t) => {
  const app = await start(t, { users, protect: ['/secret', '/amdin/*'] })
  app.get('/admin/a', async () => 'a')
  await t.rejects(async () => await app.ready(), { code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING', message: /"\/amdin\/\*"/ })
})

t.test('protect guards a route however it is written', async (t) => {
  const app = await start(t, { users, protect: ['/*'] }, { routerOptions: { caseSensitive: false } })
  for (const url of ['/', '/A/b', '/x/:id?', '/:id(^\\d+$)', '/files/*', '/map/:lat-:lon', '/a::b', '/é', '*', '/y/:a/:b(^[a-z]{1,3}$)/z']) app.get(url, async () => url)
  app.get('/A/b', { constraints: { host: 'example.org' } }, async () => 'b')
  app.route({ method: ['POST', 'DELETE'], url: '/A/b', handler: async () => 'b' })
  await app.register(async (child) => {
    child.get('/', async () => 'team')
    child.get('/:id', async () => 'team')
  }, { prefix: '/team/:name' })
  await app.ready()
  for (const url of ['/', '/a/B', '/x', '/x/1', '/5', '/files/a', '/map/1-2', '/a:b', '/%C3%A9', '/any/thing', '/y/1/a/z', '/team/a', '/team/a/', '/team/a/1']) t.equal((await app.inject(url)).statusCode, 401, url)
})

t.test('works over a Unix socket, which has no addresses', { skip: lacks.sockets }, async (t) => {
  const { request } = await import('node:http')
  const app = await start(t, { users, throttle: { perLogin: 1, delay: 0 } })
  // The path of a socket may have about a hundred characters, so it is not in the test's own folder.
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = await app.listen({ path: join(folder, 's') })
  const ask = async (password: string): Promise<number | undefined> => await new Promise((resolve, reject) => {
    request({ socketPath, path: '/secret', headers: basic('alice', password) }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    }).once('error', reject).end()
  })
  t.strictSame([await ask('wonder:land'), await ask('x'), await ask('y'), await ask('wonder:land')], [200, 401, 429, 200])
})

t.test('two instances side by side do not know each other\'s logins', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const same = cheap.argon2id('same password')
  await app.register(async (child) => {
    await child.register(auth, { users: { alice: same, bob: cheap.argon2id('b') }, realm: 'One' })
  }, { prefix: '/one' })
  await app.register(async (child) => {
    await child.register(auth, { users: { alice: same, carol: cheap.argon2id('c') }, realm: 'Two' })
  }, { prefix: '/two' })
  const rows: Array<[url: string, name: string, password: string, status: number]> = [
    ['/one/secret', 'alice', 'same password', 200], ['/two/secret', 'alice', 'same password', 200],
    ['/one/secret', 'bob', 'b', 200], ['/two/secret', 'bob', 'b', 401],
    ['/one/secret', 'carol', 'c', 401], ['/two/secret', 'carol', 'c', 200], ['/one/secret', 'carol', 'c', 401]
  ]
  for (const [url, name, password, status] of rows) {
    t.equal((await app.inject({ url, headers: basic(name, password) })).statusCode, status, `${name} at ${url}`)
  }
  t.match((await app.inject('/one/secret')).headers['www-authenticate'], /realm="One"/)
  t.match((await app.inject('/two/secret')).headers['www-authenticate'], /realm="Two"/)
  t.equal(app.hasRequestDecorator('user'), false, 'nothing leaks out of the contexts')
})

t.test('works inside a context that has a guard of its own', async (t) => {
  const app = await start(t, { users, realm: 'Outer' })
  await app.register(async (child) => {
    await child.register(auth, { users: { bob: cheap.argon2id('b') }, realm: 'Inner' })
    child.get('/x', { onRequest: requiresAuth }, async (request, reply) => {
      reply.header('cache-control', 'public')
      return request.user
    })
  }, { prefix: '/inner' })
  app.get('/x', { onRequest: requiresAuth }, async (request) => request.user)

  const inner = await app.inject({ url: '/inner/x', headers: basic('bob', 'b') })
  t.same(inner.json(), { name: 'bob', groups: [] })
  t.equal(inner.headers['cache-control'], 'private')
  t.equal(inner.headers.vary, 'Authorization', 'said once')
  t.match((await app.inject({ url: '/inner/x', headers: alice })).headers['www-authenticate'], /Inner/)
  t.same((await app.inject({ url: '/x', headers: alice })).json(), { name: 'alice', groups: [] })
  t.match((await app.inject({ url: '/x', headers: basic('bob', 'b') })).headers['www-authenticate'], /Outer/)
})

t.test('leaves the host nothing but its guard, and a host\'s own @fastify/basic-auth alone', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const { default: basicAuth } = await import('@fastify/basic-auth')
  await app.register(basicAuth, { validate: async () => {} })
  const own = app.basicAuth
  await app.register(auth, { users })
  t.equal(app.basicAuth, own)
  t.equal((await app.inject({ url: '/secret', headers: alice })).statusCode, 200)
})

t.test('the realm is quoted, a function of the request, or refused', async (t) => {
  const { lines, stream } = logLines()
  const quoted = await start(t, { users, realm: 'The "new" \\ wing' })
  t.equal((await quoted.inject('/secret')).headers['www-authenticate'], 'Basic realm="The \\"new\\" \\\\ wing", charset="UTF-8"')

  const app = await start(t, {
    users,
    realm: (request) => {
      if (request.headers['x-wing'] === 'throw') throw new Error('no wing')
      if (request.headers['x-wing'] === 'reject') return Promise.reject(new Error('no wing')) as unknown as string
      return `Wing ${request.headers['x-wing'] as string}`
    }
  }, { logger: { stream, level: 'error' } })
  const rows = [['"east"', 'Wing \\"east\\"'], ['é', 'Login Required'], ['throw', 'Login Required'], ['reject', 'Login Required']] as const
  for (const [wing, realm] of rows) {
    const answer = await app.inject({ url: '/secret', headers: { 'x-wing': wing } })
    t.equal(answer.statusCode, 401)
    t.equal(answer.headers['www-authenticate'], `Basic realm="${realm}", charset="UTF-8"`)
  }
  t.equal(lines.length, 3, 'the log tells of those that could not be sent')
})

t.test('outside production, no users at all means admin and secret, and a warning', async (t) => {
  const { lines, stream } = logLines()
  const app = await start(t, {}, { logger: { stream, level: 'warn' } })
  t.match(lines, [{ level: 40, msg: /anybody on this machine can log in as admin/ }])
  t.equal((await app.inject({ url: '/secret', headers: basic('admin', 'secret') })).statusCode, 200)
  t.equal((await app.inject({ url: '/secret', headers: basic('admin', 'Secret') })).statusCode, 401)
})

t.test('in production, no users at all stop the start and say what to set', async (t) => {
  inProduction(t)
  await t.rejects(async () => await start(t, {}), {
    code: 'FST_QUICKSTART_AUTH_NO_USERS',
    message: 'fastify-quickstart/auth: no users are configured; set QUICKSTART_USERS_FILE, or one of the options "users", "htpasswd" and "verify"'
  })
})

t.test('in production, a plain password is refused and not shown', async (t) => {
  inProduction(t)
  await t.rejects(async () => await start(t, { users: { alice: 'plain-text' } }), {
    code: 'FST_QUICKSTART_AUTH_INVALID_USER',
    message: 'fastify-quickstart/auth: user "alice" in option "users": a plain password is refused in production; npx fastify-quickstart hash-password makes a hash of it'
  })
  const app = await start(t)
  t.equal((await app.inject({ url: '/secret', headers: alice })).statusCode, 200, 'a hash is fine')
})

t.test('makes hashes with the parameters OWASP names', async (t) => {
  const made = await hash('geheim£')
  t.match(made, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  const app = await start(t, { users: { dora: made } })
  t.equal((await app.inject({ url: '/secret', headers: basic('dora', 'geheim£') })).statusCode, 200)
  for (const password of ['', 'a\nb', 'a\u2028b', 'x'.repeat(1025)]) await t.rejects(hash(password), { code: 'FST_QUICKSTART_AUTH_INVALID_USER' })
})

t.test('a failed login is one warning with name and address, and no log line holds the password', async (t) => {
  const { lines, stream } = logLines()
  const app = await start(t, { users, throttle: { perLogin: 1, delay: 0 } }, { logger: { stream, level: 'trace' } })
  await app.inject({ url: '/secret', headers: basic('alice', 'Hunter2-Hunter2'), remoteAddress: '10.1.2.3' })
  await app.inject({ url: '/secret', headers: basic('alice', 'Hunter2-Hunter2'), remoteAddress: '10.1.2.3' })
  await app.inject({ url: '/secret', headers: alice })
  const warnings = lines.filter(({ level }) => level === 40)
  t.match(warnings, [
    { name: 'alice', address: '10.1.2.3', msg: 'login failed' },
    { name: 'alice', address: '10.1.2.3', msg: 'login refused after too many failures' }
  ])
  t.equal(warnings.length, 2)
  const log = JSON.stringify(lines)
  for (const secret of ['Hunter2', 'wonder:land', 'Basic ', basic('alice', 'Hunter2-Hunter2').authorization.slice(6, 30), users.alice]) {
    t.notOk(log.includes(secret), 'not in the log')
  }
})

t.test('nothing that a client sends changes how a terminal shows a line of the log', async (t) => {
  const spoilt = ['\u009b31m', '\x1b[2J', '\r\nforged', '\u202e', '\u2028', '\u2066x', '\u00ad', '\ufeff', '\x7f', '\t']
  const clean = /^[^\p{C}\p{Zl}\p{Zp}]*$/u
  const { lines, stream } = logLines()
  const server = { logger: { stream, level: 'warn' }, trustProxy: true, disableRequestLogging: true } as const
  const throwing = () => { throw new Error('away') }
  const apps: Record<string, [options: AuthOptions, messages: string[]]> = {
    hashes: [{ users, throttle: { perLogin: 1, delay: 0 } }, ['login failed', 'login refused after too many failures']],
    busy: [{ users, throttle: false, hashing: { parallel: 1, queue: 0 } }, ['login failed', 'login refused, too many are being checked']],
    lookup: [{ users: throwing }, ['the login could not be checked']],
    verify: [{ verify: throwing }, ['the login could not be checked']],
    groups: [{ verify: () => true, groups: throwing }, ['the login could not be checked']],
    stored: [{ users: () => 'no hash' }, ['what is stored for this user', 'login failed']],
    tutorial: [{}, ['works on this machine alone', 'login failed']]
  }
  const wrong: unknown[] = []
  for (const [what, [options, messages]] of Object.entries(apps)) {
    const app = await start(t, options, server)
    for (const text of spoilt) {
      lines.length = 0
      // A name with such as these is refused unread; an address may hold what its header may.
      const isRefused = /[\r\n\t\x1b\x7f\u2028\u2029]/.test(text) // eslint-disable-line no-control-regex
      const name = isRefused ? 'bob' : `bob${text}`
      const address = isRefused ? '203.0.113.99' : `203.0.113.99${text}`
      await Promise.all([0, 1, 2].map(async (index) => await app.inject({
        url: '/secret',
        headers: { ...basic(name, `x${index}`), 'x-forwarded-for': Buffer.from(address).toString('latin1') }
      })))
      // By itself, an address may hold more than a header can: a proxy's own code may have set it.
      await app.inject({ url: '/secret', headers: basic(name, 'x'), remoteAddress: `203.0.113.99${text}` })
      const said = lines.map(({ msg, name = '', address = '' }) => [msg, name, address].join(' '))
      const missing = messages.filter((message) => !said.some((line) => line.includes(message)))
      const spoilt = said.filter((line) => !clean.test(line))
      if (missing.length > 0 || spoilt.length > 0) wrong.push(JSON.stringify([what, text, missing, spoilt]))
    }
  }
  t.same(wrong, [])
})

t.test('refuses wrong options when it is registered', async (t) => {
  const wrong: Array<[options: object, says: string | RegExp]> = [
    [{ users: 'alice' }, 'option "users" is a string; expected names with password hashes (an object or a Map), or a function that finds the hash of a name'],
    [{ users: ['alice'] }, /option "users" is an array/],
    [{ users: null }, /option "users" is null/],
    [{ htpasswd: '' }, 'option "htpasswd" is ""; expected the path of an htpasswd file'],
    [{ verify: true }, /option "verify" is true/],
    [{ users, htpasswd: 'x' }, 'options "users" and "htpasswd" exclude each other; expected one of users, htpasswd, verify'],
    [{ users, verify: () => true }, /options "users" and "verify" exclude each other/],
    [{ realm: 'a\r\nb' }, /option "realm" is "a\\r\\nb"; expected printable ASCII/],
    [{ realm: 'é' }, /option "realm"/],
    [{ realm: '' }, /option "realm"/],
    [{ realm: 5 }, /option "realm"/],
    [{ path: 'secret' }, 'option "path" is "secret"; expected a path that starts with "/", or false'],
    [{ path: true }, /option "path" is true/],
    [{ protect: '/' }, 'option "protect" is "/"; expected a list of route paths that start with "/"'],
    [{ protect: ['/', 'static'] }, /option "protect" is an array/],
    [{ throttle: true }, 'option "throttle" is true; expected an object, or false'],
    [{ throttle: { perLogin: 0 } }, 'option "perLogin" is 0; expected a whole number above 0'],
    [{ throttle: { perAddress: 1.5 } }, /option "perAddress"/],
    [{ throttle: { window: '1' } }, /option "window"/],
    [{ throttle: { window: 2_147_484 } }, 'option "window" is 2147484; expected a whole number of seconds from 1 to 2147483'],
    [{ throttle: { block: 3_000_000 } }, /option "block"/],
    [{ throttle: { block: -1 } }, /option "block"/],
    [{ throttle: { delay: -1 } }, /option "delay"/],
    [{ throttle: { delay: 61 } }, /option "delay"/],
    [{ throttle: { redis: 'http://x:secret@y' } }, 'option "redis" is a string; expected a redis:// or rediss:// URL, or a client made by ioredis'],
    [{ throttle: { redis: {} } }, /option "redis" is an object/],
    [{ throttle: { keyPrefix: '' } }, /option "keyPrefix"/],
    [{ throttle: { limit: 5 } }, /unknown option "limit"/],
    [{ cache: true }, /option "cache" is true/],
    [{ cache: { max: 0 } }, /option "max" is 0/],
    [{ cache: { ttl: Infinity } }, /option "ttl" is Infinity/],
    [{ cache: { max: 10_000_001 } }, 'option "max" is 10000001; expected a whole number from 1 to 10000000'],
    [{ hashing: false }, /option "hashing" is false/],
    [{ hashing: { parallel: 0 } }, /option "parallel" is 0/],
    [{ hashing: { queue: -1 } }, /option "queue" is -1/],
    [{ user: {} }, /unknown option "user"; expected one of users, htpasswd/]
  ]
  for (const [options, says] of wrong) {
    const message = typeof says === 'string' ? `fastify-quickstart/auth: ${says}` : says
    await t.rejects(async () => await start(t, options), { code: 'FST_QUICKSTART_AUTH_INVALID_OPTION', message }, JSON.stringify(options))
  }
})
