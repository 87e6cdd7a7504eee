import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import type {} from '../answers/security-headers.ts' // types request.cspNonce
import { reloadsPages } from '../../lib/failure-answer.ts'
import { readBasePath } from '../../lib/router.ts'
import { createFilesState } from './files-state.ts'
import { reloadScript } from './reload-script.ts'

/** Request fields by which a browser asks for less than the page, whose state it would not learn then. */
const partial = ['if-none-match', 'if-modified-since', 'range']

/** Fields of an answer that are not those of the page with its script. */
const replaced = ['content-length', 'etag', 'last-modified', 'accept-ranges']

/**
 * For development: reloads a browser's page when a file below one of the folders changes, or the server starts anew.
 * Each HTML page that answers a GET gets a script, if it is sent as a text or a buffer. In production nothing happens.
 * Call it before the plugins and routes are registered:
 *
 * ```ts
 * import { reloadPages } from 'fastify-quickstart/live-reload'
 *
 * if (process.env.NODE_ENV !== 'production') reloadPages(app, [join(import.meta.dirname, 'views')])
 * ```
 *
 * A Content-Security-Policy of your own must allow `script-src 'self'` and `connect-src 'self'`.
 *
 * @param folders absolute paths
 */
export function reloadPages (app: FastifyInstance, folders: readonly string[]): void {
  if (process.env.NODE_ENV === 'production') return
  if (!app.hasDecorator(reloadsPages)) app.decorate(reloadsPages, true)
  const url = encodeURI(`${readBasePath(app)}/quickstart-reload`)
  const start = nameStart()
  const readFiles = createFilesState(folders)
  const readState = () => `${start}-${readFiles()}`
  const states = new WeakMap<FastifyRequest, string>()

  // Before the page is made: what is edited meanwhile makes another state.
  app.addHook('onRequest', async (request) => {
    if (!asksForPage(request)) return
    states.set(request, readState())
    for (const name of partial) delete request.headers[name]
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const state = states.get(request)
    if (state === undefined || !isPage(reply)) return payload
    for (const name of replaced) reply.removeHeader(name)
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
    return append(payload, createElement(url, state, findNonce(payload, request, reply)))
  })

  app.get('/quickstart-reload', { ...ownRoute, logLevel: 'warn' }, async (request, reply) => {
    return reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(readState())
  })
  app.get('/quickstart-reload.js', ownRoute, async (request, reply) => {
    // Kept, so that a page runs it though the server ends just then.
    return reply.header('cache-control', 'max-age=3600').type('text/javascript; charset=utf-8').send(reloadScript)
  })
}

/** No concern of a host's documentation (@fastify/swagger), nor of its limits (@fastify/rate-limit). */
const schema: object = { hide: true } // a field that @fastify/swagger declares
const ownRoute = { schema, config: { answeredBy: 'reload', rateLimit: false } }

/** Another name for each start. Workers that share a port share it too, since any of them may answer. */
function nameStart (): string {
  return cluster.isWorker ? `${process.ppid}` : randomBytes(6).toString('hex')
}

/** Frameworks that fetch parts of pages say so, where the browser does not. */
const partsAskedFor = ['x-requested-with', 'hx-request', 'turbo-frame', 'x-up-version']

/** Whether a browser will show the answer in a tab or frame of its own, and can ask for it again. */
function asksForPage ({ method, headers }: FastifyRequest): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false // a reload would send a form once more
  const destination = headers['sec-fetch-dest']
  if (destination !== undefined) return ['document', 'iframe', 'frame'].includes(String(destination))
  // Over plain HTTP, browsers send it to this machine alone.
  return /\btext\/html\b/i.test(`${headers.accept}`) && !partsAskedFor.some((name) => headers[name] !== undefined)
}

/** Whether a browser shows it. A page that asks for a login would ask once more for each file of its own. */
function isPage (reply: FastifyReply): boolean {
  return /^text\/html/i.test(`${reply.getHeader('content-type')}`) &&
    !/^attachment/i.test(`${reply.getHeader('content-disposition')}`) &&
    reply.getHeader('content-encoding') === undefined &&
    reply.statusCode !== 401
}

/**
 * The nonce by which an inline script may run in this page; empty where it needs none, undefined where it may not run.
 */
function findNonce (page: string | Buffer, request: FastifyRequest, reply: FastifyReply): string | undefined {
  const nonce = String(request.cspNonce ?? '') // of the root app; printing it adds it to the policy
  const policies = policyFields.map((name) => reply.getHeader(name)).filter((policy) => policy !== undefined)
  if (/http-equiv\s*=\s*["']?content-security-policy/i.test(page.toString('latin1'))) return undefined
  return policies.every((policy) => nonce !== '' && String(policy).includes(nonce)) ? nonce : undefined
}

const policyFields = ['content-security-policy', 'content-security-policy-report-only']

/** The script itself, which runs though the server ends meanwhile; where it may not, its file. */
function createElement (url: string, state: string, nonce: string | undefined): string {
  const data = `data-url="${url}" data-state="${state}"`
  return nonce === undefined
    ? `<script src="${url}.js" ${data} defer></script>\n`
    : `<script nonce="${nonce}" ${data}>${reloadScript}</script>\n`
}

function append (page: string | Buffer, element: string): string | Buffer {
  return typeof page === 'string' ? page + element : Buffer.concat([page, Buffer.from(element)])
}
