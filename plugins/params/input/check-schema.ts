import createError from '@fastify/error'
import type { RouteOptions } from 'fastify'
import { listParameterNames } from '../../../lib/router.ts'
import { listFields, findFunctions } from './schema-fields.ts'

const InvalidSchema = createError(
  'FST_QUICKSTART_PARAMS_INVALID_SCHEMA', 'the schema of %s %s has %s', 500, TypeError
)

/**
 * Refuses a route whose schema no request could fit.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_SCHEMA` for a converter that is not called (`int` for `int()`), or one for a
 *   parameter that the path does not have
 */
export function checkSchema ({ method, url, schema }: RouteOptions): void {
  const [uncalled] = findFunctions(schema)
  if (uncalled !== undefined) {
    throw new InvalidSchema(String(method), url, `a function at ${uncalled}; call the converter, as in int()`)
  }
  const names = listParameterNames(url)
  const unknown = listFields(schema).find((field) => {
    return field.part === 'params' && field.required && field.default === undefined && !names.includes(field.name)
  })
  if (unknown !== undefined) {
    throw new InvalidSchema(String(method), url, `the parameter "${unknown.name}", which is not in the path`)
  }
}
