import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { ending, environment, until } from './bin/command.ts'
import { execArgv } from './compiled/exec-argv.ts'

const root = join(import.meta.dirname, '..')

/** `fastify start` with these words, in the suite's own folder unless another is given. */
function fastifyStart (words: readonly string[], cwd = root, variables: Record<string, string> = { PORT: '0' }) {
  const cli = [...execArgv, join(root, 'node_modules', 'fastify-cli', 'cli.js'), 'start', ...words]
  const child = spawn(process.execPath, cli, { cwd, env: { ...environment(), ...variables } })
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

t.test('the command and fastify start read a .env with a byte order mark, and refuse one that is no text', async (t) => {
  const inDevelopment = t.testdir({ '.env': '\ufeffPORT=0\r\nQUICKSTART_PROTECT=/\r\n' })
  const words = ['-c', join(root, 'fastify.config.cjs'), '--log-level', 'info', join(root, 'app.ts')]
  const { child, output, closed } = fastifyStart(words, inDevelopment, {})
  t.teardown(() => child.kill('SIGKILL'))
  const place = /Open (http:\S+)\/ in a browser/
  await until(() => child.exitCode !== null || place.test(output.stdout), 'the start')
  const [, url = ''] = place.exec(output.stdout) ?? []
  t.not(new URL(url).port, '5001', 'the first line counts')
  t.equal((await fetch(`${url}/`, { headers: { connection: 'close' } })).status, 401)
  child.kill('SIGTERM')
  await closed

  const noUsers = /^fastify-quickstart: auth: [^\n]*no users[^\n]*\n$/
  const cases: [content: string | Buffer, stderr: RegExp][] = [
    ['\ufeffNODE_ENV=production\n', noUsers],
    [Buffer.from('\ufeffNODE_ENV=production\n', 'utf16le'), /^fastify-quickstart: \.env is not UTF-8 text[^\n]*\n$/],
    ['PORT 0\nNODE_ENV=production\n', /^fastify-quickstart: \.env: line 1 is not NAME=value\n$/]
  ]
  for (const [content, stderr] of cases) {
    const folder = t.testdir({ '.env': content })
    const command = await ending(folder, ['--port', '0'])
    t.match({ exitCode: command.exitCode, stderr: command.stderr }, { exitCode: 1, stderr })
    for (const flags of [[], ['-c', join(root, 'fastify.config.cjs')]]) {
      const start = fastifyStart([...flags, join(root, 'app.ts')], folder)
      t.same(await start.closed, [1, null])
      t.match(start.output.stderr, stderr)
    }
  }
})
