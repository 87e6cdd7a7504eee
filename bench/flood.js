import { execFile } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ContenderProcess } from './contender-process.js'
import { contenders } from './contenders.js'
import { guessers } from './content.js'
import { driverCore, onCore } from './cores.js'
import { authorization } from './scenarios.js'
import { quantile, median } from './statistics.js'

const run = promisify(execFile)

const floods = [
  { id: 'quickstart', label: 'fastify-quickstart (argon2id), guessers at one address', addresses: 'one' },
  { id: 'quickstart-many', as: 'quickstart', label: 'fastify-quickstart (argon2id), guessers at 50 addresses', addresses: 'many' },
  { id: 'official', label: 'Fastify, @fastify/basic-auth (plain text)', addresses: 'one' },
  { id: 'official-hashed', as: 'official', label: 'Fastify, @fastify/basic-auth (argon2id at each request)', job: { hashed: true }, addresses: 'one' },
  { id: 'express', label: 'Express, express-basic-auth (plain text)', addresses: 'one' }
]

/**
 * How long a logged-in client waits for its answers, first alone, then while others guess passwords as fast as they
 * can.
 *
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ quietSeconds: number, floodSeconds: number, only?: string[] }} settings
 */
export async function measureFlood (fixtures, { quietSeconds, floodSeconds, only }) {
  const users = await fixtures.users(1000)
  /** @type {Record<string, object>} */
  const results = {}
  for (const { id, as = id, label, job, addresses } of floods) {
    if (only !== undefined && !only.includes(as)) continue
    const server = await ContenderProcess.start(contenders[as].file, { topic: 'auth', users, usersAs: 'htpasswd', ...job, folder: fixtures.folder }, fixtures.folder)
    try {
      await goodClient(server.port, 1)
      const quiet = await goodClient(server.port, quietSeconds)
      const memoryBefore = await server.memory()
      const guessing = client('guessers.js', [server.port, floodSeconds + 1, guessers, addresses])
      // What the first second costs, while nobody is shut out yet, belongs to the flood.
      await wait(100)
      const flooded = await goodClient(server.port, floodSeconds)
      const statuses = await guessing
      const memoryAfter = await server.memory()
      results[id] = {
        label,
        quiet: { answers: quiet.length, median: median(quiet), p99: quantile(quiet, 0.99), worst: Math.max(...quiet) },
        flooded: {
          answers: flooded.length, median: median(flooded), p99: quantile(flooded, 0.99), worst: Math.max(...flooded)
        },
        p99Ratio: quantile(flooded, 0.99) / quantile(quiet, 0.99),
        guesses: statuses,
        memoryBefore,
        memoryAfter
      }
    } finally {
      await server.stop()
    }
  }
  return results
}

/**
 * @param {number} port
 * @param {number} seconds
 * @returns {Promise<number[]>} milliseconds
 */
async function goodClient (port, seconds) {
  return await client('good-client.js', [port, seconds, authorization])
}

/**
 * @param {string} file
 * @param {(string | number)[]} settings
 */
async function client (file, settings) {
  const [command, ...args] = onCore(driverCore, [process.execPath, fileURLToPath(new URL(`clients/${file}`, import.meta.url)), ...settings.map(String)])
  const { stdout } = await run(command, args, { maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}
