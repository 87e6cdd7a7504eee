import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hash } from '@node-rs/bcrypt'
import { median } from './statistics.js'

/*
 * What the chatbot's queue costs: so many users wait, each with a stream of its own, for a model that takes no time.
 *
 *     npm run build && npm --prefix bench ci && node bench/chatbot-queue.js 100 300 1000
 */

const root = resolve(import.meta.dirname, '..')
const folder = join(root, '.tap', 'chatbot-queue') // inside the repository, where the example finds the package
const counts = process.argv.slice(2).map(Number)
if (counts.length === 0) counts.push(100, 300, 1000)

/** Answers with five words at once. The first question is never answered: it keeps the slot until all wait. */
const model = `
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, messages, cancel } = JSON.parse(line)
  if (messages?.at(-1).content === 'keep the slot') return
  const say = (part) => JSON.stringify({ id, ...part })
  const words = cancel ? [] : ['one ', 'two ', 'three ', 'four ', 'five'].map((token) => say({ token }))
  console.log([...words, say({ done: true })].join('\\n'))
})`

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

/** Asks, and returns once the headers of the answer are there. */
async function ask (url, user, question, signal) {
  const asking = request(`${url}/answer`, {
    method: 'POST',
    agent,
    signal,
    headers: { authorization: `Basic ${btoa(`${user}:secret`)}`, 'content-type': 'application/json', accept: 'text/event-stream' }
  })
  asking.on('error', () => {})
  asking.end(JSON.stringify({ question }))
  const [response] = await once(asking, 'response')
  if (response.statusCode !== 200) throw new Error(`the chatbot answers ${response.statusCode}`)
  const text = response.setEncoding('utf8').toArray().then((parts) => parts.join(''))
  text.catch(() => {}) // the first one is stopped
  return { response, text }
}

async function measure (count) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'examples', 'chatbot'), folder, { recursive: true, filter: (file) => !file.includes('node_modules') })
  await rm(join(folder, 'package.json')) // another name than the package's
  const hashed = await hash('secret', 4)
  const users = Array.from({ length: count }, (_, index) => `user${index}`)
  await writeFile(join(folder, 'users'), ['first', ...users].map((user) => `${user}:${hashed}\n`).join(''))
  await writeFile(join(folder, 'model.cjs'), model)
  const server = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: '0',
      USERS_FILE: 'users',
      MODEL_COMMAND: `"${process.execPath}" model.cjs`,
      MODEL_SILENT_SECONDS: '600'
    },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let log = ''
  server.stderr.on('data', (chunk) => { log += chunk })
  while (!log.includes('fastify-quickstart listens')) await wait(50)
  const [, url] = /Server listening at (http:[^"]+)/.exec(log)
  const readStatus = async (field) => {
    const status = await readFile(`/proc/${server.pid}/${field === 'cpu' ? 'stat' : 'status'}`, 'utf8')
    if (field === 'cpu') return status.split(') ')[1].split(' ').slice(11, 13).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024
  }

  for (let times = 0; times < 200; times++) { // so that nothing is done for the first time
    await (await ask(url, 'first', 'Hello')).text
    await (await fetch(`${url}/health`)).text()
  }
  const memoryBefore = await readStatus('memory')
  const first = new AbortController()
  await ask(url, 'first', 'keep the slot', first.signal)
  const answers = []
  for (let index = 0; index < count; index += 20) { // the logins are checked a few at a time
    answers.push(...await Promise.all(users.slice(index, index + 20).map((user) => ask(url, user, 'Hello'))))
  }
  await wait(1500)
  const memory = await readStatus('memory') - memoryBefore

  const health = []
  const isOver = new AbortController()
  const watching = (async () => {
    while (!isOver.signal.aborted) {
      const asked = performance.now()
      await (await fetch(`${url}/health`)).text()
      health.push(performance.now() - asked)
      await wait(20)
    }
  })()
  const began = performance.now()
  const processor = await readStatus('cpu')
  first.abort()
  const texts = await Promise.all(answers.map(({ text }) => text))
  const seconds = (performance.now() - began) / 1000
  const used = await readStatus('cpu') - processor
  isOver.abort()
  await watching
  const whole = texts.filter((text) => text.includes('event: done') && text.includes('"five"')).length
  server.kill('SIGTERM')
  await once(server, 'exit')
  await rm(folder, { recursive: true })
  return [
    count, whole, `${seconds.toFixed(2)} s`, `${(1000 * used / count).toFixed(2)} ms`, `${memory.toFixed()} MiB`,
    `${median(health).toFixed()} ms`, `${Math.max(...health).toFixed()} ms`
  ]
}

console.log('| waiting | answered | all within | processor time each | memory for who waits | `/health`, median | `/health`, longest |')
console.log('|---|---|---|---|---|---|---|')
for (const count of counts) console.log(`| ${(await measure(count)).join(' | ')} |`)
process.exit()
