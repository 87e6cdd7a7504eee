import { checkAnswer } from './check.js'
import { ContenderProcess } from './contender-process.js'
import { contenders, missing } from './contenders.js'
import { Load } from './load.js'
import { summary } from './statistics.js'

const started = [
  { id: 'quickstart' },
  { id: 'app', as: 'quickstart', label: 'fastify-quickstart, the root app with all topics', topic: 'app' },
  { id: 'limit' },
  { id: 'fastify' },
  { id: 'express' },
  { id: 'hono' },
  { id: 'nginx' },
  { id: 'flask' }
]

/**
 * How long it takes from starting a process that says hello until its first answer, and how much memory it has then
 * and after it was driven.
 *
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ times: number, seconds: number, only?: string[] }} settings
 */
export async function measureStart (fixtures, { times, seconds, only }) {
  const users = await fixtures.users(1)
  const taking = started.filter(({ id, as = id }) => !missing.has(as) && (only === undefined || only.includes(as)))
  /** @type {Record<string, number[]>} */
  const took = Object.fromEntries(taking.map(({ id }) => [id, []]))
  /** @type {Record<string, { start: object, load: object }>} */
  const memory = {}

  for (let time = 0; time < times; time++) {
    for (const { id, as = id, label, topic = 'hello' } of taking) {
      const server = await ContenderProcess.start(
        contenders[as].file, { topic, usersFile: users.argon2id, folder: fixtures.folder }, fixtures.folder
      )
      try {
        const answer = await server.ask('/')
        took[id].push(server.took ?? performance.now() - server.started)
        if (topic === 'hello') checkAnswer(label ?? contenders[as].label, answer, { status: 200, body: 'Hello World!', headers: {} })
        if (time < times - 1) continue
        const start = await server.memory()
        const load = new Load(server.port, '/', { connections: 32, headers: {} })
        await load.drive(seconds * 1000)
        load.close()
        memory[id] = { start, load: await server.memory() }
      } finally {
        await server.stop()
      }
    }
  }
  return Object.fromEntries(taking.map(({ id, as = id, label = contenders[as].label }) => [
    id, { label, milliseconds: summary(took[id]), memory: memory[id] }
  ]))
}
