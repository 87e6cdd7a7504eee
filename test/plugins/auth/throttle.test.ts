import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions, RedisClient } from '../../../plugins/auth/index.ts'
import { createCounts } from '../../../plugins/auth/failure-counts.ts'
import auth from '../../../plugins/auth/index.ts'
import { FakePrimary } from './fake-primary.ts'
import { FakeRedis } from './fake-redis.ts'
import { until } from '../../until.ts'
import { basic, cheap, logLines } from './logins.ts'

const users = { alice: cheap.argon2id('a'), bob: cheap.argon2id('b') }

async function start (t: Test, options: AuthOptions, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, options.verify === undefined ? { users, ...options } : options)
  return app
}

async function answer (app: FastifyInstance, name: string, password: string, remoteAddress = '10.0.0.1') {
  return await app.inject({ url: '/secret', headers: basic(name, password), remoteAddress })
}

async function status (...args: Parameters<typeof answer>): Promise<number> {
  return (await answer(...args)).statusCode
}

/** How many of the answers have each status. */
async function tally (answers: Array<Promise<{ statusCode: number }>>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { statusCode } of await Promise.all(answers)) counts[statusCode] = (counts[statusCode] ?? 0) + 1
  return counts
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from(
  { length: count }, (_, index) => make(index)
)

t.test('shuts out a name from an address, and nobody else', async (t) => {
  const app = await start(t, { throttle: { perLogin: 3, delay: 0, block: 60 } })
  for (const guess of ['1', '2', '3']) t.equal(await status(app, 'alice', guess), 401)
  for (const guess of ['4', 'a']) {
    const refused = await answer(app, 'alice', guess)
    t.equal(refused.statusCode, 429, 'the right password too')
    t.equal(refused.json().code, 'FST_QUICKSTART_AUTH_TOO_MANY_FAILURES')
    t.equal(refused.headers['retry-after'], '60')
    t.equal(refused.headers['www-authenticate'], undefined)
    t.equal(refused.headers['cache-control'], 'no-store')
  }
  t.equal(await status(app, 'bob', 'b'), 200, 'another name')
  t.equal(await status(app, 'alice', 'a', '10.0.0.2'), 200, 'another address')
})

t.test('shuts out an address that tries many names, known or not', async (t) => {
  const app = await start(t, { throttle: { perAddress: 5, delay: 0 } })
  for (const name of ['alice', 'bob', 'carol', 'dave', 'eve']) t.equal(await status(app, name, 'x'), 401)
  for (const name of ['frank', 'alice']) t.equal(await status(app, name, 'x'), 429)
  t.equal(await status(app, 'alice', 'a'), 429)
  t.equal(await status(app, 'alice', 'a', '10.0.0.2'), 200)
})

t.test('a remembered login passes whatever others have failed', async (t) => {
  const app = await start(t, { throttle: { perLogin: 2, perAddress: 3, delay: 0 } })
  t.equal(await status(app, 'alice', 'a'), 200)
  for (const guess of times(6, String)) await answer(app, 'alice', guess)
  t.equal(await status(app, 'carol', 'x'), 401)
  t.equal(await status(app, 'bob', 'b'), 429)
  t.equal(await status(app, 'alice', 'a'), 200)
})

t.test('a remembered login tells a guesser at another address nothing', async (t) => {
  const lookup = async (name: string): Promise<string | null> => name === 'alice' ? users.alice : null
  for (const ways of [users, lookup]) {
    const app = await start(t, { users: ways, throttle: { perLogin: 2, perAddress: 3, delay: 0 } })
    t.equal(await status(app, 'alice', 'a', '2001:db8::1'), 200)
    for (const guess of ['1', '2']) t.equal(await status(app, 'alice', guess, '10.0.0.2'), 401)
    t.equal(await status(app, 'alice', 'a', '10.0.0.2'), 429, 'the right one, as any other')
    t.equal(await status(app, 'alice', '3', '10.0.0.2'), 429)
    for (const guess of ['1', '2']) t.equal(await status(app, 'alice', guess, '2001:db8::2'), 401)
    t.equal(await status(app, 'alice', 'a', '2001:db8::3'), 200, 'from the network it was remembered for')
    t.equal(await status(app, 'alice', 'a', '10.0.0.3'), 200, 'from a third one it is checked')
  }
})

