import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { InvalidUser } from './errors.js'
import { isSupportedHash, nameProblem } from './password-hash.js'

/**
 * The users of an htpasswd file, as the file is now. It is looked at (one `stat`) each time, and read again when it has changed,
 * so that a removed user is out at the next request. A new version that is broken or missing leaves the last good one in force.
 */
export class Htpasswd {
  readonly #path: string
  readonly #log: FastifyBaseLogger
  #users: Map<string, string>
  #hashes: string[]
  #stamp: BigIntStats | null = null
  #readAt = 0
  #digest = ''
  /** When the file was looked at since the event loop last went round; 0 for not yet. */
  #lookedAt = 0
  /** What was last said about the file, so that it is said once and not at each request. */
  #trouble = ''

  /** @throws `FST_QUICKSTART_AUTH_INVALID_USER` when the file cannot be read or a line of it is broken */
  constructor (path: string, log: FastifyBaseLogger) {
    this.#path = path
    this.#log = log
    try {
      this.#users = parse(this.#read() as string) // null is for later reads
    } catch (error) {
      throw new InvalidUser(`${path}: ${(error as Error).message}`) // nothing in there throws anything but errors
    }
    this.#hashes = [...this.#users.values()]
  }

  find (name: string): string | null {
    this.#refresh()
    return this.#users.get(name) ?? null
  }

  /**
   * The same for requests that came over the network: all that are taken up in one turn of the event loop share one look.
   * What arrives after a change is taken up in a later turn, unless this one takes long: so a look is good for a millisecond.
   */
  findThisTurn (name: string): string | null {
    const now = performance.now()
    if (now - this.#lookedAt > 1) {
      if (this.#lookedAt === 0) setImmediate(this.#endTurn)
      this.#refresh()
      this.#lookedAt = now
    }
    return this.#users.get(name) ?? null
  }

  readonly #endTurn = (): void => { this.#lookedAt = 0 }

  /** Every hash in the file, in its order. */
  get hashes (): readonly string[] {
    return this.#hashes
  }

  #refresh (): void {
    try {
      const text = this.#read()
      if (text === null) return
      this.#users = parse(text)
      this.#hashes = [...this.#users.values()]
      this.#trouble = ''
      this.#log.info(`${this.#path}: read again, ${this.#users.size} users`)
    } catch (error) {
      const trouble = (error as Error).message // as in the constructor
      if (trouble === this.#trouble) return
      this.#trouble = trouble
      this.#log.error(`${this.#path}: ${trouble}; the users stay as they were`)
    }
  }

  /** The text of the file, or null when it is the one read last. */
  #read (): string | null {
    // Before the read: what changes in between differs from this stamp at the next look.
    const stamp = statSync(this.#path, { bigint: true })
    if (this.#stamp !== null && sameStamp(stamp, this.#stamp) && this.#readAt > settledAt(stamp)) return null

    const readAt = Date.now()
    const content = readFileSync(this.#path)
    this.#stamp = stamp
    this.#readAt = readAt
    const digest = hash('sha256', content)
    if (digest === this.#digest) {
      this.#trouble = '' // it is there again
      return null
    }
    this.#digest = digest
    return content.toString()
  }
}

function sameStamp (a: BigIntStats, b: BigIntStats): boolean {
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev
}

/**
 * From when on a read sees a version that no later write can share the stamp with, in milliseconds. Like git's "racily clean" entries:
 * a file system's clock ticks every few milliseconds, on some every two seconds, and two writes in one tick look alike.
 */
function settledAt ({ ctimeMs, ctimeNs }: BigIntStats): number {
  return Number(ctimeMs) + (ctimeNs % 1_000_000_000n === 0n ? 2000 : 50)
}

function parse (text: string): Map<string, string> {
  const users = new Map<string, string>()
  for (const [index, line] of text.replace(/^\ufeff/, '').split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const broken = (problem: string) => new Error(`line ${index + 1}: ${problem}`)

    const colon = line.indexOf(':')
    if (colon === -1) throw broken('expected name:hash')
    const name = line.slice(0, colon)
    // As in nginx, what follows another colon is a comment.
    const stored = line.slice(colon + 1).replace(/:.*/, '').trim()
    const problem = nameProblem(name)
    if (problem !== null) throw broken(problem)
    if (users.has(name)) throw broken(`the name "${name}" is there twice`)
    if (!isSupportedHash(stored)) throw broken('unknown or damaged hash; expected argon2id, or bcrypt as htpasswd -B makes it')
    users.set(name, stored)
  }
  return users
}
