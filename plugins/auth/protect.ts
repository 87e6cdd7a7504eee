import type { FastifyInstance, RouteOptions } from 'fastify'
import { declaredPaths } from '../declared-paths.js'
import { ProtectNothing, ProtectTooLate } from './errors.js'

/**
 * Which routes the entries of `protect` guard. A route is judged once, by the path it is declared with: whatever
 * spelling of the URL the router lets through to it, the guard is on the way.
 */
export class Protection {
  readonly #entries: Array<{ entry: string, guards: (path: string) => boolean, used: boolean }>
  readonly #ignoreTrailingSlash: boolean
  /** The paths of all routes that were seen while they were declared. */
  readonly #seen = new Set<string>()

  /**
   * @param entries route paths below the prefix of `app`; `/x/*` is every route under `/x/`
   * @throws `FST_QUICKSTART_AUTH_PROTECT_TOO_LATE` when a route that an entry names is there already, and so has no guard
   */
  constructor (entries: readonly string[], app: FastifyInstance) {
    const { ignoreTrailingSlash = false, routerOptions } = app.initialConfig
    this.#ignoreTrailingSlash = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash === true
    this.#entries = entries.map((entry) => ({ entry, guards: matcher(app.prefix + entry), used: false }))
    const [early] = this.#named(app)
    if (early !== undefined) throw new ProtectTooLate(early.entry, early.path)
  }

  /** The routes there are so far that entries name, each with its entry. */
  #named (app: FastifyInstance): Array<{ entry: string, path: string }> {
    if (this.#entries.length === 0) return []
    return declaredPaths(app).flatMap((path) => {
      const item = this.#entries.find(({ guards }) => guards(comparable(path)))
      return item === undefined ? [] : [{ entry: item.entry, path }]
    })
  }

  /** Whether a route that is being declared is to be guarded. */
  guards ({ url, routePath, config }: RouteOptions & { routePath: string }): boolean {
    if (this.#entries.length === 0) return false
    // A prefix' own route `/` answers at `/prefix` and at `/prefix/`, but is announced as the first alone.
    const path = comparable(routePath === '' || this.#ignoreTrailingSlash ? `${url}/` : url)
    this.#seen.add(shapeOf(url)).add(shapeOf(url.replace(/\/:[^/()]*\?\/?$/, ''))) // a last parameter that may be missing makes two routes
    if (config?.auth === false) return false
    let guarded = false
    for (const item of this.#entries) {
      if (!item.guards(path)) continue
      item.used = true
      guarded = true
    }
    return guarded
  }

  /**
   * Called when all routes are there.
   *
   * @throws `FST_QUICKSTART_AUTH_PROTECT_NOTHING` when an entry has guarded no route, as a misspelt one does
   * @throws `FST_QUICKSTART_AUTH_PROTECT_TOO_LATE` when one names a route of a context that was made before auth, and so knows nothing of it
   */
  check (app: FastifyInstance): void {
    for (const { entry, used } of this.#entries) {
      if (!used) throw new ProtectNothing(entry)
    }
    for (const { entry, path } of this.#named(app)) {
      if (!this.#seen.has(shapeOf(path))) throw new ProtectTooLate(entry, path)
    }
  }
}

function matcher (entry: string): (path: string) => boolean {
  const wanted = comparable(entry)
  if (wanted.endsWith('/*')) {
    const folder = wanted.slice(0, -1)
    // The route `*` is what answers everything that no other does, at the root too.
    return (path) => path.startsWith(folder) || (path === '*' && folder === '/')
  }
  const bare = withoutSlash(wanted)
  return (path) => withoutSlash(path) === bare
}

/** In the form in which two paths are compared: the router may be told to see no difference in case or in doubled slashes. */
function comparable (path: string): string {
  return path.replace(/\/{2,}/g, '/').toLowerCase()
}

/** A path as the router draws it and as it is declared, which differ in how a parameter is written. */
function shapeOf (path: string): string {
  return withoutSlash(comparable(path)).split('/').map((segment) => segment.includes(':') ? ':' : segment).join('/')
}

function withoutSlash (path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
