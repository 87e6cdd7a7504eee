import { register } from 'node:module'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions, RedisClient } from '../../../plugins/auth/index.ts'
import auth from '../../../plugins/auth/index.ts'
import { FakeRedis } from './fake-redis.ts'
import { basic, cheap, logLines } from './logins.ts'

const users = { alice: cheap.argon2id('a'), bob: cheap.argon2id('b') }

async function start (t: Test, options: AuthOptions, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, { users, ...options })
  return app
}

async function answer (app: FastifyInstance, name: string, password: string, remoteAddress = '10.0.0.1') {
  return await app.inject({ url: '/secret', headers: basic(name, password), remoteAddress })
}

async function status (...args: Parameters<typeof answer>): Promise<number> {
  return (await answer(...args)).statusCode
}

const client = (redis: FakeRedis): RedisClient => redis as unknown as RedisClient

t.test('several instances count together in Redis', async (t) => {
  const values = new Map()
  const [one, two] = [new FakeRedis(undefined, undefined, values), new FakeRedis(undefined, undefined, values)]
  const first = await start(t, { throttle: { perLogin: 2, block: 60, delay: 0, redis: client(one) } })
  const second = await start(t, { throttle: { perLogin: 2, block: 60, delay: 0, redis: client(two) } })
  t.equal(await status(first, 'alice', 'x'), 401)
  t.equal(await status(second, 'alice', 'y'), 401)
  const refused = await answer(first, 'alice', 'a')
  t.same([refused.statusCode, refused.headers['retry-after']], [429, '60'])
  t.equal((await answer(second, 'alice', 'a')).statusCode, 429)
  t.equal(await status(second, 'bob', 'x'), 401)
  t.equal(await status(first, 'bob', 'b'), 200)
  t.equal(await status(second, 'bob', 'y'), 401)
  t.equal(await status(second, 'bob', 'b'), 200, 'a right login on one instance forgives on all')
  t.ok([...values.keys()].every((key) => /^fastify-quickstart:auth:[al][A-Za-z0-9+/]{43}=$/.test(key)), 'no name or address is to be read in Redis')
  await first.close()
  t.equal(one.disconnected, false, 'the client is the host\'s to close')
  t.equal(one.listenerCount('ready') + one.listenerCount('close') + one.listenerCount('error'), 0)
})

t.test('two registrations in one app count apart, and as their twins in other processes do', async (t) => {
  const values = new Map()
  const makeApp = async () => {
    const app = Fastify()
    t.teardown(() => app.close())
    const redis = client(new FakeRedis(undefined, undefined, values))
    for (const path of ['/one', '/two']) await app.register(async (child) => { await child.register(auth, { users, path, throttle: { perLogin: 2, delay: 0, redis } }) })
    return async (url: string, password: string) => (await app.inject({ url, headers: basic('alice', password) })).statusCode
  }
  const [first, second] = [await makeApp(), await makeApp()]
  t.same([await first('/one', 'x'), await second('/one', 'y'), await first('/one', 'a')], [401, 401, 429])
  t.same([await second('/two', 'a'), await first('/two', 'a')], [200, 200])
})

t.test('while Redis is away the memory counts, and the log says so once each way', async (t) => {
  for (const trouble of ['fails', 'hangs', 'closes', 'errors'] as const) {
    const { lines, stream } = logLines()
    const redis = new FakeRedis()
    const app = await start(t, {
      throttle: { perLogin: 2, delay: 0, redis: client(redis) }
    }, { logger: { stream }, disableRequestLogging: true })
    const said = () => lines.splice(0).map(({ msg }) => msg as string).filter((msg) => msg.includes('Redis'))
    t.equal(await status(app, 'alice', 'x'), 401)
    t.same(said(), [])

    if (trouble === 'fails' || trouble === 'hangs') redis.mood = trouble
    else redis.status = 'reconnecting'
    if (trouble === 'closes') redis.emit('close')
    if (trouble === 'errors') redis.emit('error', new Error('ECONNRESET'))
    const statuses = []
    for (const guess of ['1', '2', '3']) statuses.push(await status(app, 'alice', guess, '10.0.0.9'))
    t.same(statuses, [401, 401, 429], trouble)
    const away = said()
    t.equal(away.length, 1, trouble)
    t.match(away[0], /Redis is away .*counted in memory/)

    redis.mood = 'fine'
    redis.status = 'ready'
    redis.emit('ready')
    t.match(said(), [/Redis is back/])
    t.equal(await status(app, 'alice', 'y'), 401)
    t.equal(await status(app, 'alice', 'z'), 429, 'what Redis had counted before still counts')
  }
})

