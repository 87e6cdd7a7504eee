import type { NamedRoute, ParamsValidator } from './named-routes.ts'
import type { Unfit } from './route-pattern.ts'

/**
 * Finds why a route would refuse its parameters, by the validator of its requests. `undefined` when they fit,
 * or while there is no validator to ask, as the app is not ready yet.
 */
export function findUnfit (route: NamedRoute, values: Map<string, unknown>): Unfit | undefined {
  const { schema } = route
  if (schema === undefined) return undefined
  // Compiled when the first URL is written.
  const compiled = route.validator ?? route.compiler()?.({ schema, method: '', url: '', httpPart: 'params' })
  // Cast: to Fastify's types, what a compiler makes is any function.
  route.validator = compiled as ParamsValidator | undefined
  if (route.validator === undefined) return undefined

  const params = Object.fromEntries(values)
  const answer = route.validator(params)
  if (answer === true) return undefined
  const errors = answer === false ? route.validator.errors : answer.error
  if (!errors) return undefined

  // Cast: Ajv's errors have these two fields; those of another validator may have none.
  const first = (Array.isArray(errors) ? errors[0] : errors) as { instancePath?: string, message?: string }
  const parameter = first.instancePath?.slice(1) || Object.keys(params).join(', ')
  return { parameter, expected: `such that it fits the route's schema (${first.message})` }
}
