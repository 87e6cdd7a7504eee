import { createHash } from 'node:crypto'
import { type Stats, statSync } from 'node:fs'
import { walkFolder } from '../../lib/walk-folder.ts'

/** Which files below a folder count. */
export interface CountedFiles {
  /** Names of files and folders that are passed over. Default: hidden ones, packages, and what editors keep aside. */
  skips?: RegExp
  /** Names of files that count. Default: all others. */
  counts?: RegExp
}

/** `.git`, `.page.eta.swp`, `page.eta~`, `#page.eta#`: an editor writes them while one types. */
const aside = /(?:^|\/)(?:\.[^/]*|node_modules|[^/]*~|#[^/]*#)$/

/** Looking takes at most one part in so many of the time, however many files there are and however often one asks. */
const share = 20

/** Milliseconds after which it looks again in any case. */
const longest = 3000

/**
 * Creates a function that returns the state of files: a text that differs after each change, be it a save in place or
 * by rename, a link that leads elsewhere, or a folder that is deleted and made anew.
 *
 * It looks at the files whenever it is asked. The system's own watchers follow inodes, miss links and network drives,
 * and end with a folder that is deleted.
 *
 * @param paths absolute paths of folders and files, which need not exist
 */
export function createFilesState (
  paths: readonly string[],
  { skips = aside, counts = /^/ }: CountedFiles = {}
): () => string {
  let state = ''
  let isFreshUntil = -Infinity

  return () => {
    const begun = performance.now()
    if (begun < isFreshUntil) return state
    const hash = createHash('sha256')
    for (const path of paths) {
      for (const line of describeFiles(path, skips, counts)) hash.update(line)
    }
    state = hash.digest('base64url').slice(0, 16)
    const ended = performance.now()
    isFreshUntil = ended + Math.min((ended - begun) * share, longest)
    return state
  }
}

function * describeFiles (path: string, skips: RegExp, counts: RegExp): Generator<string> {
  try {
    const stat = statSync(path)
    if (stat.isFile()) return yield describe(path, stat)
    const rules = { accepts: (name: string) => !skips.test(name), leftOut: () => {} }
    for (const { name, realPath } of walkFolder(path, rules)) {
      if (counts.test(name)) yield describe(`${path}/${name}`, statSync(realPath))
    }
  } catch {
    yield `${path} is away\n` // it may be made later
  }
}

function describe (path: string, { ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}\n`
}
