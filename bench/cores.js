import { execFileSync } from 'node:child_process'

/** The core of the contenders, and the one of whoever drives them; undefined where the system cannot pin. */
export const [serverCore, driverCore] = ownCores()

/**
 * A command line, pinned to a core where there is one to pin it to.
 *
 * @param {number | string | undefined} core one, or several with commas between them
 * @param {string[]} command
 */
export function onCore (core, command) {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command]
}

/** @returns {number[]} two of the cores this process may run on, or none */
function ownCores () {
  try {
    const list = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(':')[1].trim()
    const cores = list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
    return cores.length < 2 ? [] : [cores[0], cores[1]]
  } catch {
    return []
  }
}
