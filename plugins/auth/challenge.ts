import type { FastifyRequest } from 'fastify'

export const defaultRealm = 'Login Required'

/**
 * What a realm may hold: printable ASCII. A line break would end the header, and no two browsers
 * agree on the letters beyond ASCII here (the charset of RFC 7617 is that of the credentials, not of the realm).
 */
const printable = /^[\x20-\x7e]+$/

export function isRealm (value: unknown): value is string {
  return typeof value === 'string' && printable.test(value)
}

/** The value of WWW-Authenticate for a realm, as RFC 7617 section 2.1 has it. */
function challenge (realm: string): string {
  // RFC 9110 section 5.6.4: inside a quoted-string, a backslash goes before `"` and `\`.
  return `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
}

/** Makes the function that finds the challenge for a request. */
export function createChallenge (realm: string | ((request: FastifyRequest) => string)): (request: FastifyRequest) => string {
  if (typeof realm === 'string') {
    const fixed = challenge(realm)
    return () => fixed
  }
  return (request) => {
    try {
      const text: unknown = realm(request)
      if (isRealm(text)) return challenge(text)
      Promise.resolve(text).catch(() => {}) // should it be one that rejects, which would end the process
      request.log.error('fastify-quickstart/auth: option "realm" answered something else than printable ASCII')
    } catch (error) {
      request.log.error({ err: error }, 'fastify-quickstart/auth: option "realm" threw')
    }
    // The host's mistake, and no reason to leave a client without a challenge.
    return challenge(defaultRealm)
  }
}
