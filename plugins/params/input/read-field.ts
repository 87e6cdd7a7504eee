import { isObject } from '../../../lib/check-options.ts'
import { adviseCount, enterOne } from '../converters/advice.ts'
import type { Field } from './schema-fields.ts'

/** The outcome of a field's text: its value, `undefined` for an absent one, or what it must be, and in a sentence. */
export type Reading = { value: unknown } | { expected: string, message: string }

/**
 * Reads one field of a request.
 *
 * @param given what the host's parsers made of it; `undefined` when the client did not send it
 * @param inForm whether it was sent by a form, or as a query, which is what a form with the method GET sends
 */
export function readField (field: Field, given: unknown, inForm: boolean): Reading {
  const sent = inForm ? dropBlanks(field, pickLast(field, given)) : given
  if (sent === undefined) return readAbsent(field, given)
  return field.list === undefined ? readOne(field, sent) : readList(field, field.list, sent)
}

function pickLast ({ converter, list }: Field, given: unknown): unknown {
  return converter.takesLast === true && list === undefined && Array.isArray(given) ? given.at(-1) : given
}

/**
 * A form sends each of its fields, and a blank one as `''`. That stands for the field's default or for its absence, and
 * for nothing in a list. Only a field that must be given, and may be empty, has `''` for its value.
 */
function dropBlanks ({ list, required, default: fallback, takesBlank }: Field, given: unknown): unknown {
  const keepsBlank = takesBlank && required && fallback === undefined
  if (list === undefined || !Array.isArray(given)) return given === '' && !keepsBlank ? undefined : given
  if (given.every((value) => value === '') && !keepsBlank) return undefined
  return takesBlank ? given : given.filter((value) => value !== '')
}

function readAbsent ({ converter, required, default: fallback }: Field, given: unknown): Reading {
  if (fallback !== undefined) return { value: Array.isArray(fallback) ? [...fallback] : fallback }
  if (!required) return { value: undefined }
  const expected = given === undefined ? `given: ${converter.expected}` : converter.expected
  return { expected, message: converter.advise(undefined) }
}

function readOne ({ converter, part }: Field, sent: unknown): Reading {
  if (Array.isArray(sent)) return { expected: `given once: ${converter.expected}`, message: enterOne }
  // RFC 3986 section 5.2.4: clients resolve dot segments away, so no link can lead here.
  if (part === 'params' && (sent === '.' || sent === '..')) {
    return { expected: 'other than "." and ".."', message: 'Please enter something other than "." and ".."' }
  }
  const value = readValue(converter, part, sent)
  return value === undefined ? { expected: converter.expected, message: converter.advise(sent) } : { value }
}

/** The same for a list: a value that stands there alone, a repeated key, or a list in a JSON body. */
function readList ({ converter, part }: Field, limits: NonNullable<Field['list']>, sent: unknown): Reading {
  const { minItems, maxItems } = limits
  const inBody = part === 'body'
  if (inBody && isObject(sent)) return { value: sent }

  const items: unknown[] = Array.isArray(sent) ? sent : [sent]
  if (items.length < minItems || items.length > maxItems) {
    const count = maxItems === Infinity ? `at least ${minItems}` : `${minItems} to ${maxItems}`
    const expected = inBody ? `a list of ${count} values` : `given ${count} times`
    return { expected, message: adviseCount(minItems, maxItems) }
  }
  const value = items.map((item) => readValue(converter, part, item))
  const wrong = value.indexOf(undefined)
  if (wrong === -1) return { value }
  return {
    expected: inBody
      ? `a list in which each value is ${converter.expected}`
      : `${converter.expected}, each time it is given`,
    message: converter.advise(items[wrong])
  }
}

/**
 * Reads the value of a text. A JSON body has types of its own: a value of the converter's type is left to the
 * validator, and so is an object, which it refuses. Anything else is refused here, as Fastify's validator would make a
 * value of it: of `null` it makes 0, of `true` 1.
 */
function readValue (converter: Field['converter'], part: Field['part'], sent: unknown): unknown {
  if (typeof sent === 'string') return converter.read(sent)
  const type = typeof sent
  return part === 'body' && (type === converter.type || isObject(sent)) ? sent : undefined
}
