import { lstatSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Unreadable } from './errors.js'
import { isPublicName, isPublicPath } from './public-name.js'

/** What the system says of a name that leads to nothing. */
const nothingThere = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL'])

/** Whether an error of the file system means that there is no such file, rather than that something is wrong with it. */
export function isMissing (error: unknown): boolean {
  return nothingThere.has(String((error as NodeJS.ErrnoException).code))
}

/**
 * Finds a file on the disk by its name, as it is now.
 * Synchronous, since it asks for directory entries alone, which the kernel has at hand.
 *
 * @returns its path with every link resolved, or `undefined` when there is no such file or it must not be served
 * @throws `FST_QUICKSTART_STATIC_UNREADABLE` when the system does not let us look
 */
export function locate (root: string, name: string): string | undefined {
  if (!isPublicName(name)) return undefined
  try {
    const realRoot = realpathSync.native(root)
    const path = realpathSync.native(join(realRoot, name))
    if (path !== join(realRoot, name) && !leadsInside(realRoot, name)) return undefined
    return statSync(path).isFile() ? path : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new Unreadable({ cause: error })
  }
}

/** Follows a name segment by segment: no link on the way may leave root, come to something hidden, or go in a circle. */
function leadsInside (realRoot: string, name: string): boolean {
  const passed = new Set([realRoot])
  let here = realRoot
  for (const segment of name.split('/')) {
    const next = join(here, segment)
    here = realpathSync.native(next)
    // Where upper and lower case are one (macOS, Windows), a path that resolves to another without a link is a second spelling.
    const sameSpelling = here === next || lstatSync(next).isSymbolicLink()
    if (!sameSpelling || passed.has(here) || !isPublicPath(realRoot, here)) return false
    passed.add(here)
  }
  return true
}
