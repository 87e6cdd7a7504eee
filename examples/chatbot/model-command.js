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
 *     {"messages":[{"role":"user","content":"Hello"}],"user":"alice"}    a question
 *     {"cancel":true}                                                    nobody waits for the answer any more
 *
 * and writes to its standard output, a JSON object a line:
 *
 *     {"token":"Hel"}      a piece of the answer
 *     {"done":true}        its end, whether it was cancelled or not
 *     {"error":"why"}      its end, when it failed
 *
 * @param {string} command words separated by spaces; quotes keep one with spaces together
 * @param {object} options
 * @param {number} options.slots processes
 * @param {number} options.silentSeconds how long a process may be busy before its first word, while it loads
 * @param {import('fastify').FastifyBaseLogger} options.log
 */
export function openCommand (command, { slots, silentSeconds, log }) {
  const words = command.match(/"[^"]*"|'[^']*'|\S+/g).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
  const processes = Array.from({ length: slots }, () => new ModelProcess(words, log))
  const idle = [...processes]
  const wanted = []

  async function * answer (messages, { signal, user }) {
    // All are busy only while one still ends a cancelled answer.
    const model = idle.pop() ?? await new Promise((resolve) => wanted.push(resolve))
    const asked = Date.now()
    let open = false
    let killer
    const cancel = () => {
      model.write({ cancel: true })
      // A process without a single line so far may still be loading: to kill it would only make it load again.
      const grace = model.hasSpoken ? cancelGrace : Math.max(cancelGrace, asked + silentSeconds * 1000 - Date.now())
      killer = setTimeout(() => model.kill(), grace)
    }

    try {
      if (signal.aborted) return
      model.ask({ messages, user })
      open = true
      signal.addEventListener('abort', cancel, { once: true })
      for (;;) {
        const { token, error } = await model.read()
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

  return { answer, close: () => Promise.all(processes.map((model) => model.close())) }
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
    this.write(question)
  }

  write (message) {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  /** @returns {Promise<{ token?: string, done?: true, error?: string }>} */
  async read () {
    const { value: line, done } = await this.#lines.next()
    if (done) {
      if (this.#ended === undefined) await once(this.#child, 'exit').catch(() => {})
      throw new Error(`the process of MODEL_COMMAND ended: ${this.#ended}`)
    }
    this.hasSpoken = true
    const message = parse(line)
    if (typeof message?.token === 'string' || message?.done === true || typeof message?.error === 'string') return message
    this.#child.kill('SIGKILL')
    const shown = JSON.stringify(line.slice(0, 100))
    throw new Error(`the process of MODEL_COMMAND wrote ${shown}; expected {"token":"…"}, {"done":true} or {"error":"…"}`)
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

  async close () {
    this.#isClosing = true
    if (this.#ended !== undefined) return
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 2000)
    await once(this.#child, 'exit').catch(() => {})
    clearTimeout(killer)
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
