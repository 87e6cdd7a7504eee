import type { FastifyBaseLogger } from 'fastify'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Replacement } from '../app/operation/worker-metrics.ts'
import type { Settings } from '../app/settings/settings.ts'
import type { Messages } from './worker.ts'

/** Milliseconds before a worker that ended is replaced; twice as many for each one more in the last minute. */
const firstDelay = 100
const longestDelay = 5000
/** So many that ended within a minute, and never fewer than three for each place, are too many. */
const mostDeaths = 10

/** Starts the workers, replaces those that end or are blocked, and stops them. */
export class WorkerPool {
  readonly #count: number
  readonly #settings: Settings
  readonly #log: FastifyBaseLogger
  readonly #countReplacement: (reason: Replacement) => void
  /** Those that listen and are to stay, the oldest first, each with the seconds since its last sign of life. */
  readonly #staying = new Map<Worker, number>()
  /** Those that have been told to stop, each with its end. */
  readonly #leaving = new Map<Worker, Promise<void>>()
  /** Those that are ended by force because they are blocked. */
  readonly #blocked = new WeakSet<Worker>()
  /** When workers ended in the last minute. */
  #deaths: number[] = []
  #hasStarted = false
  #isStopping = false
  #isReplacing = false
  #isAskedAgain = false

  constructor (
    count: number,
    settings: Settings,
    log: FastifyBaseLogger,
    countReplacement: (reason: Replacement) => void
  ) {
    this.#count = count
    this.#settings = settings
    this.#log = log
    this.#countReplacement = countReplacement
  }

