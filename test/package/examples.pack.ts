import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../e2e/server.ts'
import { install, newFolder, pack, root, runToEnd, startProgram, startServer } from './project.ts'

const { tarball } = await pack(t)
const folder = await newFolder(t)
await install(folder, tarball)

type Answer = [path: string, init: RequestInit, status: number, text: string | RegExp]

const loggedIn = (name: string) => ({ headers: { authorization: `Basic ${btoa(`${name}:secret`)}` } })
const [admin, ada] = [loggedIn('admin'), loggedIn('ada')]
const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) })

/** What each example answers. */
const answers: Record<string, Answer[]> = {
  minimal: [
    ['/', {}, 200, 'href="/user/Grace%20Hopper"'],
    ['/hello', {}, 200, 'Hello World!'],
    ['/static/style.css', {}, 200, 'font-family'],
    ['/user/Grace%20Hopper', {}, 200, 'User Grace Hopper'],
    ['/dice', {}, 200, /You rolled a [1-6]/],
    ['/secret', {}, 401, 'A login is required'],
    ['/secret', admin, 200, 'admin']
  ],
  'all-five': [
    ['/', {}, 200, 'src="/static/clock.js"'],
    ['/static/clock.js', {}, 200, 'toLocaleTimeString'],
    ['/notes', {}, 401, 'A login is required'],
    ['/notes', admin, 200, 'water the &lt;plants&gt;'],
    ['/notes/1', admin, 200, '{"number":1,"note":"feed the cat","for":"admin"}']
  ],
  'own-app': [
    ['/new', {}, 401, '{"message":"A login is required"}'],
    ['/new', { ...ada, ...form({ species: 'Wren', day: '2026-05-01', count: 'two', place: 'wood' }) }, 400, 'Please enter a whole number'],
    ['/new', { ...ada, ...form({ species: 'Wren', day: '2026-05-01', count: '2', place: 'wood', note: '' }) }, 200, '2 × Wren'],
    ['/', {}, 200, '2 × Wren'],
    ['/sightings.json', {}, 200, '"species":"Wren","day":"2026-05-01","count":2'],
    ['/sightings/1/delete', { ...loggedIn('bob'), method: 'POST' }, 403, 'message'],
    ['/sightings/1/delete', { ...ada, method: 'POST' }, 200, 'Nothing has been seen']
  ],
  chatbot: [
    ['/', {}, 401, 'A login is required'],
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

for (const [example, expected] of Object.entries(answers)) {
  for (const language of example === 'chatbot' ? ['js'] : ['ts', 'js']) {
    t.test(`a project made of ${example} in ${language} is installed, started and tested with npm`, async (t) => {
      const name = `my-${example}-${language}`
      const words = ['new', name, '--from', example, `--${language}`]
      const made = await runToEnd('npx', ['--no', '--', 'fastify-quickstart', ...words], folder)
      t.match(made, { code: 0, output: 'npm install && npm start\n  npm test\n' })
      const project = join(folder, name)

      await install(project, tarball)
      const check = async (url: string) => {
        for (const [path, init, status, text] of expected) {
          const answer = await fetch(url + path, init)
          t.equal(answer.status, status, path)
          t.match(await answer.text(), text, path)
        }
      }
      await check(await startServer(t, 'npm', ['start'], project, { PORT: '0' }))
      const tested = await runToEnd('npm', ['test'], project)
      t.equal(tested.code, 0, 'its own tests pass', tested.code === 0 ? {} : tested)

      const file = example === 'chatbot' ? 'server.js' : language === 'ts' ? 'dist/server.js' : 'src/server.js'
      await check(await startServer(t, 'npx', await fastifyStart(file), project))
      if (example === 'chatbot') await checkFarewells(t, project)
    })
  }
}

async function fastifyStart (file: string): Promise<string[]> {
  return ['--no', '--', 'fastify', 'start', '-l', 'info', '-a', '127.0.0.1', '-p', String(await freePort()), file]
}

/** However the chatbot is started and stopped, every open answer is told, and the program ends in 10 seconds. */
async function checkFarewells (t: Test, project: string): Promise<void> {
  const env = { PORT: '0', MODEL_COMMAND: 'node fakes/fake-process.js' }
  for (const command of ['npm', 'node', 'npx']) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const words = { npm: ['start'], node: ['server.js'] }[command] ?? await fastifyStart('server.js')
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
