import type { FastifyRequest, preHandlerHookHandler, preValidationHookHandler, RouteOptions } from 'fastify'
import type { InvalidInputError, Issue } from './invalid-input.js'
import { invalidInput } from './invalid-input.js'
import { malformedNames, suspicious, wellFormed } from './percent-encoding.js'
import type { Field, Part } from './schema-fields.js'
import { fieldsOf } from './schema-fields.js'

/** Under this key a form parser puts the names of the fields that it could not decode. */
export const malformedFields = Symbol('malformed fields')

/** An error as Fastify hands it to a route that asks for it. */
type ValidationError = NonNullable<FastifyRequest['validationError']>

/** The hooks that were made here: a route that is declared again, with another URL say, brings those of its first time. */
const madeHere = new WeakSet<object>()

/**
 * Gives a route the hook that reads its parameters with their converters, before the host's validator sees them: what the
 * validator then gets is a number already, so its own, laxer coercion has nothing left to do. A route whose schema has no
 * converter stays as it is.
 *
 * @param queryStart finds the end of the path in a URL, as the router does
 */
export function readStrictly (route: RouteOptions, queryStart: RegExp): void {
  for (const stage of ['preValidation', 'preHandler'] as const) {
    const hooks = [route[stage] ?? []].flat()
    if (hooks.some((hook) => madeHere.has(hook))) route[stage] = hooks.filter((hook) => !madeHere.has(hook))
  }

  const fields = fieldsOf(route.schema)
  if (fields.length === 0) return
  const hasBody = fields.some(({ part }) => part === 'body')
  const { attachValidation = false, schemaErrorFormatter } = route
  const refusals = new WeakMap<FastifyRequest, ValidationError>()

  const readInput: preValidationHookHandler = (request, reply, done) => {
    const issues = queryIssues(request.url, queryStart, fields)
    if (hasBody) addMalformed(issues, 'body', malformedFieldsOf(request), fields)

    for (const field of fields) {
      const values = valuesOf(request, field.part)
      const value = values[field.name]
      // Flask has no route for an empty parameter; here the router matches one, so the route steps aside.
      if (value === '' && field.part === 'params' && field.converter.read('') === undefined) {
        reply.callNotFound()
        return
      }
      const expected = readField(field, values, value)
      if (expected !== undefined) addIssue(issues, { in: field.part, name: field.name, expected })
    }

    if (issues.length === 0) return done()
    const error = refusal(issues, schemaErrorFormatter)
    if (!attachValidation) return done(error)
    refusals.set(request, error)
    request.validationError = error
    done()
  }

  // Fastify's own validation comes in between, and puts what it thinks of the same text in the place of the error.
  const keepError: preHandlerHookHandler = (request, reply, done) => {
    const error = refusals.get(request)
    if (error !== undefined) request.validationError = error
    done()
  }

  // First of the route's own hooks, so that the others find the values and not their texts.
  route.preValidation = withOurs(readInput, route.preValidation)
  if (attachValidation) route.preHandler = withOurs(keepError, route.preHandler)
}

function withOurs<Hook extends object> (hook: Hook, others: Hook | Hook[] = []): Hook[] {
  madeHere.add(hook)
  return [hook, ...[others].flat() as Hook[]]
}

/** The error for a request. A route's own formatter has its say, as it has in Fastify's errors of validation. */
function refusal (issues: Issue[], format: RouteOptions['schemaErrorFormatter']): ValidationError {
  const error = invalidInput(issues)
  if (format === undefined) return error
  const { code, statusCode, validation, validationContext } = error
  const formatted = format(validation, validationContext) as InvalidInputError
  formatted.code ||= code
  formatted.statusCode ||= statusCode
  return Object.assign(formatted, { validation, validationContext, issues })
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

  if (list !== undefined) return readList(field, list, values, value)

  if (typeof value === 'string') {
    // RFC 3986 section 5.2.4: clients resolve dot segments away, so no link can lead here.
    if (field.part === 'params' && (value === '.' || value === '..')) return 'other than "." and ".."'
    const read = converter.read(value)
    if (read === undefined) return converter.expected
    values[name] = read
    return undefined
  }
  if (Array.isArray(value)) return `given once: ${converter.expected}`
  // A JSON body has types of its own, which are the validator's matter.
  return field.part === 'body' ? undefined : converter.expected
}

/** The same for a list, which stands there once, repeated, or in a JSON body as a list. */
function readList ({ part, name, converter }: Field, { minItems, maxItems }: NonNullable<Field['list']>, values: Record<string, unknown>, value: unknown): string | undefined {
  const inBody = part === 'body'
  // As above: what is no text in a JSON body is left to the validator, each value of a list by itself.
  if (inBody && typeof value !== 'string' && !Array.isArray(value)) return undefined

  const items: unknown[] = Array.isArray(value) ? value : [value]
  if (items.length < minItems || items.length > maxItems) {
    const count = maxItems === Infinity ? `at least ${minItems}` : `${minItems} to ${maxItems}`
    return inBody ? `a list of ${count} values` : `given ${count} times`
  }
  const read = items.map((item) => typeof item === 'string' ? converter.read(item) : inBody ? item : undefined)
  if (read.includes(undefined)) return inBody ? `a list in which each value is ${converter.expected}` : `${converter.expected}, each time it is given`
  values[name] = read
  return undefined
}

/** What is malformed in the query, where the parsed values no longer show it. The path's escapes the router has checked by then. */
function queryIssues (url: string, queryStart: RegExp, fields: Field[]): Issue[] {
  const issues: Issue[] = []
  if (suspicious.test(url)) addMalformed(issues, 'query', malformedNames(url.slice(url.search(queryStart) + 1)), fields)
  return issues
}

function malformedFieldsOf ({ body }: FastifyRequest): Iterable<string> {
  return (body as { [malformedFields]?: Set<string> } | null | undefined)?.[malformedFields] ?? []
}

function addMalformed (issues: Issue[], part: Part, names: Iterable<string>, fields: Field[]): void {
  for (const name of names) {
    // A name that the schema does not have is the client's text: it is not shown.
    const known = fields.some((field) => field.part === part && field.name === name)
    addIssue(issues, { in: part, name: known ? name : '*', expected: wellFormed })
  }
}

function addIssue (issues: Issue[], issue: Issue): void {
  if (!issues.some(({ in: place, name }) => place === issue.in && name === issue.name)) issues.push(issue)
}

function valuesOf (request: FastifyRequest, part: Part): Record<string, unknown> {
  const values = request[part]
  return typeof values === 'object' && values !== null ? values as Record<string, unknown> : {}
}
