import type { FastifyInstance, RouteOptions } from 'fastify'
import { createPerContext, listContextsAround } from '../../lib/per-context.ts'
import {
  anyParameter, escapeRegExp, listAnsweredPaths, listPrintedRoutes, parseRoute, readRouterSettings, toComparableSegments
} from '../../lib/router.ts'
import { ProtectNothing } from './errors.ts'
import type { Needs } from './guard.ts'
import { type GuardHook, listNeeds } from './hooks.ts'

/** Whether an entry names a route, by the path it is declared with and its context's prefix. */
type Names = (url: string, prefix: string) => boolean

/** Finds the entries that name such a route. */
type FindEntries = (url: string, prefix: string) => Entry[]

const protections = createPerContext<Names>('fastify-quickstart/auth: protect')

/**
 * Lists what a declared route asks of a request: a login by `protect`, and what the guards among its own hooks ask for.
 *
 * @param context in which the route is declared
 */
export function loginNeeds (
  context: FastifyInstance,
  { url, config, onRequest }: Pick<RouteOptions, 'url' | 'config' | 'onRequest'>
): Needs[] {
  const isProtected = config?.auth !== false && protections.all(context).some((names) => names(url, context.prefix))
  return [...isProtected ? ['login' as const] : [], ...listNeeds(onRequest)]
}

/**
 * Guards the routes that the entries of `protect` name, wherever and whenever they are declared: one hook before every
 * route of the app goes by the path that the request's route was declared with. So neither another spelling of the URL
 * nor another method, constraint or context gets round it. A wildcard's route is guarded where an entry names the path
 * that it is asked for.
 *
 * An entry that names no route stops the start with `FST_QUICKSTART_AUTH_PROTECT_NOTHING`.
 *
 * @param entries route paths below the prefix of `app`; `/x/*` is every route under `/x/`
 */
export function protectRoutes (
  app: FastifyInstance,
  entries: readonly string[],
  guard: GuardHook
): void {
  if (entries.length === 0) return
  const settings = readRouterSettings(app)
  const protection = entries.map((entry) => new Entry(entry, app.prefix))
  const findEntries: FindEntries = (url, prefix) => {
    const paths = listAnsweredPaths(url, prefix, settings)
    return protection.filter((entry) => paths.some((path) => entry.names(path)))
  }
  const names: Names = (url, prefix) => findEntries(url, prefix).length > 0
  protections.add(app, names)
  refuseUnusedEntries(app, protection, findEntries)
  guardNamedRoutes(app, (url, prefix) => names(url, prefix) || createReachTest(protection, url), guard)
}

/** Whether a route is guarded; a function where that depends on what it is asked for. */
type Guarded = boolean | ((params: Readonly<Record<string, string>>) => boolean)

/**
 * Creates the test whether a wildcard's route is asked for a path that an entry names: a route `/*`, for files or a
 * front end, answers below `/admin/` what the routes there do not.
 *
 * @returns `false` for a route that is never asked for such a path
 */
function createReachTest (protection: readonly Entry[], url: string): Guarded {
  const pieces = parseRoute(url)
  if (!pieces.some((piece) => 'wildcard' in piece)) return false
  const folder = toComparableSegments(url).slice(0, -1)
  const reachable = protection.filter((entry) => entry.mayLieBelow(folder))
  return reachable.length > 0 && ((params) => {
    const path = pieces.map((piece) => {
      if ('text' in piece) return piece.text
      if ('wildcard' in piece) return params['*']
      // An escaped slash does not end the segment that it is in.
      return piece.parameters.map(({ name, after }) => params[name]!.replaceAll('/', '\\') + after).join('')
    }).join('')
    const segments = `/${path}`.replace(/\/{2,}/g, '/').toLowerCase().split('/').slice(1)
    return reachable.some((entry) => entry.matches(segments))
  })
}

/** Stops the start for an entry that guards no route. */
function refuseUnusedEntries (app: FastifyInstance, protection: readonly Entry[], findEntries: FindEntries): void {
  const contexts = listContextsAround(app)
  function see (this: FastifyInstance, { url, config }: RouteOptions): void {
    for (const entry of findEntries(url, this.prefix)) {
      if (config?.auth === false) entry.leftOut.add(toText(url))
      else entry.isUsed = true
    }
  }
  for (const context of contexts) context.addHook('onRoute', see)

  /** Looks for the routes that `see` was not told of: those declared before auth, or in a context made before it. */
  function seeEarlierRoutes (): void {
    for (const { path, methods } of listPrintedRoutes(contexts.at(-1)!)) {
      if (path === '*' && methods.join() === 'OPTIONS') continue // it is not guarded
      for (const url of [path, path.replaceAll(':', '::')]) { // a colon may be a literal one
        for (const entry of findEntries(url, '')) entry.isUsed ||= !entry.leftOut.has(toText(url))
      }
    }
  }
  app.addHook('onReady', async () => {
    if (protection.some(({ isUsed }) => !isUsed)) seeEarlierRoutes()
    const unused = protection.find(({ isUsed }) => !isUsed)
    if (unused !== undefined) throw new ProtectNothing(unused.given)
  })
}

