import { login } from '../content.js'

/** Gives each request a user, as a guard would have. @param {import('fastify').FastifyInstance} app */
export function logInAll (app) {
  const user = { name: login.name }
  app.decorateRequest('user', null)
  app.addHook('onRequest', (request, reply, done) => {
    /** @type {any} */ (request).user = user
    done()
  })
}
