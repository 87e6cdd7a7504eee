import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

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
  const { statusCode: given, message, code, issues } = (error ?? {}) as AnyError
  const statusCode = given !== undefined && given >= 400 && given <= 599 ? given : 500
  if (statusCode >= 500) {
    request.log.error({ err: error }, 'the request failed')
    return send(request, reply, { statusCode, error: phrase(statusCode), message: serverFault[statusCode] ?? 'The server could not answer this request.' })
  }
  request.log.info({ statusCode, code, reason: message }, 'the request was refused')
  return send(request, reply, {
    statusCode,
    error: phrase(statusCode),
    message: message ?? phrase(statusCode),
    ...(code !== undefined && { code }),
    ...(issues !== undefined && { issues })
  })
}

/** Answers an address that there is not. */
export function answerNotFound (request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return send(request, reply, { statusCode: 404, error: 'Not Found', message: 'There is nothing at this address.' })
}

/**
 * Answers what the router itself refuses before any route or hook of the app is reached: a malformed escape in the
 * path (400) or a parameter that is too long (414). Always JSON.
 */
export function answerRouterError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode = 400 } = error
  const message = statusCode === 414
    ? 'The address is too long.'
    : 'The path of the address must be percent-encoded UTF-8.'
  reply.code(statusCode)
    .header('x-content-type-options', 'nosniff')
    .type('application/json; charset=utf-8')
    .send({ statusCode, error: phrase(statusCode), message, code: error.code })
}

function phrase (statusCode: number): string {
  return STATUS_CODES[statusCode] ?? 'Error'
}

function send (request: FastifyRequest, reply: FastifyReply, body: ErrorBody): FastifyReply {
  const vary = reply.getHeader('vary')
  reply.code(body.statusCode).header('vary', vary === undefined ? 'Accept' : `${String(vary)}, Accept`)
  if (request.accepts().type(['json', 'html']) === 'html' && request.server.hasDecorator('hasView') && request.server.hasView('error')) {
    return reply.type('text/html; charset=utf-8').render('error', { ...body })
  }
  return reply.type('application/json; charset=utf-8').send(body)
}
