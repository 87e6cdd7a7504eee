import { join } from 'node:path'
import formbody from '@fastify/formbody'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import auth from 'fastify-quickstart/auth'
import { reloadPages } from 'fastify-quickstart/live-reload'
import params from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'
import sightings from './sightings.ts'

const publicDir = join(import.meta.dirname, '..', 'public')
const viewsDir = join(import.meta.dirname, '..', 'views')

/** The app: the plugins, then its own pages. */
export default async function sightingsApp (app: FastifyInstance, options: object) {
  if (process.env.NODE_ENV !== 'production') reloadPages(app, [publicDir, viewsDir])
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply.code(404), 'There is nothing at this address.'))

  await app.register(params, { routes: false }) // first, for it names the routes that are declared after it
  // The files come from `npx fastify-quickstart hash-password NAME --file users`, and from an editor: wardens: ada
  const { USERS_FILE, GROUPS_FILE } = process.env
  await app.register(auth, {
    ...(USERS_FILE ? { htpasswd: USERS_FILE } : { users: { ada: 'secret', bob: 'secret' } }),
    groups: GROUPS_FILE ?? { wardens: ['ada'] },
    realm: 'Sightings',
    path: false,
    logout: '/logout'
  })
  await app.register(files, { root: publicDir })
  await app.register(templates, { root: viewsDir })
  await app.register(formbody)
  await app.register(sightings)
}

function answerError (error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const statusCode = error.statusCode ?? 500
  if (statusCode >= 500) request.log.error(error)
  return sendProblem(request, reply.code(statusCode), statusCode < 500 ? error.message : 'The server failed to answer.')
}

/** A page for browsers, JSON for programs. */
function sendProblem (request: FastifyRequest, reply: FastifyReply, message: string) {
  return request.headers.accept?.includes('text/html') ? reply.render('problem', { message }) : reply.send({ message })
}
