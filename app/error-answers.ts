import accepts from 'accepts'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type {} from '../plugins/templates/index.js'
import { setSecurityHeaders } from './security-headers.js'

/** One thing that was wrong with a request's input: where, which name, what was expected. Set by the params topic. */
export interface InputIssue {
  in: string
  name: string
  expected: string
}

/** An error as a handler meets it: Fastify's own, a plugin's, or anything that was thrown. */
type AnyError = Partial<FastifyError> & { issues?: InputIssue[] }

/** What an error answer holds, as JSON or in the page. */
export interface ErrorBody {
  statusCode: number
  /** The status in words, such as `Not Found`. */
  error: string
  message: string
  /** The code of a refusal. Absent for a fault of the server's own. */
  code?: string
  issues?: InputIssue[]
}

/** What the error page says where the server is at fault: nothing of what happened. */
const serverFault: Record<number, string> = {
  503: 'The server is busy right now. Please try again in a moment.'
}

/** Answers an error: a page for a client that prefers HTML, else JSON; nothing of the server's own shows in a 5xx. */
export function answerError (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answer(request.server, error, request, reply)
}

/** Answers an address that there is not. */
export function answerNotFound (request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return send(request.server, request, reply, { statusCode: 404, error: 'Not Found', message: 'There is nothing at this address.' })
}

/** What the router refuses, by its error's code. Its own messages repeat what the client sent. */
const routerRefusals: Record<string, { message: string, issues: InputIssue[] }> = {
  FST_ERR_BAD_URL: {
    message: 'The path of the address must be percent-encoded UTF-8.',
    issues: [{ in: 'params', name: '*', expected: 'percent-encoded UTF-8' }]
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    message: 'The path of the address must be shorter.',
    issues: [{ in: 'params', name: '*', expected: 'shorter' }]
  }
}

/** The app of each server whose pages are also shown for what the router refuses. */
const apps = new WeakMap<FastifyInstance['server'], FastifyInstance>()

/** Has `answerRouterError` answer as this app does. */
export function answerRouterErrorsAs (app: FastifyInstance): void {
  apps.set(app.server, app)
}

/**
 * Answers what the router itself refuses before any route or hook of the app is reached: a malformed escape in the
 * path (400) or a parameter that is too long (414). Request and reply are the bare server's, without what plugins add.
 */
export function answerRouterError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  setSecurityHeaders(request.raw, reply.raw)
  const app = apps.get(request.server.server) ?? request.server
  const { statusCode, code } = error
  const refusal = routerRefusals[code]
  answer(app, refusal === undefined ? error : { statusCode, code, ...refusal }, request, reply)
}

function answer (app: FastifyInstance, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode: given, message, code, issues } = (error ?? {}) as AnyError
  const statusCode = given !== undefined && given >= 400 && given <= 599 ? given : 500
  if (statusCode >= 500) {
    request.log.error({ err: error }, 'the request failed')
    return send(app, request, reply, { statusCode, error: phrase(statusCode), message: serverFault[statusCode] ?? 'The server could not answer this request.' })
  }
  request.log.info({ statusCode, code, reason: message }, 'the request was refused')
  return send(app, request, reply, {
    statusCode,
    error: phrase(statusCode),
    message: message ?? phrase(statusCode),
    ...(code !== undefined && { code }),
    ...(issues !== undefined && { issues })
  })
}

function phrase (statusCode: number): string {
  return STATUS_CODES[statusCode] ?? 'Error'
}

/** @param app the one whose error page it is, if it has one */
function send (app: FastifyInstance, request: FastifyRequest, reply: FastifyReply, body: ErrorBody): FastifyReply {
  const vary = reply.getHeader('vary')
  reply.code(body.statusCode).header('vary', vary === undefined ? 'Accept' : `${String(vary)}, Accept`)
  const sendJson = () => reply.type('application/json; charset=utf-8').send(body)
  if (accepts(request.raw).type(['json', 'html']) !== 'html' || !app.hasDecorator('page') || !app.hasView('error')) return sendJson()

  app.page(reply, 'error', { ...body }).then(
    (html) => reply.type('text/html; charset=utf-8').send(html),
    (error) => {
      request.log.error({ err: error }, 'the error page failed')
      sendJson()
    })
  return reply
}
