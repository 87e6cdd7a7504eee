import { ContenderProcess } from './contender-process.js'
import { contenders } from './contenders.js'
import { login } from './content.js'
import { median, quantile, shareAbove } from './statistics.js'

/** The suite's throttle is off here: a guesser never gets as many tries as this measurement needs. */
const servers = [
  { id: 'quickstart', label: 'fastify-quickstart (argon2id)', job: { throttle: false } },
  { id: 'official-hashed', as: 'official', label: 'Fastify, @fastify/basic-auth (argon2id by hand)', job: { hashed: true } }
]

/**
 * How long a wrong password takes for a name that exists and for one that does not: whoever can tell them apart knows
 * the names of the users.
 *
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ tries: number, only?: string[] }} settings
 */
export async function measureNames (fixtures, { tries, only }) {
  const users = await fixtures.users(1000)
  /** @type {Record<string, object>} */
  const results = {}
  for (const { id, as = id, label, job } of servers) {
    if (only !== undefined && !only.includes(as)) continue
    const server = await ContenderProcess.start(contenders[as].file, { topic: 'auth', users, usersAs: 'htpasswd', ...job, folder: fixtures.folder }, fixtures.folder)
    const known = []
    const unknown = []
    try {
      for (let number = -3; number < tries; number++) {
        const [a, b] = [await time(server, login.name, number), await time(server, `nobody-${number}`, number)]
        if (number < 0) continue
        known.push(a)
        unknown.push(b)
      }
    } finally {
      await server.stop()
    }
    results[id] = {
      label,
      tries,
      known: distribution(known),
      unknown: distribution(unknown),
      knownIsSlower: shareAbove(known, unknown)
    }
  }
  return results
}

/**
 * @param {ContenderProcess} server
 * @param {string} name
 * @param {number} number
 */
async function time (server, name, number) {
  const authorization = `Basic ${Buffer.from(`${name}:wrong ${number}`).toString('base64')}`
  const started = performance.now()
  const { status } = await server.ask('/guarded', { authorization })
  if (status !== 401) throw new Error(`a wrong password was answered with ${status}`)
  return performance.now() - started
}

/** @param {number[]} values */
function distribution (values) {
  return { p10: quantile(values, 0.1), median: median(values), p90: quantile(values, 0.9) }
}
