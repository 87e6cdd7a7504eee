import createError from '@fastify/error'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { findShiftingParameter, type RouterSettings } from '../../../lib/router.ts'
import { RoutePattern } from './route-pattern.ts'

const UnknownRoute = createError(
  'FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE',
  'no route is named "%s"; name one with config: { name }, and declare it after await app.register(params)',
  500,
  TypeError
)
const DuplicateRoute = createError(
  'FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', 'two routes are named "%s": %s and %s', 500, TypeError
)

const ShiftingGroup = createError(
  'FST_QUICKSTART_PARAMS_CAPTURING_GROUP',
  'route "%s": %s: the pattern of parameter "%s" has a group in it, which shifts the values of the parameters ' +
    'after it; write (?:…) for (…) within a pattern',
  500,
  TypeError
)

/** A route that has a name, and what it takes to write its URL. */
export interface NamedRoute {
  name: string
  url: string
  pattern: RoutePattern
  /** The schema of the path's parameters, as the route declares it. */
  schema: { properties?: Record<string, object> } | undefined
  /** The compiler that the route's own validation uses; `undefined` until the app is ready. */
  compiler: () => FastifyInstance['validatorCompiler']
  /** The validator that it made; `undefined` until the route's first URL is written. */
  validator?: ParamsValidator | undefined
}

/** A validator, as a `validatorCompiler` makes it: Ajv's says true or false, others return `{ error }`. */
export interface ParamsValidator {
  (params: object): boolean | { error?: Error | object[] }
  errors?: object[] | null
}

/** The named routes of the context that params is registered in. */
export class NamedRoutes {
  readonly #own = new Map<string, NamedRoute>()
  /** The routes of contexts within, which have a params of their own, by name: two of them may share one. */
  readonly #inner = new Map<string, NamedRoute[]>()
  readonly #settings: RouterSettings

  constructor (settings: RouterSettings) {
    this.#settings = settings
  }

  /**
   * Takes note of a route that has a name. The methods of one path may share it, as a GET and its HEAD route do.
   *
   * @param context the instance on which the route is declared
   * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when another path of this context has the name
   * @throws `FST_QUICKSTART_PARAMS_CAPTURING_GROUP` when a pattern in the path shifts the values of later parameters
   */
  add (context: FastifyInstance, route: RouteOptions): void {
    const named = this.#named(context, route)
    if (named === undefined) return
    const known = this.#own.get(named.name)
    if (known === undefined) this.#own.set(named.name, named)
    else if (!isSamePath(known, route)) throw new DuplicateRoute(named.name, known.url, route.url)
  }

  /** The same for a route of a context within, which has a params of its own. */
  addInner (context: FastifyInstance, route: RouteOptions): void {
    const named = this.#named(context, route)
    if (named === undefined) return
    const known = this.#inner.get(named.name) ?? []
    if (!known.some((other) => isSamePath(other, route))) this.#inner.set(named.name, [...known, named])
  }

  /** Returns the route of this context that has the name. */
  own (name: string): NamedRoute | undefined {
    return this.#own.get(name)
  }

  /** Returns the routes of contexts within that have the name. */
  inner (name: string): readonly NamedRoute[] {
    return this.#inner.get(name) ?? []
  }

  #named (context: FastifyInstance, route: RouteOptions): NamedRoute | undefined {
    const name: unknown = route.config?.name
    if (typeof name !== 'string') return undefined
    const shifting = findShiftingParameter(route.url)
    if (shifting !== undefined) throw new ShiftingGroup(name, route.url, shifting)
    return {
      name,
      url: route.url,
      pattern: new RoutePattern(route.url, this.#settings),
      // Cast: Fastify types a schema as unknown. Anything but an object of properties is left to the validator.
      schema: route.schema?.params as NamedRoute['schema'],
      compiler: () => route.validatorCompiler ?? context.validatorCompiler
    }
  }
}

/**
 * Returns the route that a name stands for in a context: its own, then those of the contexts around it from the inside
 * out, then those of contexts within.
 *
 * @param contexts the names of the context and then of those around it
 * @throws `FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE` when no route has the name
 * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when only contexts within have it, and more than one of them
 */
export function findRoute (contexts: readonly NamedRoutes[], name: string): NamedRoute {
  for (const context of contexts) {
    const route = context.own(name)
    if (route !== undefined) return route
  }
  for (const context of contexts) {
    const [route, another] = context.inner(name)
    if (another !== undefined) throw new DuplicateRoute(name, route?.url, another.url)
    if (route !== undefined) return route
  }
  throw new UnknownRoute(name)
}

/** Below a prefix such as `/demo`, Fastify declares a route for `/` twice: as `/demo` and as `/demo/`. */
function isSamePath ({ url }: NamedRoute, { prefix, url: other }: RouteOptions & { prefix?: string }): boolean {
  return url === other || (url === prefix && other === `${prefix}/`)
}
