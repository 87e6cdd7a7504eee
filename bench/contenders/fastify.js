// Fastify alone: a route that sends the very headers and bytes that the suite's plugin sends.
import Fastify from 'fastify'
import { pageData } from '../content.js'
import { job, listenWith } from './announce.js'
import { logInAll } from './logged-in.js'

const app = Fastify({ routerOptions: { maxParamLength: 1024 }, logger: job.log === true })

const copied = job.copied
// Fastify itself adds the length.
const { 'content-length': _, ...headers } = copied?.headers ?? {}
const body = Buffer.from(copied?.body ?? '', 'base64')
const text = body.toString()

/** @type {Record<string, () => void | Promise<void>>} */
const topics = {
  hello: () => {
    app.get('/', (request, reply) => { reply.headers(headers).send('Hello World!') })
  },
  static: () => {
    app.get(job.path, (request, reply) => { reply.headers(headers).send(body) })
  },
  unchanged: () => {
    app.get(job.path, (request, reply) => {
      const unchanged = request.headers['if-none-match'] === headers.etag
      reply.code(unchanged ? 304 : 200).headers(headers).send()
    })
  },
  page: async () => {
    const { Eta } = await import('eta')
    const eta = new Eta({ views: job.views, cache: true })
    if (!job.hasContext) {
      app.get('/', (request, reply) => { reply.headers(headers).send(eta.render('./page', pageData)) })
      return
    }
    logInAll(app)
    app.get('/', (request, reply) => {
      const { user } = /** @type {any} */ (request)
      reply.headers(headers).send(eta.render('./page', { user, path: request.url, ...pageData }))
    })
  },
  params: () => {
    app.get('/user/:username', {
      schema: {
        params: { type: 'object', required: ['username'], properties: { username: { type: 'string', minLength: 1, maxLength: 1024 } } },
        response: { 200: { type: 'string' } }
      }
    }, (request, reply) => { reply.headers(headers).send(`User ${/** @type {any} */ (request.params).username}`) })
  },
  query: () => {
    const search = {
      type: 'object',
      properties: {
        q: { type: 'string', default: '' },
        page: { type: 'integer', minimum: 1, default: 1 },
        tag: { type: 'array', items: { type: 'string' }, maxItems: 100, default: [] }
      }
    }
    app.get('/search', { schema: { querystring: search, response: { 200: search } } }, (request, reply) => {
      const { q, page, tag } = /** @type {any} */ (request.query)
      reply.headers(headers).send({ q, page, tag })
    })
  },
  // It neither renders, checks nor guards: it only sends what the root app was seen to send.
  app: () => {
    app.get(job.path, (request, reply) => { reply.headers(headers).send(text) })
  },
  // Not guarded at all: what a guard costs is the distance to this.
  auth: () => {
    app.get('/guarded', (request, reply) => { reply.type('text/plain; charset=utf-8').send('Come in') })
  }
}

await topics[job.topic]()
await listenWith(app)
