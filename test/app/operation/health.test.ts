import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { HealthCheck } from '../../../app.ts'
import { captureLog, start } from '../start.ts'

/** An app with one check, and a function that asks for its health. */
async function startWith (t: Parameters<typeof start>[0], check: HealthCheck) {
  const { lines, logger } = captureLog('info')
  const routes = async (app: FastifyInstance) => app.addHealthCheck('database', check)
  const app = await start(t, { routes }, {}, { logger })
  const ask = async () => {
    const { statusCode, body } = await app.inject('/health')
    return `${statusCode} ${body}`
  }
  const told = () => lines.filter(({ msg }) => msg.startsWith('the health check'))
  return { ask, told }
}

const ok = '200 {"status":"ok"}'
const failing = '503 {"status":"failing"}'

t.test('fails while a check throws or rejects, and the log alone says why, once', async (t) => {
  const faults: [fault: () => unknown, reason: string][] = [
    [() => { throw new Error('disk I/O error') }, 'disk I/O error'],
    [() => Promise.reject(new Error('connection refused')), 'connection refused'],
    [() => Promise.reject(undefined), 'undefined'], // eslint-disable-line prefer-promise-reject-errors
    [() => { throw 'no space' }, "'no space'"] // eslint-disable-line no-throw-literal
  ]
  for (const [fault, reason] of faults) {
    let check: HealthCheck = () => 'anything'
    const { ask, told } = await startWith(t, () => check())
    t.equal(await ask(), ok)
    check = fault
    t.same([await ask(), await ask()], [failing, failing], reason)
    check = async () => false
    t.same([await ask(), await ask()], [ok, ok], reason)
    check = fault
    t.equal(await ask(), failing)
    t.match(told(), [
      { level: 50, msg: 'the health check "database" fails', err: { message: reason } },
      { level: 30, msg: 'the health check "database" is well again' },
      { level: 50, msg: 'the health check "database" fails', err: { message: reason } }
    ])
  }
})

t.test('fails where a check takes longer than two seconds, and runs it anew when it has ended', async (t) => {
  let runs = 0
  let end = () => {}
  const { ask, told } = await startWith(t, () => new Promise<void>((resolve) => { runs++; end = resolve }))
  const begin = performance.now()
  t.equal(await ask(), failing)
  t.ok(performance.now() - begin >= 1990)
  t.equal(await ask(), failing)
  t.ok(performance.now() - begin < 4000, 'it is known to be late')
  t.equal(runs, 1)
  t.match(told(), [{ level: 50, err: { message: 'no outcome within 2 s' } }])
  end()
  await new Promise(setImmediate)
  const next = ask()
  await new Promise(setImmediate)
  end()
  t.same([await next, runs], [ok, 2])
})

t.test('requests at the same time share one run', async (t) => {
  let runs = 0
  const { ask } = await startWith(t, async () => { runs++; await new Promise(setImmediate) })
  t.same(await Promise.all(Array.from({ length: 20 }, ask)), Array(20).fill(ok))
  t.equal(runs, 1)
  await ask()
  t.equal(runs, 2)
})

t.test('one check that fails is enough, and each is told of by its name', async (t) => {
  const { lines, logger } = captureLog('info')
  const routes = async (app: FastifyInstance) => {
    app.addHealthCheck('cache', () => {})
    app.addHealthCheck('database', () => { throw new Error('gone') })
    app.get('/page', async () => 'here')
  }
  const app = await start(t, { routes }, { QUICKSTART_PROTECT: '/*' }, { logger })
  const { statusCode, headers } = await app.inject({ method: 'HEAD', url: '/health' })
  t.same([statusCode, headers['cache-control']], [503, (await app.inject('/health')).headers['cache-control']])
  t.same(lines.filter(({ level }) => level === 50).map(({ msg }) => msg), ['the health check "database" fails'])
})

t.test('a check that could never run is refused', async (t) => {
  const wrong: [args: unknown[], message: string][] = [
    [['', () => {}], "the name of a health check is ''; it takes a text"],
    [[() => {}], 'the name of a health check is [Function (anonymous)]; it takes a text'],
    [['disk'], 'the health check "disk" is undefined; it takes a function'],
    [['disk', { sql: { text: 'SELECT 1' } }], 'the health check "disk" is { sql: [Object] }; it takes a function'],
    [['database', () => {}], 'there is a health check "database" already']
  ]
  const routes = async (app: FastifyInstance) => {
    app.addHealthCheck('database', () => {})
    const add = app.addHealthCheck as (...args: unknown[]) => void // as JavaScript calls it
    for (const [args, message] of wrong) {
      t.throws(() => add(...args), { code: 'FST_QUICKSTART_APP_INVALID_HEALTH_CHECK', message })
    }
  }
  await start(t, { routes })
})

t.test('while the app stops, no check is run', async (t) => {
  let runs = 0
  const routes = async (app: FastifyInstance) => app.addHealthCheck('database', () => { runs++ })
  const app = await start(t, { routes }, { QUICKSTART_DRAIN_SECONDS: '0.5' })
  const url = await app.listen({ port: 0 })
  const closed = app.close()
  const answer = await fetch(`${url}/health`)
  t.same([answer.status, await answer.json(), runs], [503, { status: 'stopping' }, 0])
  await closed
})
