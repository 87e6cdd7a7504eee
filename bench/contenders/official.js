// Fastify with the official plugin alone, set up as its documentation has it.
import fastifyBasicAuth from '@fastify/basic-auth'
import fastifyStatic from '@fastify/static'
import fastifyView from '@fastify/view'
import { verify } from '@node-rs/argon2'
import { Eta } from 'eta'
import Fastify from 'fastify'
import { pageData } from '../content.js'
import { job, listenWith } from './announce.js'
import { isSamePassword, readUsers } from './plain-passwords.js'

const app = Fastify()

/** @type {Record<string, () => Promise<void>>} */
const topics = {
  static: async () => {
    await app.register(fastifyStatic, { root: job.root, prefix: '/static/', cacheControl: false, preCompressed: job.compressed, setHeaders: (reply) => { reply.header('cache-control', 'no-cache') } })
  },
  page: async () => {
    await app.register(fastifyView, { engine: { eta: new Eta() }, root: job.views, viewExt: 'eta', production: true })
    app.get('/', (request, reply) => reply.viewAsync('page', pageData))
  },
  auth: async () => {
    const users = readUsers(job.users[job.hashed ? 'argon2id' : 'plain'])
    await app.register(fastifyBasicAuth, {
      authenticate: { realm: 'Login Required' },
      /**
       * @param {string} name
       * @param {string} password
       */
      validate: job.hashed
        ? async (name, password) => {
          const hash = users.get(name)
          if (hash === undefined || !await verify(hash, password)) return new Error('Unauthorized')
        }
        : (name, password, request, reply, done) => {
            done(isSamePassword(users.get(name), password) ? undefined : new Error('Unauthorized'))
          }
    })
    app.get('/guarded', { onRequest: app.basicAuth }, (request, reply) => { reply.type('text/plain; charset=utf-8').send('Come in') })
  }
}
topics.unchanged = topics.static

await topics[job.topic]()
await listenWith(app)
