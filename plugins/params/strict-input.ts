import type { FastifyRequest, FastifySchema, preValidationHookHandler } from 'fastify'
import type { Converter } from './converters.js'
import { converterOf } from './converters.js'
import type { Issue } from './invalid-input.js'
import { invalidInput } from './invalid-input.js'
import { malformedNames, suspicious, wellFormed } from './percent-encoding.js'

/** What a form parser puts in the place of a value that it could not decode. */
export const malformed = Symbol('malformed')

type Part = 'params' | 'query' | 'body'

/** One property of a route's schema that a converter reads. */
interface Field {
  part: Part
  in: Issue['in']
  name: string
  converter: Converter
  required: boolean
  /** A list of such values, from a repeated key; `undefined` for a single one. */
  list?: { minItems: number, maxItems: number }
  default: unknown
}

/**
 * The hook that reads a route's parameters with their converters, before the host's validator sees them: what the
 * validator then gets is a number already, so its own, laxer coercion has nothing left to do.
 *
 * @returns `undefined` for a route whose schema has no converter: such a route stays as it is
 */
export function strictInput (schema: FastifySchema | undefined, attachValidation = false): preValidationHookHandler | undefined {
  // Fastify takes `query` for `querystring` too, though its types do not say so.
  const { params, querystring, query = querystring, body } = (schema ?? {}) as FastifySchema & { query?: unknown }
  const fields = [...fieldsOf(params, 'params', 'path'), ...fieldsOf(query, 'query', 'query'), ...fieldsOf(body, 'body', 'body')]
  if (fields.length === 0) return undefined

  return function readInput (request, reply, done) {
    const issues = queryIssues(request.url, fields)

    for (const field of fields) {
      const values = valuesOf(request, field.part)
      const value = values[field.name]
      // Flask has no route for an empty parameter; here the router matches one, so the route steps aside.
      if (value === '' && field.part === 'params' && field.converter.read('') === undefined) {
        reply.callNotFound()
        return
      }
      const expected = readField(field, values, value)
      if (expected !== undefined) addIssue(issues, { in: field.in, name: field.name, expected })
    }

    if (issues.length === 0) return done()
    const error = invalidInput(issues)
    if (!attachValidation) return done(error)
    request.validationError = error
    done()
  }
}

/** Puts a field's value in the place of its text. Returns what was expected when the text does not fit. */
function readField (field: Field, values: Record<string, unknown>, value: unknown): string | undefined {
  const { converter, name, list } = field

  if (value === undefined) {
    if (field.default !== undefined) {
      values[name] = Array.isArray(field.default) ? [...field.default] : field.default
      return undefined
    }
    return field.required ? `given: ${converter.expected}` : undefined
  }

  if (list !== undefined) {
    const texts = Array.isArray(value) ? value : [value]
    if (texts.length < list.minItems || texts.length > list.maxItems) {
      return list.maxItems === Infinity ? `given at least ${list.minItems} times` : `given ${list.minItems} to ${list.maxItems} times`
    }
    const read = texts.map((text) => typeof text === 'string' ? converter.read(text) : undefined)
    if (read.includes(undefined)) return `${converter.expected}, each time it is given`
    values[name] = read
    return undefined
  }

  if (typeof value === 'string') {
    // RFC 3986 section 5.2.4: clients resolve dot segments away, so no link can lead here.
    if (field.part === 'params' && (value === '.' || value === '..')) return 'other than "." and ".."'
    const read = converter.read(value)
    if (read === undefined) return converter.expected
    values[name] = read
    return undefined
  }
  if (value === malformed) return wellFormed
  if (Array.isArray(value)) return `given once: ${converter.expected}`
  // A JSON body has types of its own, which are the validator's matter.
  return field.part === 'body' ? undefined : converter.expected
}

/** What is malformed in the query, where the parsed values no longer show it. The path's escapes the router has checked by then. */
function queryIssues (url: string, fields: Field[]): Issue[] {
  const issues: Issue[] = []
  if (!suspicious.test(url)) return issues
  // The router takes both for the end of the path.
  const query = url.slice(url.search(/[?#]|$/) + 1)
  for (const name of malformedNames(query)) {
    // A name that the schema does not have is the client's text: it is not shown.
    const known = fields.some((field) => field.part === 'query' && field.name === name)
    addIssue(issues, { in: 'query', name: known ? name : '*', expected: wellFormed })
  }
  return issues
}

function addIssue (issues: Issue[], issue: Issue): void {
  if (!issues.some(({ in: place, name }) => place === issue.in && name === issue.name)) issues.push(issue)
}

function valuesOf (request: FastifyRequest, part: Part): Record<string, unknown> {
  const values = request[part]
  return typeof values === 'object' && values !== null ? values as Record<string, unknown> : {}
}

/** The fields of one part's schema. Anything that is not a plain object schema (a `$ref`, another library's) has none. */
function fieldsOf (schema: unknown, part: Part, place: Issue['in']): Field[] {
  const { properties, required } = (schema ?? {}) as { properties?: Record<string, PropertySchema>, required?: string[] }
  return Object.entries(properties ?? {}).flatMap(([name, property]): Field[] => {
    const items = property.type === 'array' ? property.items : undefined
    const converter = converterOf(items ?? property)
    if (converter === undefined) return []
    const { default: fallback, minItems = 0, maxItems = Infinity } = property
    return [{
      part,
      in: place,
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
