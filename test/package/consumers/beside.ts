// An app with ways of its own, once alone and twice with the five plugins beside it: registered on the app itself, and
// in a context of their own. Prints the three addresses in this order.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import auth from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import params from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'

const root = mkdtempSync(join(import.meta.dirname, 'quickstart-beside-'))
writeFileSync(join(root, 'app.js'), 'alert("demo")\n')
writeFileSync(join(root, 'page.eta'), '<script src="<%= it.asset("app.js") %>"></script><a href="<%= it.urlFor("user", { username: "a b" }) %>">\n')

const prefix = '/demo'

const none = async (): Promise<void> => {}

async function onTheApp (app: FastifyInstance): Promise<void> {
  await app.register(auth, { prefix })
  await app.register(params, { prefix })
  await app.register(files, { root, prefix: `${prefix}/static/` })
  await app.register(templates, { root, prefix, index: { path: '/page', view: 'page' } })
  await app.register(hello, { prefix })
}

async function inAContext (app: FastifyInstance): Promise<void> {
  await app.register(async (child) => {
    await child.register(auth)
    await child.register(params)
    await child.register(files, { root })
    await child.register(templates, { root, index: { path: '/page', view: 'page' } })
    await child.register(hello)
  }, { prefix })
}

for (const addPlugins of [none, onTheApp, inAContext]) {
  const app = Fastify({ logger: false })
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    return reply.code(error.statusCode ?? 500).header('x-own', 'error handler').send({ mine: error.message })
  })
  app.setNotFoundHandler((request, reply) => reply.code(404).header('x-own', 'not found').send(`nothing at ${request.url}`))
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, (request, body, done) => done(null, String(body).split(',')))

  await addPlugins(app)

  app.get('/', async () => ({ hello: 'from the app' }))
  app.get('/html', async (request, reply) => reply.type('text/html').send('<p>own</p>'))
  app.get('/cached', async (request, reply) => reply.header('cache-control', 'public, max-age=60').header('etag', '"own"').send('own'))
  app.get('/fails', async () => { throw new Error('the app shows this') })
  app.get('/teapot', async () => { throw Object.assign(new Error('short and stout'), { statusCode: 418 }) })
  app.get('/user/:name', async (request) => request.params)
  app.get('/number/:n', { schema: { params: { type: 'object', properties: { n: { type: 'integer' } } } } }, async (request) => request.params)
  app.get('/query', async (request) => request.query)
  app.get('/coerced', { schema: { querystring: { type: 'object', properties: { n: { type: 'integer', default: 1 } } } } }, async (request) => request.query)
  app.get('/files/*', async (request) => request.params)
  app.post('/echo', async (request) => ({ body: request.body }))
  console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
}
