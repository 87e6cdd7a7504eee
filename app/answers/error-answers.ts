import proxyAddr from '@fastify/proxy-addr'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type {} from '../../plugins/templates/index.ts' // types app.page and app.hasView
import { isDirectAndLocal } from '../../lib/direct-client.ts'
import { sendFailure } from '../../lib/failure-answer.ts'
import { prefersHtml } from '../../lib/prefers-html.ts'
import { addVary } from '../../lib/vary.ts'
import { explainFailure } from '../development/failure.ts'
import { logAnswer } from '../operation/access-log.ts'
import type { ContentSecurityPolicy } from '../settings/content-security-policy.ts'
import { createSecurityHeaders, type SetSecurityHeaders } from './security-headers.ts'
import { createProxyTest, findClientAddress, type TrustProxy } from './trusted-proxies.ts'

/**
 * One thing that was wrong with a request's input: where, which name, what was expected, and a sentence for people. Set
 * by the params topic.
 */
export interface InputIssue {
  in: string
  name: string
  expected: string
  message: string
}

/** An error as a handler meets it: Fastify's own, a plugin's, or anything that was thrown. */
type AnyError = Partial<FastifyError> & { issues?: InputIssue[] }

/** The content of an error answer, as JSON or in the page. */
export interface ErrorBody {
  statusCode: number
  /** The status in words, such as `Not Found`. */
  error: string
  message: string
  /** The code of a refusal. Absent where the server is at fault. */
  code?: string
  issues?: InputIssue[]
}

/** Where a server keeps the app that answers what its router refuses. */
const errorAnswers = Symbol('fastify-quickstart.error-answers')

declare module 'node:http' {
  interface Server {
    [errorAnswers]?: { app: FastifyInstance, setSecurityHeaders: SetSecurityHeaders }
  }
}

/**
 * Handles every error of the app: a page for a client that prefers HTML, else JSON. A 5xx shows nothing of the server,
 * except to the developer: outside production, a client on this machine is told where it failed and why.
 *
 * @param csp for what the router refuses, which comes before any hook of the app
 * @param reportOnly the policy that is tried beside it
 */
export function answerErrors (
  app: FastifyInstance, csp: ContentSecurityPolicy, reportOnly: ContentSecurityPolicy
): void {
  // The request's own context may have an error page of its own.
  app.setErrorHandler((error, request, reply) => answer(request.server, error, request, reply))
  // The router's errors reach the server alone. Of several apps on one server, the last answers them.
  app.server[errorAnswers] = { app, setSecurityHeaders: createSecurityHeaders(csp, reportOnly) }
}

/** Handles what no route does, unless the host or its own routes do: Fastify takes one handler for each prefix. */
export function answerNotFound (app: FastifyInstance): void {
  try {
    app.setNotFoundHandler((request, reply) => send(request.server, request, reply, notFound))
  } catch {} // thrown only where there is one
}

/** To the developer. Code is not read again while the server runs. */
const advice = 'Correct it, start the server again, and load this page again.'

const notFound: ErrorBody = { statusCode: 404, error: 'Not Found', message: 'There is nothing at this address.' }

/** The message where the server is at fault: nothing of what happened. */
const serverFaults: Record<number, string> = {
  503: 'The server is busy right now. Please try again in a moment.'
}

/** Messages for what the router refuses, by its error's code. Its own repeat what the client sent. */
const routerRefusals: Record<string, { message: string, issues: InputIssue[] }> = {
  FST_ERR_BAD_URL: {
    message: 'The path of the address must be percent-encoded UTF-8.',
    issues: [{ in: 'params', name: '*', expected: 'percent-encoded UTF-8', message: 'Please check the address' }]
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    message: 'The path of the address must be shorter.',
    issues: [{ in: 'params', name: '*', expected: 'shorter', message: 'Please shorten the address' }]
  }
}

const setDefaultHeaders = createSecurityHeaders('strict')

/** Fastify's option `frameworkErrors`. Named, so that the types of `options` name Fastify's types alone. */
export type RouterErrorAnswer = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void

