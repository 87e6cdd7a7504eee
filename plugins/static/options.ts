import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { checkOptions, isCount, isObject } from '../../lib/check-options.ts'
import { InvalidRoot } from './errors.ts'
import type { MemoryCaps } from './files/memory.ts'

/** Options of the static plugin. */
export interface StaticOptions {
  /** The folder to serve, as an absolute path. */
  root: string
  /** What the files' URLs begin with, below the host's own prefix. Default `'/static/'`. */
  prefix?: string
  /**
   * For how many seconds a file under its plain name may be kept without asking again.
   * Default `0`: it is asked for every time.
   */
  maxAge?: number
  /** Whether files are read once, at start, and how much of them. Default: on when NODE_ENV is production. */
  memory?: boolean | MemoryCaps
}

/** Refuses options that are unknown or do not fit, and a root that is not a folder that can be read. */
export function checkStaticOptions (options: StaticOptions): void {
  checkOptions<StaticOptions>('static', options, {
    root: { accepts: isAbsolutePath, expected: 'the absolute path of a folder', required: true },
    prefix: { accepts: isPlainPath, expected: 'a path that starts with "/", of plain segments' },
    maxAge: { accepts: isCount, expected: 'a whole number of seconds, 0 or more' },
    memory: { accepts: isMemoryOption, expected: 'true, false, or { maxFileSize, maxTotalSize } in bytes' }
  })
  checkRoot(options.root)
}

function checkRoot (root: string): void {
  let isFolder: boolean
  try {
    isFolder = statSync(root).isDirectory()
    if (isFolder) accessSync(root, constants.R_OK | constants.X_OK)
  } catch (error) {
    throw new InvalidRoot(root, `cannot be read (${(error as NodeJS.ErrnoException).code})`) // a system's error
  }
  if (!isFolder) throw new InvalidRoot(root, 'is not a folder')
}

function isAbsolutePath (value: unknown): boolean {
  return typeof value === 'string' && isAbsolute(value)
}

/** Such as `/static/`: no parameters, nothing that a URL would have to escape, no dot segments. */
const plainPath =
  /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$'()+,;=@-]+\/)*(?:(?!\.{1,2}$)[\w.~!$'()+,;=@-]+)?$/

function isPlainPath (value: unknown): boolean {
  return typeof value === 'string' && plainPath.test(value)
}

function isMemoryOption (value: unknown): boolean {
  if (typeof value === 'boolean') return true
  return isObject(value) && Object.entries(value).every(([name, bytes]) =>
    (name === 'maxFileSize' || name === 'maxTotalSize') && (bytes === undefined || isCount(bytes)))
}
