// Everything that the package exports, as a module of TypeScript imports it. Type-checked under several settings.
import Fastify from 'fastify'
import quickstart, { options, type QuickstartOptions, quickstart as named } from 'fastify-quickstart'
import auth, { auth as namedAuth, type AuthOptions, hash, requiresAuth } from 'fastify-quickstart/auth'
import hello, { hello as namedHello } from 'fastify-quickstart/hello'
import { reloadPages } from 'fastify-quickstart/live-reload'
import params, { int, params as namedParams } from 'fastify-quickstart/params'
import files, { static as namedStatic, type StaticOptions } from 'fastify-quickstart/static'
import templates, { templates as namedTemplates } from 'fastify-quickstart/templates'

const switches: QuickstartOptions = { hello: false }
const served: StaticOptions = { root: import.meta.dirname }
const guarded: AuthOptions = { users: { alice: await hash('correct horse') } }

const app = Fastify(options)
Fastify({ ...options })
Fastify({ ...options, logger: { ...options.logger, level: 'warn' } })
await app.register(quickstart, switches)
await app.register(named)
await app.register(auth, guarded)
await app.register(namedAuth, guarded)
await app.register(hello, { message: 'Hello' })
await app.register(namedHello)
await app.register(params, { routes: false })
await app.register(namedParams)
await app.register(files, served)
await app.register(namedStatic, served)
await app.register(templates, { root: import.meta.dirname })
await app.register(namedTemplates, { root: import.meta.dirname })
reloadPages(app, [import.meta.dirname])

app.get('/', { onRequest: requiresAuth, schema: { params: { id: int({ min: 1 }) } } }, async (request, reply) => {
  const name: string | undefined = request.user?.name
  const urls: string[] = [app.urlFor('user', { username: 'a b' }), app.asset('app.js')]
  return reply.render('page', { name, urls })
})

// @ts-expect-error a message is text
await app.register(hello, { message: 5 })
// @ts-expect-error the root is missing
await app.register(files, {})
