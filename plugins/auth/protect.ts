import type { FastifyInstance, RouteOptions } from 'fastify'
import { contextsAround, perContext } from '../../lib/per-context.ts'
import { closingParenthesis } from '../../lib/router.ts'
import { ProtectNothing } from './errors.ts'
import { type GuardHook, type Needs, needsAmong } from './hooks.ts'

/** Whether an entry names a route, by the path it is declared with and its context's prefix. */
type Names = (url: string, prefix: string) => boolean

const protections = perContext<Names>('fastify-quickstart/auth: protect')

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
  return [...isProtected ? ['login' as const] : [], ...needsAmong(onRequest)]
}

/**
 * Guards the routes that the entries of `protect` name, wherever and whenever they are declared: one hook before every
 * route of the app goes by the path that the request's route was declared with. So neither another spelling of the URL
 * nor another method, constraint or context gets round it.
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
  const contexts = contextsAround(app)
  const root = contexts.at(-1)!
  const { ignoreTrailingSlash = false, routerOptions } = app.initialConfig
  const ignoresSlash = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash === true
  const protection = entries.map((entry) => {
    return { entry, names: matcher(app.prefix + entry), isUsed: false, isLeftOut: false }
  })
  let sawOptionsOfAll = false

  /** @param prefix of the context that the route is in */
  function entriesOf (url: string, prefix: string): typeof protection {
    // A prefix' own route `/` is declared as the prefix alone, and answers with a slash at its end too.
    const paths = pathsOf(ignoresSlash || (url === prefix && url !== '') ? `${url}/` : url)
    return protection.filter(({ names }) => paths.some(names))
  }

  function see (this: FastifyInstance, { method, url, config }: RouteOptions): void {
    if (method === 'OPTIONS' && url === '*') sawOptionsOfAll = true
    for (const item of entriesOf(url, this.prefix)) {
      if (config?.auth === false) item.isLeftOut = true
      else item.isUsed = true
    }
  }
  for (const context of contexts) context.addHook('onRoute', see)
  app.addHook('onReady', async () => {
    for (const { entry, isUsed, isLeftOut } of protection) {
      // A route that was declared before auth is guarded too, but was not announced.
      const isThere = () => root.supportedMethods.some((method) => root.hasRoute({ method, url: app.prefix + entry }))
      if (!isUsed && (isLeftOut || !isThere())) throw new ProtectNothing(entry)
    }
  })

  const names: Names = (url, prefix) => entriesOf(url, prefix).length > 0
  protections.add(app, names)
  /** By a route's `config`, which each route has one of. */
  const isNamed = new WeakMap<object, boolean>()
  // Fastify adds a hook of the outermost context to the routes and contexts that are there already, too.
  root.addHook('onRequest', function protect (request, reply, done) {
    const { config, url, method } = request.routeOptions
    // A request without a route's URL is for the 404 handler. `OPTIONS *`, declared before auth, is how CORS answers
    // preflights for every path.
    const isPreflight = method === 'OPTIONS' && url === '*' && !sawOptionsOfAll
    if (url === undefined || config.auth === false || isPreflight) {
      done()
      return
    }
    let named = isNamed.get(config)
    if (named === undefined) isNamed.set(config, named = names(url, request.server.prefix))
    if (named) guard(request, reply, done)
    else done()
  })
}

/** Makes the function that says whether an entry names a path, both as segments. */
function matcher (entry: string): (path: readonly string[]) => boolean {
  const wanted = segmentsOf(entry)
  const fits = (path: readonly string[], index: number): boolean =>
    path[index] === wanted[index] || (wanted[index] === parameter && path[index]!.includes(parameter))
  if (wanted.at(-1) === '*') {
    wanted.pop()
    return (path) => path.length > wanted.length && wanted.every((_, index) => fits(path, index))
  }
  const bare = withoutLastSlash(wanted)
  return (path) => {
    const own = withoutLastSlash(path)
    return own.length === bare.length && bare.every((_, index) => fits(own, index))
  }
}

/** Stands for a parameter in a segment: a character that no path holds. */
const parameter = '\0'

/** The paths that a route answers, as segments: two when its last parameter may be missing. */
function pathsOf (declared: string): string[][] {
  const without = declared.replace(/\/:[^/()]*\?\/?$/, '')
  if (without === declared) return [segmentsOf(declared)]
  return [segmentsOf(declared.replace(/\?\/?$/, '')), segmentsOf(without)]
}

/**
 * A declared path, in the form in which two are compared. The router may be told to see no difference in case or in
 * doubled slashes; and how a parameter is called, or what it must look like, does not change which path it is.
 */
function segmentsOf (declared: string): string[] {
  const path = declared === '*' ? '/*' : declared // the route that answers what no other does
  return withoutParameters(path).replace(/\/{2,}/g, '/').toLowerCase().split('/').slice(1)
}

/** As find-my-way reads it: `::` is a colon; a name ends at `/`, `-`, `.` or `(`, where a pattern begins. */
function withoutParameters (path: string): string {
  let text = ''
  for (let index = 0; index < path.length; index++) {
    if (path[index] !== ':') text += path[index]
    else if (path[index + 1] === ':') text += path[index++]
    else {
      text += parameter
      while (index + 1 < path.length && !'/-.('.includes(path[index + 1]!)) index++
      if (path[index + 1] === '(') index = closingParenthesis(path, index + 1)
    }
  }
  return text
}

function withoutLastSlash (path: readonly string[]): readonly string[] {
  return path.at(-1) === '' ? path.slice(0, -1) : path
}
