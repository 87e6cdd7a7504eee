import Fastify from 'fastify'
import t, { type Test } from 'tap'
import quickstart from '../../../app.ts'
import { setEnvironment } from '../../environment.ts'
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
