import Fastify from 'fastify'
import t from 'tap'
import quickstart, { options } from '../../app.ts'
import { createServerOptions } from '../../app/server-options.ts'
import { setEnvironment } from '../environment.ts'
import { asAdmin, captureLog, cheapUsers, start } from './start.ts'

t.test('takes names of 1,024 characters, whichever they are', async (t) => {
  const app = await start(t)
  const names: [name: string, statusCode: number][] = [
    ['a'.repeat(1024), 200], ['🦆'.repeat(1024), 200], ['a'.repeat(1025), 400], ['a'.repeat(2049), 414]
  ]
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [name, statusCode] of names) {
    t.equal((await app.inject(`/user/${encodeURIComponent(name)}`)).statusCode, statusCode)
    const answer = await app.inject({ method: 'POST', url: '/user', headers, payload: `username=${name}` })
    t.equal(answer.statusCode, statusCode === 200 ? 303 : 400)
    t.notMatch(answer.body, /UTF-16|maxParamLength/)
  }
})

t.test('keeps passwords and cookies out of the log', async (t) => {
  setEnvironment(t)
  const { lines, logger } = captureLog()
  const app = Fastify({ ...options, logger: { ...options.logger, ...logger } })
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => request.log.info({ headers: request.headers, req: { headers: request.headers } }))
  await app.register(quickstart, { auth: { users: cheapUsers } })
  await app.inject({ url: '/secret', headers: { ...asAdmin, cookie: 'session=42' } })
  const log = JSON.stringify(lines)
  t.match(log, '[Redacted]')
  t.notMatch(log, asAdmin.authorization)
  t.notMatch(log, 'session=42')
})

t.test('go by the settings, and where one is wrong by the defaults: the app says which', async (t) => {
  t.chdir(t.testdir({}))
  const cases: [env: Record<string, string>, trustProxy: unknown, level: string][] = [
    [{}, false, 'info'],
    [{ QUICKSTART_TRUST_PROXY: 'loopback', QUICKSTART_LOG_LEVEL: 'debug' }, ['loopback'], 'debug'],
    [{ QUICKSTART_TRUST_PROXY: 'loopback', QUICKSTART_AUTH: 'maybe' }, false, 'info']
  ]
  for (const [env, trustProxy, level] of cases) {
    setEnvironment(t, env)
    t.match(createServerOptions(), { trustProxy, logger: { level } })
  }
})

t.test('under fastify start the level is left to its flag, and the log is for people while developing', async (t) => {
  t.intercept(process, 'argv', { value: ['node', '/project/node_modules/.bin/fastify'] })
  for (const [NODE_ENV, isForPeople] of [['development', true], ['production', false]] as const) {
    setEnvironment(t, { NODE_ENV })
    const { logger } = createServerOptions()
    t.equal(logger.level, undefined)
    t.equal(logger.stream !== undefined, isForPeople)
  }
})

t.test('in production a request is one line', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production' })
  const { lines, logger } = captureLog()
  const production = createServerOptions()
  const app = Fastify({ ...production, logger: { ...production.logger, ...logger } })
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers } })
  app.log.info('ready')
  await app.inject('/hello?a=1')
  await app.inject('/health')
  t.match(lines, [{ msg: 'ready' }, { msg: 'answered', method: 'GET', path: '/hello', status: 200 }])
  t.equal(lines.length, 2)
})

t.test('while developing, no line of JSON changes the terminal', async (t) => {
  setEnvironment(t)
  const texts: string[] = []
  const { logger, ...rest } = createServerOptions()
  const stream = { write: (text: string) => { texts.push(text) } }
  const app = Fastify({ ...rest, trustProxy: true, logger: { ...logger, level: 'info', stream } })
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: false })
  await app.inject({ url: '/hello', headers: { host: 'a\u009b31m', 'x-forwarded-for': '203.0.113.9\u009b31m' } })
  t.match(JSON.parse(texts[0]!), { req: { url: '/hello', host: 'a\u009b31m', remoteAddress: '203.0.113.9\u009b31m' } })
  t.same(texts.filter((text) => /[^\n\x20-\x7e]/.test(text)), [])
})

t.test('in production the line of an error has method and path, and no line changes the terminal', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production', QUICKSTART_DRAIN_SECONDS: '0' })
  const texts: string[] = []
  const production = createServerOptions()
  const stream = { write: (text: string) => { texts.push(text) } }
  const app = Fastify({ ...production, logger: { ...production.logger, stream } })
  t.teardown(() => app.close())
  await app.register(quickstart, {
    auth: { users: cheapUsers },
    routes: async (app) => { app.get('/fails/*', async ({ url }) => { throw new Error(`a fault\u001b[2J at ${url}`) }) }
  })
  texts.length = 0
  const path = '/fails/a\u009b31m\u202e\u2028\u{e0001}🦆'
  await app.inject({ url: '/fails/a?token=secret', remoteAddress: '192.0.2.1' })
  app.log.info({ path }, path)
  const entries = texts.map((text) => JSON.parse(text))
  t.match(entries, [
    { level: 50, msg: 'the request failed', req: { method: 'GET', url: '/fails/a', remoteAddress: '192.0.2.1' }, err: { message: /a fault/ } },
    { msg: 'answered', status: 500 },
    { path, msg: path }
  ])
  t.notMatch(JSON.stringify(entries[0].req), 'secret')
  // eslint-disable-next-line no-control-regex -- what must not be there
  const changing = texts.filter((text) => /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e\u{e0001}]|\n./u.test(text))
  t.same(changing, [])
  t.match(texts.at(-1), '🦆')
})
