// A file of JSON lines that only grows: feedback, or all answers. For its owner alone, each line whole and on the disk
// before it counts as written, also where several servers write to one file.
import {
  closeSync, existsSync, fchmodSync, fstatSync, lstatSync, openSync, readSync, realpathSync, rmSync
} from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AnswerError } from './limits.js'
import { stop } from './settings.js'

/** Milliseconds after which a lock was left behind by a server that died. It is held for a few. */
const staleLock = 10_000

/**
 * Opens a file for records, and makes it where it is not there. One that does not fit ends the program with one line.
 *
 * @param {'FEEDBACK_FILE' | 'TRANSCRIPT_FILE'} name of the setting
 * @param {object} settings
 * @param {import('fastify').FastifyBaseLogger} log
 */
export function openRecords (name, { [name]: file, RECORDS_MEGABYTES }, log) {
  const path = check(name, file)
  const lock = lockOf(path)
  let last = Promise.resolve()

  /**
   * Appends a record.
   *
   * @throws {AnswerError} 507 where the file is full or cannot be written; the log says why
   */
  function append (record) {
    const written = last.then(() => write(`${JSON.stringify(record)}\n`))
    last = written.catch(() => {})
    return written
  }

  async function write (line) {
    try {
      await takeLock(lock)
      try {
        await appendLine(path, line, RECORDS_MEGABYTES * 1e6)
      } finally {
        await rm(lock, { force: true })
      }
    } catch (error) {
      log.error({ err: error }, `${name}: a record is lost: ${error.message}`)
      throw new AnswerError(507, 'It could not be written down.', { cause: error })
    }
  }

  return { append, close: () => last }
}

/** One write at the end of the file: no reader sees half a line, and it is on the disk when this returns. */
async function appendLine (path, line, most) {
  const file = await open(path, 'a+', 0o600) // anew each time: somebody may have moved it away
  try {
    const { size } = await file.stat()
    if (size + Buffer.byteLength(line) > most) throw new Error(`the file has ${most / 1e6} MB; move it away`)
    const end = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString()
    try {
      await file.appendFile(end === '\n' ? line : `\n${line}`) // a server died in the middle of a line
      await file.sync()
    } catch (error) { // the disk is full: half a line would spoil the file for whoever reads it
      await file.truncate(size)
      throw error
    }
  } finally {
    await file.close()
  }
}

async function takeLock (lock) {
  for (const deadline = Date.now() + 2 * staleLock; Date.now() < deadline; await wait(10 + 20 * Math.random())) {
    try {
      const file = await open(lock, 'wx', 0o600)
      return await file.close()
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() })) // given back meanwhile
    if (Date.now() - mtimeMs > staleLock) await rm(lock, { force: true })
  }
  throw new Error(`${lock} is in the way`)
}

function lockOf (path) {
  return `${path}.lock`
}

/** A file that may be written in a folder that may not would lose each record later on. */
function tryLock (lock) {
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    rmSync(lock)
  } catch (error) {
    if (error.code !== 'EEXIST') throw new Error(`needs a lock beside it: ${basename(lock)} (${error.code})`)
  }
}

/** Returns the path of a file that can be written, is for its owner alone, and is not served. */
function check (name, file) {
  try {
    const isDangling = !existsSync(file) && lstatSync(file, { throwIfNoEntry: false }) !== undefined
    if (isDangling) throw new Error('is a link to a file that is not there; choose another one')
    const path = existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(resolve(file))), basename(file))
    const served = realpathSync(process.env.QUICKSTART_PUBLIC_DIR || join(import.meta.dirname, 'public'))
    if (path.startsWith(served + sep)) throw new Error('is in the folder of public files; choose another one')
    const descriptor = openSync(path, 'a+', 0o600)
    const first = Buffer.alloc(2)
    if (!fstatSync(descriptor).isFile()) throw new Error('is not a file')
    if (readSync(descriptor, first, 0, 2, 0) > 0 && first.toString() !== '{"') {
      throw new Error('has something else than JSON lines; choose another one')
    }
    fchmodSync(descriptor, 0o600)
    closeSync(descriptor)
    tryLock(lockOf(path))
    return path
  } catch (error) {
    return stop(`${name}: ${file} ${error.code ? `cannot be written (${error.code})` : error.message}`)
  }
}
