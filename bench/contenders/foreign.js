import { execFileSync, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { announce } from './announce.js'

/**
 * Runs a server that is no Node program as a child, and stands in for it.
 *
 * @param {string[]} command
 * @param {number} port
 */
export async function runForeign ([command, ...args], port) {
  const started = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  child.once('exit', (code) => process.exit(code ?? 1))
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill())
  while (!await answers(port)) await wait(2)
  const took = performance.now() - started
  const memory = () => ({ resident: residentBelow(/** @type {number} */ (child.pid)), live: null })
  announce(port, { took, memory, end: () => child.kill() })
}

/** @param {number} port */
async function answers (port) {
  return await fetch(`http://127.0.0.1:${port}/`).then(async (response) => {
    await response.body?.cancel()
    return true
  }, () => false)
}

/** The memory of a process and its children, as `ps` tells it. @param {number} pid */
function residentBelow (pid) {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,rss='], { encoding: 'utf8' }).trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return lines.filter(
    ([own, parent]) => own === pid || parent === pid
  ).reduce((sum, [,, resident]) => sum + resident * 1024, 0)
}
