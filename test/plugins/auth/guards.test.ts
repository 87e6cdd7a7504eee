import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { type AddressInfo, connect as connectTo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth, { type GuardHook, optionalAuth, requiresAuth, requiresGroup } from '../../../plugins/auth/index.ts'
import { basic, cheap, logLines } from './logins.ts'

const users = { alice: cheap.argon2id('a'), bob: cheap.argon2id('b') }
const alice = basic('alice', 'a')
const bob = basic('bob', 'b')

async function start (t: Test, options: AuthOptions = {}, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, { users, ...options })
  return app
}

t.test('the guards are there before auth is, and wherever it is not they refuse', async (t) => {
  const { lines, stream } = logLines()
  const app = Fastify({ logger: { stream, level: 'error' } })
  t.teardown(() => app.close())
  app.register(async (child) => { // a root app that keeps its decorators to itself
    await child.register(auth, { users })
    child.get('/inside', { onRequest: requiresAuth }, async () => 'SECRET')
  })
  const guards = { login: requiresAuth, optional: optionalAuth, group: requiresGroup('admins') }
  for (const [name, onRequest] of Object.entries(guards)) app.get(`/${name}`, { onRequest }, async () => 'SECRET')
  for (const name of Object.keys(guards)) {
    for (const headers of [{}, alice]) {
      const answer = await app.inject({ url: `/${name}`, headers })
      t.equal(answer.statusCode, 500, name)
      t.notMatch(answer.body, 'SECRET')
      t.notMatch(answer.body, /register/, 'the reason is for the log')
      t.equal(answer.json().code, 'FST_QUICKSTART_AUTH_NOT_REGISTERED')
      t.equal(answer.headers['cache-control'], 'no-store')
    }
    const [line] = lines.filter(({ msg }) => (msg as string).includes(`GET /${name} has a guard`))
    t.match(line, { level: 50, msg: /auth is not registered in its context, .*register auth there.*option "routes"/ })
  }
  t.equal((await app.inject('/inside')).statusCode, 401)
  t.equal((await app.inject({ url: '/inside', headers: alice })).body, 'SECRET')
})

t.test('a route that is declared in the same breath as auth is guarded', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(auth, { users })
  app.get('/data', { onRequest: requiresAuth }, async () => 'SECRET')
  app.addHook('onRequest', async () => {})
  t.equal((await app.inject('/data')).statusCode, 401)
  t.equal((await app.inject({ url: '/data', headers: alice })).statusCode, 200)
})

t.test('goes by the auth of the context that the route is in', async (t) => {
  const app = await start(t, { realm: 'Outer' })
  app.get('/outer', { onRequest: requiresAuth }, async (request) => request.user?.name)
  await app.register(async (child) => {
    await child.register(auth, { users: { carol: cheap.argon2id('c') }, realm: 'Inner', path: false })
    child.addHook('onRequest', requiresAuth)
    child.get('/inner', async (request) => request.user?.name)
    await child.register(async (grandchild) => { grandchild.get('/deep', async (request) => request.user?.name) })
  })
  t.match((await app.inject('/outer')).headers['www-authenticate'], /Outer/)
  t.equal((await app.inject({ url: '/outer', headers: alice })).body, 'alice')
  for (const url of ['/inner', '/deep']) {
    t.match((await app.inject({ url, headers: alice })).headers['www-authenticate'], /Inner/)
    t.equal((await app.inject({ url, headers: basic('carol', 'c') })).body, 'carol')
  }
})

t.test('an outer guard is not opened by the logins of an inner one', async (t) => {
  const app = await start(t, { path: false, protect: ['/x'] })
  await app.register(async (child) => {
    await child.register(auth, { users: { carol: cheap.argon2id('c') }, path: false })
    child.get('/x', { onRequest: requiresAuth }, async () => 'SECRET')
  })
  for (const headers of [{}, alice, basic('carol', 'c')]) t.equal((await app.inject({ url: '/x', headers })).statusCode, 401)
})

