// A model that is a process, in any language.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'

/** Milliseconds that a process has to end an answer after `{"cancel":true}`. Then it is killed and started anew. */
const cancelGrace = 1000

/** A process that lived this many milliseconds is started anew as soon as it dies; another one when it is needed. */
const steady = 5000

/** Characters of the longest line that is read, and of what is logged in one. A longer one comes in pieces. */
const longestLine = 1_000_000
const longestLogged = 10_000

/**
 * A model that runs as a process, one for each slot. It reads a JSON object a line from its standard input:
 *
 *     {"id":1,"messages":[{"role":"user","content":"Hello"}],"user":"alice"}    a question
 *     {"id":1,"cancel":true}                                  nobody waits for its answer any more
 *
 * and writes to its standard output, a JSON object a line:
 *
 *     {"id":1,"thinking":"A greet"}   what it thinks before it answers
 *     {"id":1,"token":"Hel"}      a piece of the answer to the question of that id
 *     {"id":1,"done":true}        its end, whether it was cancelled or not; "reason":"length" says that it is cut
 *     {"id":1,"error":"why"}      its end, when it failed
 *
 * What it writes with the id of an earlier question is left out: nobody may read what belongs to somebody else.
 *
 * Each process has a group of its own, which ends as a whole: what a shell or the model has started ends with it.
 *
 * @param {object} settings
 * @param {string} settings.MODEL_COMMAND words separated by spaces; quotes keep one with spaces together
 * @param {string} [settings.MODEL_NAME]
 * @param {number} settings.MODEL_SLOTS processes
 * @param {number} settings.MODEL_LOAD_SECONDS how long a new process may take to write its first line
 * @param {import('fastify').FastifyBaseLogger} log
 */
