import { join, resolve } from 'node:path'
import t from 'tap'
import { main } from '../../bin/commands.js'

/** Runs the command in a folder of the test's, with fastify-cli's start replaced by a note of its arguments. */
async function run (folder: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const started: string[][] = []
  let output = ''
  const exitCode = await main(args, '1.2.3', {
    env,
    folder,
    write: (text) => { output += text },
    loadStart: async () => async (args) => started.push(args)
  })
  return { exitCode, output, started, env }
}

t.test('says how to use it, and its version', async (t) => {
  for (const flag of ['--help', '-h']) {
    const { exitCode, output, started } = await run('.', [flag])
    t.equal(exitCode, 0)
    t.match(output, 'fastify-quickstart hash-password')
    t.same(started, [])
  }
  for (const flag of ['--version', '-v']) t.equal((await run('.', [flag])).output, '1.2.3\n')
})

t.test('starts the app, its own flags after fastify-cli\'s', async (t) => {
  const root = resolve(import.meta.dirname, '..', '..')
  const app = join(root, 'dist', 'app.js')
  const config = join(root, 'fastify.config.cjs')
  const cases: [args: string[], started: string[]][] = [
    [[], ['--config', config, app, '--']],
    [['--port', '8080'], ['--config', config, '--port', '8080', app, '--']],
    [['--auth=false', '-p', '80', '--no-params'], ['--config', config, '-p', '80', app, '--', '--auth=false', '--no-params']],
    [['-p', '80', '--', '--auth=false'], ['--config', config, '-p', '80', app, '--', '--auth=false']]
  ]
  for (const [args, expected] of cases) {
    const { exitCode, started } = await run(t.testdir({}), args)
    t.equal(exitCode, 0)
    t.same(started, [expected], args.join(' '))
  }
})

t.test('takes public/ and views/ of the current folder where they are', async (t) => {
  const both = t.testdir({ public: {}, views: {} })
  t.same((await run(both, [])).env, { QUICKSTART_PUBLIC_DIR: join(both, 'public'), QUICKSTART_VIEWS_DIR: join(both, 'views') })
  t.same((await run(both, [], { QUICKSTART_VIEWS_DIR: 'pages' })).env, { QUICKSTART_PUBLIC_DIR: join(both, 'public'), QUICKSTART_VIEWS_DIR: 'pages' })

  const neither = t.testdir({ public: 'a file' })
  t.same((await run(neither, [])).env, {})
})

t.test('refuses an unknown command', async (t) => {
  const written = t.capture(process.stderr, 'write', () => true)
  const { exitCode, started } = await run('.', ['hash-pasword'])
  t.equal(exitCode, 1)
  t.same(started, [])
  t.same(written().map(({ args }) => args[0]), ['fastify-quickstart: "hash-pasword" is no command; see fastify-quickstart --help\n'])
})