t.test('a right login forgives its name at that address, but not the address', async (t) => {
  const app = await start(t, { throttle: { perLogin: 2, perAddress: 4, delay: 0 }, cache: false })
  for (let round = 0; round < 3; round++) {
    t.equal(await status(app, 'alice', 'x'), 401)
    t.equal(await status(app, 'alice', 'a'), 200)
  }
  t.equal(await status(app, 'bob', 'x'), 401)
  t.equal(await status(app, 'alice', 'a'), 429, 'four failures are four failures')
})

t.test('a request without credentials is no failure', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, perAddress: 1, delay: 0 } })
  for (let round = 0; round < 3; round++) {
    t.equal((await app.inject('/secret')).statusCode, 401)
    t.equal((await app.inject({ url: '/secret', headers: { authorization: 'Basic !' } })).statusCode, 401)
  }
  t.equal(await status(app, 'alice', 'a'), 200)
})

t.test('guesses in parallel do not slip by', async (t) => {
  const byLogin = await start(t, { throttle: { perLogin: 5, delay: 0 } })
  t.same(await tally(times(30, (index) => answer(byLogin, 'alice', `x${index}`))), { 401: 5, 429: 25 })
  const byAddress = await start(t, { throttle: { perAddress: 5, delay: 0 } })
  t.same(await tally(times(30, (index) => answer(byAddress, `name${index}`, 'x'))), { 401: 5, 429: 25 })
})

t.test('many right logins at once block nobody', async (t) => {
  const many = Object.fromEntries(times(30, (index) => [`user${index}`, users.alice]))
  const app = await start(t, { users: many, throttle: { perAddress: 5, delay: 0 } })
  const first = await Promise.all(times(30, (index) => answer(app, `user${index}`, 'a')))
  t.ok(first.some(({ statusCode }) => statusCode === 200))
  for (const late of first.filter(({ statusCode }) => statusCode === 429)) t.equal(late.headers['retry-after'], '1')
  for (let index = 0; index < 30; index++) t.equal(await status(app, `user${index}`, 'a'), 200, 'one by one they all get in')
})

t.test('addresses count by what one client can have: an IPv4 address, a /64 of IPv6', async (t) => {
  const rows: Array<[first: string, second: string, same: boolean]> = [
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '::ffff:c000:201', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8::1', '2001:0db8:0:0:ffff::2', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['fe80::1%eth0', 'fe80::2', true],
    ['192.0.2.1:40001', '192.0.2.1:40002', true],
    ['[2001:db8::1]:40001', '2001:db8::2', true],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2', false],
    ['64:ff9b::192.0.2.1', '192.0.2.1', true],
    ['not an address', 'not an address', true],
    ['not an address', 'nor this', false]
  ]
  for (const [first, second, same] of rows) {
    const app = await start(t, { throttle: { perAddress: 1, delay: 0 } })
    t.equal(await status(app, 'alice', 'x', first), 401)
    t.equal(await status(app, 'bob', 'x', second), same ? 429 : 401, `${first} and ${second}`)
  }
})

t.test('behind a proxy that is trusted, the address is the client\'s', async (t) => {
  const app = await start(t, { throttle: { perAddress: 1, delay: 0 } }, { trustProxy: true })
  const from = async (client: string) => (await app.inject({ url: '/secret', headers: { ...basic('alice', 'x'), 'x-forwarded-for': client } })).statusCode
  t.same([await from('192.0.2.1'), await from('192.0.2.2'), await from('192.0.2.1')], [401, 401, 429])
})

