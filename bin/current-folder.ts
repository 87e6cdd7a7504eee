import { realpathSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'

/**
 * Returns the current folder as the shell names it (`pwd -L`): through links, where PWD leads here. A link may lead
 * elsewhere later, as after an upgrade, and the system's own name for the folder would not.
 */
export function readCurrentFolder (): string {
  const { PWD: named } = process.env
  const here = process.cwd()
  try {
    if (named !== undefined && isAbsolute(named) && realpathSync(named) === realpathSync(here)) return named
  } catch {} // it leads nowhere
  return here
}

/** Returns where workers run, and what: this program in the current folder, both through the folder's links. */
export function findPlaceOfWorkers (): { cwd: string, exec: string } {
  const cwd = readCurrentFolder()
  const program = process.argv[1]! // a program runs
  const below = relative(process.cwd(), program)
  return { cwd, exec: below.startsWith('..') || isAbsolute(below) ? program : join(cwd, below) }
}
