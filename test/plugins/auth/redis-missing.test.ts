import { register } from 'node:module'
import Fastify from 'fastify'
import t from 'tap'
import auth from '../../../plugins/auth/index.ts'
import { cheap } from './logins.ts'

/** A module that makes Node find no package ioredis. */
const withoutRedis = `export const resolve = async (name, context, next) => {
  if (name === 'ioredis') throw new Error('Cannot find package')
  return await next(name, context)
}`

t.test('says how to install ioredis where a URL needs it', async (t) => {
  register(`data:text/javascript,${encodeURIComponent(withoutRedis)}`)
  const app = Fastify()
  t.teardown(() => app.close())
  const options = { users: { alice: cheap.argon2id('a') }, throttle: { redis: 'redis://127.0.0.1' } }
  await t.rejects(async () => await app.register(auth, options), {
    code: 'FST_QUICKSTART_AUTH_REDIS_MISSING',
    message: /npm install --save-prod ioredis \(on a server with --omit=dev\)/
  })
})
