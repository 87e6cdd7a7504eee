import basicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { maxNameBytes, maxPasswordBytes } from './accounts/passwords.ts'

/** The name and password that a client sends. */
export interface Credentials {
  name: string
  password: string
}

/**
 * The scheme, and base64 in either alphabet (RFC 4648 sections 4 and 5), with or without its padding.
 * @fastify/basic-auth lets more pass: Node skips what is not base64, and a program in front may read it differently.
 */
const basic = /^basic +[a-z0-9+/_-]+={0,2}$/i

/** Returns the header's credentials, or null where it holds none that anybody could have. */
export type ReadCredentials = (request: FastifyRequest, reply: FastifyReply) => Credentials | null

/** Creates the function that reads a request's credentials, by @fastify/basic-auth. */
export async function createCredentialsReader (app: FastifyInstance): Promise<ReadCredentials> {
  let credentials: Credentials | null
  let read: FastifyInstance['basicAuth']
  // In a context of its own, so that its decorator does not reach the host.
  await app.register(async (child) => {
    await child.register(basicAuth, {
      strictCredentials: false,
      utf8: true,
      // Called before `read` returns, or not at all for a header that cannot be read.
      validate: (name, password, request, reply, done) => {
        credentials = { name, password }
        done()
      }
    })
    read = child.basicAuth
  })
  return (request, reply) => {
    credentials = null
    if (basic.test(`${readAuthorization(request)}`)) read.call(app, request, reply, () => {})
    return credentials !== null && isPossible(credentials) ? credentials : null
  }
}

/** Whether somebody could have these credentials. U+FFFD stands for bytes that are not UTF-8. */
function isPossible ({ name, password }: Credentials): boolean {
  return name !== '' && Buffer.byteLength(name) <= maxNameBytes && Buffer.byteLength(password) <= maxPasswordBytes &&
    !name.includes('\ufffd') && !password.includes('\ufffd')
}

/** The longest name and password that may exist take 1,714 characters; a longer header is refused unread. */
const maxHeaderLength = 2048

/** The scheme Basic at the start of a field, whatever follows it: no character of a longer name (RFC 9110 5.6.2). */
const basicScheme = /^basic(?![\w!#$%&'*+.^`|~-])/i

/**
 * Returns the Authorization header of a request, if there is exactly one (RFC 9110 section 11.6.2). Of two, Node keeps
 * the first and says nothing, while a proxy in front may have gone by the second.
 */
export function readAuthorization (request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  if (authorization === undefined || authorization.length > maxHeaderLength) return undefined
  return readFields(request).length === 1 ? authorization : undefined
}

/** Whether a request says that it carries a Basic login, even one that cannot be read. Other schemes are none. */
export function sendsBasic (request: FastifyRequest): boolean {
  if (request.headers.authorization === undefined) return false
  return readFields(request).some((value) => basicScheme.test(value))
}

function readFields ({ raw: { rawHeaders } }: FastifyRequest): string[] {
  const values: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) { // names stand at the even places
    const [name, value] = [rawHeaders[index]!, rawHeaders[index + 1]!]
    if (name.length === 13 && name.toLowerCase() === 'authorization') values.push(value)
  }
  return values
}

const defaultRealm = 'Login Required'

/**
 * Whether a value may be a realm: printable ASCII. A line break would end the header, and no two browsers agree on the
 * letters beyond ASCII here (the charset of RFC 7617 is that of the credentials, not of the realm).
 */
export function isRealm (value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
}

/** Creates the function that gives the value of WWW-Authenticate for a request. */
export function createChallenge (
  realm: string | ((request: FastifyRequest) => string) = defaultRealm
): (request: FastifyRequest) => string {
  if (typeof realm === 'string') {
    const fixed = writeChallenge(realm)
    return () => fixed
  }
  return (request) => {
    try {
      const text: unknown = realm(request)
      if (isRealm(text)) return writeChallenge(text)
      Promise.resolve(text).catch(() => {}) // if it is a promise that rejects, it must not end the process
      request.log.error('fastify-quickstart/auth: option "realm" returned something other than printable ASCII')
    } catch (error) {
      request.log.error({ err: error }, 'fastify-quickstart/auth: option "realm" threw')
    }
    return writeChallenge(defaultRealm) // a 401 without a challenge would leave the client helpless
  }
}

/**
 * Writes a challenge as in RFC 7617 section 2.1. Inside a quoted-string, a backslash goes before `"` and `\` (RFC 9110
 * section 5.6.4).
 */
function writeChallenge (realm: string): string {
  return `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
}
