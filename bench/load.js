import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { driverCore, onCore } from './cores.js'

const run = promisify(execFile)

/** Who drives the contenders: wrk where it is installed, else autocannon, which is itself a Node program and so sees less far. */
export const driver = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon'

/**
 * Asks one thing as often as it can.
 *
 * @param {string} url
 * @param {{ seconds: number, connections: number, headers: Record<string, string> }} settings
 * @returns {Promise<{ rate: number, answers: number }>} rate: answers a second
 */
export async function rate (url, settings) {
  const { rate, answers, refused } = driver === 'wrk' ? await wrk(url, settings) : await autocannon(url, settings)
  if (refused > 0) throw new Error(`${refused} answers of ${url} were errors`)
  return { rate, answers }
}

/**
 * @param {string} url
 * @param {{ seconds: number, connections: number, headers: Record<string, string> }} settings
 */
async function wrk (url, { seconds, connections, headers }) {
  const [command, ...args] = onCore(driverCore, ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...headerArguments(headers), url])
  const { stdout } = await run(command, args)
  return { answers: Number(/(\d+) requests in/.exec(stdout)?.[1]), rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0) }
}

/**
 * @param {string} url
 * @param {{ seconds: number, connections: number, headers: Record<string, string> }} settings
 */
async function autocannon (url, { seconds, connections, headers }) {
  const program = fileURLToPath(import.meta.resolve('autocannon'))
  const [command, ...args] = onCore(driverCore, [process.execPath, program, '--json', '--no-progress', '-c', String(connections), '-d', String(seconds), ...headerArguments(headers), url])
  const { stdout } = await run(command, args)
  const result = JSON.parse(stdout)
  return { answers: result.requests.total, rate: result.requests.total / result.duration, refused: result['4xx'] + result['5xx'] + result.errors }
}

/** @param {Record<string, string>} headers */
function headerArguments (headers) {
  return Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
}
