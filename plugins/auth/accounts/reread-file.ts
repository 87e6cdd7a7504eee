import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { isSettled, readStamp } from '../../../lib/file-stamp.ts'
import { decodeText } from './text.ts'

/** Makes the error that stops the start. */
export type Invalid = new (message: string) => Error

/** Milliseconds after which the log says once more that a file cannot be read. */
const complaintPeriod = 60_000

/**
 * A file that is read again when it has changed, so that a removed user is out at the next request. A new version that
 * is broken, missing or not to be read leaves the last good one in force, and the log says so: at once, and again each
 * minute.
 */
export class RereadFile<Content> {
  readonly #path: string
  readonly #parse: (text: string) => Content
  readonly #log: FastifyBaseLogger
  /** From the last version that was not broken. */
  #content: Content
  #stamp = ''
  #digest = ''
  /** Why the version that was read last is refused. */
  #refusal: string | undefined
  /** Why the last good version is still in force. */
  #problem: string | undefined
  #complainedAt = -Infinity
  #isLookedAt = false
  readonly #endTurn = (): void => { this.#isLookedAt = false }

  /** @throws Invalid, with the path, when the file cannot be read or `parse` throws at it */
  constructor (path: string, parse: (text: string) => Content, log: FastifyBaseLogger, Invalid: Invalid) {
    this.#path = path
    this.#parse = parse
    this.#log = log
    try {
      this.#content = parse(decodeText(this.#readIfChanged()!)) // the first read always brings something
    } catch (error) {
      throw new Invalid(`${path}: ${readMessage(error)}`)
    }
  }

  /**
   * Returns what the file says when a request comes. It is looked at (one `stat`) for each request; those that Node
   * reads in one turn of the event loop share a look. So a change counts from the next turn on. Where a handler holds
   * the loop, what comes meanwhile is read in the same turn.
   */
  contentFor ({ raw }: FastifyRequest): Content {
    // A request of app.inject does not come from the network, and can follow a change within a turn.
    if (this.#isLookedAt && raw instanceof IncomingMessage) return this.#content
    if (!this.#isLookedAt) setImmediate(this.#endTurn)
    this.#isLookedAt = true
    this.look()
    return this.#content
  }

  /** Returns what the file said at the last look. */
  get content (): Content {
    return this.#content
  }

  /** Whether the file was missing, not to be read, or broken at the last look. */
  get isUnreadable (): boolean {
    return this.#problem !== undefined
  }

  /** Looks at the file, and reads it if it has changed. */
  look (): void {
    const before = this.#problem
    try {
      const bytes = this.#readIfChanged()
      if (bytes !== null) this.#take(bytes)
      else if (before !== this.#refusal) this.#log.info(`${this.#path}: can be read again`)
      this.#problem = this.#refusal
    } catch (error) {
      this.#problem = readMessage(error)
    }
    if (this.#problem !== undefined) this.#complain(this.#problem, before)
  }

  #take (bytes: Buffer): void {
    try {
      this.#content = this.#parse(decodeText(bytes))
      this.#refusal = undefined
      this.#log.info(`${this.#path}: read again`)
    } catch (error) {
      this.#refusal = readMessage(error)
      this.#complainedAt = -Infinity // each refused version is news, even if its trouble reads the same
    }
  }

  #complain (problem: string, before: string | undefined): void {
    if (problem === before && performance.now() - this.#complainedAt < complaintPeriod) return
    this.#complainedAt = performance.now()
    this.#log.error(`${this.#path}: ${problem}; what was read before stays in force`)
  }

  /** Returns the bytes of the file, or null when they are those read last. */
  #readIfChanged (): Buffer | null {
    // Before the read: a change in between gives another stamp at the next look.
    const stat = statSync(this.#path, { bigint: true })
    const stamp = readStamp(stat)
    if (stamp === this.#stamp) return null

    const readAt = Date.now()
    const bytes = readFileSync(this.#path)
    this.#stamp = isSettled(stat, readAt) ? stamp : ''
    const digest = hash('sha256', bytes)
    if (digest === this.#digest) return null
    this.#digest = digest
    return bytes
  }
}

function readMessage (error: unknown): string {
  return (error as Error).message // the file system and the parsers throw errors alone
}
