import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../e2e/server.ts'
import { install, newFolder, pack, root, runToEnd, startProgram, startServer } from './project.ts'

const { tarball } = await pack(t)
const folder = await newFolder(t)
await install(folder, tarball)

type Answer = [path: string, init: RequestInit, status: number, text: string | RegExp]

const loggedIn = (name: string) => ({ headers: { authorization: `Basic ${btoa(`${name}:secret`)}` } })
const admin = loggedIn('admin')
const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) })

/** What each example answers. */
const answers: Record<string, Answer[]> = {
  minimal: [
    ['/', {}, 200, '<h1>My app</h1>'],
    ['/static/app.css', {}, 200, 'Your own rules'],
    ['/static/quickstart/style.css', {}, 200, 'font'],
    ['/dice?sides=2', {}, 200, /You rolled a <strong>[12]</],
    ['/dice?sides=two', {}, 400, 'must be a whole number from 2 to 100'],
    ['/private', {}, 401, 'Please log in first.'],
    ['/private', admin, 200, 'Welcome, <strong>admin'],
    ['/logout', admin, 401, 'You are logged out'],
    ['/health', {}, 200, 'ok'],
    ['/secret', {}, 404, 'There is nothing at this address'],
    ['/nowhere', { headers: { accept: 'text/html' } }, 404, '<h1>404 Not Found</h1>']
  ],
  'all-five': [
    ['/', {}, 200, 'src="/static/clock.js"'],
    ['/static/clock.js', {}, 200, 'toLocaleTimeString'],
    ['/notes', {}, 401, 'Please log in first.'],
    ['/notes', admin, 200, 'water the &lt;plants&gt;'],
    ['/notes/1', admin, 200, '{"number":1,"note":"feed the cat","for":"admin"}']
  ],
  'own-app': [
    ['/new', {}, 401, 'Please log in first.'],
    ['/new', { ...admin, ...form({ species: 'Wren', day: '2026-05-01', count: 'two', place: 'wood' }) }, 400, 'Please enter a whole number'],
    ['/new', { ...admin, ...form({ species: 'Wren', day: '2026-05-01', count: '2', place: 'wood', note: '' }) }, 200, '2 × Wren'],
    ['/', {}, 200, '2 × Wren'],
    ['/sightings.json', {}, 200, '"species":"Wren","day":"2026-05-01","count":2'],
    ['/sightings/1/delete', { ...admin, method: 'POST' }, 403, 'message'],
    ['/logout', admin, 401, 'You are logged out'],
    ['/health', {}, 200, 'ok']
  ],
  chatbot: [
    ['/', {}, 401, 'Please log in first.'],
    ['/', admin, 200, 'a small imitation of ELIZA'],
    ['/health', {}, 200, 'ok'],
    ['/static/chat.js', {}, 200, 'addEventListener'],
    ['/answer', { ...admin, ...form({ question: 'I need a holiday' }) }, 200, /event: done/]
  ]
}

t.test('each example is tried', async (t) => {
  const examples = readdirSync(join(root, 'examples')).filter((name) => existsSync(join(root, 'examples', name, 'package.json')))
  t.same(examples.sort(), Object.keys(answers).sort())
})

/** Without a build, TypeScript is for a Node that runs it. */
function languagesOf (example: string): string[] {
  // The property is newer than the types of Node.
  const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)
  if (example === 'chatbot' || (example === 'minimal' && !runsTypeScript)) return ['js']
  return ['ts', 'js']
}

/** Asks a server for what an example answers. */
async function check (t: Test, url: string, expected: readonly Answer[]): Promise<void> {
  for (const [path, init, status, text] of expected) {
    const answer = await fetch(url + path, init)
    t.equal(answer.status, status, path)
    t.match(await answer.text(), text, path)
  }
}

/** Has npm run each check that a project has. */
async function testProject (t: Test, project: string): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { scripts: object }
  for (const script of ['test', 'check', 'typecheck'].filter((name) => name in scripts)) {
    const { code, output } = await runToEnd('npm', ['run', script], project, { PORT: '0' })
    t.equal(code, 0, `npm run ${script}`, code === 0 ? {} : { output })
  }
}

