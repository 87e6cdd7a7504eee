// A page for the group `researchers`: the answers by user and day since this process started, and the queue now.
import { requiresGroup } from 'fastify-quickstart/auth'

export default async function usage (app, { queue, journal }) {
  app.get('/usage', {
    config: { name: 'usage' },
    onRequest: requiresGroup('researchers')
  }, async (request, reply) => reply.render('usage', {
    canSeeUsage: true, queue: queue.now, rows: journal.listCounts()
  }))
}
