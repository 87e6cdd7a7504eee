import type { FastifyInstance } from 'fastify'

/**
 * Your own routes. They run inside the app, after the topics, so what a topic adds is there:
 *
 * ```ts
 * import { requiresAuth } from './plugins/auth/index.ts'
 *
 * app.get('/about', async (request, reply) => reply.render('about', { title: 'About' }))  // views/about.eta
 * app.get('/results', { onRequest: requiresAuth }, async (request) => ({ for: request.user?.name }))
 * ```
 */
export default async function routes (app: FastifyInstance): Promise<void> {
}
