import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import helmet from 'helmet'
import { randomBytes } from 'node:crypto'
import { type ContentSecurityPolicy, formatPolicy, addNonce } from '../settings/content-security-policy.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * For inline scripts and styles of this answer: `<script nonce="${request.cspNonce}">`. In views it is `it.nonce`.
     * Printing it makes the nonce and adds it to the answer's Content-Security-Policy.
     */
    cspNonce: CspNonce
  }
}

/** Lazy, so that an answer that prints no nonce keeps the plain policy. */
export class CspNonce {
  readonly #reply: FastifyReply
  readonly #policy: string | undefined
  #value: string | undefined

  constructor (reply: FastifyReply, policy: string | undefined) {
    this.#reply = reply
    this.#policy = policy
  }

  toString (): string {
    if (this.#value === undefined) {
      this.#value = randomBytes(16).toString('base64')
      if (this.#policy !== undefined) {
        this.#reply.raw.setHeader('content-security-policy', addNonce(this.#policy, this.#value))
      }
    }
    return this.#value
  }
}

/** Helmet's other headers. */
const setHelmetHeaders = helmet({
  contentSecurityPolicy: false,
  strictTransportSecurity: false,
  // Helmet's `no-referrer` makes browsers send `Origin: null` with the app's own forms, which a guard refuses.
  referrerPolicy: { policy: 'strict-origin-when-cross-origin' }
})

/** For a year, and for this host alone: its subdomains may have no HTTPS. */
export const transportSecurity = 'max-age=31536000'

/** Sets the security headers of an answer, also of one that comes before any hook of the app. */
export type SetSecurityHeaders = (request: FastifyRequest, reply: FastifyReply) => void

/** Sets the security headers of each answer, and gives each request a nonce. */
export function addSecurityHeaders (app: FastifyInstance, csp: ContentSecurityPolicy): void {
  const setSecurityHeaders = createSecurityHeaders(csp)
  if (!app.hasRequestDecorator('cspNonce')) app.decorateRequest('cspNonce')
  app.addHook('onRequest', async (request, reply) => setSecurityHeaders(request, reply))
}

/** Creates the function that sets the security headers with this policy. */
export function createSecurityHeaders (csp: ContentSecurityPolicy): SetSecurityHeaders {
  const policy = formatPolicy(csp)
  return (request, reply) => {
    setHelmetHeaders(request.raw, reply.raw, () => {})
    // RFC 6797 section 7.2: never over plain HTTP.
    if (request.protocol === 'https') reply.raw.setHeader('strict-transport-security', transportSecurity)
    reply.raw.setHeader('x-request-id', request.id)
    if (policy !== undefined) reply.raw.setHeader('content-security-policy', policy)
    request.cspNonce = new CspNonce(reply, policy)
  }
}
