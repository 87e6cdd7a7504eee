// The chatbot for programs that speak OpenAI's chat completions, with the same logins and the same fair queue:
// `POST /v1/chat/completions` and `GET /v1/models`. Nothing else needs this file: it may be deleted, with the two lines
// of server.js that name it.
import { randomUUID } from 'node:crypto'
import { requiresAuth } from 'fastify-quickstart/auth'
import { bodyLimit, isObject, mostMessages, prepareMessages } from './conversation.js'
import { AnswerError } from './limits.js'
import { eventHeaders, eventStream, wholeAnswer } from './stream.js'

/** The roles of a message, and what the model gets. */
const roles = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' }

/** Why an answer ended, in OpenAI's words. */
const finishReasons = { length: 'length', refusal: 'content_filter', tools: 'tool_calls' }

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {object} options
 * @param {object} options.settings
 * @param {string} options.model its name
 * @param {Function} options.ask asks the model in the name of who is logged in: see server.js
 */
export default async function openai (app, { settings, model, ask }) {
  const created = Math.floor(Date.now() / 1000)
  app.addHook('onRequest', takeBearer)
  app.addHook('onRequest', requiresAuth)

  app.get('/models', async () => {
    return { object: 'list', data: [{ id: model, object: 'model', created, owned_by: 'chatbot' }] }
  })

  app.post('/chat/completions', { bodyLimit: bodyLimit(settings) }, async (request, reply) => {
    const { messages, stream } = read(request.body)
    const question = messages.at(-1).content
    const asked = ask(request, reply, { messages: prepareMessages(messages, settings), question })
    const answer = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
    if (!stream) return await toCompletion(asked.steps, answer)
    return reply.headers(eventHeaders).send(eventStream(toChunks(asked.steps, answer), asked.signal))
  })

  app.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, retryAfter } = error
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    const hasLeft = error.code === 'ERR_STREAM_PREMATURE_CLOSE' && reply.raw.destroyed
    const isFault = statusCode >= 500 && !(error instanceof AnswerError) && !hasLeft
    if (isFault) request.log.error({ err: error }, 'the request failed')
    return reply.code(statusCode).send({ error: describe(error) })
  })
  app.setNotFoundHandler((request, reply) => {
    const message = 'There is POST /v1/chat/completions and GET /v1/models.'
    return reply.code(404).send({ error: { message, type: 'invalid_request_error', param: null, code: 'unknown_url' } })
  })
}

/** Takes `Bearer name:password`, the way in which OpenAI's clients send a key, for the login that it holds. */
async function takeBearer ({ headers }) {
  const [, login] = /^Bearer +(\S+:.+)$/i.exec(headers.authorization ?? '') ?? []
  if (login !== undefined) headers.authorization = `Basic ${Buffer.from(login, 'latin1').toString('base64')}`
}

/** @throws {AnswerError} 400 that says which field is wrong, and what it takes */
function read (body) {
  if (!isObject(body)) refuse('The body must be JSON, an object with messages.')
  const { messages, stream = false, n = 1, tools, functions } = body
  if (!Array.isArray(messages) || messages.length === 0) {
    refuse('messages must be a list of one message or more.', 'messages')
  }
  if (messages.length > mostMessages) {
    refuse(`messages has ${messages.length} entries; at most ${mostMessages} are taken.`, 'messages')
  }
  if (typeof stream !== 'boolean' && stream !== null) refuse('stream must be true or false.', 'stream')
  if (n !== 1 && n !== null) refuse('n must be 1: there is one answer to a question.', 'n')
  if (tools?.length || functions?.length) refuse('tools are not taken.', 'tools')
  return { messages: messages.map(readMessage), stream: stream === true }
}

function readMessage (message, index) {
  const { role, content } = Object(message)
  if (typeof role !== 'string' || !Object.hasOwn(roles, role)) {
    refuse(`messages[${index}].role must be one of ${Object.keys(roles).join(', ')}.`, `messages[${index}].role`)
  }
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  if (!Array.isArray(parts) || !parts.every((part) => part?.type === 'text' && typeof part.text === 'string')) {
    refuse(`messages[${index}].content must be text, or a list of parts of text.`, `messages[${index}].content`)
  }
  return { role: roles[role], content: parts.map(({ text }) => text).join('') }
}

function refuse (message, param) {
  throw new AnswerError(400, message, { param })
}

async function toCompletion (steps, { id, created, model }) {
  const { answer, thinking, reason } = await wholeAnswer(steps)
  const message = { role: 'assistant', content: answer, refusal: null }
  if (thinking !== undefined) message.reasoning_content = thinking
  const choice = { index: 0, message, finish_reason: finishReasons[reason] ?? 'stop', logprobs: null }
  return { id, object: 'chat.completion', created, model, choices: [choice] }
}

/** The chunks of a streamed answer; while one waits, a comment tells the place. */
async function * toChunks (steps, { id, created, model }) {
  const write = (delta, reason = null) => {
    const choices = [{ index: 0, delta, finish_reason: reason }]
    return `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices })}\n\n`
  }
  try {
    for await (const { event, place, text, reason } of steps) {
      if (event === 'place') yield place > 0 ? `: place ${place}\n\n` : write({ role: 'assistant', content: '' })
      if (event === 'thinking') yield write({ reasoning_content: text })
      if (event === 'token') yield write({ content: text })
      if (event === 'done') yield write({}, finishReasons[reason] ?? 'stop')
    }
    yield 'data: [DONE]\n\n'
  } catch (error) {
    yield `data: ${JSON.stringify({ error: describe(error) })}\n\n`
  }
}

/** An error as OpenAI's clients read it. A fault of the server shows nothing of it. */
function describe (error) {
  const { statusCode = 500, message, param = null, code = null } = error
  const isOwn = error instanceof AnswerError || statusCode < 500
  const types = { 401: 'authentication_error', 403: 'permission_error', 429: 'rate_limit_error' }
  const type = types[statusCode] ?? (statusCode < 500 ? 'invalid_request_error' : 'server_error')
  return { message: isOwn ? message : 'The server failed to answer.', type, param, code }
}
