import { ratio } from './statistics.js'

/** @typedef {any} Results */

/**
 * @typedef {object} Target
 * @property {string} topic
 * @property {string} says
 * @property {(results: Results) => number | undefined} measure undefined where the run did not measure it
 * @property {number} [atLeast]
 * @property {number} [atMost]
 * @property {string} [unit]
 */

/**
 * @param {string} scenario
 * @param {string} peer
 * @param {string} [own]
 */
function faster (scenario, peer, own = 'quickstart') {
  return (/** @type {Results} */ { scenarios }) => {
    const rates = scenarios[scenario]?.rates
    if (rates?.[own] === undefined || rates[peer] === undefined) return undefined
    return ratio(rates[own].rounds, rates[peer].rounds).median
  }
}

/**
 * How much more a curve's last point is than its first.
 *
 * @param {string} curve
 * @param {string} measure
 */
function more (curve, measure) {
  return (/** @type {Results} */ { growth }) => {
    const points = growth[curve]?.points.filter((/** @type {any} */ { id }) => id === 'quickstart')
    if (points === undefined || points.length === 0) return undefined
    return points.at(-1)[measure] - points[0][measure]
  }
}

/** Pages of the root app, and how they are to stand to a bare route that sends the same. */
const rootPages = [
  ['root-hello', '/hello', 0.8],
  ['root-static', '/static/app.js', 0.75],
  ['root-page', '/', 0.5],
  ['root-params', '/user/alice', 0.8],
  ['root-login', '/secret, with a login that is remembered', 0.6]
]

/** @type {Target[]} */
export const targets = [
  ...rootPages.flatMap(([scenario, page, atLeast]) => [
    { topic: 'whole app', says: `${page}, to a bare Fastify route with the same fields and bytes`, measure: faster(String(scenario), 'fastify'), atLeast: Number(atLeast) },
    ...['Fastify', 'Express', 'Hono'].map((peer) => ({
      topic: 'whole app', says: `${page}, to ${peer} put together by hand`, measure: faster(String(scenario), `whole-${peer.toLowerCase()}`), atLeast: 1.5
    }))
  ]),
  { topic: 'whole app', says: '/hello with the log at info, to a bare Fastify route with its own log of two lines', measure: faster('root-log', 'fastify'), atLeast: 0.9 },
  { topic: 'whole app', says: '/hello with the log at info, to Fastify put together by hand with its own log of two lines', measure: faster('root-log', 'whole-fastify'), atLeast: 0.9 },
  ...['static-small', 'static-large', 'static-5000'].flatMap((scenario) => {
    const what = { 'static-small': 'file of 1 kB', 'static-large': 'file of 100 kB', 'static-5000': 'one of 5,000 files' }[scenario]
    return [
      { topic: 'static', says: `${what}, to a bare Fastify route with the same headers and bytes`, measure: faster(scenario, 'fastify'), atLeast: 0.92 },
      { topic: 'static', says: `${what}, to bare node:http with the same headers and bytes`, measure: faster(scenario, 'limit'), atLeast: 0.7 },
      { topic: 'static', says: `${what}, to @fastify/static`, measure: faster(scenario, 'official'), atLeast: 4 },
      { topic: 'static', says: `${what}, to sirv`, measure: faster(scenario, 'sirv'), atLeast: 2 }
    ]
  }),
  { topic: 'static', says: 'start until the first answer with 10,000 files, over the one with 10', measure: seconds(more('static', 'start')), atMost: 3, unit: 's' },
  {
    topic: 'static',
    says: 'memory held for 10,000 files of 1 kB, to the size of the files and their compressed forms',
    measure: (results) => {
      const held = more('static', 'live')(results)
      return held === undefined ? undefined : held / results.fileBytes
    },
    atMost: 2
  },
  ...[['auth', '1 user'], ['auth-1000', '1,000 users'], ['auth-100000', '100,000 users']].flatMap(([scenario, users]) => [['quickstart', 'in a map'], ['quickstart-file', 'in an htpasswd file']].flatMap(([own, where]) => [
    { topic: 'auth', says: `repeated login, ${users} ${where}, to the same route unguarded`, measure: faster(scenario, 'fastify', own), atLeast: 0.85 },
    { topic: 'auth', says: `repeated login, ${users} ${where}, to @fastify/basic-auth that compares plain text`, measure: faster(scenario, 'official', own), atLeast: 1 }
  ])),
  ...[['quickstart', 'one address'], ['quickstart-many', '50 addresses']].map(([own, where]) => ({
    topic: 'auth',
    says: `p99 of a logged-in client while 50 guess from ${where}, to that of a server that hashes nothing`,
    // Beside its quiet p99 it would say what 50 more connections take, whoever serves them.
    measure: (/** @type {Results} */ { flood }) => {
      return flood?.[own] && flood.official && flood[own].flooded.p99 / flood.official.flooded.p99
    },
    atMost: 1.2
  })),
  {
    topic: 'auth',
    says: 'memory held after the flood, to that before it',
    measure: ({ flood }) => flood?.['quickstart-many'] && flood['quickstart-many'].memoryAfter.live / flood['quickstart-many'].memoryBefore.live,
    atMost: 1.2
  },
  {
    topic: 'auth',
    says: 'median of a wrong password for a known name, to that for an unknown one (farther from 1 of the two ways round)',
    measure: ({ names }) => {
      if (names?.quickstart === undefined) return undefined
      const { known, unknown } = names.quickstart
      return Math.max(known.median / unknown.median, unknown.median / known.median)
    },
    atMost: 1.1
  },
  { topic: 'templates', says: 'page, to a bare Fastify route that sends eta.render', measure: faster('page', 'fastify'), atLeast: 0.95 },
  { topic: 'templates', says: 'page, to reply.viewAsync', measure: faster('page', 'official'), atLeast: 1 },
  { topic: 'templates', says: 'page with context and user, to a bare Fastify route that sends eta.render', measure: faster('page-context', 'fastify'), atLeast: 1.5 },
  { topic: 'templates', says: 'start until the first answer with 1,000 templates, over the one with 1', measure: seconds(more('templates', 'start')), atMost: 2, unit: 's' },
  { topic: 'params', says: 'GET /user/:username, to a bare Fastify route with the same schema', measure: faster('params', 'fastify'), atLeast: 0.95 },
  { topic: 'command', says: 'two workers, to one, at a page that takes a millisecond', measure: ({ workers, machine }) => machine.cores > 2 ? workers?.ratio : undefined, atLeast: 1.5 }
]

/** @param {Results} results */
export function judge (results) {
  return targets.flatMap(({ topic, says, measure, atLeast, atMost, unit = '' }) => {
    const measured = measure(results)
    if (measured === undefined) return []
    const met = atLeast === undefined ? measured <= /** @type {number} */ (atMost) : measured >= atLeast
    return [{ topic, says, asked: atLeast === undefined ? `at most ${atMost}${unit && ` ${unit}`}` : `at least ${atLeast}`, measured, unit, met }]
  })
}

/** @param {(results: Results) => number | undefined} measure of milliseconds */
function seconds (measure) {
  return (/** @type {Results} */ results) => {
    const milliseconds = measure(results)
    return milliseconds === undefined ? undefined : milliseconds / 1000
  }
}
