// The same for a CommonJS module of TypeScript: `import` becomes `require`.
import Fastify from 'fastify'
import quickstart = require('fastify-quickstart')
import { auth, requiresAuth } from 'fastify-quickstart/auth'
import hello = require('fastify-quickstart/hello')
import { params } from 'fastify-quickstart/params'
import { static as files, type StaticOptions } from 'fastify-quickstart/static'
import { templates } from 'fastify-quickstart/templates'

async function main (): Promise<void> {
  const served: StaticOptions = { root: __dirname }
  const app = Fastify()
  await app.register(auth, { users: { alice: 'correct horse' } })
  await app.register(hello.default, { message: 'Hello' })
  await app.register(params)
  await app.register(files, served)
  await app.register(templates, { root: __dirname })
  await app.register(quickstart.default, { prefix: '/again' })
  app.get('/guarded', { onRequest: requiresAuth }, async (request) => {
    const name: string | undefined = request.user?.name
    return { name, url: app.urlFor('user', { username: 'a b' }) }
  })
  // @ts-expect-error a message is text
  await app.register(hello.default, { message: 5 })
}

main().catch(console.error)