  /** All that listen, also those that are about to stop. */
  get listening (): Worker[] {
    return [...this.#staying.keys(), ...this.#leaving.keys()]
  }

  /** Starts all workers. Returns where they listen, or undefined where the first could not start. */
  async start (): Promise<string | undefined> {
    const where = await this.#startWorker() // alone, so that a wrong setting is told once
    if (where === undefined) return undefined
    await Promise.all(Array.from({ length: this.#count - 1 }, async () => {
      if (await this.#startWorker() === undefined) await this.#replaceEnded()
    }))
    this.#hasStarted = true
    setInterval(() => this.#endBlocked(), 1000).unref()
    this.#log.info(`${this.#count} workers listen; their primary is ${process.pid}`)
    if (this.#isAskedAgain) this.replaceAll()
    return where
  }

  /**
   * Starts a worker for each anew, with the files and the code as they are now, and then lets the old one go. Asked
   * again meanwhile, it begins anew once it is done: files may have changed after some workers had read them.
   */
  async replaceAll (): Promise<void> {
    if (this.#isStopping) return
    this.#isAskedAgain = true
    if (this.#isReplacing || !this.#hasStarted) {
      this.#log.info('SIGHUP: the workers are replaced once more when that is done')
      return
    }
    this.#isReplacing = true
    while (this.#isAskedAgain && !this.#isStopping) {
      this.#isAskedAgain = false
      await this.#replaceEach()
    }
    this.#isReplacing = false
  }

  /** Stops all workers and then this process; the second time at once. */
  async stop (signal: string): Promise<void> {
    if (this.#isStopping) {
      this.#log.error(`second ${signal}, exiting`)
      for (const worker of this.#all()) worker.process.kill('SIGKILL')
      process.exit(1)
    }
    this.#isStopping = true
    this.#log.info(`${signal}: the workers stop; a second signal ends them at once`)
    await Promise.all(this.#all().map(async (worker) => {
      if (this.#staying.has(worker)) await this.#stopWorker(worker, 'stop')
      else if (this.#leaving.has(worker)) await this.#leaving.get(worker)
      else worker.process.kill('SIGKILL') // it does not listen yet
    }))
    this.#log.info('stopping: all workers have stopped')
  }

  /** Starts a worker. Returns where it listens, or undefined where it ended first or took too long. */
  async #startWorker (): Promise<string | undefined> {
    const worker = cluster.fork()
    const limit = this.#limitStart(worker)
    const where = await new Promise<string | undefined>((resolve) => {
      // Own routes of a worker may say anything to the primary.
      worker.on('message', (message: Partial<Messages['fromWorker']> | null) => {
        if (typeof message?.listening === 'string') resolve(message.listening)
        if (message?.isAlive === true && this.#staying.has(worker)) this.#staying.set(worker, 0)
      })
      worker.once('exit', () => resolve(undefined))
      // The system has no process left, or the folder is gone.
      worker.on('error', (error) => {
        this.#log.error({ err: error }, 'a worker could not be started, or told something')
        resolve(undefined)
      })
    })
    clearTimeout(limit)
    if (where === undefined) return undefined
    this.#staying.set(worker, 0)
    worker.once('exit', (code, signal) => this.#onWorkerExit(worker, signal ?? `exit code ${code}`))
    return where
  }

  /** Ends a worker that does not listen in time, so that it holds up no other start. */
  #limitStart (worker: Worker): NodeJS.Timeout | undefined {
    const { startSeconds } = this.#settings.workers
    if (startSeconds === 0) return undefined
    return setTimeout(() => {
      this.#log.error(`worker ${worker.process.pid} does not listen after ${startSeconds} s and is ended; ` +
        'QUICKSTART_START_SECONDS sets another limit')
      worker.process.kill('SIGKILL')
    }, startSeconds * 1000)
  }

  #onWorkerExit (worker: Worker, how: string): void {
    if (!this.#staying.delete(worker) || this.#isStopping) return
    const wasBlocked = this.#blocked.has(worker)
    if (!wasBlocked) this.#log.error(`worker ${worker.process.pid} ended (${how}) and is replaced`)
    this.#countReplacement(wasBlocked ? 'blocked' : 'ended')
    this.#replaceEnded()
  }

  /** Starts a worker in the place of one that ended, again and again until it listens or there is no hope. */
  async #replaceEnded (): Promise<void> {
    let failures = 0
    do {
      // One that cannot start, as with broken new code, is no reason to end those that go on.
      if (failures === 0 || this.#staying.size === 0 || !this.#hasStarted) this.#countDeath()
      await wait(Math.min(firstDelay * 2 ** (this.#deaths.length - 1 + failures++), longestDelay))
    } while (!this.#isStopping && this.#staying.size < this.#count && await this.#startWorker() === undefined)
    await this.#stopSurplus()
  }

  #countDeath (): void {
    const now = Date.now()
    this.#deaths = [...this.#deaths.filter((time) => now - time < 60_000), now]
    if (this.#deaths.length <= Math.max(mostDeaths, 3 * this.#count)) return
    this.#log.fatal(`${this.#deaths.length} workers ended within a minute: the server gives up`)
    for (const worker of this.#all()) worker.process.kill('SIGKILL')
    process.exit(1)
  }

  /** Ends those that have given no sign of life for too long. Seconds count in which this process itself ran. */
  #endBlocked (): void {
    const { blockedSeconds } = this.#settings.workers
    if (blockedSeconds === 0) return
    for (const [worker, seconds] of this.#staying) {
      this.#staying.set(worker, seconds + 1)
      if (seconds < blockedSeconds || this.#blocked.has(worker)) continue
      this.#blocked.add(worker)
      this.#log.error(`worker ${worker.process.pid} has been blocked for ${blockedSeconds} s and is replaced; ` +
        'QUICKSTART_BLOCKED_SECONDS sets another limit')
      worker.process.kill('SIGKILL')
    }
  }

  async #replaceEach (): Promise<void> {
    this.#log.info('SIGHUP: the workers are replaced one by one')
    const old = [...this.#staying.keys()]
    while (old.some((worker) => this.#staying.has(worker))) {
      const where = await this.#startWorker()
      if (this.#isStopping) return
      if (where === undefined) {
        this.#log.error('SIGHUP: the new worker could not start; the others stay as they are')
        return
      }
      this.#countReplacement('reload')
      await this.#stopSurplus()
    }
    this.#log.info('SIGHUP: done')
  }

  /** Lets the oldest go where there are too many: one may have ended, and been replaced, while all are replaced. */
  async #stopSurplus (): Promise<void> {
    while (this.#staying.size > this.#count && !this.#isStopping) {
      const [oldest] = this.#staying.keys()
      await this.#stopWorker(oldest!, 'replaced') // there are more than none
    }
  }

  async #stopWorker (worker: Worker, message: Messages['toWorker']): Promise<void> {
    this.#staying.delete(worker)
    // It stops by itself before that.
    const patience = this.#settings.stop.graceSeconds * 1000 + 2000
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), patience)
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
