import type { Routes } from './index.js'
import { encode } from './percent-encoding.js'

/** A value that a URL can hold; it is written as `String(value)` writes it. */
export type ParamValue = string | number | bigint | boolean

/** What a URL can have besides its path. */
export interface UrlOptions {
  /** The query's keys and values. A list repeats its key; what is `undefined` is left out. Default: no query. */
  query?: Record<string, ParamValue | undefined | readonly ParamValue[]>
  /** The base of an absolute URL, such as `https://example.org` or `https://example.org/app`. Default: the URL starts with its path. */
  absolute?: string
}

type LooseUrlFor = (name: string, params?: Record<string, ParamValue | undefined>, options?: UrlOptions) => string

type TypedUrlFor<Known> = <Name extends keyof Known & string>(
  name: Name,
  ...rest: {} extends Known[Name]
    ? [params?: Exactly<Known[Name]>, options?: UrlOptions]
    : [params: Known[Name], options?: UrlOptions]
) => string

/** TypeScript lets `{}` have any property; a route without parameters has none. */
type Exactly<Params> = keyof Params extends never ? Record<string, never> : Params

/**
 * The type of `app.urlFor`: any name and parameters while {@link Routes} is empty; its names and their parameters,
 * and nothing else, once the host has filled it.
 */
export type UrlFor<Known = Routes> = keyof Known extends never ? LooseUrlFor : TypedUrlFor<Known>

export function isParamValue (value: unknown): value is ParamValue {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

/**
 * Writes `?a=1&b=2`, or nothing when no key has a value.
 *
 * @param refuse called with the key whose value a URL cannot hold
 */
export function queryString (query: NonNullable<UrlOptions['query']>, refuse: (key: string, expected: string) => never): string {
  const pairs = Object.entries(query).flatMap(([key, given]) => {
    const values: readonly unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given]
    return values.map((value) => {
      if (!isParamValue(value)) return refuse(key, 'text, a number, a boolean, or a list of these')
      const [name, text] = [encode(key), encode(String(value))]
      return name === undefined || text === undefined ? refuse(key, 'well-formed Unicode') : `${name}=${text}`
    })
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/**
 * The text to put in front of a URL's path, without a slash at its end; `undefined` where the given one will not do. It is
 * what the URL parser made of it, since that lets pass, and mends, what would be markup or another address elsewhere.
 */
export function baseOf (absolute: unknown): string | undefined {
  if (typeof absolute !== 'string' || !/^https?:\/\/[^/\\\s\p{Cc}?#][^\\\s\p{Cc}?#]*$/iu.test(absolute) || !URL.canParse(absolute)) return undefined
  const { href, username, password } = new URL(absolute)
  return `${username}${password}` === '' ? href.replace(/\/+$/, '') : undefined
}

/** Whether a value is an object of names and values. A Map or a list is not one. */
export function isDictionary (value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]'
}