t.test('failures are forgotten after the window, and a block ends', async (t) => {
  const { now } = Date
  let later = 0
  Date.now = () => now() + later * 1000
  t.teardown(() => { Date.now = now })
  const app = await start(t, { throttle: { perLogin: 2, window: 600, block: 900, delay: 0 } })
  t.equal(await status(app, 'alice', 'x'), 401)
  later = 601
  t.equal(await status(app, 'alice', 'y'), 401)
  t.equal(await status(app, 'alice', 'z'), 401, 'the first one is forgotten')
  t.equal(await status(app, 'alice', 'a'), 429)
  later = 601 + 890
  t.equal(await status(app, 'alice', 'a'), 429)
  later = 601 + 901
  t.equal(await status(app, 'alice', 'a'), 200)
})

t.test('without a throttle nobody is shut out', async (t) => {
  const app = await start(t, { throttle: false, cache: false })
  for (const guess of times(20, String)) t.equal(await status(app, 'alice', guess), 401)
  t.equal(await status(app, 'alice', 'a'), 200)
})

t.test('equal logins that arrive together cost one hash, and one point', async (t) => {
  // With no queue, a second hash at the same time would be answered 503.
  const app = await start(t, { hashing: { parallel: 1, queue: 0 }, throttle: { perLogin: 2, delay: 0 } })
  t.same(await tally(times(200, () => answer(app, 'alice', 'a'))), { 200: 200 })
  t.same(await tally(times(200, () => answer(app, 'bob', 'wrong'))), { 401: 200 })
  t.same(await tally(times(200, () => answer(app, 'nobody', 'wrong'))), { 401: 200 })
  t.equal(await status(app, 'bob', 'b'), 200, 'the 200 wrong ones were one failure')
  t.same(await tally(times(20, (index) => answer(app, 'carol', 'wrong', `10.0.1.${index}`))), { 401: 20 }, 'from many addresses too')
})

t.test('past the queue it is 503 with Retry-After, and no failure', async (t) => {
  const app = await start(
    t, { hashing: { parallel: 1, queue: 2 }, throttle: { perAddress: 50, perLogin: 4, delay: 0 } }
  )
  const answers = times(40, (index) => answer(app, `name${index}`, 'x'))
  t.same(await tally(answers), { 401: 3, 503: 37 })
  const full = (await Promise.all(answers)).find(({ statusCode }) => statusCode === 503)
  t.equal(full?.headers['retry-after'], '2')
  t.equal(full?.json().code, 'FST_QUICKSTART_AUTH_TOO_BUSY')
  t.same(await tally(times(40, (index) => answer(app, `name${index}`, 'x'))), { 401: 3, 503: 37 }, 'those that were not checked did not count')
  const free = await start(t, { hashing: { parallel: 1, queue: 0 }, throttle: false })
  t.same(await tally(times(40, (index) => answer(free, `name${index}`, 'x'))), { 401: 1, 503: 39 }, 'without a throttle too')
})

t.test('the memory of logins is bounded, expires, and can be switched off', async (t) => {
  // An address that is shut out gets in with remembered logins alone, which tells the two apart.
  const { now } = Date
  async function remembered (cache: AuthOptions['cache'], logins: Array<[string, string]>, later = 0): Promise<number[]> {
    const app = await start(t, { cache, throttle: { perAddress: 1, delay: 0 } })
    for (const [name, password] of logins) t.equal(await status(app, name, password), 200)
    t.equal(await status(app, 'eve', 'x'), 401)
    t.intercept(Date, 'now', { value: () => now() + later })
    return await Promise.all(logins.map(async ([name, password]) => await status(app, name, password)))
  }
  const both: Array<[string, string]> = [['alice', 'a'], ['bob', 'b']]
  t.same(await remembered({}, both), [200, 200])
  t.same(await remembered(undefined, both), [200, 200])
  t.same(await remembered({ max: 1 }, both), [429, 200])
  t.same(await remembered(false, both), [429, 429])
  t.same(await remembered({ ttl: 1 }, both, 2200), [429, 429])
})

