import createError from '@fastify/error'
import type { preValidationHookHandler, RouteOptions } from 'fastify'
import { fieldsOf } from './input/schema-fields.ts'

const EarlierRoute = createError(
  'FST_QUICKSTART_PARAMS_EARLIER_ROUTE',
  'the converters of %s %s are not read, as it was declared before fastify-quickstart/params was there; ' +
    'write await app.register(params) in front of it',
  500
)

/** Marks a route's config. A symbol, so that no name of the host's is taken. */
const known = Symbol('fastify-quickstart/params knows this route')

/** Takes note that a route was declared after the plugin, which has seen it therefore. */
export function markKnown (route: RouteOptions): void {
  route.config = Object.assign({}, route.config, { [known]: true })
}

/**
 * Refuses requests to a route with converters that was declared before the plugin was loaded, as happens after a
 * `register` without `await`. Fastify tells a plugin nothing of such a route at start, and its converters would do no
 * more than plain JSON Schema.
 */
export const refuseEarlierRoute: preValidationHookHandler = (request, reply, done) => {
  const { config, schema, method, url } = request.routeOptions
  if (schema === undefined || known in config || fieldsOf(schema).length === 0) return done()
  done(new EarlierRoute(method, url))
}
