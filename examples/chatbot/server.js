import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import formbody from '@fastify/formbody'
import Fastify, { LogController } from 'fastify'
import auth, { requiresAuth } from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import params, { string } from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'
import Negotiator from 'negotiator'
import { conversation, messagesOf, openModel, settings } from './model.js'
import { blocksOf } from './public/blocks.js'
import { AnswerError, eventHeaders, eventStream, FairQueue, wholeAnswer } from './queue.js'

/** The app: the five plugins, the page, and the answers. */
export default async function server (app, options) {
  const { answer, about, close } = openModel(app.log)
  const queue = new FairQueue(settings)
  const open = new Set() // a promise for each answer that is under way
  app.setErrorHandler(answerError)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'content-security-policy': "default-src 'self'", 'x-content-type-options': 'nosniff' })
  })

  await app.register(params, { routes: false }) // first, for it names the routes that are declared after it
  await app.register(auth, { path: false, realm: 'Chatbot', htpasswd: process.env.USERS_FILE })
  await app.register(files, { root: join(import.meta.dirname, 'public') })
  // What the page's script imports is served as the packages bring it.
  for (const name of ['markdown-it/browser', 'eventsource-parser/stream']) {
    const root = new URL('.', import.meta.resolve(name))
    await app.register(files, { root, prefix: `/${name.split('/')[0]}/` })
  }
  await app.register(templates, { root: join(import.meta.dirname, 'views'), context: { about, blocksOf } })
  await app.register(hello, { path: '/health', message: 'ok' })
  await app.register(formbody)

  app.get('/', {
    config: { name: 'chat' },
    onRequest: requiresAuth,
    schema: { querystring: { type: 'object', properties: { question: string({ minLength: 0, default: '' }) } } }
  }, async (request, reply) => reply.render('chat', { history: [], question: request.query.question }))

  const route = { config: { name: 'answer' }, onRequest: requiresAuth, ...conversation }
  app.post('/answer', route, async (request, reply) => {
    const { body: { question, history }, user: { name: user } } = request
    const messages = messagesOf(request.body)
    const controller = new AbortController() // request.signal fires when the body of a POST has been read
    const over = finished(reply.raw).catch(() => {}).then(() => {
      open.delete(over)
      controller.abort(new AnswerError(499, 'Nobody waits for the answer any more.'))
    })
    open.add(over)
    const steps = queue.answer(user, controller, (signal) => answer(messages, { signal, user }))

    const type = new Negotiator(request).mediaType(['text/event-stream', 'application/json', 'text/html'])
    if (type === 'application/json') return await wholeAnswer(steps)
    if (type === 'text/html') {
      const { answer, notice } = await wholeAnswer(steps)
      return reply.render('chat', { history: [...history, question, answer], question: '', problem: notice })
    }
    return reply.headers(eventHeaders).send(eventStream(steps, controller.signal, (error) => log(error, request)))
  })

  app.addHook('preClose', async () => {
    queue.close(new AnswerError(503, 'The server is shutting down. Try again in a moment.'))
    await Promise.race([Promise.all(open), setTimeout(3000, undefined, { ref: false })]) // somebody may not read
  })
  app.addHook('onClose', async () => close?.())
}

/** JSON for programs, a page for browsers: without JavaScript, it has what was typed. */
function answerError (error, request, reply) {
  log(error, request)
  const { statusCode = 500, retryAfter } = error
  const message = statusCode < 500 || error instanceof AnswerError ? error.message : 'The server failed to answer.'
  reply.code(statusCode)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  const type = new Negotiator(request).mediaType(['application/json', 'text/html'])
  if (type !== 'text/html') return { statusCode, message }
  if (!(error instanceof AnswerError)) return reply.render('error', { message })
  return reply.render('chat', { history: request.body.history, question: request.body.question, problem: message })
}

/** One line for what went wrong here. What a client did wrong is not worth one. */
function log (error, request) {
  const { statusCode = 500, cause = error } = error
  if (statusCode >= 500) request.log.error({ err: cause, user: request.user?.name }, `no answer: ${cause.message}`)
}

// `node` starts the server here. `fastify start` takes the app above alone.
if (realpathSync(process.argv[1] ?? '') === import.meta.filename) {
  const app = Fastify({
    logger: { level: process.env.LOG_LEVEL ?? 'info' },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: 'loopback', // a proxy on this machine says who the client is
    requestTimeout: 30_000,
    forceCloseConnections: true
  })
  await app.register(server)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
  const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
  console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)
}
