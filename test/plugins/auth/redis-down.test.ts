import Fastify from 'fastify'
import t from 'tap'
import auth from '../../../plugins/auth/index.ts'
import { basic, cheap, logLines } from './logins.ts'

const users = { alice: cheap.argon2id('a'), bob: cheap.argon2id('b') }

t.test('starts, and logs people in, with a Redis that is down', async (t) => {
  const { lines, stream } = logLines()
  const app = Fastify({ logger: { stream, level: 'warn' } })
  t.teardown(() => app.close())
  await app.register(auth, { users, throttle: { perLogin: 1, delay: 0, redis: 'redis://127.0.0.1:1' } })
  const rows = [['alice', 'a', 200], ['bob', 'x', 401], ['bob', 'x', 429]] as const
  for (const [name, password, status] of rows) {
    t.equal((await app.inject({ url: '/secret', headers: basic(name, password) })).statusCode, status)
  }
  t.equal(lines.filter(({ msg }) => /Redis is away/.test(msg as string)).length, 1)
})
