import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'
import { InvalidUser, TooBusy } from '../errors.ts'

/** Longest name, in bytes of UTF-8, as in Apache's htpasswd. */
export const maxNameBytes = 255

/**
 * Longest password, in bytes of UTF-8. Far more than a person or a password manager uses, and too little to keep the
 * server busy with.
 */
export const maxPasswordBytes = 1024

/** bcrypt reads no more bytes than this, so a longer password would get in by its beginning alone. */
const maxBcryptBytes = 72

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 }

/** Costs above these would take a gigabyte, or minutes, for one login. */
const maxMemoryCost = 1024 * 1024
const maxTimeCost = 100
const maxBcryptCost = 20

/** The algorithm has no lower one. */
const minBcryptCost = 4

/** RFC 9106 section 3.1 wants at least 8 bytes of salt. */
const minSaltBytes = 8

/** The sizes of hash that programs make, in bytes. Another one has lost its end, or has text behind it. */
const hashSizes = new Set([16, 20, 24, 32, 48, 64])

const bcryptFormat = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** Any scheme's hash, such as `$apr1$…`, `{SHA}…`, or a damaged one of ours: not a plain password. */
const anyHashFormat = /^(?:\$[^$]*\$|\{[A-Za-z0-9.-]+\})/

/**
 * Makes the hash of a password, to be stored: argon2id, as a PHC string.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a password that nobody could log in with: empty, over 1,024 bytes, or
 * with control characters
 */
export async function hash (password: string): Promise<string> {
  const problem = findPasswordProblem(password)
  if (problem !== null) throw new InvalidUser(`${problem} cannot log in`)
  return await argon2.hash(password, parameters)
}

/** Whether the password is the one that was hashed, by the parameters in the hash. Runs off the event loop. */
export async function verify (stored: string, password: string): Promise<boolean> {
  if (stored.startsWith('$argon2id$')) return await argon2.verify(stored, password)
  // One that is too long is hashed all the same: an answer at once would tell of which kind the stored hash is.
  const bytes = Buffer.from(password)
  const isRight = await bcrypt.verify(bytes.subarray(0, maxBcryptBytes), stored)
  return isRight && bytes.length <= maxBcryptBytes
}

/** Passwords that are being hashed, and that wait for it. */
export interface HashingLoad {
  running: number
  waiting: number
}

/** A `verify` that rejects with `TooBusy` instead of letting too many wait, and what it has to do. */
export interface BoundedVerify {
  verify: typeof verify
  load: () => HashingLoad
}

/**
 * Creates a `verify` that runs `parallel` jobs at a time, and lets `queue` of them wait. A job takes a core and, with
 * argon2id, 19 MiB for tens of milliseconds.
 */
export function createBoundedVerify ({ parallel, queue }: { parallel: number, queue: number }): BoundedVerify {
  const waiting: Array<() => void> = []
  let running = 0

  async function verifyInTurn (stored: string, password: string): Promise<boolean> {
    if (running < parallel) running++
    else if (waiting.length >= queue) throw new TooBusy()
    else await new Promise<void>((resolve) => waiting.push(resolve)) // whoever ends hands over its place
    try {
      return await verify(stored, password)
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
  return { verify: verifyInTurn, load: () => ({ running, waiting: waiting.length }) }
}

/** Whether the text is a hash that `verify` takes. */
export function isSupportedHash (text: string): boolean {
  try {
    if (text.startsWith('$argon2id$')) {
      const { memoryCost, timeCost, saltLen, outputLen } = argon2.parseOptions(text)
      return memoryCost <= maxMemoryCost && timeCost <= maxTimeCost &&
        saltLen >= minSaltBytes && hashSizes.has(outputLen)
    }
    const cost = Number(bcryptFormat.exec(text)?.[1])
    return cost >= minBcryptCost && cost <= maxBcryptCost
  } catch {
    return false // parseOptions throws at a damaged hash
  }
}

export function looksLikeHash (text: string): boolean {
  return anyHashFormat.test(text)
}

/** Why nobody could log in with a name, or null. Completes the sentence "… cannot log in". */
export function findNameProblem (name: string): string | null {
  if (name === '') return 'an empty name'
  if (name.includes(':')) return 'a name with a colon, which ends the name in Basic authentication'
  if (!isSendable(name)) return 'a name with control characters or broken Unicode'
  if (Buffer.byteLength(name) > maxNameBytes) return `a name of more than ${maxNameBytes} bytes`
  return null
}

/** Why nobody could log in with a password, or null. Completes the sentence "… cannot log in". */
export function findPasswordProblem (password: string): string | null {
  if (password === '') return 'an empty password'
  if (!isSendable(password)) return 'a password with control characters or broken Unicode'
  if (Buffer.byteLength(password) > maxPasswordBytes) return `a password of more than ${maxPasswordBytes} bytes`
  return null
}

/**
 * RFC 7617 section 2: no control characters. U+FFFD stands for bytes that are not UTF-8; the two separators end a line
 * for the expression that @fastify/basic-auth reads a login with.
 */
function isSendable (text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\x00-\x1f\x7f\u2028\u2029\ufffd\p{Surrogate}]/u.test(text)
}
