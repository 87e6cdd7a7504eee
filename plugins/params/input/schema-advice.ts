import { isObject } from '../../../lib/check-options.ts'
import {
  adviseChoice, adviseCount, adviseLength, adviseNumber, checkThis, chooseYesOrNo, enterOne, enterText, fillIn
} from '../converters/advice.ts'
import { getConverter } from '../converters/converter.ts'

type Schema = Record<string, unknown>

/**
 * Advises a person on a value that a schema refuses, `undefined` where it is missing. As in `describeSchema`, the words
 * come from the schema alone.
 */
export function adviseOnSchema (schema: unknown, value: unknown): string {
  const isMissing = value === undefined || value === ''
  if (!isObject(schema)) return isMissing ? fillIn : checkThis
  const converter = getConverter(schema)
  if (converter !== undefined) return converter.advise(value)
  const choices = listChoices(schema)
  if (choices !== undefined) return adviseChoice(choices)
  const { type, anyOf, oneOf = anyOf } = schema
  if (Array.isArray(oneOf)) return adviseOnOne(oneOf, value)
  if (Array.isArray(type)) return adviseOnOne(type.map((one) => ({ ...schema, type: one })), value)
  if (type === 'boolean') return chooseYesOrNo
  if (isMissing && type !== 'null') return fillIn
  if (Array.isArray(value) && type !== 'array') return enterOne
  return byType.get(type)?.(schema, value) ?? checkThis
}

/** Returns what a choice leaves: the values of an `enum`, or of a union of such. `undefined` for any other schema. */
function listChoices ({ enum: values, const: value, anyOf, oneOf = anyOf }: Schema): unknown[] | undefined {
  if (Array.isArray(values)) return values
  if (value !== undefined) return [value]
  if (!Array.isArray(oneOf)) return undefined
  const lists = oneOf.map((one) => isObject(one) ? listChoices(one) : undefined)
  return lists.every((list) => list !== undefined) ? lists.flat() : undefined
}

/** A person is not told of `null`, which no form can send. */
function adviseOnOne (schemas: unknown[], value: unknown): string {
  const sayable = schemas.filter((schema) => !(isObject(schema) && schema.type === 'null'))
  const sentences = [...new Set(sayable.map((schema) => adviseOnSchema(schema, value)))]
  return sentences.length === 1 ? sentences.join('') : checkThis
}

const byType = new Map<unknown, (schema: Schema, value: unknown) => string>([
  ['string', adviseOnText],
  ['integer', (schema, value) => adviseOnNumber('a whole number', Number.MAX_SAFE_INTEGER, schema, value)],
  ['number', (schema, value) => adviseOnNumber('a number', Number.MAX_VALUE, schema, value)],
  ['array', ({ minItems = 0, maxItems = Infinity }, value) => {
    if (!Array.isArray(value)) return checkThis
    const [min, max] = [Number(minItems), Number(maxItems)]
    return value.length < min || value.length > max ? adviseCount(min, max) : 'Please enter each value only once'
  }],
  ['object', (schema, value) => isObject(value) ? checkThis : fillIn],
  ['null', () => 'Please leave this blank']
])

function adviseOnText ({ format, minLength = 0, maxLength = Infinity }: Schema, value: unknown): string {
  if (typeof value !== 'string') return enterText
  const length = [...value].length
  const isShort = length < Number(minLength)
  if (isShort || length > Number(maxLength)) return adviseLength(isShort, Number(minLength), Number(maxLength))
  return `Please enter ${formats.get(format) ?? 'this in the form that is asked for'}`
}

/** The formats of JSON Schema that a person knows by a name or an example. */
const formats = new Map<unknown, string>([
  ['date', 'a date such as 2026-01-31'],
  ['time', 'a time such as 13:45:00Z'],
  ['date-time', 'a date and time such as 2026-01-31T13:45:00Z'],
  ['email', 'an email address such as name@example.org'],
  ['hostname', 'a host name such as example.org'],
  ['ipv4', 'an IPv4 address such as 192.0.2.1'],
  ['ipv6', 'an IPv6 address such as 2001:db8::1'],
  ['uri', 'a web address such as https://example.org'],
  ['uuid', 'a UUID such as 123e4567-e89b-12d3-a456-426614174000']
])

function adviseOnNumber (what: string, most: number, schema: Schema, value: unknown): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const parts: [words: string, limit: unknown][] =
    [['above', exclusiveMinimum], ['below', exclusiveMaximum], ['that is a multiple of', multipleOf]]
  const given = parts.filter(([, limit]) => limit !== undefined && Math.abs(Number(limit)) < most)
  if (given.length > 0 && isBetween(value, minimum, maximum)) {
    return `Please enter ${what} ${given.map(([words, limit]) => `${words} ${String(limit)}`).join(' and ')}`
  }
  return adviseNumber(what, { min: Number(minimum ?? -Infinity), max: Number(maximum ?? Infinity), most }, value)
}

function isBetween (value: unknown, min: unknown = -Infinity, max: unknown = Infinity): boolean {
  return Number(value) >= Number(min) && Number(value) <= Number(max)
}
