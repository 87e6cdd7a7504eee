import Fastify from 'fastify'
import { once } from 'node:events'
import { existsSync, linkSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import quickstart from '../../../app.ts'
import { crashSignals } from '../../../app/operation/process-signals.ts'
import { setEnvironment } from '../../environment.ts'
import { lacks } from '../../system.ts'
import { captureLog, cheapUsers, start } from '../start.ts'

/** Lets this process look as if it had been started with these words. */
function startWith (t: Test, script: string, words: readonly string[]): void {
  const argv = ['node', script]
  t.intercept(process, 'argv', { value: argv }) // fastify-cli takes its words out of it
  t.intercept(process.report, 'getReport', { value: () => ({ header: { commandLine: [...argv, ...words] } }) })
}

const cli = '/project/node_modules/.bin/fastify'

t.test('a switch before the -- is not lost in silence', async (t) => {
  const cases: [args: string[], lost: string | undefined, right?: string][] = [
    [['-c', 'fastify.config.cjs', 'dist/app.js', '--auth=false'], '--auth=false'],
    [['dist/app.js', '--no-auth', '--', '--params=false'], '--no-auth'],
    [['dist/app.js', '--auth', 'false'], '--auth'],
    [['dist/app.js', '--no-tutorial'], '--no-tutorial', '--tutorial=false'],
    [['dist/app.js', '--csp=off'], '--csp=off', '--csp=…'],
    [['dist/app.js', '--port', '80', '--', '--auth=false', '--no-params'], undefined],
    [['--options', 'dist/app.js'], undefined]
  ]
  for (const [args, lost, right = '--auth=false'] of cases) {
    startWith(t, cli, ['start', ...args])
    if (lost === undefined) await start(t)
    else {
      await t.rejects(start(t), {
        code: 'FST_QUICKSTART_APP_INVALID_OPTION',
        message: `${lost} would have no effect here: switches go behind a -- of their own, as in npm start -- -- ${right}`
      })
    }
  }
  startWith(t, '/project/server.js', ['--auth=false'])
  t.equal((await (await start(t)).inject('/secret')).statusCode, 401, 'the flags of a host are its own')
})

t.test('the log has the level of the setting, unless fastify start was told another one', async (t) => {
  const cases: [words: string[], env: Record<string, string>, isLogged: boolean][] = [
    [[], {}, false],
    [[], { QUICKSTART_LOG_LEVEL: 'info' }, true],
    [['--log-level=error'], { QUICKSTART_LOG_LEVEL: 'info' }, false],
    [['-l', 'error'], { QUICKSTART_LOG_LEVEL: 'info' }, false],
    [[], { QUICKSTART_LOG_LEVEL: 'info', FASTIFY_LOG_LEVEL: 'error' }, false]
  ]
  const wrong: unknown[] = []
  for (const [words, env, isLogged] of cases) {
    startWith(t, cli, ['start', ...words])
    const { lines, logger } = captureLog('error')
    const app = await start(t, {}, env, { logger })
    await app.inject('/hello')
    if (lines.some(({ msg }) => msg === 'incoming request') !== isLogged) wrong.push([words, env, isLogged])
  }
  t.same(wrong, [])
})

t.test('failures are reported until the server listens, and left to fastify-cli afterwards', async (t) => {
  startWith(t, cli, ['start'])
  setEnvironment(t)
  const before = process.listenerCount('unhandledRejection')
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers } })
  t.equal(process.listenerCount('unhandledRejection'), before + 1)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal(process.listenerCount('unhandledRejection'), before)
})

t.test('nobody listens to the signals of a native crash, also not while it stops', async (t) => {
  startWith(t, cli, ['start', 'app.ts'])
  const listeners = () => crashSignals.filter((signal) => process.listeners(signal).includes(listen))
  const listen = () => {}
  t.teardown(() => { for (const signal of crashSignals) process.off(signal, listen) })
  const routes = async () => { for (const signal of crashSignals) process.on(signal, listen) }
  const app = await start(t, { routes })
  t.same(listeners(), [])
  for (const signal of crashSignals) process.on(signal, listen)
  await app.close()
  t.same(listeners(), [])
})

t.test('the socket of a killed server is removed, however it is named', { skip: lacks.sockets }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rmSync(folder, { recursive: true }))
  const killed = createServer().listen(join(folder, 'killed'))
  await once(killed, 'listening')
  t.teardown(() => killed.close())
  const ways: [words: (path: string) => string[], env: (path: string) => Record<string, string>][] = [
    [(path) => ['--socket', path], () => ({})],
    [(path) => [`--socket=${path}`], () => ({})],
    [(path) => ['-s', path, 'app.ts'], () => ({})],
    [() => ['app.ts'], (path) => ({ FASTIFY_SOCKET: path })]
  ]
  const paths = ways.map((_, way) => join(folder, `dead-${way}`))
  for (const path of paths) linkSync(join(folder, 'killed'), path)
  killed.close()
  await once(killed, 'close')
  const wrong: unknown[] = []
  for (const [way, [words, env]] of ways.entries()) {
    const path = String(paths[way])
    startWith(t, cli, ['start', ...words(path)])
    await (await start(t, {}, env(path))).close()
    if (existsSync(path)) wrong.push(words(path))
  }
  t.same(wrong, [])
})
