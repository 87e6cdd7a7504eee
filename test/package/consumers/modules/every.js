// The same in JavaScript, checked by TypeScript.
// @ts-check
import Fastify from 'fastify'
import quickstart from 'fastify-quickstart'
import { auth, requiresAuth } from 'fastify-quickstart/auth'
import { hello } from 'fastify-quickstart/hello'
import { int, params } from 'fastify-quickstart/params'
import { static as files } from 'fastify-quickstart/static'
import { templates } from 'fastify-quickstart/templates'

/** @type {import('fastify-quickstart/static').StaticOptions} */
const served = { root: import.meta.dirname }

const app = Fastify()
await app.register(quickstart, { prefix: '/all' })
await app.register(auth, { users: { alice: 'correct horse' } })
await app.register(hello, { message: 'Hello' })
await app.register(params)
await app.register(files, served)
await app.register(templates, { root: import.meta.dirname })
app.get('/', { onRequest: requiresAuth, schema: { querystring: { n: int() } } }, async (request, reply) => {
  /** @type {string | undefined} */
  const name = request.user?.name
  return reply.render('page', { name, url: app.urlFor('user', { username: 'a b' }) })
})

// @ts-expect-error a message is text
await app.register(hello, { message: 5 })
