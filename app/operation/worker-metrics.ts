import type { FastifyBaseLogger } from 'fastify'
import type { EventEmitter } from 'node:events'
import type { Counter, MetricObject, Registry } from 'prom-client'
import type { Metrics } from './metrics-server.ts'
import type { PromClient } from './prom-client.ts'

/** The primary of `--workers` asks a worker for its metrics. */
interface Question {
  askMetrics: number
}

/** The worker's answer, with the number of the question. */
interface Answer {
  tellMetrics: number
  metrics: MetricObject[]
}

/** A process at the other end of a channel: the primary as a worker sees it, or a worker. */
export interface Channel extends EventEmitter {
  send?: (message: Question | Answer, done: () => void) => unknown
}

/** A worker as the primary sees it. */
export interface MeasuredWorker extends Channel {
  process: { pid?: number }
}

/** Why a worker was replaced: it ended, it was blocked and ended by force, or SIGHUP asked for it. */
export type Replacement = 'ended' | 'blocked' | 'reload'

/** Milliseconds that a worker has for its metrics. Prometheus gives a scrape 10 seconds. */
const patience = 2000

/**
 * Tells the metrics of a worker to its primary, whenever that asks.
 *
 * @returns the function that ends it
 */
export function tellPrimary (primary: Channel, registry: Registry): () => void {
  async function tell (message: Partial<Question>): Promise<void> {
    if (message.askMetrics === undefined) return
    const metrics = await registry.getMetricsAsJSON()
    primary.send?.({ tellMetrics: message.askMetrics, metrics }, () => {}) // a primary that is gone needs no answer
  }
  primary.on('message', tell)
  return () => { primary.off('message', tell) }
}

/** The metrics of all workers together, and those of their primary. */
export class WorkersMetrics implements Metrics {
  readonly contentType: string
  readonly #client: PromClient
  readonly #own: Registry
  readonly #replaced: Counter
  readonly #workers: () => Iterable<MeasuredWorker>
  readonly #log: FastifyBaseLogger
  /** The last figures of each worker. */
  readonly #told = new WeakMap<MeasuredWorker, MetricObject[]>()
  /** Those of which the log says already that they tell nothing. */
  readonly #silent = new WeakSet<MeasuredWorker>()
  #questions = 0

  /** @param workers those that listen now */
  constructor (client: PromClient, workers: () => Iterable<MeasuredWorker>, log: FastifyBaseLogger) {
    this.#client = client
    this.#own = new client.Registry()
    this.contentType = this.#own.contentType
    this.#replaced = new client.Counter({
      name: 'quickstart_workers_replaced_total',
      help: 'Workers that were replaced, by the reason: ended, blocked or reload (SIGHUP)',
      labelNames: ['reason'],
      registers: [this.#own]
    })
    this.#workers = workers
    this.#log = log
    for (const reason of ['ended', 'blocked', 'reload'] satisfies Replacement[]) this.#replaced.inc({ reason }, 0)
  }

  countReplacement (reason: Replacement): void {
    this.#replaced.inc({ reason })
  }

  /** Asks all workers. One that is blocked counts with what it told last: counters must not fall. */
  async render (): Promise<string> {
    const workers = [...this.#workers()]
    const figures = await Promise.all(workers.map(async (worker) => await this.#ask(worker)))
    const all = this.#client.AggregatorRegistry.aggregate([await this.#own.getMetricsAsJSON(), ...figures])
    return await all.metrics()
  }

  async #ask (worker: MeasuredWorker): Promise<MetricObject[]> {
    const figures = await askWorker(worker, ++this.#questions)
    if (figures === undefined) this.#noteSilence(worker)
    else {
      this.#silent.delete(worker)
      this.#told.set(worker, figures)
    }
    return this.#told.get(worker) ?? []
  }

  #noteSilence (worker: MeasuredWorker): void {
    if (this.#silent.has(worker)) return
    this.#silent.add(worker)
    this.#log.warn(`worker ${worker.process.pid} has told no metrics within ${patience / 1000} s; ` +
      'it counts with those that it told last')
  }
}

/** Asks a worker, and returns undefined where it does not answer in time. */
function askWorker (worker: MeasuredWorker, question: number): Promise<MetricObject[] | undefined> {
  return new Promise((resolve) => {
    function finish (metrics?: MetricObject[]): void {
      clearTimeout(timer)
      worker.off('message', hear).off('exit', leave)
      resolve(metrics)
    }
    const hear = (message: Partial<Answer>) => { if (message.tellMetrics === question) finish(message.metrics) }
    const leave = () => finish([])
    const timer = setTimeout(finish, patience)
    worker.on('message', hear).on('exit', leave)
    worker.send?.({ askMetrics: question }, () => {})
  })
}