for (const [example, expected] of Object.entries(answers)) {
  for (const language of languagesOf(example)) {
    t.test(`a project made of ${example} in ${language} is installed, started and tested with npm`, async (t) => {
      const name = `my-${example}-${language}`
      const words = ['new', name, '--from', example, `--${language}`]
      const made = await runToEnd('npx', ['--no', '--', 'fastify-quickstart', ...words], folder)
      t.match(made, { code: 0, output: 'npm install && npm start\n  npm test\n' })
      t.match(made.output, `takes fastify-quickstart from where this one came from (file:${relative(join(folder, name), tarball)}).\n`)
      const project = join(folder, name)

      await install(project) // as it is: from the tarball
      await check(t, await startServer(t, 'npm', ['start'], project, { PORT: '0' }), expected)
      await testProject(t, project)

      if (example === 'chatbot') await checkFarewells(t, project)
      if (example !== 'all-five') return // they are on the root app
      const file = language === 'ts' ? 'dist/app.js' : 'src/app.js'
      await check(t, await startServer(t, 'npx', await fastifyStart(file), project), expected)
    })
  }
}

t.test('a project that a clone makes is installed from the clone, started and tested', async (t) => {
  const folder = await newFolder(t)
  const made = await runToEnd(process.execPath, [join(root, 'bin', 'run.js'), 'new', 'my-app'], folder)
  t.match(made, { code: 0, output: `npm install copies fastify-quickstart from this clone (file:${relative(join(folder, 'my-app'), root)}).\n` })
  const project = join(folder, 'my-app')
  await install(project)
  t.notOk(lstatSync(join(project, 'node_modules', 'fastify-quickstart')).isSymbolicLink(), 'it has one fastify')
  await check(t, await startServer(t, 'npm', ['start'], project, { PORT: '0' }), answers.minimal!) // it is named above
  await testProject(t, project)

  // One that was installed from there makes others likewise.
  const again = await runToEnd('npx', ['--no', '--', 'fastify-quickstart', 'new', '../again'], project)
  t.match(again, { code: 0, output: `from where this one came from (file:${relative(join(folder, 'again'), root)}).\n` })
})

t.test('a project that a package of the registry makes names its version', async (t) => {
  const folder = await newFolder(t)
  await install(folder, tarball)
  const lock = join(folder, 'node_modules', '.package-lock.json')
  const from = /"resolved": "file:[^"]*"/
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(from, '"resolved": "https://registry.example/fastify-quickstart/-/x.tgz"'))
  const made = await runToEnd('npx', ['--no', '--', 'fastify-quickstart', 'new', 'my-app'], folder)
  t.match(made.output, /^my-app holds the example minimal in \w+\.\nGo on with\n/m)
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as { version: string, dependencies: object }
  const { version } = read(join(root, 'package.json'))
  t.match(read(join(folder, 'my-app', 'package.json')).dependencies, { 'fastify-quickstart': `^${version}` })
})

async function fastifyStart (file: string): Promise<string[]> {
  return ['--no', '--', 'fastify', 'start', '-l', 'info', '-a', '127.0.0.1', '-p', String(await freePort()), file]
}

/** However the chatbot is started and stopped, every open answer is told, and the program ends in 10 seconds. */
async function checkFarewells (t: Test, project: string): Promise<void> {
  const env = { PORT: '0', MODEL_COMMAND: 'node fakes/fake-process.js' }
  for (const [command, ...words] of [['npm', 'start'], ['node', 'server.js']] as [string, ...string[]][]) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { addresses: [url], stop } = await startProgram(t, 1, command, words, project, env)
      // One is answered, the others wait.
      const ask = () => fetch(`${url}/answer`, { ...admin, ...form({ question: 'slow' }) })
      const answers = await Promise.all([ask(), ask(), ask()])
      const started = Date.now()
      await stop(signal)
      const name = `${command} ${words.join(' ')}, ${signal}`
      t.ok(Date.now() - started < 10_000, `${name}: ends in ${Date.now() - started} ms`)
      for (const answer of answers) {
        t.match(await answer.text(), /event: error\ndata: {"statusCode":503,"message":"The server is shutting down/, name)
      }
    }
  }
}
