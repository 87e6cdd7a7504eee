import createError from '@fastify/error'
import type { FastifyError, FastifyInstance, RouteOptions } from 'fastify'
import { checkOptions } from '../options.js'
import { converterOf } from './converters.js'
import type { RouterLimits, Unfit } from './route-pattern.js'
import { RoutePattern } from './route-pattern.js'
import type { ParamValue, UrlOptions } from './url-for.js'
import { baseOf, isDictionary, isParamValue, queryString } from './url-for.js'

/** The error for a parameter that does not fit its route. It says which, and completes "must be …". */
export interface UnfitParameterError extends FastifyError, Unfit {
  code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER'
}

const UnknownRoute = createError('FST_QUICKSTART_PARAMS_UNKNOWN_ROUTE', 'no route is named "%s"', 500, TypeError)
const DuplicateRoute = createError('FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE', 'two routes are named "%s": %s and %s', 500, TypeError)
const MissingParameter = createError('FST_QUICKSTART_PARAMS_MISSING_PARAMETER', 'route "%s" needs parameter "%s"', 500, TypeError)
const ExtraParameter = createError('FST_QUICKSTART_PARAMS_EXTRA_PARAMETER', 'route "%s" has no parameter "%s"; what belongs in the query goes into { query }', 500, TypeError)
const UnfitParameter = createError('FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', 'route "%s": parameter "%s" must be %s', 500, TypeError)

interface NamedRoute {
  name: string
  url: string
  pattern: RoutePattern
  /** The schema of the path's parameters, as the route declares it. */
  schema: { properties?: Record<string, object> } | undefined
  /** The compiler that the route's own validation uses; `undefined` until the app is ready. */
  compiler: () => FastifyInstance['validatorCompiler']
  check?: SchemaCheck
}

interface UrlForArguments {
  params: object
  options: object
}

type SchemaCheck = (params: Record<string, unknown>) => Unfit | undefined

/** The named routes of an app, and the URLs that lead to them. */
export class NamedRoutes {
  readonly #routes = new Map<string, NamedRoute>()
  readonly #limits: RouterLimits

  constructor (limits: RouterLimits) {
    this.#limits = limits
  }

  /**
   * Takes note of a route that has a name. The methods of one path may share it, as the HEAD route that comes with a GET does.
   *
   * @param context the instance on which the route is declared
   * @throws `FST_QUICKSTART_PARAMS_DUPLICATE_ROUTE` when another path has the name
   */
  add (context: FastifyInstance, route: RouteOptions): void {
    const name: unknown = route.config?.name
    if (typeof name !== 'string') return
    const known = this.#routes.get(name)
    if (known === undefined) {
      this.#routes.set(name, {
        name,
        url: route.url,
        pattern: new RoutePattern(route.url, this.#limits),
        schema: route.schema?.params as NamedRoute['schema'],
        compiler: () => route.validatorCompiler ?? context.validatorCompiler
      })
    } else if (known.url !== route.url && !isSlashTwin(known.url, route)) {
      throw new DuplicateRoute(name, known.url, route.url)
    }
  }

  /** What `app.urlFor` does; its errors are listed there. */
  urlFor (name: string, params: Record<string, ParamValue | undefined> = {}, options: UrlOptions = {}): string {
    const route = this.#routes.get(name)
    if (route === undefined) throw new UnknownRoute(name)
    checkOptions<UrlForArguments>('params', { params, options }, {
      params: { accepts: isDictionary, expected: 'an object of names and values' },
      options: { accepts: isDictionary, expected: 'an object with query or absolute' }
    })
    checkOptions<UrlOptions>('params', options, {
      query: { accepts: isDictionary, expected: 'an object of keys and values' },
      absolute: { accepts: (value) => baseOf(value) !== undefined, expected: 'an http or https URL without login, query, fragment, spaces and backslashes' }
    })
    const { query = {}, absolute } = options

    const path = route.pattern.fill(textsOf(route, params))
    if (typeof path !== 'string') throw unfitParameter(name, path)
    return (baseOf(absolute) ?? '') + path + queryString(query, (parameter, expected) => {
      throw unfitParameter(name, { parameter, expected })
    })
  }
}

/** Below a prefix such as `/demo`, Fastify declares a route for `/` twice: as `/demo` and as `/demo/`. */
function isSlashTwin (url: string, { prefix, url: twin }: RouteOptions & { prefix?: string }): boolean {
  return url === prefix && twin === `${prefix}/`
}

/** The text of each parameter, in the form that its converter gives it. */
function textsOf (route: NamedRoute, params: Record<string, ParamValue | undefined>): Map<string, string> {
  const { name, pattern, schema } = route
  for (const [param, value] of Object.entries(params)) {
    if (value !== undefined && !pattern.names.includes(param)) throw new ExtraParameter(name, param)
  }

  const given = new Map(Object.entries(params).filter(([, value]) => value !== undefined))
  const needsOptional = pattern.names.some((param) => given.has(param) && pattern.optional.has(param))
  const values = new Map<string, unknown>()
  for (const param of pattern.names) {
    if (given.has(param)) values.set(param, readParam(route, param, given.get(param)))
    else if (needsOptional || !pattern.optional.has(param)) throw new MissingParameter(name, param)
  }

  if (schema !== undefined) {
    route.check ??= schemaCheck(route.schema, route.compiler())
    const unfit = route.check?.(Object.fromEntries(values))
    if (unfit !== undefined) throw unfitParameter(name, unfit)
  }
  return new Map(Array.from(values, ([param, value]) => [param, String(value)]))
}

function readParam (route: NamedRoute, parameter: string, given: unknown): unknown {
  if (!isParamValue(given)) throw unfitParameter(route.name, { parameter, expected: 'text, a number or a boolean' })
  const converter = converterOf(route.schema?.properties?.[parameter] ?? {})
  if (converter === undefined) return String(given)
  const value = converter.read(String(given))
  if (value === undefined) throw unfitParameter(route.name, { parameter, expected: converter.expected })
  return value
}

/** Asks the validator that the route's requests go through, so that what it would refuse is not linked. */
function schemaCheck (schema: unknown, compile: NamedRoute['compiler'] extends () => infer Compiler ? Compiler : never): SchemaCheck | undefined {
  const validate = compile?.({ schema, method: '', url: '', httpPart: 'params' }) as SchemaValidator | undefined
  return validate && ((params) => {
    const answer = validate(params)
    const errors = answer === false ? validate.errors : typeof answer === 'object' ? answer.error : undefined
    if (!errors) return undefined
    const first = Array.isArray(errors) ? errors[0] as { instancePath?: string, message?: string } : errors
    const parameter = 'instancePath' in first ? first.instancePath?.slice(1) : ''
    return { parameter: parameter || Object.keys(params).join(', '), expected: `such that it fits the route's schema (${first.message})` }
  })
}

interface SchemaValidator {
  (params: object): boolean | { error?: Error | object[] }
  errors?: object[] | null
}

function unfitParameter (name: string, unfit: Unfit): UnfitParameterError {
  const error = new UnfitParameter(name, unfit.parameter, unfit.expected)
  return Object.assign(error, { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER' as const, ...unfit })
}
