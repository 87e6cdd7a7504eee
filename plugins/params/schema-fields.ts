import type { FastifySchema } from 'fastify'
import type { Converter } from './converters.js'
import { converterOf } from './converters.js'
import type { Issue } from './invalid-input.js'

/** The parts of a request that converters read. */
export type Part = Issue['in']

/** One property of a route's schema that a converter reads. */
export interface Field {
  part: Part
  name: string
  converter: Converter
  required: boolean
  /** A list of such values, from a repeated key; `undefined` for a single one. */
  list?: { minItems: number, maxItems: number }
  default: unknown
}

// Fastify takes `query` for `querystring` too, though its types do not say so.
type Schema = FastifySchema & { query?: unknown }

/** The fields of a route's schema. A part that is not a plain object schema (a `$ref`, another library's) has none. */
export function fieldsOf ({ params, querystring, query = querystring, body }: Schema = {}): Field[] {
  return [...fieldsOfPart(params, 'params'), ...fieldsOfPart(query, 'query'), ...fieldsOfPart(body, 'body')]
}

function fieldsOfPart (schema: unknown, part: Part): Field[] {
  const { properties, required } = (schema ?? {}) as { properties?: Record<string, PropertySchema>, required?: string[] }
  return Object.entries(properties ?? {}).flatMap(([name, property]): Field[] => {
    const items = property.type === 'array' ? property.items : undefined
    const converter = converterOf(items ?? property)
    if (converter === undefined) return []
    const { default: fallback, minItems = 0, maxItems = Infinity } = property
    return [{
      part,
      name,
      converter,
      required: required?.includes(name) ?? false,
      list: items && { minItems, maxItems },
      default: fallback
    }]
  })
}

interface PropertySchema {
  type?: string
  items?: object
  default?: unknown
  minItems?: number
  maxItems?: number
}

/**
 * Where a route's schema has a converter that is not read: in the headers, or deeper than a property or a list of it,
 * such as `querystring/properties/page/anyOf/0`. A body is left out: its values have types of their own.
 */
export function unreadConverters (schema: Schema = {}): string[] {
  const { params, querystring, query, headers } = schema
  const read = new Set(fieldsOf(schema).map(({ part, name, list }) => `${part}/properties/${name}${list ? '/items' : ''}`))
  return Object.entries({ params, querystring, query, headers }).flatMap(([part, schema]) => convertersIn(schema, part))
    .filter((place) => !read.has(place.replace(/^querystring/, 'query')))
}

function convertersIn (schema: unknown, place: string, around: unknown[] = []): string[] {
  // Another library's schema is an object of its class: its insides are its own.
  if (!isPlain(schema) || around.includes(schema)) return []
  if (converterOf(schema) !== undefined) return [place]
  return Object.entries(schema).flatMap(([key, inner]) => convertersIn(inner, `${place}/${key}`, [...around, schema]))
}

function isPlain (schema: unknown): schema is object {
  return Array.isArray(schema) || (typeof schema === 'object' && schema !== null && Object.getPrototypeOf(schema) === Object.prototype)
}
