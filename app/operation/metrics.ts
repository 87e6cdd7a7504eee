import type { FastifyInstance } from 'fastify'
import type { Gauge, Registry } from 'prom-client'
import { areAccountsUnreadable, isRedisAway, readLoginCounts } from '../../plugins/auth/internal.ts'
import { countBytesInMemory } from '../../plugins/static/internal.ts'
import { type MetricsPlace, type MetricsServer, serveMetrics } from './metrics-server.ts'
import { loadPromClient, type PromClient } from './prom-client.ts'
import { tellPrimary } from './worker-metrics.ts'

/**
 * Counts what the app does, for Prometheus: requests and their durations, logins, the queue of passwords to hash, the
 * memory of static files, and prom-client's defaults (processor, memory, descriptors, delay of the event loop).
 *
 * @param place where to serve them while the app listens; `'primary'` in a worker, whose primary asks for them
 * @throws `FST_QUICKSTART_APP_PROM_CLIENT_MISSING` when the package prom-client is not installed
 */
export async function measure (app: FastifyInstance, place: MetricsPlace | 'primary'): Promise<void> {
  const client = await loadPromClient()
  const { collectDefaultMetrics, Gauge, Histogram, Registry } = client
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests by the path of their route, method and status',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [registry]
  })
  app.addHook('onRequest', ({ routeOptions: { url = 'none' }, method }, reply, done) => {
    // onResponse is not called for an answer that is cut.
    reply.raw.once('close', () => {
      const status = reply.raw.headersSent ? reply.statusCode : 499 // whoever ended the connection
      durations.observe({ route: url, method, status }, reply.elapsedTime / 1000)
    })
    done()
  })
  countLogins(app, client, registry)
  registry.registerMetric(new Gauge({
    name: 'quickstart_static_bytes',
    help: 'Bytes of static files and their compressed forms in memory',
    registers: [],
    collect () { this.set(countBytesInMemory(app)) }
  }))

  if (place === 'primary') {
    const end = tellPrimary(process, registry)
    app.addHook('onClose', async () => end())
    return
  }
  let server: MetricsServer | undefined
  const metrics = { contentType: registry.contentType, render: async () => await registry.metrics() }
  app.addHook('onListen', async () => { server = await serveMetrics(place, metrics, app.log) })
  app.addHook('onClose', async () => server?.close())
}

function countLogins (app: FastifyInstance, { Counter, Gauge }: PromClient, registry: Registry): void {
  registry.registerMetric(new Counter({
    name: 'quickstart_logins_total',
    help: 'Logins by what they came to: remembered, right, wrong, throttled (429) or busy (503)',
    labelNames: ['outcome'],
    registers: [],
    collect () {
      this.reset()
      for (const [outcome, count] of Object.entries(readLoginCounts(app).outcomes)) this.inc({ outcome }, count)
    }
  }))
  registry.registerMetric(new Gauge({
    name: 'quickstart_password_checks',
    help: 'Passwords that are being hashed now (running) or wait for it (waiting)',
    labelNames: ['state'],
    registers: [],
    collect () {
      const { running, waiting } = readLoginCounts(app).hashing
      this.set({ state: 'running' }, running)
      this.set({ state: 'waiting' }, waiting)
    }
  }))
  const troubles = {
    quickstart_users_unreadable: {
      help: '1 while the users or groups file cannot be read or is broken, so that what was read before is in force',
      isThere: areAccountsUnreadable
    },
    quickstart_redis_away: {
      help: '1 while Redis is away, so that failed logins are counted in memory',
      isThere: isRedisAway
    }
  }
  for (const [name, { help, isThere }] of Object.entries(troubles)) {
    const collect = function (this: Gauge): void { this.set(isThere(app) ? 1 : 0) }
    // Of several workers, one is enough.
    registry.registerMetric(new Gauge({ name, help, aggregator: 'max', registers: [], collect }))
  }
}
