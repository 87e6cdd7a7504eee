import { statSync } from 'node:fs'
import { checkOptions, isObject } from '../../lib/check-options.ts'
import { toFolderPath } from '../../lib/folder-path.ts'
import type { IndexRoute, PerRequest, ViewContext } from './views.ts'

/** Options of the templates plugin. */
export interface TemplatesOptions {
  /** Absolute path (or `file:` URL) of the folder that holds the templates. Required. */
  root: string | URL
  /**
   * Absolute path (or `file:` URL) of a second folder, for the templates that root does not have. A template of
   * either folder may name those of the other. Default: none.
   */
  fallback?: string | URL
  /** How a template's file name ends. Default `'.eta'`. */
  extension?: string
  /**
   * A view to answer `GET <path>` with (path: below the prefix, default `'/'`). The route is named `index`. Default
   * `false`: no such route. An error of a function given as `data` goes to the host's error handler.
   */
  index?: false | IndexRoute
  /**
   * Pages without a handler: the views in this folder of root answer GET at their own names, below the prefix.
   * `pages/about.eta` answers at /about, `pages/index.eta` at / (in the place of option `index`),
   * `pages/docs/index.eta` at /docs. `true` is the folder `pages`, which may be missing. Names that start with `_`
   * or `.` are left out. Each route has the name of its view, `pages/about`. `pages/feed.xml.eta` is sent as XML. A
   * new file answers after a restart. Default `false`.
   */
  pages?: boolean | string
  /**
   * Added to `it` of every view of `reply.render`, below the data of the call: an object, or a function of the request
   * that gives one. An error of the function goes to the host's error handler. Default: nothing.
   */
  context?: PerRequest<keyof ViewContext extends never ? object : ViewContext>
}

const folder = 'the absolute path, or file: URL, of a folder that exists'

/** Throws `FST_QUICKSTART_TEMPLATES_INVALID_OPTION` for an option that is unknown, missing or does not fit. */
export function checkTemplatesOptions (options: TemplatesOptions): void {
  checkOptions<TemplatesOptions>('templates', options, {
    root: { accepts: isFolder, expected: folder, required: true },
    fallback: { accepts: isFolder, expected: folder },
    extension: {
      accepts: (value) => typeof value === 'string' && /^\.[^/\\]+$/.test(value),
      expected: 'a file extension with its dot, such as ".html"'
    },
    index: {
      accepts: (value) => value === false || isObject(value),
      expected: 'false, or { path: a path that starts with "/", view: a name, data: an object or a function }'
    },
    pages: {
      accepts: (value) => typeof value === 'boolean' || (typeof value === 'string' && folderName.test(value)),
      expected: 'true, false, or the name of a folder in root'
    },
    context: { accepts: isObjectOrFunction, expected: 'an object, or a function of the request' }
  })
  if (options.index) checkIndexRoute(options.index)
}

function checkIndexRoute (index: IndexRoute): void {
  const named = Object.fromEntries(Object.entries(index).map(([name, value]) => [`index.${name}`, value]))
  checkOptions('templates', named, {
    'index.path': {
      accepts: (value) => typeof value === 'string' && value.startsWith('/'), expected: 'a path that starts with "/"'
    },
    'index.view': { accepts: (value) => typeof value === 'string', expected: 'the name of a view', required: true },
    'index.data': { accepts: isObjectOrFunction, expected: 'an object, or a function of the request' }
  })
}

/** A folder below root: no part of its name starts with a dot or an underscore. */
const folderName = /^[^/\\._][^/\\]*(?:\/[^/\\._][^/\\]*)*$/

function isObjectOrFunction (value: unknown): boolean {
  return typeof value === 'function' || isObject(value)
}

function isFolder (value: unknown): boolean {
  const path = toFolderPath(value)
  if (path === undefined) return false
  try {
    return statSync(path).isDirectory()
  } catch {
    return false // not there, or a name that no file can have
  }
}
