import cluster from 'node:cluster'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import formbody from '@fastify/formbody'
import { requiresAuth } from 'fastify-quickstart/auth'
import { string } from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import Negotiator from 'negotiator'
import { bodyLimit, messagesOf, readConversation } from './conversation.js'
import feedback from './feedback.js'
import { keepJournal } from './journal.js'
import { AnswerError } from './limits.js'
import { openCommand } from './model-command.js'
import { openThread } from './model-thread.js'
import { openUrl } from './model-url.js'
import openai from './openai.js'
import { blocksOf } from './public/blocks.js'
import { FairQueue } from './queue.js'
import { loadEnvFile, readSettings, stop } from './settings.js'
import { eventHeaders, eventStream, keepOpen, toEvents, untilOver, wholeAnswer } from './stream.js'
import usage from './usage.js'

/** The chatbot's routes. They run on the app of fastify-quickstart, which has logins, pages, limits and health. */
export default async function chatbot (app) {
  if (cluster.isWorker) stop('it is one process, whose queue is in memory; set MODEL_SLOTS, not --workers')
  const settings = readSettings()
  const { USERS_FILE, QUICKSTART_USERS_FILE } = process.env
  if (USERS_FILE && !QUICKSTART_USERS_FILE) stop('USERS_FILE is for node server.js alone; set QUICKSTART_USERS_FILE')
  const { MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH, MODEL_ANSWER_LENGTH, MODEL_COMMAND, MODEL_URL } = settings
  const open = MODEL_COMMAND ? openCommand : MODEL_URL ? openUrl : openThread
  const model = await open(settings, app.log)
  const queue = new FairQueue(settings)
  const journal = keepJournal(settings, model.name, app.log)
  const underWay = new Set() // a promise for each answer

  /** Asks the model in the name of who is logged in. The answer ends when the client goes away. */
  function ask (request, reply, { messages, ...facts }) {
    const { user: { name: user }, raw: { socket }, log } = request
    const controller = new AbortController() // request.signal fires when the body of a POST has been read
    const over = untilOver(reply.raw, socket).then(() => {
      underWay.delete(over)
      controller.abort(new AnswerError(499, 'Nobody waits for the answer any more.'))
    })
    underWay.add(over)
    const told = queue.answer(user, controller, (signal) => model.answer(messages, { signal, user }))
    const steps = keepOpen(journal.follow(told, { user, log, ...facts }), socket, app.server.timeout)
    return { steps, signal: controller.signal }
  }

  /** Renders the chat, with what its view may show. */
  function renderChat (request, reply, shown) {
    return reply.render('chat', {
      about: model.about,
      model: model.name,
      hasFeedback: settings.FEEDBACK_FILE !== '',
      isRecorded: settings.TRANSCRIPT_FILE !== '',
      canSeeUsage: request.user.groups.includes('researchers'),
      limits: { question: MODEL_QUESTION_LENGTH, history: MODEL_HISTORY_LENGTH, answer: MODEL_ANSWER_LENGTH },
      blocksOf,
      history: [],
      question: '',
      ...shown
    })
  }

  // What the page's scripts import is served as its packages bring it, at /markdown-it/ and /eventsource-parser/.
  for (const name of ['markdown-it/browser', 'eventsource-parser/stream']) {
    await app.register(files, { root: new URL('.', import.meta.resolve(name)), prefix: `/${name.split('/')[0]}/` })
  }
  await app.register(formbody)
  // What who asked may read: JSON for programs, and for a browser without JavaScript a page with what was typed.
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof AnswerError)) throw error // the app answers it
    const { statusCode, message, retryAfter } = error
    reply.code(statusCode)
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    const type = new Negotiator(request).mediaType(['application/json', 'text/html'])
    return type === 'text/html'
      ? renderChat(request, reply, { ...request.conversation, problem: message })
      : { statusCode, message }
  })
  app.decorateRequest('conversation', null)

  app.get('/', {
    config: { name: 'chat' },
    onRequest: requiresAuth,
    schema: { querystring: { type: 'object', properties: { question: string({ minLength: 0, default: '' }) } } }
  }, async (request, reply) => renderChat(request, reply, { question: request.query.question }))

  app.post('/answer', {
    config: { name: 'answer' },
    onRequest: requiresAuth,
    bodyLimit: bodyLimit(settings)
  }, async (request, reply) => {
    request.conversation = readConversation(request.body)
    const { question, history, conversation } = request.conversation
    const messages = messagesOf(request.conversation, settings)
    const { steps, signal } = ask(request, reply, { messages, question, conversation })

    const type = new Negotiator(request).mediaType(['text/event-stream', 'application/json', 'text/html'])
    if (type === 'application/json') return await wholeAnswer(steps)
    if (type === 'text/html') {
      const { answer, notice } = await wholeAnswer(steps)
      return renderChat(request, reply, { history: [...history, question, answer], problem: notice })
    }
    return reply.headers(eventHeaders).send(eventStream(toEvents(steps), signal))
  })

  if (settings.FEEDBACK_FILE) await app.register(feedback, { settings })
  await app.register(usage, { queue, journal })
  await app.register(openai, { prefix: '/v1', settings, ask, model: model.name }) // OpenAI's clients; may be deleted

  app.addHook('preClose', async () => {
    queue.close(new AnswerError(503, 'The server is shutting down. Try again in a moment.'))
    await Promise.race([Promise.all(underWay), wait(3000, undefined, { ref: false })]) // somebody may not read
    await Promise.all([model.close?.(), journal.close()])
  })
}

// `node server.js` starts fastify-quickstart with these routes, in this folder, from wherever it is called.
if (realpathSync(process.argv[1] ?? '') === import.meta.filename) {
  process.chdir(import.meta.dirname)
  loadEnvFile()
  process.env.PORT ||= '3000'
  process.env.QUICKSTART_REALM ||= 'Chatbot'
  process.env.QUICKSTART_LOG_LEVEL ||= 'info' // a line for each answer
  if (process.env.USERS_FILE) process.env.QUICKSTART_USERS_FILE ||= process.env.USERS_FILE
  const command = join(createRequire(import.meta.url).resolve('fastify-quickstart/package.json'), '../bin/run.js')
  process.argv[1] = command
  process.argv.push('--routes', 'server.js', '--tutorial=false')
  import(pathToFileURL(command)) // not awaited, for it loads this file, which must have ended
}