t.test('the host\'s own check is throttled, but a page of many parts is one login', async (t) => {
  let calls = 0
  const app = await start(t, {
    verify: async (name, password) => {
      calls++
      await new Promise(setImmediate)
      return password === 'a'
    },
    throttle: { perLogin: 2, delay: 0 }
  })
  t.same(await tally(times(20, () => answer(app, 'alice', 'a'))), { 200: 20 })
  t.equal(calls, 20, 'each request is checked')
  for (const guess of ['x', 'y']) t.equal(await status(app, 'alice', guess), 401)
  t.equal(await status(app, 'alice', 'a'), 429)
  t.equal(calls, 22)
})

t.test('each wrong answer of the host\'s own check is a failure, though name and password be the same', async (t) => {
  let calls = 0
  const app = await start(t, {
    verify: async (name, password, request) => {
      calls++
      await new Promise(setImmediate)
      return request.headers.code === '4321'
    },
    throttle: { perLogin: 3, perAddress: 1000, delay: 0 }
  })
  const guess = async (code: number) => await app.inject({ url: '/secret', headers: { ...basic('alice', 'a'), code: String(code) } })
  // Clients that always have a guess under way.
  await Promise.all(times(5, async (client) => {
    for (let round = 0; round < 20; round++) await guess(client * 100 + round)
  }))
  t.ok(calls < 20, `${calls} guesses were checked`)
  t.equal((await guess(4321)).statusCode, 429)

  const other = await start(t, { verify: () => false, throttle: { perLogin: 20, delay: 0 } })
  t.same(await tally(times(20, () => answer(other, 'alice', 'a'))), { 401: 20 })
  t.equal(await status(other, 'alice', 'a'), 429, 'those that come together too')
})

t.test('keeps no count of logins that were not checked', async (t) => {
  const redis = new FakeRedis()
  const app = await start(t, {
    hashing: { parallel: 1, queue: 0 },
    throttle: { delay: 0, redis: redis as unknown as RedisClient } // it has what is used of one
  })
  t.same(await tally(times(20, (index) => answer(app, `name${index}`, 'x'))), { 401: 1, 503: 19 })
  t.equal(redis.values.size, 2, 'the address, and the one name that failed')
})

t.test('a check that throws counts as a failure, so nobody guesses by it unseen', async (t) => {
  const app = await start(t, { verify: () => { throw new Error('wrong') }, throttle: { perLogin: 2, delay: 0 } })
  t.same([await status(app, 'alice', '1'), await status(app, 'alice', '2'), await status(app, 'alice', '3')], [500, 500, 429])
})

t.test('refusals of guessers are held back, and let go when the app closes', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, delay: 60 } })
  t.equal(await status(app, 'alice', 'x'), 401)
  let answered = false
  const held = answer(app, 'alice', 'y').then((answer) => {
    answered = true
    return answer
  })
  await answer(app, 'bob', 'b')
  t.equal(answered, false)
  await app.close()
  t.equal((await held).statusCode, 429)
})

t.test('holds no more than a thousand refusals at once', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, delay: 60 } })
  t.equal(await status(app, 'alice', 'x'), 401)
  let answered = 0
  const held = times(1003, () => answer(app, 'alice', 'y', '10.0.0.1').then(() => { answered++ }))
  await answer(app, 'bob', 'b')
  await until(() => answered >= 3, 'the answers past a thousand')
  t.equal(answered, 3, 'those past a thousand are answered at once')
  await app.close()
  await Promise.all(held)
  t.equal(answered, 1003)
})

t.test('holds a refusal for its time', async (t) => {
  const app = await start(t, { throttle: { perLogin: 1, delay: 0.2 } })
  t.equal(await status(app, 'alice', 'x'), 401)
  const before = performance.now()
  t.equal(await status(app, 'alice', 'y'), 429)
  t.ok(performance.now() - before >= 190)
})

