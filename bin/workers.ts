import Fastify from 'fastify'
import cluster from 'node:cluster'
import { RateLimiterClusterMaster } from 'rate-limiter-flexible'
import { type MetricsServer, serveMetrics } from '../app/operation/metrics-server.ts'
import { loadPromClient } from '../app/operation/prom-client.ts'
import { WorkersMetrics } from '../app/operation/worker-metrics.ts'
import { loadEnvFile } from '../app/settings/env-file.ts'
import { readSettings } from '../app/settings/settings.ts'
import { findPlaceOfWorkers } from './current-folder.ts'
import { checkLogLevel, createCommandLogOptions } from './make-app.ts'
import { announce } from './place.ts'
import { WorkerPool } from './worker-pool.ts'

/**
 * Starts workers that share the port, which this process holds, and keeps them: one that ends or is blocked is
 * replaced, SIGHUP replaces all of them one by one, and a signal stops them. Failed logins are counted here for all of
 * them, and metrics are served for all.
 *
 * @returns the exit code, once the workers listen or the first could not start, of which it has said why itself
 * @throws `FST_QUICKSTART_APP_PROM_CLIENT_MISSING` when metrics are asked for and the package is not installed
 */
export async function superviseWorkers (count: number, level: string | undefined): Promise<number> {
  checkLogLevel(level)
  loadEnvFile()
  const settings = readSettings()
  // Each worker accepts from the one socket. Dealt out by this process, a connection would hang whose worker is killed.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary(findPlaceOfWorkers())
  const { log } = Fastify({ logger: createCommandLogOptions(level, settings) })
  // eslint-disable-next-line no-new -- it listens to what the workers ask for
  new RateLimiterClusterMaster()
  const metrics = settings.metrics && new WorkersMetrics(await loadPromClient(), () => pool.listening, log)
  const pool = new WorkerPool(count, settings, log, (reason) => metrics?.countReplacement(reason))
  let metricsServer: MetricsServer | undefined

  async function stop (signal: string): Promise<void> {
    await pool.stop(signal)
    await metricsServer?.close()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // On a terminal SIGHUP says that it is gone.
  process.on('SIGHUP', () => process.stdout.isTTY === true ? stop('SIGHUP') : pool.replaceAll())

  const where = await pool.start()
  if (where === undefined) return 1
  if (settings.metrics && metrics) metricsServer = await serveMetrics(settings.metrics, metrics, log)
  announce(where)
  return 0
}
