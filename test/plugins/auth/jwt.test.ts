import jwt from '@fastify/jwt'
import Fastify from 'fastify'
import t from 'tap'
import auth, { requiresAuth, type User } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: User | null
  }
}

const users = { alice: cheap.argon2id('a') }

t.test('beside @fastify/jwt, one of the two takes another name on the request', async (t) => {
  const rows = [
    { forAuth: {}, forJwt: { decoratorName: 'token' }, seen: [{ name: 'alice', groups: [] }, undefined] },
    { forAuth: { decoratorName: 'login' }, forJwt: {}, seen: [null, { name: 'alice', groups: [] }] }
  ]
  for (const { forAuth, forJwt, seen } of rows) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(auth, { users, ...forAuth })
    await app.register(jwt, { secret: 'not a secret', ...forJwt })
    app.get('/basic', { onRequest: requiresAuth }, async (request) => {
      return [request.user, Object.entries(request).find(([key]) => key === 'login')?.[1]]
    })
    app.get('/bearer', async (request) => await request.jwtVerify())
    const answer = await app.inject({ url: '/basic', headers: basic('alice', 'a') })
    t.strictSame(answer.json(), JSON.parse(JSON.stringify(seen)))
    const authorization = `Bearer ${app.jwt.sign({ id: 7 })}`
    t.match((await app.inject({ url: '/bearer', headers: { authorization } })).json(), { id: 7 })
    t.equal((await app.inject({ url: '/basic', headers: { authorization } })).statusCode, 401)
  }
})
