import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import auth, { requiresAuth } from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import { reloadPages } from 'fastify-quickstart/live-reload'
import params, { int } from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'

const publicDir = join(import.meta.dirname, '..', 'public')
const viewsDir = join(import.meta.dirname, '..', 'views')
const notes = ['feed the cat', 'water the <plants>']

/** The app: the five plugins, and routes in which they meet. */
export default async function allFive (app: FastifyInstance, options: object) {
  if (process.env.NODE_ENV !== 'production') reloadPages(app, [publicDir, viewsDir])

  await app.register(params) // first, for it names the routes that are declared after it
  await app.register(auth, { path: false, logout: '/logout', protect: ['/notes'] })
  await app.register(files, { root: publicDir })
  await app.register(templates, { root: viewsDir, index: { view: 'index' }, context: { notes } })
  await app.register(hello, { path: '/hello' })

  // Named for urlFor, guarded by protect, rendered by templates.
  app.get('/notes', { config: { name: 'notes' } }, async (request, reply) => reply.render('notes'))

  // Guarded by the hook, with a number from the path, answered as JSON.
  app.get<{ Params: { number: number } }>('/notes/:number', {
    config: { name: 'note' },
    onRequest: requiresAuth,
    schema: { params: { type: 'object', properties: { number: int({ min: 1, max: notes.length }) } } }
  }, async ({ params: { number }, user }) => ({ number, note: notes[number - 1], for: user?.name }))
}
