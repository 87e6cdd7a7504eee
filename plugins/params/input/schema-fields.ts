import type { FastifySchema } from 'fastify'
import type { Converter } from '../converters/converter.ts'
import { getConverter } from '../converters/converter.ts'

/** The parts of a request that converters read. */
export type Part = 'params' | 'query' | 'body'

/** One property of a route's schema that a converter reads. */
export interface Field {
  part: Part
  name: string
  converter: Converter
  required: boolean
  /** A list of such values, from a repeated key; `undefined` for a single one. */
  list?: { minItems: number, maxItems: number } | undefined
  default: unknown
  /** Whether `''` is a value. */
  takesBlank: boolean
}

/** Fastify takes `query` for `querystring` too, though its types do not say so. */
type Schema = FastifySchema & { query?: unknown }

interface PartSchema {
  properties?: Record<string, PropertySchema>
  required?: string[]
}

interface PropertySchema {
  type?: string
  items?: object
  default?: unknown
  minItems?: number
  maxItems?: number
}

/** Lists the fields of a route's schema. A part that is a `$ref` or another library's schema has none. */
export function listFields ({ params, querystring, query = querystring, body }: Schema = {}): Field[] {
  return [...listFieldsOfPart(params, 'params'), ...listFieldsOfPart(query, 'query'), ...listFieldsOfPart(body, 'body')]
}

function listFieldsOfPart (schema: unknown, part: Part): Field[] {
  // Cast: whatever the host wrote. A schema without properties, or with others, has no converter in them.
  const { properties = {}, required = [] } = (schema ?? {}) as PartSchema
  return Object.entries(properties).flatMap(([name, property]): Field[] => {
    const items = property.type === 'array' ? property.items : undefined
    const converter = getConverter(items ?? property)
    if (converter === undefined) return []
    const { default: fallback, minItems = 0, maxItems = Infinity } = property
    return [{
      part,
      name,
      converter,
      required: required.includes(name),
      list: items && { minItems, maxItems },
      default: fallback,
      takesBlank: converter.read('') !== undefined
    }]
  })
}

/** Lists the names that a part's schema has, also those that no converter reads. */
export function listFieldNames (
  { querystring, query = querystring, body }: Schema = {}, part: 'query' | 'body'
): Set<string> {
  const { properties = {} } = ((part === 'query' ? query : body) ?? {}) as PartSchema // as above
  return new Set(Object.keys(properties))
}

/**
 * Returns the schema without the defaults among its required properties: TypeBox lists them there, and a generator of
 * documents would tell clients that they must be sent. The host's own schema stays as it is.
 */
export function makeDefaultsOptional (schema: Schema): Schema {
  const fields = listFields(schema)
  const optional = { ...schema }
  for (const [key, part] of [['querystring', 'query'], ['query', 'query'], ['body', 'body']] as const) {
    const names = fields.filter((field) => field.part === part && field.default !== undefined).map(({ name }) => name)
    const given = schema[key]
    if (names.length > 0 && typeof given === 'object' && given !== null) optional[key] = dropRequired(given, names)
  }
  return optional
}

function dropRequired (schema: object, names: string[]): object {
  const { required = [] }: PartSchema = schema
  // Two objects may not have the same $id.
  if ('$id' in schema || !required.some((name) => names.includes(name))) return schema
  // A copy with the hidden properties by which TypeBox knows its own.
  const { required: _, ...properties } = Object.getOwnPropertyDescriptors(schema) as PropertyDescriptorMap
  const rest = required.filter((name) => !names.includes(name))
  return Object.create(Object.getPrototypeOf(schema), {
    ...properties, ...(rest.length > 0 && { required: { value: rest, enumerable: true } })
  })
}

/**
 * Finds where a route's schema has a converter that is not read: in the headers, or deeper than a property or a list of
 * it, such as `querystring/properties/page/anyOf/0`. A body is left out: its values have types of their own.
 */
export function findUnreadConverters (schema: Schema = {}): string[] {
  const { params, querystring, query, headers } = schema
  const read = new Set(listFields(schema).map(({ part, name, list }) => {
    return `${part}/properties/${name}${list === undefined ? '' : '/items'}`
  }))
  return Object.entries({ params, querystring, query, headers })
    .flatMap(([part, schema]) => findConverters(schema, part))
    .filter((place) => !read.has(place.replace(/^querystring/, 'query')))
}

/** Finds where a route's schema has a function, as where a converter is not called: `params/properties/id`. */
export function findFunctions ({ params, querystring, query, body }: Schema = {}): string[] {
  const isFunction = (schema: unknown): boolean => typeof schema === 'function'
  return Object.entries({ params, querystring, query, body })
    .flatMap(([part, schema]) => findPlaces(schema, part, isFunction))
}

function findConverters (schema: unknown, place: string): string[] {
  return findPlaces(schema, place, (inner) => isPlain(inner) && getConverter(inner) !== undefined)
}

/** Finds the places in a schema that pass a test. Another library's schema is not looked into. */
function findPlaces (
  schema: unknown, place: string, test: (schema: unknown) => boolean, around: unknown[] = []
): string[] {
  if (test(schema)) return [place]
  if (!isPlain(schema) || around.includes(schema)) return []
  const within = [...around, schema]
  return Object.entries(schema).flatMap(([key, inner]) => findPlaces(inner, `${place}/${key}`, test, within))
}

function isPlain (schema: unknown): schema is object {
  if (Array.isArray(schema)) return true
  return typeof schema === 'object' && schema !== null && Object.getPrototypeOf(schema) === Object.prototype
}
