import { Transform } from 'node:stream'
import { Parser } from 'tap-parser'

/**
 * Reports what tap runs: a line for each file when its process has ended, then every failed assertion, then the counts.
 * It reads the same in a terminal, in a file, and with TERM=dumb.
 */
export default class Reporter extends Transform {
  /** @type {import('tap-parser').Result[]} */
  #failedInFile = []
  /** @type {string[]} */
  #failures = []
  /** @type {string[]} */
  #comments = []
  #parser = new Parser()

  constructor () {
    super()
    this.#parser.on('child', (room) => this.#reportFilesOf(room))
    this.#parser.on('assert', (file) => {
      // A process that ended before its tests did has an exit code or a signal.
      const hasDied = !file.ok && (file.diag?.exitCode ?? file.diag?.signal ?? null) !== null
      if (hasDied && !this.#failedInFile.includes(file)) this.#failedInFile.push(file)
      this.#reportFile(file.name, file.ok, file.time ?? 0)
    })
    this.#parser.on('fail', (failure) => this.#failedInFile.push(failure))
    this.#parser.on('extra', (text) => this.push(text))
    this.#parser.on('comment', (comment) => this.#comments.push(comment))
  }

  /**
   * After the tests of a file, a room has one with the file's name: see rooms/run-room.ts.
   *
   * @param {Parser} room
   */
  #reportFilesOf (room) {
    let sum = 0
    room.on('assert', ({ name, time }) => {
      sum += time ?? 0
      if (!/^test\/\S+\.test\.ts$/.test(name)) return
      this.#reportFile(name, this.#failedInFile.length === 0, sum)
      sum = 0
    })
  }

  /**
   * @param {string} name
   * @param {boolean} ok
   * @param {number} time in milliseconds
   */
  #reportFile (name, ok, time) {
    this.push(`${ok ? 'ok' : 'not ok'} - ${name} (${(time / 1000).toFixed(1)} s)\n`)
    for (const failure of this.#failedInFile.splice(0)) {
      const fullname = failure.fullname.replace(/^test\/\S+/, name)
      this.#failures.push(Parser.stringify([['assert', { ...failure, name: fullname }]]))
    }
  }

  /**
   * @param {Buffer} chunk
   * @param {BufferEncoding} encoding
   * @param {() => void} done
   */
  _transform (chunk, encoding, done) {
    this.#parser.write(chunk)
    done()
  }

  /** @param {() => void} done */
  _flush (done) {
    this.#parser.end()
    this.push(['', ...this.#failures, ...this.#comments].join('\n'))
    done()
  }
}