/** Guards each request whose route is named. */
function guardNamedRoutes (
  app: FastifyInstance, isGuarded: (url: string, prefix: string) => Guarded, guard: GuardHook
): void {
  const contexts = listContextsAround(app)
  let sawOptionsOfAll = false
  for (const context of contexts) {
    context.addHook('onRoute', ({ method, url }) => { if (method === 'OPTIONS' && url === '*') sawOptionsOfAll = true })
  }
  /** By a route's `config`, which each route has one of. */
  const guarded = new WeakMap<object, Guarded>()
  // Fastify adds a hook of the outermost context to the routes and contexts that are there already, too.
  contexts.at(-1)!.addHook('onRequest', function protect (request, reply, done) {
    const { config, url, method } = request.routeOptions
    // A request without a route's URL is for the 404 handler. `OPTIONS *`, declared before auth, is how CORS answers
    // preflights for every path.
    const isPreflight = method === 'OPTIONS' && url === '*' && !sawOptionsOfAll
    if (url === undefined || config.auth === false || isPreflight) {
      done()
      return
    }
    let needsLogin = guarded.get(config)
    if (needsLogin === undefined) guarded.set(config, needsLogin = isGuarded(url, request.server.prefix))
    if (typeof needsLogin === 'function') {
      // A preflight brings no login. Each parameter is a text, as the router gives it.
      needsLogin = method !== 'OPTIONS' && needsLogin(request.params as Record<string, string>)
    }
    if (needsLogin) guard(request, reply, done)
    else done()
  })
}

/** An entry of `protect`. */
class Entry {
  /** As the host wrote it. */
  readonly given: string
  /** Whether it names a route that it guards. */
  isUsed = false
  /** The paths that it names and that are left out by their `config`. */
  readonly leftOut = new Set<string>()
  readonly #segments: readonly string[]
  readonly #isFolder: boolean

  /** @param prefix of the context that the entry is below */
  constructor (given: string, prefix: string) {
    const segments = toComparableSegments(prefix + given)
    this.given = given
    this.#isFolder = segments.at(-1) === '*'
    this.#segments = this.#isFolder ? segments.slice(0, -1) : dropLastSlash(segments)
  }

  /** Whether it names a path that a route answers, as the route declares it. */
  names (segments: readonly string[]): boolean {
    return this.#covers(segments, (wanted, segment) => {
      return segment === wanted || (wanted === anyParameter && segment.includes(anyParameter))
    })
  }

  /** Whether it names a path that is asked for. */
  matches (segments: readonly string[]): boolean {
    return this.#covers(segments, (wanted, segment) => {
      return segment === wanted || (wanted.includes(anyParameter) && toPattern(wanted).test(segment))
    })
  }

  /** Whether it may name a path below a declared folder, or the folder itself. */
  mayLieBelow (folder: readonly string[]): boolean {
    return folder.length <= this.#segments.length && folder.every((segment, index) => {
      const wanted = this.#segments[index]!
      return segment === wanted || segment.includes(anyParameter) || wanted.includes(anyParameter)
    })
  }

  #covers (segments: readonly string[], isSame: (wanted: string, segment: string) => boolean): boolean {
    const path = this.#isFolder ? segments : dropLastSlash(segments)
    const fitsInLength = this.#isFolder ? path.length > this.#segments.length : path.length === this.#segments.length
    return fitsInLength && this.#segments.every((wanted, index) => isSame(wanted, path[index]!))
  }
}

/** Creates the expression for a segment with parameters. */
function toPattern (segment: string): RegExp {
  return new RegExp(`^${segment.split(anyParameter).map(escapeRegExp).join('.+')}$`, 's')
}

function dropLastSlash (segments: readonly string[]): readonly string[] {
  return segments.at(-1) === '' ? segments.slice(0, -1) : segments
}

/** A declared path in the form in which two can be compared. */
function toText (path: string): string {
  return dropLastSlash(toComparableSegments(path)).join('/')
}
