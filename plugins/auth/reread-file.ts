import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { isSettled, stampOf } from '../file-stamp.js'

/**
 * A file that is read again when it has changed. It is looked at (one `stat`) each time its content is asked for, so
 * that a removed user is out at the next request. A new version that is broken or missing leaves the last good one in
 * force.
 */
export class RereadFile<Content> {
  readonly #path: string
  readonly #parse: (text: string) => Content
  readonly #log: FastifyBaseLogger
  #content: Content
  #stamp = ''
  #digest = ''
  /** Whether the last look failed, so that it is logged once and not at each request. */
  #isLost = false

  /** @throws a plain error when the file cannot be read, or what `parse` throws at it */
  constructor (path: string, parse: (text: string) => Content, log: FastifyBaseLogger) {
    this.#path = path
    this.#parse = parse
    this.#log = log
    this.#content = parse(this.#readIfChanged()!) // the first read always has a text
  }

  /** What the file says now. */
  get content (): Content {
    try {
      const text = this.#readIfChanged()
      this.#isLost = false
      if (text !== null) this.#take(text)
    } catch (error) {
      if (!this.#isLost) this.#complain(error)
      this.#isLost = true
    }
    return this.#content
  }

  #take (text: string): void {
    try {
      this.#content = this.#parse(text)
      this.#log.info(`${this.#path}: read again`)
    } catch (error) {
      this.#complain(error)
    }
  }

  #complain (error: unknown): void {
    // The file system and the parsers throw nothing but errors.
    this.#log.error(`${this.#path}: ${(error as Error).message}; what was read before stays in force`)
  }

  /** The text of the file, or null when it is the one read last. */
  #readIfChanged (): string | null {
    // Before the read: a change in between gives another stamp at the next look.
    const stat = statSync(this.#path, { bigint: true })
    const stamp = stampOf(stat)
    if (stamp === this.#stamp) return null

    const readAt = Date.now()
    const bytes = readFileSync(this.#path)
    this.#stamp = isSettled(stat, readAt) ? stamp : ''
    const digest = hash('sha256', bytes)
    if (digest === this.#digest) return null
    this.#digest = digest
    return bytes.toString().replace(/^\ufeff/, '')
  }
}