export function openCommand ({ MODEL_COMMAND, MODEL_NAME, MODEL_SLOTS, MODEL_LOAD_SECONDS: loading }, log) {
  const words = MODEL_COMMAND.match(/"[^"]*"|'[^']*'|\S+/g).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
  const processes = Array.from({ length: MODEL_SLOTS }, () => new ModelProcess(words, log))
  const idle = [...processes]
  const wanted = []

  /** Takes a process that has loaded, if there is one. All are busy only while one still ends a cancelled answer. */
  function take () {
    if (idle.length === 0) return new Promise((resolve) => wanted.push(resolve))
    return idle.splice(Math.max(0, idle.findIndex(({ isLoaded }) => isLoaded)), 1)[0]
  }

  async function * answer (messages, { signal, user }) {
    if (!idle.some(({ isLoaded }) => isLoaded)) yield { loading }
    const model = await take()
    let open = false
    let killer
    const cancel = () => {
      model.cancel()
      // To kill a process that still loads would only make it load again.
      const grace = model.isLoaded ? 0 : model.started + loading * 1000 - Date.now()
      killer = setTimeout(() => model.kill(), Math.max(cancelGrace, grace))
    }

    try {
      if (signal.aborted) return
      signal.addEventListener('abort', cancel, { once: true })
      model.ask({ messages, user })
      open = true
      if (model.isLoaded) yield '' // from here on it is the model that is waited for
      for (let hasBegun = false; ; hasBegun = true) {
        const { token, thinking, reason, error, isEnd, isLost } = await model.read()
        if (isLost && !hasBegun && !signal.aborted) { // it ends after each answer, just as the next question came
          yield { loading }
          model.ask({ messages, user })
          continue
        }
        if (thinking !== undefined) yield { thinking }
        if (token !== undefined) yield token
        if (!isEnd) continue
        open = false
        if (error !== undefined) throw new Error(`the process of MODEL_COMMAND says: ${error}`)
        if (reason !== undefined) yield { reason }
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

  // A server that ends in a hurry, as after an error, does not wait for close().
  const endAll = () => processes.forEach((model) => model.end())
  process.once('exit', endAll)

  async function close () {
    await Promise.all(processes.map((model) => model.close()))
    process.off('exit', endAll)
  }

  // Of `python3 -u model.py` it is model.py.
  const name = MODEL_NAME || basename(words.find((word, index) => index > 0 && /\.\w+$/.test(word)) ?? words[0])
  return { answer, name, close }
}

class ModelProcess {
  /** When it was started, in milliseconds. */
  started
  #hasSpoken = false
  #words
  #log
  #child
  #lines
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

  /** Whether it lives, and has written a line. */
  get isLoaded () {
    return this.#hasSpoken && this.#ended === undefined
  }

  #start () {
    const [file, ...args] = this.#words
    // A group of its own: Ctrl-C is for the server, which then ends the whole group.
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: process.platform !== 'win32' })
    const guard = guardGroup(child)
    this.#child = child
    this.#lines = linesOf(child.stdout, longestLine)
    this.started = Date.now()
    this.#ended = undefined
    this.#hasSpoken = false

    child.stdin.on('error', () => {}) // it went away, as 'exit' tells
    this.#logLines(child)
    child.on('error', (error) => this.#end(error.message))
    child.on('exit', (code, signal) => {
      guard?.kill('SIGKILL')
      signalGroup(child, 'SIGKILL') // what it has started, and left behind
      // What has left the group may hold the pipe open. What is in it is read first.
      const reading = setInterval(() => {
        if (child === this.#child && child.stdout.readableLength > 0) return
        clearInterval(reading)
        child.stdout.destroy()
      }, 100)
      this.#end(signal ?? `exit code ${code}`, code === 0 && this.#hasSpoken)
    })
  }

  async #logLines ({ stderr, pid }) {
    for await (const line of linesOf(stderr, longestLogged, true)) this.#log.info({ model: pid }, line)
  }

  /** @param {boolean} isUsual for one that ends after each answer */
  #end (reason, isUsual = false) {
    this.#ended = { reason, isUsual }
    // While it is busy, the answer fails for this reason, and the log says so there.
    if (this.#isBusy || this.#isClosing) return
    if (!isUsual) this.#log.error(`the process of MODEL_COMMAND ended: ${reason}`)
    this.#startIfSteady()
  }

  #startIfSteady () {
    if (this.#ended === undefined || this.#isClosing) return
    if (this.#ended.isUsual || Date.now() - this.started > steady) this.#start()
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
   * @returns {Promise<object>} with a part of an answer in `token` or `thinking`, with `isEnd` at its end, and with
   * `isLost` where the process had ended as usual before it read the question
   * @throws {Error} when the process ended, or wrote something else
   */
  async read () {
    let line, id, token, thinking, done, error, reason
    do {
      const next = await this.#lines.next()
      if (next.done) {
        await this.#exit()
        if (this.#ended.isUsual) return { isLost: true, isEnd: true, error: 'the end, before that of the answer' }
        throw new Error(`the process of MODEL_COMMAND ended: ${this.#ended.reason}`)
      }
      this.#hasSpoken = true
      line = next.value;
      ({ id, token, thinking, done, error, reason } = Object(parse(line)))
    } while (Number.isInteger(id) && id < this.#id)
    // Null is as good as left out.
    const [isToken, isThinking, isError, isReason] = [token, thinking, error, reason].map(isText)
    if (id === this.#id && (isToken || isThinking || isError || done === true)) {
      return {
        ...(isToken && { token }),
        ...(isThinking && { thinking }),
        ...(isError && { error }),
        ...(isReason && { reason }),
        isEnd: isError || done === true
      }
    }
    this.end()
    await this.#exit()
    const expected = `expected {"id":${this.#id},"token":"…"}, {"id":…,"done":true} or {"id":…,"error":"…"}`
    throw new Error(`the process of MODEL_COMMAND wrote ${JSON.stringify(line.slice(0, 100))}; ${expected}`)
  }

  /** Leaves out the rest of an answer. */
  async readToEnd () {
    try {
      while (!(await this.read()).isEnd);
    } catch {} // it died, or was killed
  }

  kill () {
    this.#log.warn('the process of MODEL_COMMAND did not end a cancelled answer: it is killed')
    this.end()
  }

  release () {
    this.#isBusy = false
    this.#startIfSteady()
  }

  end () {
    if (this.#ended === undefined) signalGroup(this.#child, 'SIGKILL')
  }

  async close () {
    this.#isClosing = true
    if (this.#ended === undefined) signalGroup(this.#child, 'SIGTERM')
    const killer = setTimeout(() => this.end(), 2000)
    await this.#exit()
    clearTimeout(killer)
  }

  async #exit () {
    if (this.#ended === undefined) await once(this.#child, 'exit').catch(() => {}) // an error: it could not be started
  }
}

/** Starts a shell that ends a group once this server is gone, even by SIGKILL: its standard input ends then. */
function guardGroup ({ pid }) {
  if (process.platform === 'win32' || pid === undefined) return undefined
  const guard = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "-$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'], detached: true
  })
  guard.on('error', () => {}) // there is no shell, as in the smallest containers, which end as a whole
  guard.unref()
  guard.stdin?.on('error', () => {}).unref()
  return guard
}

/** Sends a signal to a process and all that it has started. */
function signalGroup (child, signal) {
  try {
    if (process.platform === 'win32') child.kill(signal) // which has no groups
    else if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {} // nobody is left
}

/** Not node:readline, which keeps a line until it ends, and so all of what a process writes without a line end. */
async function * linesOf (stream, longest, hasOpenEnd = false) {
  let rest = ''
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = (rest + chunk).split(/[\r\n]/)
      rest = lines.pop()
      yield * lines.filter((line) => line.trim() !== '')
      if (rest.length < longest) continue
      yield rest
      rest = ''
    }
    if (hasOpenEnd && rest !== '') yield rest
  } catch {} // destroyed: the process is gone
}

function isText (value) {
  return typeof value === 'string'
}

function parse (line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
