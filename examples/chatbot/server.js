import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import formbody from '@fastify/formbody'
import accepts from 'accepts'
import closeWithGrace from 'close-with-grace'
import Fastify, { LogController } from 'fastify'
import auth, { requiresAuth } from 'fastify-quickstart/auth'
import hello from 'fastify-quickstart/hello'
import params, { string } from 'fastify-quickstart/params'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'
import * as builtIn from './model.js'
import { openCommand } from './model-command.js'
import { openUrl } from './model-url.js'
import { blocksOf } from './public/blocks.js'
import { AnswerError, conversationOf, eventStream, FairQueue, wholeAnswer } from './queue.js'

const settings = readSettings({
  MODEL_COMMAND: '', // a process that answers, as in model-command.js
  MODEL_URL: '', // or a server that speaks OpenAI's chat completions; below, the model's name there and a key
  MODEL_NAME: '',
  MODEL_API_KEY: '',
  MODEL_SLOTS: 1, // answers at the same time
  MODEL_WAITING: 3, // questions that one user may have waiting
  MODEL_QUESTION_LENGTH: 4000, // characters
  MODEL_HISTORY_LENGTH: 40_000,
  MODEL_ANSWER_LENGTH: 20_000,
  MODEL_ANSWER_SECONDS: 300, // for a whole answer, from its turn on
  MODEL_SILENT_SECONDS: 60 // without a word from the model
})
const { PORT = '3000', HOST = '127.0.0.1', USERS_FILE, LOG_LEVEL = 'info' } = process.env

const app = Fastify({
  logger: { level: LOG_LEVEL },
  logController: new LogController({ disableRequestLogging: true }),
  trustProxy: 'loopback', // a proxy on this machine says who the client is
  requestTimeout: 30_000,
  // In a form, a character such as € takes nine bytes: %E2%82%AC.
  bodyLimit: 100_000 + 9 * (settings.MODEL_QUESTION_LENGTH + settings.MODEL_HISTORY_LENGTH),
  forceCloseConnections: true // once preClose below has told everybody
})
const { answer, about = '', close } = openModel()
const queue = new FairQueue(settings)

app.addHook('onRequest', async (request, reply) => {
  reply.headers({ 'content-security-policy': "default-src 'self'", 'x-content-type-options': 'nosniff' })
})

// The five topics. auth and params first: they guard and name the routes that are declared after them.
await app.register(auth, { path: false, realm: 'Chatbot', ...(USERS_FILE && { htpasswd: USERS_FILE }) })
await app.register(params, { routes: false })
await app.register(files, { root: fileURLToPath(new URL('public', import.meta.url)) })
await app.register(templates, { root: new URL('views', import.meta.url), context: { about, blocksOf } })
await app.register(hello, { path: '/health', message: 'ok' })
await app.register(formbody)
app.decorateRequest('conversation', null)

const filledIn = { type: 'object', properties: { question: string({ minLength: 0, default: '' }) } }
app.get('/', {
  config: { name: 'chat' },
  onRequest: requiresAuth,
  schema: { querystring: filledIn }
}, async (request, reply) => reply.render('chat', { history: [], question: request.query.question }))

app.post('/answer', { config: { name: 'answer' }, onRequest: requiresAuth }, async (request, reply) => {
  const { name: user } = request.user
  const messages = request.conversation = conversationOf(request.body, settings)
  const controller = abortWhenGone(reply)
  const steps = queue.answer(user, controller, (signal) => answer(messages, { signal, user }))

  switch (accepts(request.raw).type(['text/event-stream', 'application/json', 'text/html'])) {
    case 'application/json':
      return await wholeAnswer(steps)
    case 'text/html': {
      const { answer: content, notice } = await wholeAnswer(steps)
      const history = [...messages, { role: 'assistant', content }]
      return reply.render('chat', { history, question: '', problem: notice })
    }
    default:
      reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'private, no-store' })
      reply.header('x-accel-buffering', 'no') // nginx passes each event on at once
      return reply.send(eventStream(steps, controller.signal, (error) => log(error, request)))
  }
})

