import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { ending, environment, until } from './bin/command.ts'
import { execArgv } from './compiled/exec-argv.ts'

const root = join(import.meta.dirname, '..')

/** `fastify start` with these words, in the suite's own folder. */
function fastifyStart (words: readonly string[]) {
  const cli = [...execArgv, join('node_modules', 'fastify-cli', 'cli.js'), 'start', ...words]
  const child = spawn(process.execPath, cli, { cwd: root, env: { ...environment(), PORT: '0' } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString() })
  return { child, output, closed: once(child, 'close') }
}

t.test('fastify start ends with one line, when a switch stands before the --', async (t) => {
  const { output, closed } = fastifyStart(['app.ts', '--auth=false'])
  t.same(await closed, [1, null])
  t.equal(output.stderr, 'fastify-quickstart: --auth=false would have no effect here: switches go behind a -- of their own, as in npm start -- -- --auth=false\n')
})

t.test('fastify start goes on when nobody reads the log any more', async (t) => {
  const { child, output, closed } = fastifyStart(['--options', '-l', 'info', 'app.ts'])
  t.teardown(() => child.kill('SIGKILL'))
  const place = /Open (http:\S+)\/ in a browser/
  await until(() => child.exitCode !== null || place.test(output.stdout), 'the start')
  child.stdout.destroy()
  for (let request = 0; request < 5; request++) {
    t.equal((await fetch(`${place.exec(output.stdout)?.[1]}/nowhere`, { headers: { connection: 'close' } })).status, 404)
  }
  child.kill('SIGTERM')
  t.same(await closed, [0, null])
})

t.test('the command ends with one line where Node takes the file of routes for CommonJS', async (t) => {
  const routes = 'export default async function routes (app) {}'
  const folder = t.testdir({ 'package.json': '{ "type": "commonjs" }', 'routes.js': routes })
  const { exitCode, stderr } = await ending(folder, ['--routes', './routes.js'])
  t.equal(exitCode, 1)
  t.equal(stderr, 'fastify-quickstart: --routes ./routes.js is an ES module, and Node takes it for CommonJS; ' +
    'name it routes.mjs, or write "type": "module" into package.json\n')
})
