import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { driverCore } from './cores.js'

/*
 * The driver. Two things tell it from wrk and autocannon: its rounds can be as short as a tenth of a second, since
 * its connections stay open between them, and it does nothing with an answer but look at the status and count the
 * bytes, so one core is enough to keep another one busy. On a machine that others use too, only rounds that short
 * find both sides of a ratio in the same weather.
 */

if (driverCore !== undefined) execFileSync('taskset', ['-cp', String(driverCore), String(process.pid)])

/** How many milliseconds the last answers of a round may be late before the run gives up. */
const patience = 20_000

/** How often a connection may be closed under a request that has no answer yet. */
const mostRetries = 3

/** Connections to one server, on each of which one thing is asked again and again. */
export class Load {
  /**
   * @param {number} port
   * @param {string} path
   * @param {{ connections: number, headers: Record<string, string>, status?: number }} settings
   */
  constructor (port, path, { connections, headers, status = 200 }) {
    const fields = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    const request = `GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`
    this.connections = Array.from({ length: connections }, () => new Connection(port, request, String(status)))
  }

  /**
   * Asks for so many milliseconds, and waits for the answers that are still to come.
   *
   * @param {number} milliseconds
   * @returns {Promise<{ rate: number, answers: number }>} rate: answers a second
   */
  async drive (milliseconds) {
    const began = performance.now()
    const counts = await Promise.all(this.connections.map((connection) => connection.askUntil(began + milliseconds)))
    const answers = counts.reduce((sum, count) => sum + count, 0)
    return { answers, rate: answers / (performance.now() - began) * 1000 }
  }

  close () {
    for (const connection of this.connections) connection.close()
  }
}

/** One connection, opened when it is needed and again when the server has closed it. */
class Connection {
  /**
   * @param {number} port
   * @param {string} request
   * @param {string} status
   */
  constructor (port, request, status) {
    this.port = port
    this.request = request
    this.status = status
    this.buffer = Buffer.allocUnsafe(128 * 1024)
    /** @type {import('node:net').Socket | undefined} */
    this.socket = undefined
    /** The bytes of an answer, once one has been seen; Infinity where it ends with its last chunk. */
    this.length = 0
    this.head = ''
    this.received = 0
    this.tail = ''
    this.retries = 0
    this.until = 0
    this.answers = 0
    this.isWaiting = false
    /** @type {(count: number) => void} */
    this.resolve = () => {}
    /** @type {(error: Error) => void} */
    this.reject = () => {}
  }

  /**
   * @param {number} until as performance.now() tells it
   * @returns {Promise<number>} the answers there were
   */
  async askUntil (until) {
    this.until = until
    this.answers = 0
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    try {
      return await new Promise((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
        timer = setTimeout(() => reject(new Error(`no answer from port ${this.port} for ${patience} ms`)), until - performance.now() + patience)
        this.ask()
      })
    } finally {
      clearTimeout(timer)
    }
  }

  ask () {
    this.received = 0
    this.head = ''
    this.tail = ''
    this.isWaiting = true
    this.socket ??= this.open()
    this.socket.write(this.request, 'latin1')
  }

  open () {
    const socket = connect({
      port: this.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: this.buffer, callback: (bytes) => this.read(bytes) }
    })
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', () => {
      if (this.socket !== socket) return
      this.socket = undefined
      if (!this.isWaiting) return
      if (++this.retries > mostRetries) this.reject(new Error(`port ${this.port} closes connections without an answer`))
      else this.ask()
    })
    return socket
  }

  /** @param {number} bytes how many have come into the buffer */
  read (bytes) {
    if (this.received === 0 && this.buffer.latin1Slice(9, 12) !== this.status) {
      this.isWaiting = false
      this.reject(new Error(`port ${this.port} answers ${this.buffer.latin1Slice(0, Math.min(bytes, 40))}`))
      return false
    }
    this.received += bytes
    if (this.length === 0) this.learn(bytes)
    if (this.length === Infinity) {
      this.tail = (this.tail + this.buffer.latin1Slice(Math.max(0, bytes - 5), bytes)).slice(-5)
      if (this.tail === '0\r\n\r\n') this.answered()
    } else if (this.length > 0 && this.received >= this.length) {
      if (this.received === this.length) this.answered()
      else this.reject(new Error(`port ${this.port} answers ${this.received} bytes after ${this.length}`))
    }
    return true
  }

  /** Learns from the head of the first answer how long every answer is. @param {number} bytes */
  learn (bytes) {
    this.head += this.buffer.latin1Slice(0, bytes)
    const end = this.head.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.head.slice(0, end)
    this.head = ''
    const isChunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    const body = this.status === '304' ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    this.length = isChunked ? Infinity : end + 4 + body
  }

  answered () {
    this.isWaiting = false
    this.retries = 0
    this.answers++
    if (performance.now() < this.until) this.ask()
    else this.resolve(this.answers)
  }

  close () {
    this.isWaiting = false
    this.socket?.destroy()
  }
}
