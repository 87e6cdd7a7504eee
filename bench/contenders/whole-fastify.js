// The root app's answers, put together from Fastify's official plugins as their documentation has it.
import fastifyBasicAuth from '@fastify/basic-auth'
import fastifyHelmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import fastifyUnderPressure from '@fastify/under-pressure'
import fastifyView from '@fastify/view'
import { Eta } from 'eta'
import Fastify from 'fastify'
import { job, listenWith } from './announce.js'
import { isSamePassword, readUsers } from './plain-passwords.js'

// Its own log has two lines a request.
const app = Fastify({ logger: job.log === true })
const users = readUsers(job.users.plain)
/** The data of each page, in `it`. */
const page = { ...job.page, asset: (/** @type {string} */ name) => `/static/${name}` }

await app.register(fastifyHelmet)
await app.register(fastifyUnderPressure, { maxEventLoopDelay: 1000, exposeStatusRoute: '/health' })
await app.register(fastifyStatic, {
  root: job.publicFolder,
  prefix: '/static/',
  cacheControl: false,
  setHeaders: (reply) => { reply.header('cache-control', 'no-cache') }
})
await app.register(fastifyView, {
  engine: { eta: new Eta() }, root: job.viewsFolder, viewExt: 'eta', production: true
})
app.decorateRequest('user', null)
await app.register(fastifyBasicAuth, {
  authenticate: { realm: 'Login Required' },
  validate: (name, password, request, reply, done) => {
    /** @type {any} */ (request).user = { name }
    done(isSamePassword(users.get(name), password) ? undefined : new Error('Unauthorized'))
  }
})

app.get('/hello', (request, reply) => { reply.type('text/plain; charset=utf-8').send('Hello World!') })
app.get('/', (request, reply) => reply.viewAsync('index', { ...page, here: request.url }))
app.get('/secret', { onRequest: app.basicAuth }, (request, reply) => {
  return reply.viewAsync('secret', { ...page, here: request.url, user: /** @type {any} */ (request).user })
})
app.get('/user/:username', {
  schema: {
    params: {
      type: 'object',
      required: ['username'],
      properties: { username: { type: 'string', minLength: 1, maxLength: 1024 } }
    },
    response: { 200: { type: 'string' } }
  }
}, (request, reply) => {
  reply.type('text/plain; charset=utf-8').send(`User ${/** @type {any} */ (request.params).username}`)
})
await listenWith(app)
