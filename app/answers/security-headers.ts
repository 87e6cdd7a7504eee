import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import helmet from 'helmet'
import { randomBytes } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { type ContentSecurityPolicy, formatPolicy, addNonce } from '../settings/content-security-policy.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * For inline scripts and styles of this answer: `<script nonce="${request.cspNonce}">`. In views it is `it.nonce`.
     * Printing it makes the nonce and adds it to the answer's Content-Security-Policy, and to the one that is tried.
     */
    cspNonce: CspNonce
  }
}

/** The policies of the app as texts, by the field that carries each. One that is off is absent. */
type Policies = Readonly<Record<string, string>>

function formatPolicies (csp: ContentSecurityPolicy, reportOnly: ContentSecurityPolicy): Policies {
  const enforced = formatPolicy(csp)
  const tried = formatPolicy(reportOnly)
  return {
    ...(enforced !== undefined && { 'content-security-policy': enforced }),
    ...(tried !== undefined && { 'content-security-policy-report-only': tried })
  }
}

/** Lazy, so that an answer that prints no nonce keeps the plain policies. */
export class CspNonce {
  readonly #reply: FastifyReply
  readonly #plain: Policies
  #value: string | undefined

  constructor (reply: FastifyReply, policies: Policies) {
    this.#reply = reply
    this.#plain = policies
  }

  /** The app's policy of this field for this answer, with the nonce if it has been printed. Undefined for others. */
  findPolicy (field: string): string | undefined {
    const plain = this.#plain[field]
    return plain === undefined || this.#value === undefined ? plain : addNonce(plain, this.#value)
  }

  toString (): string {
    if (this.#value === undefined) {
      this.#value = randomBytes(16).toString('base64')
      for (const [field, plain] of Object.entries(this.#plain)) {
        const isOurs = this.#reply.getHeader(field) === plain // else the host has set its own
        if (isOurs) this.#reply.header(field, addNonce(plain, this.#value))
      }
    }
    return this.#value
  }
}

/** Helmet's other headers, which are the same for each answer. */
const helmetHeaders = recordHelmet()

function recordHelmet (): Record<string, string> {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  helmet({
    contentSecurityPolicy: false,
    strictTransportSecurity: false,
    // Helmet's `no-referrer` makes browsers send `Origin: null` with the app's own forms, which a guard refuses.
    referrerPolicy: { policy: 'strict-origin-when-cross-origin' }
  })(response.req, response, () => {})
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]))
}

/** For a year, and for this host alone: its subdomains may have no HTTPS. */
export const transportSecurity = 'max-age=31536000'

/** Sets the security headers of an answer, also of one that comes before any hook of the app. */
export type SetSecurityHeaders = (request: FastifyRequest, reply: FastifyReply) => void

/**
 * Sets the security headers of each answer, and gives each request a nonce.
 *
 * @param reportOnly a policy that browsers try beside the enforced one: they report, and stop nothing
 */
export function addSecurityHeaders (
  app: FastifyInstance, csp: ContentSecurityPolicy, reportOnly: ContentSecurityPolicy
): void {
  const setSecurityHeaders = createSecurityHeaders(csp, reportOnly)
  if (!app.hasRequestDecorator('cspNonce')) app.decorateRequest('cspNonce')
  app.addHook('onRequest', (request, reply, done) => {
    setSecurityHeaders(request, reply)
    done()
  })
}

/**
 * Creates the function that sets the security headers with these policies.
 *
 * They go into Fastify's reply: Node writes a head faster where no field was set on its own response.
 */
export function createSecurityHeaders (
  csp: ContentSecurityPolicy, reportOnly: ContentSecurityPolicy = 'off'
): SetSecurityHeaders {
  const policies = formatPolicies(csp, reportOnly)
  const fixed: Record<string, string> = { ...helmetHeaders, ...policies }
  const names = [...Object.keys(fixed), 'x-request-id', 'strict-transport-security']

  return (request, reply) => {
    reply.headers(fixed)
    reply.header('x-request-id', request.id)
    // RFC 6797 section 7.2: never over plain HTTP.
    if (request.protocol === 'https') reply.header('strict-transport-security', transportSecurity)
    request.cspNonce = new CspNonce(reply, policies)
    completeHead(reply, fixed, names)
  }
}

/** Node's function. Its overloads, and those of HTTP/2, come to this: a status, perhaps a text, perhaps fields. */
type WriteHead = (status: number, ...rest: unknown[]) => unknown

/**
 * Adds the fields to a head that does not come from Fastify's reply: of a hijacked answer, or of one that is sent by
 * `reply.raw`. A field that its sender has set stays, and one that `reply.removeHeader` has removed stays away.
 */
function completeHead (reply: FastifyReply, fixed: Record<string, string>, names: readonly string[]): void {
  const raw = reply.raw as Omit<typeof reply.raw, 'writeHead'> & { writeHead: WriteHead }
  const { writeHead } = raw
  raw.writeHead = function (status, ...rest) {
    const head = rest.at(-1) as Record<string, unknown> | undefined // a text or a list has none of these names
    for (const name of names) {
      if (head?.[name] !== undefined || !reply.hasHeader(name)) continue
      if (!raw.headersSent && !raw.hasHeader(name)) raw.setHeader(name, ownValue(name, reply.request, fixed))
    }
    return writeHead.call(this, status, ...rest)
  }
}

function ownValue (name: string, { id, cspNonce }: FastifyRequest, fixed: Record<string, string>): string {
  if (name === 'x-request-id') return id
  return cspNonce.findPolicy(name) ?? fixed[name] ?? transportSecurity
}
