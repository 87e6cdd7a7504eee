import type { FastifyInstance } from 'fastify'
import { createRequire } from 'node:module'
import { readBasePath } from '../../lib/router.ts'
import type { Switches } from '../settings/quickstart-options.ts'
import type { Settings } from '../settings/settings.ts'

/**
 * Logs what one asks first once the server listens: in production the facts, where Fastify's own line says the place,
 * and elsewhere what to open in a browser, or the socket.
 */
export function announceStart (app: FastifyInstance, on: Switches, settings: Settings): void {
  app.addHook('onListen', async () => {
    if (process.env.NODE_ENV === 'production') {
      app.log.info(listFacts(on, settings), 'fastify-quickstart listens')
      return
    }
    const address = app.server.address()
    if (typeof address !== 'object' || address === null) {
      app.log.info(`Listening on the socket ${address}`) // which no browser opens
      return
    }
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    app.log.info(`Open http://${host}:${address.port}${readBasePath(app)}/ in a browser`)
  })
}

function listFacts (on: Switches, settings: Settings): object {
  const { version } = createRequire(import.meta.url)('#package.json') as { version: string } // npm needs it to be there
  return {
    version,
    node: process.version,
    environment: process.env.NODE_ENV,
    topics: Object.entries(on).filter(([, options]) => options !== undefined).map(([topic]) => topic),
    trustProxy: settings.trustProxy,
    ...settings.stop
  }
}
