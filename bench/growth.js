import { checkAnswer } from './check.js'
import { ContenderProcess } from './contender-process.js'
import { contenders } from './contenders.js'
import { Load } from './load.js'
import { authorization } from './scenarios.js'
import { median } from './statistics.js'

/** @typedef {import('./fixtures.js').Fixtures} Fixtures */

/**
 * @typedef {object} Curve
 * @property {string} name
 * @property {string} title
 * @property {string} unit what there are more and more of
 * @property {number[]} counts
 * @property {(fixtures: Fixtures, count: number) => Promise<import('./contender-process.js').Job>} job
 * @property {(count: number) => string} path
 * @property {Record<string, string>} headers
 * @property {{ id: string, as?: string, label: string, job?: object, slowFrom?: number }[]} entries
 *   slow ones get one connection, or they would be at it still when others are driven
 */

/** @type {Curve[]} */
export const curves = [
  {
    name: 'auth',
    title: 'Repeated login among more and more users',
    unit: 'users',
    counts: [10, 100, 1000, 10_000, 100_000],
    job: async (fixtures, count) => ({ topic: 'auth', users: await fixtures.users(count) }),
    path: () => '/guarded',
    headers: { authorization },
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, map', job: { usersAs: 'map' } },
      { id: 'quickstart-file', as: 'quickstart', label: 'fastify-quickstart, htpasswd', job: { usersAs: 'htpasswd' } },
      { id: 'official', label: '@fastify/basic-auth' },
      // It compares every user's name, so that from 10,000 on an answer takes long.
      { id: 'express', label: 'express-basic-auth', slowFrom: 10_000 }
    ]
  },
  {
    name: 'static',
    title: 'One file of 1 kB in a folder of more and more files',
    unit: 'files',
    counts: [10, 100, 1000, 10_000],
    job: async (fixtures, count) => ({ topic: 'static', root: await fixtures.manyFiles(count) }),
    path: (count) => `/static/${count >> 1}.js`,
    headers: {},
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart' },
      { id: 'official', label: '@fastify/static' },
      { id: 'sirv', label: 'sirv' },
      { id: 'express', label: 'serve-static' }
    ]
  },
  {
    name: 'templates',
    title: 'One page among more and more templates',
    unit: 'templates',
    counts: [1, 10, 100, 1000],
    job: async (fixtures, count) => ({ topic: 'page', views: await fixtures.manyViews(count) }),
    path: () => '/',
    headers: {},
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart' },
      { id: 'official', label: '@fastify/view' }
    ]
  }
]

/**
 * What becomes of a contender as there is more of what it serves.
 *
 * @param {Curve} curve
 * @param {Fixtures} fixtures
 * @param {{ rounds: number, milliseconds: number, only?: string[] }} settings
 */
export async function measureGrowth (curve, fixtures, { rounds, milliseconds, only }) {
  const entries = curve.entries.filter(({ id, as = id }) => only === undefined || only.includes(as))
  const points = []
  for (const count of curve.counts) {
    const job = { ...await curve.job(fixtures, count), folder: fixtures.folder }
    const running = []
    try {
      for (const { id, as = id, label, job: own, slowFrom = Infinity } of entries) {
        const server = await ContenderProcess.start(contenders[as].file, { ...job, ...own }, fixtures.folder)
        const connections = count >= slowFrom ? 1 : 32
        const load = new Load(server.port, curve.path(count), { connections, headers: curve.headers })
        const contender = { id, label, server, load, started: 0, rates: /** @type {number[]} */ ([]) }
        running.push(contender)
        const answer = await server.ask(curve.path(count), curve.headers)
        contender.started = performance.now() - server.started
        checkAnswer(label, answer, { status: 200, body: answer.body, headers: {} })
      }
      for (let round = -1; round < rounds; round++) {
        for (const { load, rates } of running) {
          const { rate } = await load.drive(round < 0 ? 500 : milliseconds)
          if (round >= 0) rates.push(rate)
        }
      }
      for (const { id, label, server, started, rates } of running) {
        points.push({ id, label, count, rate: median(rates), start: started, ...await server.memory() })
      }
    } finally {
      for (const { load } of running) load.close()
      await Promise.all(running.map(({ server }) => server.stop()))
    }
  }
  return { title: curve.title, unit: curve.unit, points }
}