app.setErrorHandler((error, request, reply) => {
  log(error, request)
  const { statusCode = 500, retryAfter } = error
  const isPublic = statusCode < 500 || error instanceof AnswerError
  const message = isPublic ? error.message : 'Something went wrong in the server.'
  reply.code(statusCode)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  const isForPage = accepts(request.raw).type(['application/json', 'text/html']) === 'text/html'
  if (!isForPage) return reply.send({ statusCode, message })
  if (request.user === null) return reply.render('error', { message })
  // Without JavaScript, the page comes back with what was typed.
  const messages = request.conversation ?? [{ content: String(request.body?.question ?? '') }]
  return reply.render('chat', { history: messages.slice(0, -1), question: messages.at(-1).content, problem: message })
})

const open = new Set() // an AbortController for each answer that somebody waits for
app.addHook('preClose', async () => {
  const reason = new AnswerError('The server is shutting down. Try again in a moment.', 503)
  for (const answer of open) answer.abort(reason)
  for (let waited = 0; open.size > 0 && waited < 3000; waited += 20) await setTimeout(20)
})
app.addHook('onClose', async () => close?.())
closeWithGrace({ delay: 8000 }, async ({ err }) => {
  if (err) app.log.fatal(err)
  await app.close()
})

const url = await app.listen({ port: Number(PORT), host: HOST })
console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)

/** Fires when the client goes away. Not request.signal: Fastify fires that one when a POST's body has been read. */
function abortWhenGone (reply) {
  const controller = new AbortController()
  const gone = () => {
    open.delete(controller)
    controller.abort(new AnswerError('Nobody waits for the answer any more.', 499))
  }
  open.add(controller)
  if (reply.raw.destroyed) gone()
  else reply.raw.once('close', gone)
  return controller
}

/** One line for what went wrong here. What a client did wrong is not worth one. */
function log (error, request) {
  const { statusCode = 500, cause = error } = error
  if (statusCode >= 500) request.log.error({ err: cause, user: request.user?.name }, `no answer: ${cause.message}`)
}

function openModel () {
  if (settings.MODEL_COMMAND) return openCommand(settings, app.log)
  return settings.MODEL_URL ? openUrl(settings) : builtIn
}

/** Reads MODEL_* from the environment and from a file .env. Where the default is a number, so is the setting. */
function readSettings (defaults) {
  try {
    process.loadEnvFile()
  } catch {} // there need not be one
  const settings = { ...defaults }
  for (const [name, value] of Object.entries(process.env)) {
    if (!name.startsWith('MODEL_') || value === '') continue
    if (!(name in defaults)) stop(`${name} is not a setting; known settings: ${Object.keys(defaults).join(', ')}`)
    const isNumber = typeof defaults[name] === 'number'
    settings[name] = isNumber ? Number(value) : value
    if (isNumber && !(/^\d+$/.test(value) && settings[name] >= 1 && settings[name] <= 2_000_000)) {
      stop(`${name} is ${JSON.stringify(value)}; expected a whole number from 1 to 2000000`)
    }
  }
  const { MODEL_COMMAND, MODEL_URL, MODEL_API_KEY } = settings
  if (MODEL_COMMAND && MODEL_URL) stop('both MODEL_COMMAND and MODEL_URL are set; expected one of them')
  if (/^\s+$/.test(MODEL_COMMAND)) stop('MODEL_COMMAND is blank; expected a command such as python3 model.py')
  if (MODEL_URL && !(URL.canParse(MODEL_URL) && /^https?:\/\/[^@]+$/.test(MODEL_URL))) {
    stop('MODEL_URL does not fit; expected an address such as http://127.0.0.1:11434/v1, with a key in MODEL_API_KEY')
  }
  if (/[^\x21-\x7e]/.test(MODEL_API_KEY)) stop('MODEL_API_KEY does not fit; expected printable ASCII without spaces')
  return settings
}

function stop (reason) {
  console.error(`chatbot: ${reason}`)
  process.exit(1)
}
