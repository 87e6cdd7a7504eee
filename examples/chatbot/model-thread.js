// Runs model.js in a thread of its own: an error that nobody catches there ends the answers under way, not the server,
// and while the model computes, the server goes on answering others.
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Milliseconds that a thread has to hear of a cancelled answer. One that computes without a pause is ended. */
const cancelGrace = 1000

/** Milliseconds for which a start waits for what the model calls itself. */
const longestLoad = 5000

/**
 * @param {object} settings
 * @param {string} [settings.MODEL_NAME]
 * @param {import('fastify').FastifyBaseLogger} log
 * @param {URL} [file] a module such as model.js
 * @throws what the file throws while it is loaded
 */
export async function openThread ({ MODEL_NAME }, log, file = new URL('model.js', import.meta.url)) {
  const model = { name: MODEL_NAME || 'model.js', about: undefined, answer, close: () => thread.close() }
  let thread = start()
  let lastId = 0

  function start () {
    const started = new ModelThread(file, log)
    started.loaded.then(({ name = model.name, about }) => {
      Object.assign(model, { name: MODEL_NAME || name, about })
    }, (error) => log.error({ err: error }, `model.js failed: ${error.message}`))
    return started
  }

  async function * answer (messages, { signal, user }) {
    if (thread.hasEnded) thread = start()
    const { ask, cancel } = thread.open(++lastId)
    signal.addEventListener('abort', cancel, { once: true })
    let isOver = false
    try {
      while (!isOver) {
        // The thread works out a piece when it is asked for one, so that it is never far ahead.
        const { value, done } = await ask({ messages, user })
        isOver = done
        if (!done) yield value
      }
    } catch (error) {
      isOver = true
      throw error
    } finally {
      signal.removeEventListener('abort', cancel)
      if (!isOver) cancel()
    }
  }

  await Promise.race([thread.loaded, wait(longestLoad, undefined, { ref: false })])
  return model
}

class ModelThread {
  hasEnded = false
  /** @type {Promise<{ name?: string, about?: string }>} what the model calls itself; rejected where the thread fails */
  loaded
  #log
  #worker
  #waiting = new Map() // the id of each answer under way, and who waits for its next step
  #cancelled = new Map() // the id of each cancelled answer, and the timer that ends the thread
  #isClosing = false

  constructor (file, log) {
    this.#log = log
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { model: file.href } })
    this.loaded = new Promise((resolve, reject) => {
      this.#worker.on('message', (message) => message.id === undefined ? resolve(message) : this.#receive(message))
      this.#worker.on('error', (error) => this.#end(error, reject))
      this.#worker.on('exit', (code) => this.#end(new Error(`its thread ended: exit code ${code}`), reject))
    })
  }

  #receive ({ id, isCancelled, error, step }) {
    if (isCancelled) {
      clearTimeout(this.#cancelled.get(id))
      this.#cancelled.delete(id)
      return
    }
    const { resolve, reject } = this.#waiting.get(id) ?? {}
    this.#waiting.delete(id)
    if (error !== undefined) reject?.(error.thrown)
    else resolve?.(step)
  }

  #end (thrown, rejectLoaded) {
    if (this.hasEnded) return
    this.hasEnded = true
    for (const timer of this.#cancelled.values()) clearTimeout(timer)
    if (this.#isClosing) return
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    rejectLoaded(error)
    // Nobody is told who does not wait just now: the answer's next step will say it.
    if (this.#waiting.size === 0) this.#log.error({ err: error }, `model.js failed: ${error.message}`)
    for (const { reject } of this.#waiting.values()) reject(error)
  }

  /** Begins an answer: `ask` resolves with its next step, until it is done or cancelled. */
  open (id) {
    const ask = (question) => new Promise((resolve, reject) => {
      if (this.hasEnded) return reject(new Error('the thread of model.js ended'))
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...question })
    })
    const cancel = () => {
      this.#waiting.get(id)?.resolve({ done: true })
      this.#waiting.delete(id)
      if (this.hasEnded) return
      this.#worker.postMessage({ id, isCancel: true })
      this.#cancelled.set(id, setTimeout(() => {
        this.#log.warn('model.js computes without a pause, and nobody waits for it: its thread is ended')
        this.#worker.terminate()
      }, cancelGrace))
    }
    return { ask, cancel }
  }

  async close () {
    this.#isClosing = true
    await this.#worker.terminate()
  }
}

/** The thread's side: the first message begins an answer, each later one asks for its next piece. */
async function answerInThread (file) {
  const { answer, name, about } = await import(file)
  const answers = new Map()
  parentPort.on('message', async ({ id, messages, user, isCancel }) => {
    if (isCancel) {
      answers.get(id)?.controller.abort()
      answers.get(id)?.pieces.return?.()?.catch?.(() => {}) // what it still does is its own affair
      answers.delete(id)
      return parentPort.postMessage({ id, isCancelled: true })
    }
    try {
      if (!answers.has(id)) {
        const controller = new AbortController()
        const pieces = answer(messages, { signal: controller.signal, user })[Symbol.asyncIterator]()
        answers.set(id, { controller, pieces })
      }
      const { value, done = false } = await answers.get(id).pieces.next()
      if (done) answers.delete(id)
      parentPort.postMessage({ id, step: { value: done ? undefined : value, done } })
    } catch (thrown) {
      answers.delete(id)
      // Not each kind of error can be sent as it is.
      const error = thrown instanceof Error ? Object.assign(new Error(thrown.message), { stack: thrown.stack }) : thrown
      parentPort.postMessage({ id, error: { thrown: error instanceof Error ? error : String(error) } })
    }
  })
  parentPort.postMessage({ name, about })
}

if (!isMainThread && workerData?.model !== undefined) await answerInThread(workerData.model)
