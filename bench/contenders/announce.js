import { readFileSync } from 'node:fs'

/** @type {any} What this contender is to serve. */
export const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))

/**
 * Tells the run that this contender listens, answers it when it asks for memory or processor time, and ends with it.
 *
 * @param {number} port
 * @param {{ memory?: () => object, end?: () => void, took?: number }} [own] took: milliseconds from the start of
 *   another server, for which this process stands in, to its first answer
 */
export function announce (port, { memory = ownMemory, end = () => process.exit(), took } = {}) {
  process.on('message', (asked) => process.send?.(asked === 'memory' ? memory() : process.cpuUsage()))
  process.on('disconnect', end)
  process.send?.({ port, took })
}

/** Listens on a free port of the loopback address. @param {import('node:http').Server} server */
export function listen (server) {
  server.listen(0, '127.0.0.1', () => announce(/** @type {import('node:net').AddressInfo} */ (server.address()).port))
}

/** Listens likewise. @param {import('fastify').FastifyInstance} app */
export async function listenWith (app) {
  await app.listen({ host: '127.0.0.1', port: 0 })
  listenedOn(app.server)
}

/** @param {import('node:http').Server} server */
export function listenedOn (server) {
  announce(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
}

function ownMemory () {
  for (let times = 0; times < 3; times++) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss, live: heapUsed + external }
}
