import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import auth from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import { reloadPages } from 'fastify-quickstart/live-reload'
import params from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'

const publicDir = join(import.meta.dirname, '..', 'public')
const viewsDir = join(import.meta.dirname, '..', 'views')

/** The app: the five plugins, and a route of your own. */
export default async function server (app, options) {
  if (process.env.NODE_ENV !== 'production') reloadPages(app, [publicDir, viewsDir])

  await app.register(params) // first, for it names the routes that are declared after it
  await app.register(auth)
  await app.register(files, { root: publicDir })
  await app.register(templates, { root: viewsDir, index: { view: 'index' } })
  await app.register(hello, { path: '/hello' })

  app.get('/dice', { config: { name: 'dice' } }, async (request, reply) => {
    return reply.render('dice', { eyes: Math.ceil(Math.random() * 6) })
  })
}

// `node` starts the server here. `fastify start` and the tests take the app above alone.
if (realpathSync(process.argv[1] ?? '') === import.meta.filename) {
  const app = Fastify({ logger: { level: 'warn' } })
  await app.register(server)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
  const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
  console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)
}
