import { readFileSync, realpathSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { walkFolder } from '../../../lib/walk-folder.ts'
import { TemplateProblem } from '../compile/compile.ts'

/**
 * The folders of the templates: one and, for those that it does not have, a second. A template is known by its name
 * below them (`part/row.eta`), so that a template of either may name one of the other.
 */
export class TemplateFolders {
  readonly folders: readonly string[]
  readonly extension: string

  /** @param extension how a template's file name ends, with its dot */
  constructor (folders: readonly string[], extension: string) {
    this.folders = folders
    this.extension = extension
  }

  /**
   * Whether a template of this name is found without being named in another one: it has the extension, and no part of
   * it starts with a dot. Editors, version control and mounted volumes keep their own files under such names.
   */
  isView (name: string): boolean {
    return name.endsWith(this.extension) && !hasDot(name) && !leadsOut(name)
  }

  /**
   * Returns the name of the template that a view's name stands for: `users`, `/users`, `./users` and `users.eta` are
   * the same.
   */
  resolveView (view: string): string {
    return normalize(view.endsWith(this.extension) ? view : view + this.extension)
  }

  /** Returns the name of a view, however it is spelled, without the extension: `feed.xml` for `/feed.xml.eta`. */
  normalizeView (view: string): string {
    return this.toView(this.resolveView(view))
  }

  /** Returns the shortest name of a view. `e.eta` is the view `e`; so `e.eta.eta` is the view `e.eta.eta`. */
  toView (name: string): string {
    const view = name.slice(0, -this.extension.length)
    return this.resolveView(view) === name ? view : name
  }

  /**
   * Returns the name of the template that another one names: relative to that one's folder, or to root where it
   * starts with `/`.
   */
  resolveReference (reference: string, from: string): string {
    const name = posix.extname(reference) === '' ? reference + this.extension : reference
    return normalize(name.startsWith('/') ? name : posix.join(posix.dirname(from), name))
  }

  /** Lists the names of the views. Throws where one cannot be reached, but for a link that leads nowhere. */
  list (folders = this.folders): string[] {
    const names = new Set<string>()
    for (const folder of folders) {
      const leftOut = (name: string, reason: 'link' | NodeJS.ErrnoException): void => {
        if (reason !== 'link' && reason.code !== 'ENOENT') throw reason
      }
      for (const { name } of walkFolder(folder, { accepts: (name) => !hasDot(name), leftOut })) {
        if (this.isView(name)) names.add(name)
      }
    }
    return [...names].sort()
  }

  /** Returns the file of a template, if it has one right now. */
  find (name: string): string | undefined {
    if (leadsOut(name)) return undefined
    for (const folder of this.folders) {
      const file = join(folder, name)
      if (isFile(file) && !isInCircle(folder, name)) return file
    }
    return undefined
  }
}

/**
 * Reads a template, without the byte order mark that some editors write.
 *
 * @throws TemplateProblem for a file that is not UTF-8
 */
export function readTemplate (file: string): string {
  const bytes = readFileSync(file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const text = bytes.toString('utf8')
    const line = text.slice(0, text.indexOf('\uFFFD')).split('\n').length
    throw new TemplateProblem(file, line, 'the file is not UTF-8; save it as UTF-8', text, error)
  }
}

/**
 * Whether a name may lead out of the folders: it starts with `..`, or has a backslash, which Windows takes for a slash.
 */
function leadsOut (name: string): boolean {
  return name === '..' || name.startsWith('../') || name.includes('\\')
}

function normalize (name: string): string {
  return posix.normalize(name.replace(/^\/+/, ''))
}

function hasDot (name: string): boolean {
  return name.startsWith('.') || name.includes('/.')
}

function isFile (path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false // not there, or not a name that a file can have
  }
}

/** Whether a link on the way leads back to a folder on the way, which `walkFolder` does not follow either. */
function isInCircle (folder: string, name: string): boolean {
  const passed = [realpathSync.native(folder)]
  const segments = posix.dirname(name).split('/')
  return segments.some((segment, index) => {
    const real = realpathSync.native(join(folder, ...segments.slice(0, index + 1)))
    if (segment !== '.' && passed.includes(real)) return true
    passed.push(real)
    return false
  })
}
