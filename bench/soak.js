import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hash } from '@node-rs/bcrypt'
import { freePort } from './free-port.js'
import { median } from './statistics.js'

/*
 * A long and even load on the started app, in production: does anything grow? Memory and the delay of the event loop
 * are read from the app's own metrics.
 */

const command = resolve(import.meta.dirname, '..', 'dist', 'bin', 'fastify-quickstart.js')

/** A route that collects garbage, so that what is left is what is held. */
const collects = '/8d1f0a52-collect-garbage'
const collectRoute = `export default async (app) => {
  app.post('${collects}', async () => { for (let times = 0; times < 3; times++) globalThis.gc() })
}`

const authorization = `Basic ${btoa('alice:right')}`
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Each topic in turn. @type {{ path: string, method?: string, headers?: object, body?: string, status?: number }[]} */
const requests = [
  { path: '/hello' },
  { path: '/static/app.js' },
  { path: '/static/app.js', headers: { 'accept-encoding': 'br' } },
  { path: '/' },
  { path: '/user/alice' },
  { path: '/search?q=fish&page=2&tag=a&tag=b' },
  { path: '/user', method: 'POST', headers: form, body: 'username=alice', status: 303 },
  { path: '/post/nine', status: 400 },
  { path: '/secret', headers: { authorization } },
  { path: '/secret', status: 401 },
  { path: '/nowhere', headers: { accept: 'text/html' }, status: 404 }
]

/** Connections, and the milliseconds of each between an answer and the next request. */
const connections = 10
const pause = 20

/**
 * @typedef {object} Sample
 * @property {number} seconds since the start of the load
 * @property {number} memory bytes held in the heap and beside it after a garbage collection
 * @property {number} delay of the event loop since the sample before, in seconds: the mean of its 10 ms timer
 * @property {number} answers since the sample before
 */

/**
 * Asks for all topics, and takes samples.
 *
 * @param {{ seconds: number, interval?: number }} settings interval: seconds between two samples
 * @returns {Promise<{ samples: Sample[], shed: number, wrong: string[] }>} shed: answers that said to come again;
 *   wrong: others that are not what was asked for
 */
export async function measureSoak ({ seconds, interval = 5 }) {
  const folder = await mkdtemp(join(tmpdir(), 'fastify-quickstart-soak-'))
  await writeFile(join(folder, 'collect.mjs'), collectRoute)
  await writeFile(join(folder, 'users'), `alice:${await hash('right', 4)}\n`)
  const [port, metricsPort] = [await freePort(), await freePort()]
  // Without NODE_OPTIONS: a test runner's would be in the process that is measured.
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--expose-gc', command, '--routes', './collect.mjs']
  const child = spawn('env', args, {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: String(port),
      QUICKSTART_USERS_FILE: 'users',
      QUICKSTART_LOG_LEVEL: 'warn',
      QUICKSTART_METRICS: `127.0.0.1:${metricsPort}`
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'exit')
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  try {
    child.stdout.resume()
    while (await ask({ port, path: '/health', agent }).catch(() => undefined) !== 200) {
      if (child.exitCode !== null) throw new Error('the app did not start')
      await wait(50)
    }
    return await soak()
  } finally {
    agent.destroy()
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true })
  }

  async function soak () {
    /** @type {Sample[]} */
    const samples = []
    /** @type {string[]} */
    const wrong = []
    let answers = 0
    let shed = 0
    let isOver = false
    const clients = Array.from({ length: connections }, async (_, number) => {
      // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
      for (let next = number; !isOver; next++) {
        const { path, method, headers, body, status = 200 } = requests[next % requests.length]
        const got = await ask({ port, path, method, headers, agent }, body).catch((error) => error.message)
        if (got === status) answers++
        else if (got === 503) shed++ // load shedding, on a machine that others keep busy
        else wrong.push(`${method ?? 'GET'} ${path}: ${got}`)
        await wait(pause)
      }
    })
    const startedAt = performance.now()
    for (let sample = 1; sample <= seconds / interval; sample++) {
      await wait(startedAt + sample * interval * 1000 - performance.now())
      // The delay first: reading it begins the next span, and collecting garbage is not to be in it.
      const delay = (await readMetrics()).nodejs_eventloop_lag_mean_seconds
      await ask({ port, path: collects, method: 'POST' })
      const { nodejs_heap_size_used_bytes: heap, nodejs_external_memory_bytes: external } = await readMetrics()
      samples.push({ seconds: sample * interval, memory: heap + external, delay, answers })
      answers = 0
    }
    isOver = true
    await Promise.all(clients)
    return { samples, shed, wrong }
  }

  /** @returns {Promise<Record<string, number>>} metrics without labels */
  async function readMetrics () {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    return Object.fromEntries([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]))
  }
}

/**
 * How the last minute stands to the second half of the first one, as ratios: of the medians of memory, and of the
 * shortest delays. What else the machine does only ever makes a delay longer.
 *
 * @param {Sample[]} samples
 */
export function growth (samples) {
  const end = samples.at(-1)?.seconds ?? 0
  const early = samples.filter(({ seconds }) => seconds > 30 && seconds <= 60)
  const late = samples.filter(({ seconds }) => seconds > end - 60)
  const memory = (/** @type {Sample[]} */ span) => median(span.map(({ memory }) => memory))
  const delay = (/** @type {Sample[]} */ span) => Math.min(...span.map(({ delay }) => delay))
  return { memory: memory(late) / memory(early), delay: delay(late) / delay(early) }
}

/**
 * @param {import('node:http').RequestOptions} options
 * @param {string} [body]
 * @returns {Promise<number | undefined>} the status
 */
async function ask (options, body) {
  const asked = request({ host: '127.0.0.1', ...options }).end(body)
  const [answer] = await once(asked, 'response')
  await once(answer.resume(), 'end')
  return answer.statusCode
}
