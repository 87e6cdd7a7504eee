import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A file below a folder. */
export interface WalkedFile {
  /** Its name below the folder, with `/` between the segments. */
  name: string
  /** Where it was found. */
  path: string
  /** Where it lies, with every link resolved. */
  realPath: string
}

/** The files and folders that a walk takes in. */
export interface WalkRules {
  /** Whether a file or folder of this name below the root counts, with `/` between its segments. */
  accepts: (name: string) => boolean
  /** Whether a file or folder may lie there, with every link resolved. Default: anywhere. */
  mayLieAt?: (realPath: string) => boolean
  /**
   * Told of each accepted name that is left out: a link in a circle or to a forbidden place, or an error of the file
   * system.
   */
  leftOut: (name: string, reason: 'link' | NodeJS.ErrnoException) => void
}

/**
 * The folders in which Kubernetes keeps the files of a mounted ConfigMap or Secret: `app.js` links to `..data/app.js`,
 * and `..data` to `..2026_01_31_12_00_00.123456789`, so that all files change at once.
 */
const volumeFolder = /^\.\.(?:data$|\d)/

/**
 * Returns a path below a folder without what Kubernetes adds to it. A rule about dotfiles that goes by where a link
 * leads asks for this path; one that goes by a name asks for the name, so that nobody names these folders.
 *
 * @param path with `/` between the segments
 */
export function removeVolumeFolders (path: string): string {
  return path.split('/').filter((segment) => !volumeFolder.test(segment)).join('/')
}

/**
 * Lists every file below a folder, links included. Synchronous, for use at start: there it is several times faster for
 * many small files, and nobody waits beside it.
 */
export function * walkFolder (root: string, rules: WalkRules): Generator<WalkedFile> {
  const { accepts, mayLieAt = () => true, leftOut } = rules
  function * list (folder: string, prefix: string, passed: readonly string[]): Generator<WalkedFile> {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const name = prefix + entry.name
      if (!accepts(name)) continue
      try {
        const path = join(folder, entry.name)
        const isLink = entry.isSymbolicLink()
        const realPath = isLink ? realpathSync.native(path) : join(passed.at(-1)!, entry.name)
        if (passed.includes(realPath) || !mayLieAt(realPath)) {
          leftOut(name, 'link')
          continue
        }
        const kind = isLink ? statSync(realPath) : entry
        if (kind.isDirectory()) yield * list(path, `${name}/`, [...passed, realPath])
        if (kind.isFile()) yield { name, path, realPath }
      } catch (error) {
        leftOut(name, error as NodeJS.ErrnoException) // the calls above throw nothing else
      }
    }
  }

  yield * list(root, '', [realpathSync.native(root)])
}
