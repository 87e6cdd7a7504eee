import type { FastifyInstance } from 'fastify'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { QuickstartOptions } from '../../app.ts'
import { requiresAuth } from '../../plugins/auth/index.ts'
import files from '../../plugins/static/index.ts'
import { asAdmin, cheapUsers, html, start } from './start.ts'

/* A front end that a tool such as Vite has built, on the root app. */

const page = '<!doctype html><title>The front end</title>'

function createBuild (t: Test): string {
  return t.testdir({ dist: { 'index.html': page, assets: { 'index-B1x2.js': 'bundle' } } })
}

const shell = { index: 'index.html', fallback: 'index.html' }

/** Each way to serve it beside the app's own. */
const ways: [what: string, options: (root: string) => QuickstartOptions][] = [
  ['as the static topic', (root) => ({
    static: { root, prefix: '/', ...shell }, templates: { index: false }, hello: false, routes: addRoutes
  })],
  ['by routes of your own', (root) => ({
    templates: false,
    hello: false,
    routes: async (app) => {
      await app.register(files, { root, prefix: '/', ...shell })
      await addRoutes(app)
    }
  })]
]

async function addRoutes (app: FastifyInstance): Promise<void> {
  app.register(async (api) => { api.get('/hello', async () => ({ hello: 'world' })) }, { prefix: '/api' })
  app.register(async (area) => {
    area.addHook('onRequest', requiresAuth)
    area.get('/list', async () => 'list')
  }, { prefix: '/area' })
}

for (const [what, optionsOf] of ways) {
  for (const mode of ['development', 'production']) {
    t.test(`a built front end, ${what}, in ${mode}`, async (t) => {
      const given = { ...optionsOf(join(createBuild(t), 'dist')), auth: { users: cheapUsers, protect: ['/team/*'] } }
      const routes = [given.routes, async (app: FastifyInstance) => app.get('/team/list', async () => 'team')].flat()
      const app = await start(t, { ...given, routes } as QuickstartOptions, { NODE_ENV: mode })
      const rows: [url: string, headers: Record<string, string>, status: number, body: string | RegExp][] = [
        ['/', html, 200, page],
        ['/some/deep/route', html, 200, page],
        ['/assets/index-B1x2.js', {}, 200, 'bundle'],
        ['/assets/missing.js', {}, 404, /"statusCode":404/],
        ['/some/deep/route', {}, 404, /"statusCode":404/],
        ['/index.html', html, 308, ''],
        ['/health', html, 200, /ok/],
        ['/user/alice', html, 200, 'User alice'],
        ['/api/hello', html, 200, '{"hello":"world"}'],
        ['/api/unknown', html, 404, /404/],
        ['/area/unknown', html, 404, /404/],
        ['/area/list', html, 401, /401/],
        ['/team/unknown', html, 401, /401/],
        ['/team/unknown', { ...html, ...asAdmin }, 200, page],
        ['/secret', html, 401, /401/]
      ]
      const wrong = []
      for (const [url, headers, status, body] of rows) {
        const answer = await app.inject({ url, headers })
        const isBody = typeof body === 'string' ? answer.body === body : body.test(answer.body)
        if (answer.statusCode !== status || !isBody) wrong.push([url, answer.statusCode, answer.body.slice(0, 200)])
      }
      t.same(wrong, [])
      const guarded = await app.inject({ url: '/team/unknown', headers: { ...html, ...asAdmin } })
      t.match(guarded.headers['cache-control'], /no-store|private|no-cache/)
    })
  }
}

t.test('the files of the pages stay below /static/ where a front end is at /', async (t) => {
  const root = join(createBuild(t), 'dist')
  const app = await start(t, { static: { root, prefix: '/', ...shell }, templates: { index: false }, hello: false })
  t.match((await app.inject('/static/quickstart/style.css')).headers, { 'content-type': 'text/css; charset=utf-8' })
})

t.test('a fallback that is not there stops the start in production', async (t) => {
  const root = join(createBuild(t), 'dist')
  const starting = start(t, { static: { root, fallback: '200.html' } }, { NODE_ENV: 'production' })
  await t.rejects(starting, {
    message: 'fastify-quickstart/static: option "fallback" is "200.html"; expected the name below root of an HTML file, ' +
      'and root has no such file'
  })
})
