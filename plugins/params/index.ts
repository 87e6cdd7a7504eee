import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { checkOptions } from '../options.js'
import { demoRoutes } from './demo-routes.js'
import { NamedRoutes } from './named-routes.js'
import type { RouterLimits } from './route-pattern.js'
import { unreadConverters } from './schema-fields.js'
import { readStrictly } from './strict-input.js'
import type { UrlFor } from './url-for.js'

export { any, float, int, path, string, uuid } from './converters.js'
export type { NumberOptions, StringOptions } from './converters.js'
export type { InvalidInputError, Issue } from './invalid-input.js'
export type { UnfitParameterError } from './named-routes.js'
export type { ParamValue, UrlFor, UrlOptions } from './url-for.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The URL of a named route: `app.urlFor('user', { username: 'a b' })` is `/user/a%20b`.
     * A wildcard's parameter is `'*'`.
     *
     * @throws `FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE` when no route has the name
     * @throws `FST_QUICKSTART_PARAMS_MISSING_PARAMETER` when the route needs a parameter that is not given
     * @throws `FST_QUICKSTART_PARAMS_EXTRA_PARAMETER` when the route has no such parameter
     * @throws `FST_QUICKSTART_PARAMS_UNFIT_PARAMETER` when the route would refuse the value, or read another one
     * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when `query` or `absolute` does not fit, or an argument is no object
     */
    urlFor: UrlFor
  }
  interface FastifyContextConfig {
    /** The route's name for `app.urlFor`. */
    name?: string
  }
}

/**
 * The names of your routes and their parameters. Fill it, and TypeScript checks every `urlFor`:
 *
 * ```ts
 * declare module 'fastify-quickstart/params' {
 *   interface Routes {
 *     user: { username: string }
 *     search: {}
 *   }
 * }
 * ```
 */
export interface Routes {}

/** Options of the params plugin. */
export interface ParamsOptions {
  /** Adds the routes to try: `/user/:username`, `/post/:id`, `/path/*`, `/search`, and `POST /user`. Default `true`. */
  routes?: boolean
}

/**
 * Parameters that arrive typed or are refused, and URLs made from route names.
 *
 * Works on the routes that are declared after it: `urlFor` knows those with `config: { name }`, and
 * those whose schema uses `string int float uuid path any` get their parameters read strictly.
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
 * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when two paths have one name
 */
async function params (app: FastifyInstance, options: ParamsOptions & { prefix?: string }): Promise<void> {
  checkOptions<ParamsOptions>('params', options, {
    routes: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
  })
  const named = new NamedRoutes(routerLimits(app))
  const queryStart = startOfQuery(app)
  app.decorate('urlFor', named.urlFor.bind(named))

  app.addHook('onRoute', function (route) {
    named.add(this, route)
    readStrictly(route, queryStart)
    // The HEAD route that comes with a GET has the same schema.
    for (const place of route.method === 'HEAD' ? [] : unreadConverters(route.schema)) {
      this.log.warn(`${route.method} ${route.url}: the converter at ${place} of the schema is not read there, and does no more than plain JSON Schema`)
    }
  })

  if (options.routes ?? true) {
    await app.register(async (child) => demoRoutes(child, named), { prefix: options.prefix })
  }
}

/** The router's settings, wherever the host gave them: in `routerOptions`, or beside it as before Fastify 5.5. */
function routerLimits ({ initialConfig }: FastifyInstance): RouterLimits {
  const { routerOptions: router = {} } = initialConfig
  return {
    // 100 is Fastify's default, and stands in the place that the host did not use.
    maxParamLength: [router.maxParamLength, initialConfig.maxParamLength].find((length) => length !== undefined && length !== 100) ?? 100,
    ignoreTrailingSlash: Boolean(router.ignoreTrailingSlash || initialConfig.ignoreTrailingSlash),
    ignoreDuplicateSlashes: Boolean(router.ignoreDuplicateSlashes || initialConfig.ignoreDuplicateSlashes)
  }
}

/** What the router takes for the end of the path. */
function startOfQuery ({ initialConfig }: FastifyInstance): RegExp {
  // Fastify's types know the setting in its older place alone.
  const router = initialConfig.routerOptions as { useSemicolonDelimiter?: boolean } | undefined
  return router?.useSemicolonDelimiter || initialConfig.useSemicolonDelimiter ? /[?#;]|$/ : /[?#]|$/
}

export default fp(params, { fastify: '5.x', name: 'fastify-quickstart/params' })
