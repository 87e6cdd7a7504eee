// The suite's plugins, each in a Fastify app of its own, with the options they have by default. The topic `app` is the
// root app with all of them.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { pageData } from '../content.js'
import { job, listenWith } from './announce.js'
import { logInAll } from './logged-in.js'

if (job.topic === 'app') {
  process.env.QUICKSTART_USERS_FILE = job.usersFile
  process.env.QUICKSTART_LOG_LEVEL = 'info'
}
const root = job.topic === 'app' ? await import('../../dist/app.js') : undefined
const options = root === undefined
  ? { routerOptions: { maxParamLength: 1024 } }
  : { ...root.options, ...(job.log !== true && { logger: false }) }
const app = Fastify(options)

/** @param {string} topic */
async function plugin (topic) {
  return (await import(`../../dist/plugins/${topic}/index.js`)).default
}

/** @type {Record<string, () => Promise<void>>} */
const topics = {
  hello: async () => {
    await app.register(await plugin('hello'))
  },
  static: async () => {
    await app.register(await plugin('static'), { root: job.root })
  },
  page: async () => {
    if (job.hasContext) logInAll(app)
    const context = (/** @type {any} */ request) => ({ path: request.url })
    await app.register(await plugin('templates'), { root: job.views, ...(job.hasContext && { context }) })
    app.get('/', (request, reply) => /** @type {any} */ (reply).render('page', pageData))
  },
  params: async () => {
    await app.register(await plugin('params'))
  },
  auth: async () => {
    await app.register(await plugin('auth'), {
      path: false,
      ...(job.usersAs === 'map' ? { users: usersOf(job.users.argon2id) } : { htpasswd: job.users.argon2id }),
      ...(job.throttle === false && { throttle: false })
    })
    const { requiresAuth } = await import('../../dist/plugins/auth/index.js')
    app.get('/guarded', { onRequest: requiresAuth }, (request, reply) => { reply.type('text/plain; charset=utf-8').send('Come in') })
  },
  app: async () => {
    await app.register(/** @type {any} */ (root).default)
  }
}
topics.unchanged = topics.static
topics.query = topics.params

/** @param {string} file */
function usersOf (file) {
  return new Map(readFileSync(file, 'utf8').trim().split('\n').map((line) => /** @type {[string, string]} */ (line.split(':'))))
}

await topics[job.topic]()
await listenWith(app)