t.test('a Redis of the host that is not there yet does not hold anything up', async (t) => {
  const { lines, stream } = logLines()
  const redis = new FakeRedis()
  redis.status = 'connecting'
  const app = await start(t, { throttle: { delay: 0, redis: client(redis) } }, { logger: { stream, level: 'warn' } })
  t.equal(await status(app, 'alice', 'a'), 200)
  t.match(lines, [{ msg: /Redis is away/ }])
})

t.test('connects to a URL by itself, and lets go at the close', async (t) => {
  const fakePackage = 'data:text/javascript,export const Redis = globalThis.FakeRedis'
  const hooks = `export const resolve = async (name, context, next) => name === 'ioredis'
    ? { url: '${fakePackage}', shortCircuit: true }
    : await next(name, context)`
  Object.assign(globalThis, { FakeRedis })
  register(`data:text/javascript,${encodeURIComponent(hooks)}`)
  const { lines, stream } = logLines()
  const throttle = { redis: 'redis://127.0.0.1', keyPrefix: 'x' }
  const app = await start(t, { throttle }, { logger: { stream, level: 'info' }, disableRequestLogging: true })
  const redis = FakeRedis.last
  t.equal(await status(app, 'alice', 'x'), 401)
  t.equal(redis.values.size, 2)
  t.ok([...redis.values.keys()].every((key) => key.startsWith('x:auth:')))
  await app.close()
  t.equal(redis.disconnected, true)
  redis.emit('error', new Error('after the close'))
  t.same(lines.filter(({ msg }) => msg !== 'login failed'), [], 'closing is no trouble')
})

t.test('connects a client that waits for its first command', async (t) => {
  const { lines, stream } = logLines()
  const redis = new FakeRedis()
  redis.status = 'wait'
  const app = await start(t, { throttle: { delay: 0, redis: client(redis) } }, { logger: { stream, level: 'warn' } })
  t.equal(redis.connects, 1)
  t.equal(await status(app, 'alice', 'x'), 401)
  t.equal(redis.values.size, 2)
  t.same(lines.filter(({ msg }) => /Redis/.test(msg as string)), [])

  const refusing = new FakeRedis()
  refusing.status = 'wait'
  refusing.connect = async () => { throw new Error('ECONNREFUSED') }
  t.equal(await status(await start(t, { throttle: { redis: client(refusing) } }), 'alice', 'a'), 200)
})

t.test('logins under way on several instances block nobody', async (t) => {
  const values = new Map()
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`user${index}`, users.alice]))
  const apps: FastifyInstance[] = []
  for (let index = 0; index < 4; index++) {
    const redis = client(new FakeRedis(undefined, undefined, values))
    apps.push(await start(t, { users: many, throttle: { perAddress: 5, delay: 0, redis } }))
  }
  const names = Object.keys(many)
  const all = await Promise.all(names.map(async (name, index) => await answer(apps[index % apps.length]!, name, 'a')))
  t.ok(all.some(({ statusCode }) => statusCode === 200))
  for (const late of all.filter(({ statusCode }) => statusCode !== 200)) {
    t.same([late.statusCode, late.headers['retry-after']], [429, '1'], 'who waits, waits a second')
  }
  t.equal(values.size, 0, 'nothing has failed')
  for (const [index, name] of names.entries()) t.equal(await status(apps[index % apps.length]!, name, 'a'), 200)
})

t.test('guesses in parallel on several instances get no more than each instance\'s share', async (t) => {
  const values = new Map()
  const apps: FastifyInstance[] = []
  for (let index = 0; index < 3; index++) {
    const redis = client(new FakeRedis(undefined, undefined, values))
    apps.push(await start(t, { throttle: { perLogin: 4, delay: 0, redis } }))
  }
  const all = await Promise.all(Array.from({ length: 60 }, async (_, index) => await status(apps[index % 3]!, 'alice', `x${index}`)))
  const checked = all.filter((code) => code === 401).length
  t.ok(checked >= 4 && checked <= 12, `${checked} were checked`)
  t.equal(await status(apps[0]!, 'alice', 'a'), 429)
})
