import Fastify, { type FastifyBaseLogger } from 'fastify'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { RateLimiterClusterMaster } from 'rate-limiter-flexible'
import { type MetricsServer, serveWorkersMetrics } from '../app/operation/metrics.ts'
import { readSettings, type Settings } from '../app/settings/settings.ts'
import { checkLogLevel, logOptions, readSettingsFile } from './make-app.ts'
import type { Messages } from './signals.ts'

/** Milliseconds before a worker that died is replaced; twice as many for each one more in the last minute. */
const firstDelay = 100
const longestDelay = 5000
/** So many that died within a minute, and never fewer than three for each place, are too many. */
const mostDeaths = 10

/**
 * Starts workers that share the port, which this process holds, and keeps them: one that dies is replaced, SIGHUP
 * replaces all of them one by one, and a signal stops them. Failed logins are counted here for all of them.
 *
 * @returns the exit code, once the workers listen or the first could not start, of which it has said why itself
 */
export async function superviseWorkers (count: number, level: string | undefined): Promise<number> {
  checkLogLevel(level)
  readSettingsFile()
  const settings = readSettings()
  // Each worker accepts from the one socket. Dealt out by this process, a connection would hang whose worker is killed.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  const { log } = Fastify({ logger: logOptions(level, settings) })
  // eslint-disable-next-line no-new -- it listens to what the workers ask for
  new RateLimiterClusterMaster()
  const crew = new Crew(count, settings, log)
  const metrics = settings.metrics === undefined ? undefined : await serveWorkersMetrics(settings.metrics, log)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => crew.stop(signal, metrics))
  // On a terminal SIGHUP says that it is gone.
  process.on('SIGHUP', () => process.stdout.isTTY === true ? crew.stop('SIGHUP', metrics) : crew.replaceAll())
  const where = await crew.start()
  if (where === undefined) {
    await metrics?.close()
    return 1
  }
  process.stdout.write(`${where}. Ctrl-C stops the server.\n`)
  return 0
}

/** The workers. */
class Crew {
  readonly #count: number
  readonly #log: FastifyBaseLogger
  /** Milliseconds after which a worker that is told to stop is killed. It stops by itself before that. */
  readonly #patience: number
  /** Those that listen and are to stay, the oldest first. */
  readonly #staying = new Set<Worker>()
  /** Those that have been told to stop, each with its end. */
  readonly #leaving = new Map<Worker, Promise<void>>()
  /** When workers died in the last minute. */
  #deaths: number[] = []
  #hasStarted = false
  #isStopping = false
  #isReplacing = false

  constructor (count: number, { stop }: Settings, log: FastifyBaseLogger) {
    this.#count = count
    this.#patience = stop.graceSeconds * 1000 + 2000
    this.#log = log
  }

  /** Starts all workers. Answers where they listen, or undefined where the first could not start. */
  async start (): Promise<string | undefined> {
    const where = await this.#hire() // alone, so that a wrong setting is told once
    if (where === undefined) return undefined
    await Promise.all(Array.from({ length: this.#count - 1 }, async () => {
      if (await this.#hire() === undefined) await this.#replaceDead()
    }))
    this.#hasStarted = true
    this.#log.info(`${this.#count} workers listen; their primary is ${process.pid}`)
    return where
  }

  /** Starts a worker. Answers where it listens, or undefined where it ended first. */
  async #hire (): Promise<string | undefined> {
    const worker = cluster.fork()
    const where = await new Promise<string | undefined>((resolve) => {
      worker.on('message', (message: Partial<Messages['fromWorker']>) => {
        if (typeof message.listening === 'string') resolve(message.listening)
      })
      worker.once('exit', () => resolve(undefined))
    })
    if (where === undefined) return undefined
    this.#staying.add(worker)
    worker.once('exit', (code, signal) => this.#mourn(worker, signal ?? `exit code ${code}`))
    return where
  }

  #mourn (worker: Worker, how: string): void {
    if (!this.#staying.delete(worker) || this.#isStopping) return
    this.#log.error(`worker ${worker.process.pid} ended (${how}) and is replaced`)
    this.#replaceDead()
  }

  /** Starts a worker in the place of a dead one, again and again until it listens or there is no hope. */
  async #replaceDead (): Promise<void> {
    let failures = 0
    do {
      // One that cannot start, as with broken new code, is no reason to end those that go on.
      if (failures === 0 || this.#staying.size === 0 || !this.#hasStarted) this.#countDeath()
      await wait(Math.min(firstDelay * 2 ** (this.#deaths.length - 1 + failures++), longestDelay))
    } while (!this.#isStopping && this.#staying.size < this.#count && await this.#hire() === undefined)
    await this.#dismissSurplus()
  }

  #countDeath (): void {
    const now = Date.now()
    this.#deaths = [...this.#deaths.filter((time) => now - time < 60_000), now]
    if (this.#deaths.length <= Math.max(mostDeaths, 3 * this.#count)) return
    this.#log.fatal(`${this.#deaths.length} workers ended within a minute: the server gives up`)
    for (const worker of this.#all()) worker.process.kill('SIGKILL')
    process.exit(1)
  }

  /** Lets the oldest go where there are too many: one may have died, and been replaced, while all are replaced. */
  async #dismissSurplus (): Promise<void> {
    while (this.#staying.size > this.#count && !this.#isStopping) {
      const [oldest] = this.#staying
      this.#staying.delete(oldest!)
      await this.#end(oldest!, 'replaced')
    }
  }

  /** Starts a worker anew for each, with the files and the code as they are now, and then lets the old one go. */
  async replaceAll (): Promise<void> {
    if (this.#isReplacing || this.#isStopping) return
    this.#isReplacing = true
    this.#log.info('SIGHUP: the workers are replaced one by one')
    const old = [...this.#staying]
    while (old.some((worker) => this.#staying.has(worker))) {
      const where = await this.#hire()
      if (this.#isStopping) return
      if (where === undefined) {
        this.#log.error('SIGHUP: the new worker could not start; the others stay as they are')
        break
      }
      await this.#dismissSurplus()
    }
    this.#isReplacing = false
    this.#log.info('SIGHUP: done')
  }

  /** Stops all workers and then this process; the second time at once. */
  async stop (signal: string, metrics: MetricsServer | undefined): Promise<void> {
    if (this.#isStopping) {
      this.#log.error(`second ${signal}, exiting`)
      for (const worker of this.#all()) worker.process.kill('SIGKILL')
      process.exit(1)
    }
    this.#isStopping = true
    this.#log.info(`${signal}: the workers stop; a second signal ends them at once`)
    await Promise.all(this.#all().map(async (worker) => {
      if (this.#staying.has(worker)) await this.#end(worker, 'stop')
      else if (this.#leaving.has(worker)) await this.#leaving.get(worker)
      else worker.process.kill('SIGKILL') // it does not listen yet
    }))
    await metrics?.close()
    this.#log.info('stopping: all workers have stopped')
    process.exit(0)
  }

  async #end (worker: Worker, message: Messages['toWorker']): Promise<void> {
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), this.#patience)
    const exited = once(worker, 'exit').then(() => clearTimeout(timer))
    this.#leaving.set(worker, exited)
    worker.send(message)
    await exited
    this.#leaving.delete(worker)
  }

  #all (): Worker[] {
    const workers = cluster.workers! // a primary has them
    return Object.values(workers).filter((worker) => worker !== undefined)
  }
}
