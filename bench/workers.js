import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { driverCore, onCore, serverCore } from './cores.js'
import { Load } from './load.js'
import { ratio, summary } from './statistics.js'

const command = resolve(import.meta.dirname, '..', 'bin', 'run.js')

/** A page that takes the server about a millisecond, so that one core is enough to ask for it. */
const view = '<% for (let n = 0; n < 3000; n++) { %><li><%= "value " + n %></li><% } %>\n'

/**
 * How much more the command answers with two workers than with one.
 *
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ rounds: number }} settings
 */
export async function measureWorkers (fixtures, { rounds }) {
  const folder = join(fixtures.folder, 'workers')
  await mkdir(join(folder, 'views'), { recursive: true })
  await writeFile(join(folder, 'views', 'index.eta'), view)
  const servers = await Promise.all(['1', '2'].map((workers) => start(workers, folder)))
  try {
    for (const { load } of servers) await load.drive(1500)
    for (let round = 0; round < rounds; round++) {
      for (const { load, rates } of round % 2 === 0 ? servers : servers.toReversed()) {
        rates.push((await load.drive(500)).rate)
      }
    }
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()))
  }
  const [one, two] = servers.map(({ rates }) => rates)
  return { rates: { 1: summary(one), 2: summary(two) }, ratio: ratio(two, one).median }
}

/**
 * @param {string} workers
 * @param {string} folder
 */
async function start (workers, folder) {
  const flags = ['--workers', workers, '--port', '0', '--log-level', 'info']
  // The driver is pinned, and a child would be pinned with it.
  const cores = serverCore === undefined ? undefined : `${serverCore},${driverCore}`
  const [program, ...words] = onCore(cores, [process.execPath, command, ...flags])
  const server = spawn(program, words, {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', QUICKSTART_AUTH: 'false', QUICKSTART_DRAIN_SECONDS: '0' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const ended = once(server, 'close')
  const port = await new Promise((resolve, reject) => {
    let output = ''
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
        const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)
        if (address !== null) resolve(Number(address[1]))
      })
    }
    ended.then(() => reject(new Error(`the command ended before it listened: ${output}`)), reject)
  })
  const load = new Load(port, '/', { connections: 16, headers: {} })
  const stop = async () => {
    load.close()
    server.kill()
    await ended
  }
  return { load, rates: /** @type {number[]} */ ([]), stop }
}
