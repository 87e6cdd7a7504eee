import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'
import { InvalidUser } from './errors.js'

/** Longest name, in bytes of UTF-8, as Apache's htpasswd has it. */
export const maxNameBytes = 255

/**
 * Longest password, in bytes of UTF-8. Far over what a person or a password manager uses, and small enough
 * that nobody keeps the server busy by sending books.
 */
export const maxPasswordBytes = 1024

/** bcrypt looks at no more than this many bytes, so a longer password would get in with its beginning alone. */
const maxBcryptBytes = 72

/** OWASP's first choice of parameters for argon2id: 19 MiB, two passes, one lane. */
const parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 }

/** Costs above these would take a gigabyte, or minutes, for one login. */
const maxMemoryCost = 1024 * 1024
const maxTimeCost = 100
const maxBcryptCost = 20

/** The algorithm has no lower one. */
const minBcryptCost = 4

/** RFC 9106 section 3.1 wants 8 bytes of salt; a hash of less than 16 bytes has lost its end. */
const minSaltBytes = 8
const minHashBytes = 16

const bcryptFormat = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** Text that is some scheme's hash, such as `$apr1$…`, `{SHA}…`, or a damaged one of ours, and so no plain password. */
const anyHashFormat = /^(?:\$[^$]*\$|\{[A-Za-z0-9.-]+\})/

/**
 * Makes the hash of a password, to be stored: argon2id, as a PHC string.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_USER` for a password that nobody could log in with: empty, over 1,024 bytes, with control characters
 */
export async function hash (password: string): Promise<string> {
  const problem = passwordProblem(password)
  if (problem !== null) throw new InvalidUser(`${problem} cannot log in`)
  return await argon2.hash(password, parameters)
}

/** Whether the text is a hash that `verify` takes. */
export function isSupportedHash (text: string): boolean {
  try {
    if (text.startsWith('$argon2id$')) {
      const { memoryCost, timeCost, saltLen, outputLen } = argon2.parseOptions(text)
      return memoryCost <= maxMemoryCost && timeCost <= maxTimeCost && saltLen >= minSaltBytes && outputLen >= minHashBytes
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

/** Whether the password is the one that was hashed, by the parameters in the hash. Runs off the event loop. */
export async function verify (stored: string, password: string): Promise<boolean> {
  if (stored.startsWith('$argon2id$')) return await argon2.verify(stored, password)
  return Buffer.byteLength(password) <= maxBcryptBytes && await bcrypt.verify(password, stored)
}

/** What makes a name one that nobody could log in with, or null. */
export function nameProblem (name: string): string | null {
  if (name === '') return 'an empty name'
  if (name.includes(':')) return 'a name with a colon, which ends the name in Basic authentication'
  if (!isSendable(name)) return 'a name with control characters or broken Unicode'
  if (Buffer.byteLength(name) > maxNameBytes) return `a name of more than ${maxNameBytes} bytes`
  return null
}

/** What makes a password one that nobody could log in with, or null. */
export function passwordProblem (password: string): string | null {
  if (password === '') return 'an empty password'
  if (!isSendable(password)) return 'a password with control characters or broken Unicode'
  if (Buffer.byteLength(password) > maxPasswordBytes) return `a password of more than ${maxPasswordBytes} bytes`
  return null
}

/**
 * RFC 7617 section 2: no control characters. U+FFFD is what bytes that are not UTF-8 have been decoded to; the two separators end a line for
 * the expression that @fastify/basic-auth reads a login with.
 */
function isSendable (text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\x00-\x1f\x7f\u2028\u2029\ufffd\p{Surrogate}]/u.test(text)
}
