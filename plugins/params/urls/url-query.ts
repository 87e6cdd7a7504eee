import { encode } from '../input/percent-encoding.ts'

/** A value that a URL can hold; it is written as `String(value)` writes it. */
export type ParamValue = string | number | bigint | boolean

/** The keys and values of a query. A list repeats its key; a value that is `undefined` is left out. */
export type UrlQuery = Record<string, ParamValue | undefined | readonly ParamValue[]>

/** Whether a URL can hold a value. */
export function isParamValue (value: unknown): value is ParamValue {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

/**
 * Writes `?a=1&b=2`, or nothing when no key has a value.
 *
 * @param refuse called with the key whose value a URL cannot hold, and what it must be
 */
export function writeQuery (query: UrlQuery, refuse: (key: string, expected: string) => never): string {
  const pairs = Object.entries(query).flatMap(([key, given]) => {
    const values: unknown[] = given === undefined ? [] : [given].flat()
    return values.map((value) => {
      if (!isParamValue(value)) return refuse(key, 'text, a number, a boolean, or a list of these')
      const [name, text] = [encode(key), encode(String(value))]
      return name === undefined || text === undefined ? refuse(key, 'well-formed Unicode') : `${name}=${text}`
    })
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}
