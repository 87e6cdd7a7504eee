import createError from '@fastify/error'
import type { FastifyError } from 'fastify'
import { checkOptions } from '../../lib/check-options.ts'
import { getConverter } from './converters/converter.ts'
import type { NamedRoute, NamedRoutes } from './urls/named-routes.ts'
import { findRoute } from './urls/named-routes.ts'
import type { Unfit } from './urls/route-pattern.ts'
import { findUnfit } from './urls/route-schema.ts'
import { parseBase } from './urls/url-base.ts'
import type { ParamValue, UrlQuery } from './urls/url-query.ts'
import { isParamValue, writeQuery } from './urls/url-query.ts'

/** The parts of a URL besides its path. */
export interface UrlOptions {
  /** The query's keys and values. A list repeats its key; what is `undefined` is left out. Default: no query. */
  query?: UrlQuery
  /**
   * The base of an absolute URL, such as `https://example.org` or `https://example.org/app`. Default: the URL starts
   * with its path.
   */
  absolute?: string
}

/** `urlFor` while no names are declared: any name and any parameters. */
export type LooseUrlFor = (name: string, params?: UrlParams, options?: UrlOptions) => string

/** `urlFor` with declared names: each takes its own parameters. */
export type TypedUrlFor<Known> = <Name extends keyof Known & string>(
  name: Name,
  ...rest: {} extends Known[Name]
    ? [params?: Exactly<Known[Name]>, options?: UrlOptions]
    : [params: Known[Name], options?: UrlOptions]
) => string

/** TypeScript lets `{}` have any property; a route without parameters has none. */
type Exactly<Params> = keyof Params extends never ? Record<string, never> : Params

type UrlParams = Record<string, ParamValue | undefined>

/** The error for a parameter that does not fit its route. It says which, and completes "must be …". */
export interface UnfitParameterError extends FastifyError, Unfit {
  /** The same for every unfit value. */
  code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER'
}

const MissingParameter = createError(
  'FST_QUICKSTART_PARAMS_MISSING_PARAMETER', 'route "%s" needs parameter "%s"', 500, TypeError
)
const ExtraParameter = createError(
  'FST_QUICKSTART_PARAMS_EXTRA_PARAMETER',
  'route "%s" has no parameter "%s"; what belongs in the query goes into { query }',
  500,
  TypeError
)
const UnfitParameter = createError(
  'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER', 'route "%s": parameter "%s" must be %s', 500, TypeError
)

/**
 * Writes the URL of a named route. What it writes, the router reads back with equal values; anything else is refused.
 *
 * @param contexts the names of the context that asks, and then of those around it
 * @throws what `app.urlFor` lists in index.ts
 */
export function urlFor (
  contexts: readonly NamedRoutes[], name: string, params: UrlParams = {}, options: UrlOptions = {}
): string {
  checkArguments(name, params, options)
  const route = findRoute(contexts, name)
  const { query = {}, absolute } = options

  const values = readParams(route, params)
  const unfit = findUnfit(route, values)
  if (unfit !== undefined) throw createUnfitParameter(route, unfit)

  const path = route.pattern.fill(new Map(Array.from(values, ([param, value]) => [param, String(value)])))
  if (typeof path !== 'string') throw createUnfitParameter(route, path)

  return (parseBase(absolute) ?? '') + path + writeQuery(query, (parameter, expected) => {
    throw createUnfitParameter(route, { parameter, expected })
  })
}

function checkArguments (name: string, params: UrlParams, options: UrlOptions): void {
  checkOptions<{ name: string, params: object, options: object }>('params', { name, params, options }, {
    name: { accepts: (value) => typeof value === 'string', expected: 'the name of a route', required: true },
    params: { accepts: isDictionary, expected: 'an object of names and values' },
    options: { accepts: isDictionary, expected: 'an object with query or absolute' }
  })
  checkOptions<UrlOptions>('params', options, {
    query: { accepts: isDictionary, expected: 'an object of keys and values' },
    absolute: {
      accepts: (value) => parseBase(value) !== undefined,
      expected: 'an http or https URL without login, query, fragment, spaces and backslashes'
    }
  })
}

/** Each parameter of the path, as its converter reads it. */
function readParams (route: NamedRoute, params: UrlParams): Map<string, unknown> {
  const { name, pattern } = route
  const given = new Map(Object.entries(params).filter(([, value]) => value !== undefined))
  for (const param of given.keys()) {
    if (!pattern.names.includes(param)) throw new ExtraParameter(name, param)
  }

  // The optional parameters of a path come together or not at all.
  const needsOptional = pattern.names.some((param) => given.has(param) && pattern.optional.has(param))
  const values = new Map<string, unknown>()
  for (const param of pattern.names) {
    if (given.has(param)) values.set(param, readParam(route, param, given.get(param)))
    else if (needsOptional || !pattern.optional.has(param)) throw new MissingParameter(name, param)
  }
  return values
}

function readParam (route: NamedRoute, parameter: string, given: unknown): unknown {
  if (!isParamValue(given)) throw createUnfitParameter(route, { parameter, expected: 'text, a number or a boolean' })
  const converter = getConverter(route.schema?.properties?.[parameter] ?? {})
  if (converter === undefined) return String(given)
  const value = converter.read(String(given))
  if (value === undefined) throw createUnfitParameter(route, { parameter, expected: converter.expected })
  return value
}

function createUnfitParameter ({ name }: NamedRoute, unfit: Unfit): UnfitParameterError {
  const error = new UnfitParameter(name, unfit.parameter, unfit.expected)
  return Object.assign(error, { code: 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER' as const, ...unfit })
}

/** Whether a value is an object of names and values. A Map or a list is not one. */
function isDictionary (value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]'
}