t.test('a clock that is set back makes no block longer than it is', async (t) => {
  const { now } = Date
  let later = 0
  Date.now = () => now() + later * 1000
  t.teardown(() => { Date.now = now })
  const app = await start(t, { throttle: { perLogin: 1, block: 60, delay: 0 } })
  t.equal(await status(app, 'alice', 'x'), 401)
  later = -7200
  t.equal((await answer(app, 'alice', 'a')).headers['retry-after'], '60')
})

t.test('places are given back when failures cannot be counted, whichever step it is', async (t) => {
  const primary = new FakePrimary(t)
  type Fails = FakePrimary['fails']
  const steps: Record<string, Fails> = {
    everything: () => true,
    'reading the count of the address': (func, key) => func === 'get' && key.startsWith('a'),
    'reading the count of the name': (func, key) => func === 'get' && key.startsWith('l'),
    'counting for the address': (func, key) => func === 'penalty' && key.startsWith('a'),
    'counting for the name': (func, key) => func === 'penalty' && key.startsWith('l'),
    'shutting out': (func) => func === 'block',
    forgiving: (func) => func === 'delete'
  }
  const wrong: unknown[] = []
  for (const [index, [step, fails]] of Object.entries(steps).entries()) {
    const { lines, stream } = logLines()
    const throttle = { cluster: true, delay: 0, perLogin: 2, perAddress: 3, block: 1, window: 1, keyPrefix: step }
    const app = await start(t, { cache: false, throttle }, { logger: { stream, level: 'error' }, disableRequestLogging: true })
    const address = `10.0.1.${index}`
    primary.fails = fails
    // One at a time, then together; each kind of guess.
    const statuses: number[] = []
    for (const guess of ['a', 'x1', 'x2', 'x3']) statuses.push(await status(app, 'alice', guess, address))
    statuses.push(...await Promise.all(times(20, (guess) => {
      return status(app, guess % 2 === 0 ? 'alice' : `name${guess}`, guess % 4 === 0 ? 'a' : 'x', address)
    })))
    if (!statuses.includes(500) || !lines.some(({ msg }) => msg === 'the login could not be checked')) wrong.push([step, statuses])
    primary.fails = () => false
    await new Promise((resolve) => setTimeout(resolve, 1100)) // what was counted is forgotten
    const after: number[] = []
    for (const [name, password] of [['alice', 'a'], ['bob', 'b'], ['bob', 'x']] as const) {
      after.push(await status(app, name, password, address))
    }
    if (after.join() !== '200,200,401') wrong.push([step, 'afterwards', after])
  }
  t.same(wrong, [])
})

t.test('the workers of a cluster count in its primary', async (t) => {
  const primary = new FakePrimary(t)
  const app = await start(t, { throttle: { cluster: true, delay: 0, perLogin: 2 } })
  t.same([await status(app, 'alice', 'x'), await status(app, 'alice', 'a')], [401, 200])
  for (const expected of [401, 401, 429]) t.equal(await status(app, 'bob', 'x'), expected)
  t.equal(await status(app, 'bob', 'b'), 429)
  t.equal(await status(app, 'bob', 'b', '10.0.0.2'), 200)
  t.same([...primary.limiters.keys()], ['fastify-quickstart:auth'])
  t.same(new Set(primary.asked.map(({ func }) => func)), new Set(['get', 'penalty', 'delete', 'block']))
})

