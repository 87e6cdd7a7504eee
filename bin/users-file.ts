import {
  closeSync, fchmodSync, fchownSync, fstatSync, ftruncateSync, lstatSync, openSync, readFileSync, realpathSync,
  renameSync, rmSync, type Stats, statSync, writeFileSync, writeSync
} from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { decodeText, parseHtpasswd, setUser } from '../plugins/auth/internal.ts'

/** Milliseconds that a lock may stay the same. A command holds it for a few. */
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
      ftruncateSync(draft)
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
      const draft = openSync(lock, 'wx', 0o600)
      // At position 0, which leaves the descriptor there.
      writeSync(draft, `fastify-quickstart hash-password ${process.pid}\n`, 0)
      return draft
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // the file system throws errors alone
    }
    const id = readId(lock)
    if (id === seen && performance.now() - since > patience) removeStaleLock(lock)
    if (id !== seen) since = performance.now()
    seen = id
    await setTimeout(10 + 20 * Math.random())
  }
}

/** @throws an error that tells of a lock that a command which has ended did not leave behind */
function removeStaleLock (lock: string): void {
  const stat = lstatSync(lock, { throwIfNoEntry: false })
  if (stat === undefined) return // given back
  const text = stat.isFile() && stat.size < 100 ? readFileSync(lock, 'utf8') : ''
  const [, pid] = /^fastify-quickstart hash-password ([1-9]\d*)\n$/.exec(text) ?? []
  if (pid === undefined) {
    throw new Error(`${lock} is in the way, and is not a lock of this command; remove it if nothing needs it`)
  }
  if (isRunning(Number(pid))) {
    throw new Error(`${lock} is held by process ${pid}; remove it if that is not a hash-password command`)
  }
  rmSync(lock, { force: true })
}

function isRunning (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // of another account
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
  // A file system gives the number of a deleted file to the next one.
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`
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
