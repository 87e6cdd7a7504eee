import { Transform } from 'node:stream'
import { Parser } from 'tap-parser'

/**
 * Reports what tap runs: a line for each file when it ends, then every failed assertion, then the counts. It reads the
 * same in a terminal, in a file, and with TERM=dumb.
 */
export default class Reporter extends Transform {
  /** @type {string[]} */
  #failures = []
  /** @type {string[]} */
  #comments = []
  #parser = new Parser()

  constructor () {
    super()
    this.#parser.on('assert', ({ ok, name, time }) => {
      this.push(`${ok ? 'ok' : 'not ok'} - ${name} (${((time ?? 0) / 1000).toFixed(1)} s)\n`)
    })
    this.#parser.on('fail', (failure) => {
      this.#failures.push(Parser.stringify([['assert', { ...failure, name: failure.fullname }]]))
    })
    this.#parser.on('extra', (text) => this.push(text))
    this.#parser.on('comment', (comment) => this.#comments.push(comment))
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
