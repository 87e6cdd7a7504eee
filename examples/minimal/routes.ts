import type { RoutesPlugin } from 'fastify-quickstart'
import { logOut, optionalAuth, requiresAuth } from 'fastify-quickstart/auth'
import { int } from 'fastify-quickstart/params'

/** Your own routes. They run inside the app, with its pages, guards, converters and headers. */
const routes: RoutesPlugin = async (app) => {
  app.addHook('onRequest', optionalAuth) // each page shows who is logged in

  app.get('/', { config: { name: 'index' } }, async (request, reply) => reply.render('index'))

  // The form sends its field in the query: a whole number from 2 to 100, or the answer is 400 and says so.
  app.get<{ Querystring: { sides: number } }>('/dice', {
    config: { name: 'dice' },
    schema: { querystring: { type: 'object', properties: { sides: int({ min: 2, max: 100, default: 6 }) } } }
  }, async (request, reply) => {
    const { sides } = request.query
    return reply.render('dice', { sides, rolled: Math.ceil(Math.random() * sides) })
  })

  app.get('/private', { config: { name: 'private' }, onRequest: requiresAuth }, async (request, reply) => {
    return reply.render('private')
  })

  app.get('/logout', { config: { name: 'logout' } }, logOut)
}

export default routes
