import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import auth from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import params from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'

const app = Fastify()

// These two first: auth guards, and params names, the routes that are declared after them.
await app.register(auth, { protect: ['/notes'] })
await app.register(params)

await app.register(files, { root: fileURLToPath(new URL('public', import.meta.url)) })
await app.register(templates, { root: new URL('views', import.meta.url), index: { path: '/', view: 'index' } })
await app.register(hello, { path: '/hello' })

// A route of the app's own: named for urlFor, guarded by protect, rendered by templates.
app.get('/notes', { config: { name: 'notes' } }, async (request, reply) => {
  return reply.render('notes', { notes: ['feed the cat', 'water the <plants>'] })
})

const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)