/**
 * Makes the answer to what the router itself refuses before any route or hook of the app is reached: a malformed
 * escape in the path (400) or a parameter that is too long (414).
 */
export function createRouterErrorAnswer (trustProxy: TrustProxy): RouterErrorAnswer {
  const isTrusted = createProxyTest(trustProxy)
  return (error, request, reply) => {
    believeProxies(request, isTrusted)
    const { app, setSecurityHeaders } = request.server.server[errorAnswers] ??
      { app: request.server, setSecurityHeaders: setDefaultHeaders }
    if (process.env.NODE_ENV === 'production') logAnswer(request, reply)
    setSecurityHeaders(request, reply)
    const { statusCode, code } = error
    const refusal = routerRefusals[code]
    answer(app, refusal === undefined ? error : { statusCode, code, ...refusal }, request, reply)
  }
}

/**
 * The router's request is Fastify's bare one, without what plugins add, and deaf to proxies: its address would be the
 * proxy's, its protocol always the one between the proxy and the app.
 */
function believeProxies (request: FastifyRequest, isTrusted: ReturnType<typeof createProxyTest>): void {
  Object.defineProperty(request, 'ip', { value: findClientAddress(proxyAddr.all(request.raw, isTrusted)) })
  const { 'x-forwarded-proto': given } = request.headers
  if (given === undefined || !isTrusted(request.raw.socket.remoteAddress)) return
  // Where there are several, the last is the nearest proxy's, as in Fastify's own requests.
  Object.defineProperty(request, 'protocol', { value: String(given).split(',').at(-1)?.trim() })
}

function answer (app: FastifyInstance, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode: given, message, code, issues } = (error ?? {}) as AnyError // each field is looked at below
  const statusCode = given !== undefined && given >= 400 && given <= 599 ? given : 500
  const refused = { req: request, statusCode, code, reason: message }
  if (statusCode >= 500) {
    const says = serverFaults[statusCode] ?? 'The server could not answer this request.'
    const body = { statusCode, error: findPhrase(statusCode), message: says }
    // A refusal under load comes many times over, and its stack says nothing.
    if (statusCode === 503 && code?.startsWith('FST_QUICKSTART_') === true) {
      request.log.warn(refused, 'the request was refused')
      return send(app, request, reply, body)
    }
    // Fastify's word for a stream that cannot be sent on. Its access log has who left.
    if (code === 'ERR_STREAM_PREMATURE_CLOSE' && reply.raw.destroyed) return send(app, request, reply, body)
    request.log.error({ err: error, req: request }, 'the request failed')
    if (process.env.NODE_ENV === 'production' || !isDirectAndLocal(request)) return send(app, request, reply, body)
    addVary(reply, 'Accept')
    return sendFailure(reply, { ...body, ...explainFailure(error), title: 'A request failed', advice })
  }
  // In production the one line of the access log says it.
  const level = process.env.NODE_ENV === 'production' ? 'debug' : 'info'
  request.log[level](refused, 'the request was refused')
  return send(app, request, reply, {
    statusCode,
    error: findPhrase(statusCode),
    message: message ?? findPhrase(statusCode),
    ...(code !== undefined && { code }),
    ...(issues !== undefined && { issues })
  })
}

function findPhrase (statusCode: number): string {
  return STATUS_CODES[statusCode] ?? 'Error'
}

/** @param app the one whose error page it is, if it has one */
function send (app: FastifyInstance, request: FastifyRequest, reply: FastifyReply, body: ErrorBody): FastifyReply {
  reply.code(body.statusCode)
  addVary(reply, 'Accept')
  const sendJson = () => reply.type('application/json; charset=utf-8').send(body)
  if (!prefersHtml(request.raw) || !app.hasDecorator('page') || !app.hasView('error')) return sendJson()

  app.page(reply, 'error', { ...body }).then(
    (html) => reply.type('text/html; charset=utf-8').send(html),
    (error) => {
      request.log.error({ err: error, req: request }, 'the error page failed')
      sendJson()
    })
  return reply
}
