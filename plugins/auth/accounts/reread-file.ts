import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { isSettled, stampOf } from '../../../lib/file-stamp.ts'

/**
 * A file that is read again when it has changed, so that a removed user is out at the next request. A new version that
 * is broken or missing leaves the last good one in force.
 */
export class RereadFile<Content> {
  readonly #path: string
  readonly #parse: (text: string) => Content
  readonly #log: FastifyBaseLogger
  /** What the file said when it was last looked at. */
  #content: Content
  #stamp = ''
  #digest = ''
  /** Whether the last look failed, so that it is logged once and not at each request. */
  #isLost = false
  #isLookedAt = false
  readonly #endTurn = (): void => { this.#isLookedAt = false }

  /** @throws Invalid, with the path, when the file cannot be read or `parse` throws at it */
  constructor (
    path: string,
    parse: (text: string) => Content,
    log: FastifyBaseLogger,
    Invalid: new (message: string) => Error
  ) {
    this.#path = path
    this.#parse = parse
    this.#log = log
    try {
      this.#content = parse(this.#readIfChanged()!) // the first read always has a text
    } catch (error) {
      throw new Invalid(`${path}: ${messageOf(error)}`)
    }
  }

  /**
   * What the file says when a request comes. It is looked at (one `stat`) for each request; those that the network
   * brings in one turn of the event loop share a look, for what is sent after a change arrives in a later turn.
   */
  contentFor ({ raw }: FastifyRequest): Content {
    // What app.inject makes is not a message from the network, and can follow a change within a turn.
    if (this.#isLookedAt && raw instanceof IncomingMessage) return this.#content
    if (!this.#isLookedAt) setImmediate(this.#endTurn)
    this.#isLookedAt = true
    this.#look()
    return this.#content
  }

  #look (): void {
    try {
      const text = this.#readIfChanged()
      this.#isLost = false
      if (text !== null) this.#take(text)
    } catch (error) {
      if (!this.#isLost) this.#complain(error)
      this.#isLost = true
    }
  }

  /** What the file said at the last look. */
  get content (): Content {
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
    this.#log.error(`${this.#path}: ${messageOf(error)}; what was read before stays in force`)
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

function messageOf (error: unknown): string {
  return (error as Error).message // the file system and the parsers throw nothing but errors
}
