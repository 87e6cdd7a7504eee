import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import templates, { type TemplatesOptions } from 'fastify-quickstart/templates'

declare module 'fastify-quickstart/templates' {
  interface Views {
    results: { names: string[] }
  }
}

const root = mkdtempSync(join(import.meta.dirname, 'quickstart-views-'))
writeFileSync(join(root, 'results.eta'), '<ul><% for (const name of it.names) { %><li><%= name %></li><% } %></ul>\n')
const options: TemplatesOptions = { root }

const app = Fastify()
await app.register(templates, options)
app.get('/', async (request, reply) => {
  const found: boolean = app.hasView('results')
  return reply.header('x-found', String(found)).render('results', { names: ['a', '<b>'] })
})
app.get('/wrong', async (request, reply) => {
  // @ts-expect-error there is no such view
  return reply.render('result', { names: [] })
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
