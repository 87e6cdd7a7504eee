import { isObject } from '../../../lib/check-options.ts'
import { getConverter } from '../converters/converter.ts'

/** Stands for a rule that is not put into words. */
export const fitsSchema = 'such that it fits the schema of this route'

/**
 * Says what a schema takes, in words that complete "must be …". They come from the schema alone, so nothing that a
 * client sent is among them.
 */
export function describeSchema (schema: unknown): string {
  if (!isObject(schema)) return fitsSchema
  const { type, enum: values, const: value, anyOf, oneOf = anyOf } = schema
  const converter = getConverter(schema)
  if (converter !== undefined) return converter.expected
  if (Array.isArray(values)) return `${values.length > 1 ? 'one of ' : ''}${values.map(quote).join(', ')}`
  if (value !== undefined) return quote(value)
  if (Array.isArray(oneOf)) return describeChoice(oneOf)
  if (Array.isArray(type)) return describeChoice(type.map((one) => ({ ...schema, type: one })))
  return words.get(type)?.(schema) ?? fitsSchema
}

function describeChoice (schemas: unknown[]): string {
  return [...new Set(schemas.map(describeSchema))].join(', or ')
}

function quote (value: unknown): string {
  return JSON.stringify(value)
}

type Words = (schema: Record<string, unknown>) => string

const words = new Map<unknown, Words>([
  ['string', ({ format, pattern, minLength, maxLength }) => {
    if (typeof format === 'string') return formats.get(format) ?? `text in the format "${format}"`
    const length = describeCount(minLength, maxLength, 'character')
    const pace = typeof pattern === 'string' ? ` that matches ${pattern}` : ''
    return `text${length}${pace}`
  }],
  ['integer', (schema) => `a whole number${describeRange(schema)}`],
  ['number', (schema) => `a number${describeRange(schema)}`],
  ['boolean', () => 'true or false'],
  ['array', ({ minItems, maxItems, uniqueItems }) => {
    return `a list${describeCount(minItems, maxItems, 'value')}${uniqueItems === true ? ' without repeats' : ''}`
  }],
  ['object', () => 'an object'],
  ['null', () => 'null']
])

/** The formats of JSON Schema in words; another is named as it is. */
const formats = new Map([
  ['date', 'a date such as 2026-01-31'],
  ['time', 'a time such as 13:45:00Z'],
  ['date-time', 'a date and time such as 2026-01-31T13:45:00Z'],
  ['email', 'an email address'],
  ['hostname', 'a host name'],
  ['ipv4', 'an IPv4 address'],
  ['ipv6', 'an IPv6 address'],
  ['uri', 'a URL with its scheme'],
  ['uuid', 'a UUID such as 123e4567-e89b-12d3-a456-426614174000']
])

function describeCount (min: unknown = 0, max: unknown, unit: string): string {
  const plural = max === undefined && min === 1 ? unit : `${unit}s`
  if (max !== undefined) return ` of ${String(min)} to ${String(max)} ${plural}`
  return min === 0 ? '' : ` of at least ${String(min)} ${plural}`
}

function describeRange (schema: Record<string, unknown>): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const parts: [words: string, limit: unknown][] = minimum !== undefined && maximum !== undefined
    ? [[`from ${String(minimum)} to`, maximum]]
    : [['of at least', minimum], ['of at most', maximum]]
  parts.push(['above', exclusiveMinimum], ['below', exclusiveMaximum], ['that is a multiple of', multipleOf])
  return parts.map(([words, limit]) => limit === undefined ? '' : ` ${words} ${String(limit)}`).join('')
}
