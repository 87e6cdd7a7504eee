import type { FastifyInstance } from 'fastify'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'

/** Node says here which server of this process has begun to listen. */
const listening = 'tracing:net.server.listen:asyncEnd'

/**
 * Calls `use` with each server of the app: with app.server at once, and with the others once the app listens.
 * `app.listen({ port })` listens on each address of localhost, and has a server for each, of which Fastify shows one.
 */
export function prepareEachServer (app: FastifyInstance, use: (server: Server) => void): void {
  use(app.server)
  const candidates = new Set<Server>()
  function note (message: unknown): void {
    candidates.add((message as { server: Server }).server) // Node documents the field
  }
  app.addHook('onReady', async () => subscribe(listening, note))
  app.addHook('onListen', async () => {
    unsubscribe(listening, note)
    for (const server of candidates) if (server !== app.server && isOf(app, server)) use(server)
    candidates.clear()
  })
  app.addHook('onClose', async () => { unsubscribe(listening, note) })
}

/** Events by which a server answers what never becomes a request of Fastify's. Upgrades Fastify passes on itself. */
const outsideFastify = ['clientError', 'checkContinue', 'checkExpectation', 'connect'] as const

/** Lets every server of the app answer as app.server does, also what is not a request. */
export function answerAlike (app: FastifyInstance): void {
  prepareEachServer(app, (server) => {
    if (server === app.server) return
    for (const event of outsideFastify) {
      // Listeners for an event of a server fit another server of its kind.
      for (const listener of app.server.listeners(event)) server.on(event, listener as () => void)
    }
  })
}

/** Whether the app listens with this server: no two of a process listen on the same address and port. */
function isOf (app: FastifyInstance, server: Server): boolean {
  const place = JSON.stringify(server.address())
  return app.addresses().some((address) => JSON.stringify(address) === place)
}
