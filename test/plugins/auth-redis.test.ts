import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import { connectRedisCounts } from '../../plugins/auth/counts.js'
import type { AuthOptions, RedisClient } from '../../plugins/auth/index.js'
import auth from '../../plugins/auth/index.js'
import { FakeRedis } from './auth/fake-redis.js'
import { basic, cheap, logLines } from './auth/logins.js'

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
    const app = await start(t, { throttle: { perLogin: 2, delay: 0, redis: client(redis) } }, { logger: { stream }, disableRequestLogging: true })
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
  const { lines, stream } = logLines()
  const { log } = Fastify({ logger: { stream } })
  const options = { window: 60, keyPrefix: 'x' }
  const counts = await connectRedisCounts('redis://127.0.0.1', options, log, async () => ({ Redis: FakeRedis }) as unknown as Pick<typeof import('ioredis'), 'Redis'>)
  const redis = FakeRedis.last
  t.equal((await counts.run((limiter) => limiter.consume('key'))).consumedPoints, 1)
  t.equal(redis.values.get('x:key')?.value, 1)
  counts.close()
  t.equal(redis.disconnected, true)
  redis.emit('error', new Error('after the close'))
  t.same(lines, [], 'closing is no trouble')

  await t.rejects(connectRedisCounts('redis://127.0.0.1', options, log, async () => await Promise.reject(new Error('not found'))), { code: 'FST_QUICKSTART_AUTH_REDIS_MISSING' })
})

t.test('starts, and logs people in, with a Redis that is down', async (t) => {
  const { lines, stream } = logLines()
  const app = await start(t, { throttle: { perLogin: 1, delay: 0, redis: 'redis://127.0.0.1:1' } }, { logger: { stream, level: 'warn' } })
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'bob', 'x'), 401)
  t.equal(await status(app, 'bob', 'x'), 429)
  t.equal(lines.filter(({ msg }) => /Redis is away/.test(msg as string)).length, 1)
})
