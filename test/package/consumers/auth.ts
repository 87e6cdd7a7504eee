import Fastify from 'fastify'
import auth, { hash, type AuthOptions, requiresAuth } from 'fastify-quickstart/auth'

const options: AuthOptions = { users: { alice: await hash('correct horse') }, realm: 'Laboratory', path: false }

const app = Fastify()
await app.register(auth, options)
app.get('/', async (request) => ({ user: request.user }))
app.get('/results', { onRequest: requiresAuth }, async (request) => {
  const name: string | undefined = request.user?.name
  return { name }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
