import {
  closeSync, fchmodSync, fchownSync, fstatSync, openSync, readFileSync, realpathSync, renameSync, rmSync, type Stats,
  statSync, writeFileSync
} from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { decodeText, parseHtpasswd, setUser } from '../plugins/auth/internal.ts'

/** Milliseconds after which a lock that nobody has taken or given back is of a command that was killed. */
const patience = 2000

/**
 * Puts a user's line into an htpasswd file, or takes it out, at one stroke: an app that reads it meanwhile sees the old
 * file or the new one. The file keeps its owner, group and mode; a new one is for its owner alone. Commands that run at
 * the same time wait for each other.
 *
 * @param stored the user's new hash, or null to take the user out
 * @returns whether the user was there before
 * @throws an error with a `code` of the file system's, or one that says what is wrong with the file
 */
export async function changeUser (file: string, name: string, stored: string | null): Promise<boolean> {
  const target = statSync(file, { throwIfNoEntry: false }) === undefined ? file : realpathSync(file) // a link stays one
  const lock = `${target}.lock` // it becomes the new file
  for (;;) {
    const draft = await takeLock(lock)
    try {
      const before = statSync(target, { throwIfNoEntry: false })
      if (before?.isFile() === false) throw new Error('it is not a file')
      const text = before === undefined ? '' : decodeText(readFileSync(target))
      const without = setUser(text, name, null)
      if (stored === null && without === text) return false
      writeFileSync(draft, setUser(text, name, stored))
      if (before !== undefined) keepOwnerAndMode(draft, before)
      if (!isOurs(lock, draft)) continue // another command took it for one that was left behind
      renameSync(lock, target)
      return without !== text
    } finally {
      if (isOurs(lock, draft)) rmSync(lock)
      closeSync(draft)
    }
  }
}

/** Creates the lock, once it is not there. Returns its descriptor. */
async function takeLock (lock: string): Promise<number> {
  let seen: string | undefined
  let since = 0
  for (;;) {
    try {
      return openSync(lock, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // the file system throws errors alone
    }
    const id = readId(lock)
    if (id === seen && performance.now() - since > patience) rmSync(lock, { force: true })
    if (id !== seen) since = performance.now()
    seen = id
    await setTimeout(10 + 20 * Math.random())
  }
}

/** Whether the lock is the file of this descriptor. */
function isOurs (lock: string, draft: number): boolean {
  return readId(lock) === readId(draft)
}

function readId (file: string | number): string | undefined {
  const stat = typeof file === 'number'
    ? fstatSync(file, { bigint: true })
    : statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}

function keepOwnerAndMode (draft: number, { uid, gid, mode }: Stats): void {
  const own = fstatSync(draft)
  try {
    if (own.uid !== uid || own.gid !== gid) fchownSync(draft, uid, gid)
  } catch {
    throw new Error('its owner and group could not be kept; run this as its owner, or as root')
  }
  fchmodSync(draft, mode & 0o7777)
}

/** Returns what would stop an app that starts with this file, or null. */
export function findProblem (file: string): string | null {
  try {
    parseHtpasswd(decodeText(readFileSync(file)))
    return null
  } catch (error) {
    return (error as Error).message // the file system and the parser throw errors alone
  }
}
