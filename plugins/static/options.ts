import { accessSync, constants, statSync } from 'node:fs'
import { checkOptions, isCount, isObject } from '../../lib/check-options.ts'
import { toFolderPath } from '../../lib/folder-path.ts'
import { InvalidRoot } from './errors.ts'
import { findContentType } from './files/content-type.ts'
import { isPublicName } from './files/names.ts'
import type { MemoryCaps } from './files/memory.ts'

/** Options of the static plugin. */
export interface StaticOptions {
  /** The folder to serve: an absolute path, or a `file:` URL such as `new URL('public', import.meta.url)`. */
  root: string | URL
  /** The beginning of the files' URLs, below the host's own prefix. Default `'/static/'`. */
  prefix?: string
  /**
   * For how many seconds a file under its plain name may be kept without asking again.
   * Default `0`: it is asked for every time.
   */
  maxAge?: number
  /** Whether files are read once, at start, and how much of them. Default: on when NODE_ENV is production. */
  memory?: boolean | MemoryCaps
  /**
   * The name of the file that answers for its folder, such as `'index.html'`: `/static/docs/` is answered with
   * `docs/index.html`. `/static/docs` and `/static/docs/index.html` are redirected there. Default `false`: no file.
   */
  index?: string | false
  /**
   * The name below root of an HTML file, such as `'index.html'`, for what is not there: it answers a GET or HEAD of a
   * client that prefers HTML, where nothing else does. It is for front ends that read the URL in the browser. Default
   * `false`: what is not there is the host's 404.
   */
  fallback?: string | false
}

/**
 * Checks the options, and returns the path of the folder to serve.
 *
 * @throws `FST_QUICKSTART_STATIC_INVALID_OPTION` for an option that is unknown or does not fit
 * @throws `FST_QUICKSTART_STATIC_ROOT` for a root that is not a folder that can be read
 */
export function checkStaticOptions (options: StaticOptions): string {
  checkOptions<StaticOptions>('static', options, {
    root: {
      accepts: (value) => toFolderPath(value) !== undefined,
      expected: 'the absolute path, or file: URL, of a folder',
      required: true
    },
    prefix: { accepts: isPlainPath, expected: 'a path that starts with "/", of plain segments' },
    maxAge: { accepts: isCount, expected: 'a whole number of seconds, 0 or more' },
    memory: { accepts: isMemoryOption, expected: 'true, false, or { maxFileSize, maxTotalSize } in bytes' },
    index: { accepts: isIndexOption, expected: 'false, or a file name such as "index.html"' },
    fallback: { accepts: isFallbackOption, expected: `false, or ${htmlFile}, such as "index.html"` }
  })
  const root = toFolderPath(options.root)!
  checkRoot(root)
  return root
}

const htmlFile = 'the name below root of an HTML file'

/**
 * Stops the start for a fallback that is not there.
 *
 * @throws `FST_QUICKSTART_STATIC_INVALID_OPTION`
 */
export function refuseFallback (fallback: string): void {
  const expected = `${htmlFile}, and root has no such file`
  checkOptions('static', { fallback }, { fallback: { accepts: () => false, expected } })
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

/** Such as `/static/`: no parameters, nothing that a URL would have to escape, no dot segments. */
const plainPath =
  /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$'()+,;=@-]+\/)*(?:(?!\.{1,2}$)[\w.~!$'()+,;=@-]+)?$/

function isPlainPath (value: unknown): boolean {
  return typeof value === 'string' && plainPath.test(value)
}

function isIndexOption (value: unknown): boolean {
  return value === false || (typeof value === 'string' && isPublicName(value) && !value.includes('/'))
}

function isFallbackOption (value: unknown): boolean {
  if (value === false) return true
  return typeof value === 'string' && isPublicName(value) && findContentType(value).startsWith('text/html')
}

function isMemoryOption (value: unknown): boolean {
  if (typeof value === 'boolean') return true
  return isObject(value) && Object.entries(value).every(([name, bytes]) =>
    (name === 'maxFileSize' || name === 'maxTotalSize') && (bytes === undefined || isCount(bytes)))
}