t.test('a guard without its third argument stops the request', async (t) => {
  const app = await start(t)
  for (const [index, guard] of [requiresAuth, optionalAuth, requiresGroup('x')].entries()) {
    const call = guard as (...args: unknown[]) => void // as JavaScript may call it
    app.get(`/${index}`, { onRequest: async (request, reply) => { call(request, reply) } }, async () => 'SECRET')
  }
  for (const url of ['/0', '/1', '/2']) {
    for (const headers of [{}, alice]) t.equal((await app.inject({ url, headers })).statusCode, 500)
  }
})

t.test('an optional login: none goes on, a right one is known, a wrong one is refused and counted', async (t) => {
  const app = await start(t, { throttle: { perLogin: 2, delay: 0 } })
  app.get('/x', { onRequest: optionalAuth }, async (request, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return { user: request.user }
  })
  const rows = [[{}, 200, null], [alice, 200, { name: 'alice', groups: [] }], [alice, 200, { name: 'alice', groups: [] }]] as const
  for (const [headers, status, user] of rows) {
    const answer = await app.inject({ url: '/x', headers })
    t.same([answer.statusCode, answer.json()], [status, { user }])
    t.equal(answer.headers['cache-control'], 'private, max-age=60', 'the answers differ')
    t.equal(answer.headers.vary, 'Authorization')
  }
  for (const status of [401, 401, 429]) t.equal((await app.inject({ url: '/x', headers: basic('bob', 'x') })).statusCode, status)
  t.equal((await app.inject('/x')).statusCode, 200)
})

