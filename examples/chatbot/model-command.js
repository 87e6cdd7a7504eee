import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Milliseconds that a process has to end an answer after `{"cancel":true}`. Then it is killed and started anew. */
const cancelGrace = 1000

/** A process that lived this many milliseconds is started anew as soon as it dies; another one when it is needed. */
const steady = 5000

/** Characters of the longest line that is read. */
const longestLine = 1_000_000

/**
 * A model that runs as a process, one for each slot. It reads a JSON object a line from its standard input:
 *
 *     {"id":1,"messages":[{"role":"user","content":"Hello"}],"user":"alice"}    a question
 *     {"id":1,"cancel":true}                                  nobody waits for its answer any more
 *
 * and writes to its standard output, a JSON object a line:
 *
 *     {"id":1,"token":"Hel"}      a piece of the answer to the question of that id
 *     {"id":1,"done":true}        its end, whether it was cancelled or not
 *     {"id":1,"error":"why"}      its end, when it failed
 *
 * What it writes with the id of an earlier question is left out: nobody may read what belongs to somebody else.
 *
 * @param {object} settings
 * @param {string} settings.MODEL_COMMAND words separated by spaces; quotes keep one with spaces together
 * @param {number} settings.MODEL_SLOTS processes
 * @param {number} settings.MODEL_SILENT_SECONDS how long a process may load after a question came
 * @param {import('fastify').FastifyBaseLogger} log
 */
export function openCommand ({ MODEL_COMMAND, MODEL_SLOTS, MODEL_SILENT_SECONDS }, log) {
  const words = MODEL_COMMAND.match(/"[^"]*"|'[^']*'|\S+/g).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
  const processes = Array.from({ length: MODEL_SLOTS }, () => new ModelProcess(words, log))
  const idle = [...processes]
  const wanted = []

  async function * answer (messages, { signal, user }) {
    // All are busy only while one still ends a cancelled answer.
    const model = idle.pop() ?? await new Promise((resolve) => wanted.push(resolve))
    let heard = Date.now()
    let open = false
    let killer
    const cancel = () => {
      model.cancel()
      const untilHung = heard + MODEL_SILENT_SECONDS * 1000 - Date.now()
      // A process without a single line so far may still be loading: to kill it would only make it load again.
      const grace = model.hasSpoken ? cancelGrace : Math.max(cancelGrace, untilHung)
      killer = setTimeout(() => model.kill(), untilHung < 100 ? 0 : grace)
    }

    try {
      if (signal.aborted) return
      model.ask({ messages, user })
      open = true
      signal.addEventListener('abort', cancel, { once: true })
      for (;;) {
        const { token, error } = await model.read()
        heard = Date.now()
        if (token !== undefined) {
          yield token
          continue
        }
        open = false
        if (error !== undefined) throw new Error(`the process of MODEL_COMMAND says: ${error}`)
        return
      }
    } finally {
      signal.removeEventListener('abort', cancel)
      if (open) {
        if (killer === undefined) cancel()
        await model.readToEnd()
      }
      clearTimeout(killer)
      model.release()
      const next = wanted.shift()
      if (next === undefined) idle.push(model)
      else next(model)
    }
  }

  // A server that is in a hurry, such as that of `fastify start`, does not wait for close().
  const endAll = () => processes.forEach((model) => model.end())
  process.once('exit', endAll)

  async function close () {
    await Promise.all(processes.map((model) => model.close()))
    process.off('exit', endAll)
  }

  return { answer, close }
}

class ModelProcess {
  hasSpoken = false
  #words
  #log
  #child
  #lines
  #started
  /** How the process ended; undefined while it lives. */
  #ended
  #isBusy = false
  /** Of the question that it answers, or answered last. */
  #id = 0
  #isClosing = false

  constructor (words, log) {
    this.#words = words
    this.#log = log
    this.#start()
  }

  #start () {
    const [file, ...args] = this.#words
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    this.#lines = linesOf(child.stdout)
    this.#started = Date.now()
    this.#ended = undefined
    this.hasSpoken = false

    child.stdin.on('error', () => {}) // it went away, as 'exit' tells
    createInterface({ input: child.stderr }).on('line', (line) => this.#log.info({ model: child.pid }, line))
    child.on('error', (error) => this.#end(error.message))
    child.on('exit', (code, signal) => {
      // A child of its own may hold the pipe open.
      setTimeout(() => child.stdout.destroy(), 100)
      this.#end(signal ?? `exit code ${code}`)
    })
  }

  #end (reason) {
    this.#ended = reason
    // While it is busy, the answer fails for this reason, and the log says so there.
    if (this.#isBusy || this.#isClosing) return
    this.#log.error(`the process of MODEL_COMMAND ended: ${reason}`)
    this.#startIfSteady()
  }

  #startIfSteady () {
    if (this.#ended !== undefined && !this.#isClosing && Date.now() - this.#started > steady) this.#start()
  }

  ask (question) {
    if (this.#ended !== undefined) this.#start()
    this.#isBusy = true
    this.#write({ id: ++this.#id, ...question })
  }

  cancel () {
    this.#write({ id: this.#id, cancel: true })
  }

  #write (message) {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  /**
   * @returns {Promise<{ token?: string, error?: string }>} neither at the end of the answer
   * @throws {Error} when the process ended, or wrote something else
   */
  async read () {
    let line, id, token, isEnd, error
    do {
      const next = await this.#lines.next()
      if (next.done) {
        await this.#exit()
        throw new Error(`the process of MODEL_COMMAND ended: ${this.#ended}`)
      }
      this.hasSpoken = true
      line = next.value;
      ({ id, token, done: isEnd, error } = Object(parse(line)))
    } while (Number.isInteger(id) && id < this.#id)
    const isPart = typeof token === 'string' || isEnd === true || typeof error === 'string'
    if (id === this.#id && isPart) return { token, error }
    this.#child.kill('SIGKILL')
    await this.#exit()
    const expected = `expected {"id":${this.#id},"token":"…"}, {"id":…,"done":true} or {"id":…,"error":"…"}`
    throw new Error(`the process of MODEL_COMMAND wrote ${JSON.stringify(line.slice(0, 100))}; ${expected}`)
  }

  /** Leaves out the rest of an answer. */
  async readToEnd () {
    try {
      while ((await this.read()).token !== undefined);
    } catch {} // it died, or was killed
  }

  kill () {
    this.#log.warn('the process of MODEL_COMMAND did not end a cancelled answer: it is killed')
    this.#child.kill('SIGKILL')
  }

  release () {
    this.#isBusy = false
    this.#startIfSteady()
  }

  end () {
    this.#child.kill('SIGKILL')
  }

  async close () {
    this.#isClosing = true
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.end(), 2000)
    await this.#exit()
    clearTimeout(killer)
  }

  async #exit () {
    if (this.#ended === undefined) await once(this.#child, 'exit').catch(() => {}) // an error: it could not be started
  }
}

async function * linesOf (stream) {
  let rest = ''
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      yield * lines.filter((line) => line.trim() !== '')
      if (rest.length > longestLine) yield rest
    }
  } catch {} // destroyed: the process is gone
}

function parse (line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
