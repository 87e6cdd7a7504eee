import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { checkOptions } from '../../lib/check-options.ts'
import { createPerContext } from '../../lib/per-context.ts'
import { createPathEndPattern, readRouterSettings } from '../../lib/router.ts'
import { addDemoRoutes } from './demo-routes.ts'
import { NamedRoutes } from './urls/named-routes.ts'
import { addIssuesToError, readInput } from './request-input.ts'
import { checkSchema } from './input/check-schema.ts'
import { findUnreadConverters, makeDefaultsOptional } from './input/schema-fields.ts'
import type { LooseUrlFor, TypedUrlFor } from './url-for.ts'
import { urlFor } from './url-for.ts'

export { date, datetime, time } from './converters/date-converters.ts'
export type { DateOptions } from './converters/date-converters.ts'
export { addIssue, listIssues } from './input/invalid-input.ts'
export type { InvalidInputError, OwnIssue } from './input/invalid-input.ts'
export type { Issue } from './input/issue.ts'
export { any, path, string, uuid } from './converters/text-converters.ts'
export type { StringOptions } from './converters/text-converters.ts'
export type { UnfitParameterError, UrlOptions } from './url-for.ts'
export type { PathParams, RoutesFrom } from './urls/path-params.ts'
export type { ParamValue } from './urls/url-query.ts'
export { bool, float, int } from './converters/value-converters.ts'
export type { BoolOptions, NumberOptions } from './converters/value-converters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The URL of a named route: `app.urlFor('user', { username: 'a b' })` is `/user/a%20b`.
     * A wildcard's parameter is `'*'`. A name of this context comes first, then those of the contexts around it.
     *
     * It is there once `await app.register(params)` is done, in that context and in those within. Where it is
     * `undefined`, the plugin was registered without `await`, or in a context beside or within this one.
     *
     * @throws `FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE` when no route has the name
     * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when two contexts within this one have the name, and no other has
     * @throws `FST_QUICKSTART_PARAMS_MISSING_PARAMETER` when the route needs a parameter that is not given
     * @throws `FST_QUICKSTART_PARAMS_EXTRA_PARAMETER` when the route has no such parameter
     * @throws `FST_QUICKSTART_PARAMS_UNFIT_PARAMETER` when the route would refuse the value, or read another one
     * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when `query`, `absolute` or the kind of an argument does not fit
     */
    urlFor: UrlFor
  }
  interface FastifyContextConfig {
    /** The route's name for `app.urlFor`: any, until the host fills in `Routes`. */
    name?: RouteName
  }
}

/**
 * The names of your routes and their parameters. Fill it, and TypeScript checks every `urlFor` and every route's name:
 *
 * ```ts
 * declare module 'fastify-quickstart/params' {
 *   interface Routes {
 *     user: PathParams<'/user/:username'>
 *     search: PathParams<'/search'>
 *   }
 * }
 * ```
 */
export interface Routes {}

/** The name of a route: any, until the host fills in {@link Routes}. */
export type RouteName = keyof Routes extends never ? string : keyof Routes & string

/**
 * The type of `app.urlFor`: any name and any parameters while {@link Routes} is empty; its names and their parameters,
 * and no others, once the host has filled it.
 */
export type UrlFor<Known = Routes> = keyof Known extends never ? LooseUrlFor : TypedUrlFor<Known>

/** Options of the params plugin. */
export interface ParamsOptions {
  /** Adds the routes to try: `/user/:username`, `/post/:id`, `/path/*`, `/search`, and `POST /user`. Default `true`. */
  routes?: boolean
}

/** The named routes of each context that the plugin is registered in. */
const namedRoutes = createPerContext<NamedRoutes>('fastify-quickstart/params')

/**
 * Parameters that arrive typed or are refused, and URLs made from route names.
 *
 * Works on the routes that are declared after it: `urlFor` knows those with `config: { name }`, and
 * those whose schema uses `string int float bool date time datetime uuid path any` get their parameters read strictly.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
 * import { Type } from 'typebox'
 * import params, { int } from 'fastify-quickstart/params'
 *
 * const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
 * await app.register(params, { routes: false })
 *
 * app.get('/year/:year', {
 *   config: { name: 'year' },
 *   schema: { params: Type.Object({ year: int({ min: 1900 }) }) }
 * }, async (request) => ({ next: app.urlFor('year', { year: request.params.year + 1 }) }))
 *
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 * @throws `FST_QUICKSTART_PARAMS_INVALID_SCHEMA` when no request could fit the schema of a route
 * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when two paths have one name
 * @throws `FST_QUICKSTART_PARAMS_CAPTURING_GROUP` when the pattern of a named route shifts the values of its parameters
 */
const params = fp(async (app: FastifyInstance, options: ParamsOptions & { prefix?: string }): Promise<void> => {
  checkOptions<ParamsOptions>('params', options, {
    routes: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
  })
  const settings = readRouterSettings(app)
  const names = new NamedRoutes(settings)
  namedRoutes.add(app, names)
  const known = namedRoutes.all(app)
  const pathEnd = createPathEndPattern(settings)
  app.decorate('urlFor', (name, params, options) => urlFor(known, name, params, options))

  if (known.length === 1) app.addHook('onError', addIssuesToError) // a context within has those of the one around it
  app.addHook('onRoute', function (route) {
    if (namedRoutes.nearest(this) !== names) return names.addInner(this, route)
    checkSchema(route)
    names.add(this, route)
    readInput(route, pathEnd)
    if (route.schema === undefined || route.method === 'HEAD') return // what follows was done for its GET route

    for (const place of findUnreadConverters(route.schema)) {
      this.log.warn(`${route.method} ${route.url}: the converter at ${place} of the schema is not read there, ` +
        'and does no more than plain JSON Schema')
    }
    route.schema = makeDefaultsOptional(route.schema)
  })

  if (options.routes ?? true) await app.register(async (child) => addDemoRoutes(child), { prefix: options.prefix })
}, { fastify: '5.x', name: 'fastify-quickstart/params' })

export { params, params as default }