t.test('an optional login is a Basic one: other schemes are none', async (t) => {
  const app = await start(t, { throttle: false })
  for (const [url, onRequest] of [['/optional', optionalAuth], ['/login', requiresAuth]] as const) {
    app.get(url, { onRequest }, async (request) => ({ user: request.user }))
  }
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const ask = async (path: string, fields: string[]): Promise<string> => {
    const socket = connectTo(port, '127.0.0.1')
    const lines = fields.map((value) => `Authorization: ${value}\r\n`).join('')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n`)
    const answer = Buffer.concat(await socket.toArray()).toString()
    return `${answer.slice(9, 12)} ${answer.slice(answer.indexOf('\r\n\r\n') + 4)}`
  }

  const none = '200 {"user":null}'
  const right = '200 {"user":{"name":"alice","groups":[]}}'
  const refused = /^401 /
  const login = alice.authorization.slice('Basic '.length)
  const rows: Array<[fields: string[], optional: string | RegExp, login: string | RegExp]> = [
    [[], none, refused],
    [[''], none, refused],
    [['Bearer eyJhbGciOiJIUzI1NiJ9.e30.x'], none, refused],
    [[`Bearer ${'x'.repeat(4000)}`], none, refused],
    [[`Bearer ${login}`], none, refused],
    [['bearer'], none, refused],
    [['Digest username="alice", realm="x", nonce="x", uri="/", response="x"'], none, refused],
    [['Negotiate YIIB'], none, refused],
    [['NTLM TlRMTVNTUAAB'], none, refused],
    [['AWS4-HMAC-SHA256 Credential=x/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=x'], none, refused],
    [['Token x'], none, refused],
    [['ApiKey Basic'], none, refused],
    [[`Basically ${login}`], none, refused],
    [[`Basic-x ${login}`], none, refused],
    [[login], none, refused],
    [['Bearer x', 'Digest y'], none, refused],
    [[`Basic ${login}`], right, right],
    [[`bASIC   ${login}`], right, right],
    [[`Basic ${login}x`], refused, refused],
    [['Basic'], refused, refused],
    [['Basic !'], refused, refused],
    [[`Basic\t${login}`], refused, refused],
    [[`Basic "${login}"`], refused, refused],
    [[`Basic ${'QUFB'.repeat(1000)}`], refused, refused],
    [[`Basic ${login}`, `Basic ${login}`], refused, refused],
    [['Bearer x', `Basic ${login}`], refused, refused],
    [[`Basic ${login}`, 'Bearer x'], refused, refused]
  ]
  const wrong: unknown[] = []
  for (const [fields, ...expected] of rows) {
    for (const [index, path] of ['/optional', '/login'].entries()) {
      const answer = await ask(path, fields)
      const wanted = expected[index]!
      if (typeof wanted === 'string' ? answer !== wanted : !wanted.test(answer)) wrong.push([path, fields, answer])
    }
  }
  t.same(wrong, [])
})

t.test('an optional login in front does not open a guard behind it', async (t) => {
  const app = await start(t)
  app.addHook('onRequest', optionalAuth)
  app.get('/x', { onRequest: requiresAuth }, async (request) => request.user?.name)
  t.equal((await app.inject('/x')).statusCode, 401)
  t.equal((await app.inject({ url: '/x', headers: alice })).body, 'alice')
})

t.test('groups: members get in, others are told that they are not', async (t) => {
  const file = join(t.testdir({ groups: '# who is who\n\nadmins: alice\nstaff:bob   alice\r\nstaff: carol\nempty:\n' }), 'groups')
  const lists = { admins: ['alice'], staff: ['bob', 'alice'], empty: [] }
  const groupsOf = (name: string) => name === 'alice' ? ['admins', 'staff'] : ['staff']
  const ways: Array<[string, AuthOptions['groups']]> = [
    ['object', lists], ['function', groupsOf], ['async function', async (name) => groupsOf(name)], ['file', file]
  ]
  for (const [way, groups] of ways) {
    const app = await start(t, { groups })
    app.get('/admins', { onRequest: requiresGroup('admins') }, async (request) => request.user)
    app.get('/both', { onRequest: requiresGroup('admins', 'staff') }, async (request) => request.user)
    app.get('/empty', { onRequest: requiresGroup('empty') }, async () => 'SECRET')
    for (const time of ['first', 'remembered']) {
      const says = `${way}, ${time}`
      t.same((await app.inject({ url: '/admins', headers: alice })).json(), { name: 'alice', groups: ['admins', 'staff'] }, says)
      t.same((await app.inject({ url: '/both', headers: bob })).json(), { name: 'bob', groups: ['staff'] }, says)
      for (const [url, headers] of [['/admins', bob], ['/empty', alice]] as const) {
        const refused = await app.inject({ url, headers })
        t.same([refused.statusCode, refused.json().code], [403, 'FST_QUICKSTART_AUTH_NOT_IN_GROUP'], says)
        t.equal(refused.headers['cache-control'], 'no-store')
        t.equal(refused.headers['www-authenticate'], undefined, 'another login is not asked for')
      }
    }
    t.equal((await app.inject('/admins')).statusCode, 401)
    t.equal((await app.inject({ url: '/admins', headers: basic('alice', 'x') })).statusCode, 401)
  }
  const none = await start(t)
  none.get('/admins', { onRequest: requiresGroup('admins') }, async () => 'SECRET')
  t.equal((await none.inject({ url: '/admins', headers: alice })).statusCode, 403, 'without the option nobody is in a group')
})

t.test('a groups file is read as Apache reads it: a name with blanks is in quotes', async (t) => {
  const rows: Array<[line: string, names: string[]]> = [
    ['adm: "john doe"', ['john doe']],
    ['adm: alice "john doe" bob', ['alice', 'john doe', 'bob']],
    ["adm: 'john doe'", ['john doe']],
    ['adm:"john doe"', ['john doe']],
    ['  adm :  "john doe"  ', ['john doe']],
    ['adm: "john doe""bob"', ['john doe', 'bob']],
    ['adm: "john doe"bob', ['john doe', 'bob']],
    ['adm: "john\tdoe"', ['john\tdoe']],
    ['adm: " john "', [' john ']],
    ['adm: "john \\"the boss\\" doe"', ['john "the boss" doe']],
    ["adm: 'o\\'brien'", ["o'brien"]],
    ['adm: "o\'brien"', ["o'brien"]],
    ['adm: "a\\\\b" c', ['a\\b', 'c']],
    ['adm: "a\\b" c', ['a\\b', 'c']],
    ['adm: a\\\\b', ['a\\b']],
    ['adm: o\'brien 5" x', ["o'brien", '5"', 'x']],
    ['adm: "zoë müller"', ['zoë müller']],
    ['adm: # bob', ['#', 'bob']],
    ['adm:', []]
  ]
  const all = [...new Set(rows.flatMap(([, names]) => names)), 'john', 'doe', '"john', 'doe"', 'nobody'].filter((name) => !/[\t]/.test(name))
  const wrong: unknown[] = []
  for (const [line, names] of rows) {
    const app = await start(t, {
      users: Object.fromEntries(all.map((name) => [name, users.alice])),
      groups: join(t.testdir({ groups: `${line}\n` }), 'groups'),
      throttle: false
    })
    app.get('/adm', { onRequest: requiresGroup('adm') }, async () => 'in')
    const members: string[] = []
    for (const name of all) {
      if ((await app.inject({ url: '/adm', headers: basic(name, 'a') })).statusCode === 200) members.push(name)
    }
    const expected = all.filter((name) => names.includes(name))
    if (members.join() !== expected.join()) wrong.push({ line, expected, members })
  }
  t.same(wrong, [])
})

t.test('groups are read at each request', async (t) => {
  const lists: Record<string, string[]> = { admins: ['alice'] }
  const path = join(t.testdir({ groups: 'admins: alice\n' }), 'groups')
  for (const groups of [lists, path]) {
    const app = await start(t, { groups })
    app.get('/admins', { onRequest: requiresGroup('admins') }, async () => 'in')
    t.equal((await app.inject({ url: '/admins', headers: alice })).statusCode, 200)
    if (groups === path) writeFileSync(path, 'admins: bob\n')
    else lists.admins = ['bob']
    t.equal((await app.inject({ url: '/admins', headers: alice })).statusCode, 403)
    t.equal((await app.inject({ url: '/admins', headers: bob })).statusCode, 200)
  }
})

t.test('a groups file that is broken stops the start, by line; later it keeps the last good one', async (t) => {
  const rows: Array<[text: string, says: RegExp]> = [
    ['admins alice', /groups: line 1: expected group: name name/],
    ['a: x\n: alice', /line 2/],
    ['a b: c', /line 1/],
    ['adm: "john doe', /groups: line 1: a quote that does not close/],
    ["a: x\nadm: john 'doe", /line 2: a quote that does not close/],
    ['adm: "john doe\\"', /line 1: a quote/],
    ['adm: "john\ndoe"', /line 1: a quote/]
  ]
  for (const [text, message] of rows) {
    const groups = join(t.testdir({ groups: text }), 'groups')
    await t.rejects(async () => await start(t, { groups }), { code: 'FST_QUICKSTART_AUTH_INVALID_GROUP', message })
  }
  const missing = join(t.testdir({}), 'none')
  await t.rejects(async () => await start(t, { groups: missing }), { code: 'FST_QUICKSTART_AUTH_INVALID_GROUP', message: /ENOENT/ })

  const { lines, stream } = logLines()
  const groups = join(t.testdir({ groups: 'admins: alice' }), 'groups')
  const app = await start(t, { groups }, { logger: { stream, level: 'error' } })
  app.get('/admins', { onRequest: requiresGroup('admins') }, async () => 'in')
  writeFileSync(groups, 'admins')
  for (let time = 0; time < 2; time++) t.equal((await app.inject({ url: '/admins', headers: alice })).statusCode, 200)
  t.equal(lines.length, 1)
})

t.test('what a groups function throws or answers amiss is a 500 that lets nobody in', async (t) => {
  const amiss: unknown[] = ['admins', null, undefined, 5, ['admins', 5], { admins: true }]
  const functions = [
    () => { throw new Error('db-password') },
    async () => { throw new Error('db-password') },
    ...amiss.map((value) => () => value)
  ] as Array<() => string[]> // as JavaScript may have them
  for (const groups of functions) {
    const { lines, stream } = logLines()
    const app = await start(t, { groups }, { logger: { stream, level: 'error' } })
    app.get('/admins', { onRequest: requiresGroup('admins') }, async () => 'SECRET')
    for (const url of ['/admins', '/secret']) {
      for (let time = 0; time < 2; time++) {
        const answer = await app.inject({ url, headers: alice })
        t.same([answer.statusCode, answer.json().code], [500, 'FST_QUICKSTART_AUTH_CHECK_FAILED'])
        t.notMatch(answer.body, /db-password|SECRET/)
      }
    }
    t.match(lines[0], { name: 'alice', msg: 'the login could not be checked' })
  }
})

t.test('requiresGroup takes names', async (t) => {
  const calls = [[], [''], ['a', 5], [['a']]] as unknown as string[][]
  for (const names of calls) t.throws(() => requiresGroup(...names), { code: 'FST_QUICKSTART_AUTH_INVALID_OPTION', message: /requiresGroup\('admins'\)/ })
})

t.test('requiresGroup itself for a hook stops the start, and so does a guard that is called', async (t) => {
  const uncalled = requiresGroup as unknown as GuardHook // as JavaScript may pass it
  const answer = async (): Promise<string> => 'SECRET'
  const ways: Record<string, (app: FastifyInstance) => unknown> = {
    'a route': (app) => app.get('/x', { onRequest: uncalled }, answer),
    'a list of a route': (app) => app.get('/x', { onRequest: [requiresAuth, uncalled] }, answer),
    'another hook of a route': (app) => app.get('/x', { preHandler: uncalled }, answer),
    'a hook before routes': (app) => app.addHook('onRequest', uncalled).get('/x', answer),
    'a hook without routes': (app) => app.addHook('onRequest', uncalled),
    'a plugin': (app) => app.register(async (child) => {
      child.addHook('onRequest', uncalled)
      child.get('/x', answer)
    })
  }
  const wrong: unknown[] = []
  for (const hasAuth of [true, false]) {
    for (const [what, declare] of Object.entries(ways)) {
      const app = hasAuth ? await start(t) : Fastify()
      t.teardown(() => app.close())
      declare(app)
      const failure = Promise.resolve(app.ready()).then(() => ({}), (error: Error & { code: string }) => error)
      const { code, message = '' }: { code?: string, message?: string } = await failure
      if (code !== 'FST_QUICKSTART_AUTH_INVALID_OPTION' || !/requiresGroup\('admins'\)/.test(message)) wrong.push([what, code, message])
    }
  }
  t.same(wrong, [])
  for (const guard of [requiresAuth, optionalAuth, requiresGroup('x')]) {
    const called = guard as unknown as () => void
    t.throws(() => called(), { code: 'FST_QUICKSTART_AUTH_INVALID_OPTION', message: /\{ onRequest: requiresAuth \}/ })
  }
})

t.test('the logout page refuses the login that comes with it, in the same realm', async (t) => {
  const app = await start(t, { realm: 'Lab', logout: '/logout', protect: ['/*'] })
  app.get('/page', async () => 'page')
  for (const headers of [{}, alice]) {
    const answer = await app.inject({ url: '/logout', headers })
    t.equal(answer.statusCode, 401)
    t.equal(answer.headers['www-authenticate'], 'Basic realm="Lab", charset="UTF-8"')
    t.equal(answer.headers['cache-control'], 'no-store')
    t.same([answer.json().code, answer.json().message], ['FST_QUICKSTART_AUTH_LOGGED_OUT', 'You are logged out.'])
  }
  const without = await start(t)
  t.equal((await without.inject('/logout')).statusCode, 404)
})

t.test('a request has its user under another name where the host says so', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorateRequest('user', null)
  await t.rejects(async () => await app.register(async (child) => { await child.register(auth, { users }) }), {
    code: 'FST_QUICKSTART_AUTH_INVALID_OPTION', message: /option "decoratorName" is "user", which another plugin has taken/
  })

  const other = Fastify()
  t.teardown(() => other.close())
  other.decorateRequest('user', null)
  await other.register(auth, { users, groups: { admins: ['alice'] }, decoratorName: 'login' })
  other.get('/x', { onRequest: requiresGroup('admins') }, async (request) => [request.user, request.getDecorator('login')])
  t.same((await other.inject({ url: '/x', headers: alice })).json(), [null, { name: 'alice', groups: ['admins'] }])
  t.match((await other.inject({ url: '/secret', headers: alice })).body, /Hello alice/)
})

t.test('the built-in login works on this machine alone, and through no proxy', async (t) => {
  const { lines, stream } = logLines()
  const app = Fastify({ logger: { stream, level: 'warn' } })
  t.teardown(() => app.close())
  await app.register(auth, { throttle: false })
  const admin = basic('admin', 'secret')
  const rows: Array<[remoteAddress: string, headers: Record<string, string>, status: number]> = [
    ['127.0.0.1', {}, 200], ['::1', { host: 'localhost:5001' }, 200], ['::ffff:127.0.0.1', { host: '[::1]:80' }, 200],
    ['192.168.1.5', {}, 401], ['10.0.0.1', { host: 'localhost' }, 401],
    ['127.0.0.1', { host: 'rebound.example' }, 401], ['127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, 401],
    ['127.0.0.1', { 'x-forwarded-host': 'a' }, 401], ['127.0.0.1', { 'x-forwarded-proto': 'https' }, 401],
    ['127.0.0.1', { forwarded: 'for=1.2.3.4' }, 401], ['127.0.0.1', { via: '1.1 proxy' }, 401],
    ['127.0.0.1', { 'cf-connecting-ip': '1.2.3.4' }, 401], ['127.0.0.1', { 'x-real-ip': '1.2.3.4' }, 401]
  ]
  for (const time of ['first', 'remembered']) {
    for (const [remoteAddress, headers, status] of rows) {
      const answer = await app.inject({ url: '/secret', remoteAddress, headers: { host: 'localhost', ...headers, ...admin } })
      t.equal(answer.statusCode, status, `${time}: ${remoteAddress} ${JSON.stringify(headers)}`)
    }
  }
  t.ok(lines.some(({ msg }) => /works on this machine alone/.test(msg as string)))
})

t.test('the built-in login works over HTTP/2 too', async (t) => {
  const app = Fastify({ http2: true })
  await app.register(auth)
  const session = connect(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(async () => {
    session.destroy()
    await app.close()
  })
  const stream = session.request({ ':path': '/secret', ...basic('admin', 'secret') })
  const [answer] = await once(stream, 'response') as [Record<string, unknown>]
  t.equal(answer[':status'], 200)
  stream.close()
})

t.test('a name in the log cannot change how the log looks', async (t) => {
  const { lines, stream } = logLines()
  const app = await start(t, { throttle: { perLogin: 1, delay: 0 } }, { logger: { stream, level: 'warn' } })
  const rows = [['a\u0085b', 'a\\u{85}b'], ['a\u009bb', 'a\\u{9b}b'], ['\u202ecba', '\\u{202e}cba'], ['\u200dx', '\\u{200d}x'], ['zoë', 'zoë']] as const
  for (const [name, logged] of rows) {
    lines.splice(0)
    for (let time = 0; time < 2; time++) await app.inject({ url: '/secret', headers: basic(name, 'x') })
    t.strictSame(lines.map((line) => line.name), [logged, logged])
  }
})