t.test('failures take so much memory and no more: of names and of addresses, the oldest go first', async (t) => {
  const keys = (kind: string, count: number): string[] => times(count, (index) => `${kind}${index}`)
  const memory = await createCounts(Fastify(), {})
  const failuresOf = async (counts: typeof memory, key: string): Promise<number> => {
    return (await counts.run((limiter) => limiter.get(key)))?.consumedPoints ?? 0
  }
  const addresses = keys('a', 1000)
  for (const key of addresses) await memory.run((limiter) => limiter.consume(key))
  for (const key of keys('l', 50_000)) await memory.run((limiter) => limiter.consume(key))
  await memory.run((limiter) => limiter.set('l1', 10, 900)) // shut out: it is the youngest now
  await memory.run((limiter) => limiter.delete('l2'))
  for (const key of ['l-new', 'l-newer']) await memory.run((limiter) => limiter.consume(key))
  const found: Record<string, number> = {}
  for (const key of ['l0', 'l1', 'l2', 'l3', 'l49999', 'l-new', 'l-newer', 'a0', 'a999']) found[key] = await failuresOf(memory, key)
  t.same(found, { l0: 0, l1: 10, l2: 0, l3: 1, l49999: 1, 'l-new': 1, 'l-newer': 1, a0: 1, a999: 1 })

  const primary = new FakePrimary(t)
  const shared = await createCounts(Fastify(), { cluster: true })
  await shared.run((limiter) => limiter.consume('l-first'))
  await Promise.all(keys('a', 100).map(async (key) => await shared.run((limiter) => limiter.consume(key))))
  for (const batch of times(10, (index) => index)) {
    const thousand = times(1000, (index) => `l${batch * 1000 + index}`)
    await Promise.all(thousand.map(async (key) => await shared.run((limiter) => limiter.consume(key))))
  }
  const deleted = () => primary.asked.filter(({ func }) => func === 'delete').map(({ key }) => key)
  t.same(deleted(), ['l-first'])
  t.equal(await failuresOf(shared, 'l-first'), 0)
  t.equal(await failuresOf(shared, 'a0'), 1)
  await shared.run((limiter) => limiter.delete('l5'))
  primary.fails = (func) => func === 'delete'
  for (const key of ['l-new', 'l-newer']) await shared.run((limiter) => limiter.consume(key))
  t.same(deleted(), ['l-first', 'l5', 'l0'], 'one that cannot be deleted ends with its window')
})

t.test('own code is not asked for a user whose address or name is shut out', async (t) => {
  let calls = 0
  const hashes: Record<string, string> = { ...users }
  const lookup = async (name: string): Promise<string | null> => {
    calls++
    return hashes[name] ?? null
  }
  const app = await start(t, { users: lookup, throttle: { perLogin: 2, perAddress: 4, delay: 0 } })
  const asked = async (...args: Parameters<typeof answer>): Promise<[status: number, calls: number]> => {
    calls = 0
    return [(await answer(...args)).statusCode, calls]
  }
  t.same(await asked(app, 'alice', 'a'), [200, 1])
  t.same(await asked(app, 'alice', 'a'), [200, 1], 'a remembered login is looked up: it may have changed')
  for (const guess of ['1', '2']) t.same(await asked(app, 'alice', guess), [401, 1])
  for (const guess of times(20, (index) => `x${index}`)) t.same(await asked(app, 'alice', guess), [429, 0], 'the name is shut out')
  t.same(await asked(app, 'alice', 'a'), [200, 1], 'who is remembered gets in')
  for (const name of ['bob', 'carol']) t.same(await asked(app, name, 'x'), [401, 1])
  for (const name of times(20, (index) => `name${index}`)) t.same(await asked(app, name, 'x'), [429, 0], 'the address is shut out')
  t.same(await asked(app, 'bob', 'b'), [429, 0])
  t.same(await asked(app, 'bob', 'b', '10.0.0.2'), [200, 1])
  hashes.alice = cheap.argon2id('new')
  t.same(await asked(app, 'alice', 'a'), [429, 1], 'a login that was remembered, and is not any more')
  t.same(await asked(app, 'alice', 'new'), [429, 0])
  t.same(await asked(app, 'alice', 'new', '10.0.0.2'), [200, 1])
  t.same(await asked(app, 'alice', 'a', '10.0.0.2'), [401, 1], 'looked up once, though it is known by its old hash')
})
