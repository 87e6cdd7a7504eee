import type {
  FastifyRequest, preHandlerHookHandler, preParsingHookHandler, preValidationHookHandler, RouteOptions
} from 'fastify'
import { isObject } from '../../lib/check-options.ts'
import { FormTexts, isForm, isUrlencoded } from './input/form-text.ts'
import type { InvalidInputError, Issue } from './input/invalid-input.ts'
import { invalidInput } from './input/invalid-input.ts'
import { malformedNames, suspicious, suspiciousInForm, wellFormed, wellFormedLines } from './input/percent-encoding.ts'
import { readField } from './input/read-field.ts'
import type { Field, Part } from './input/schema-fields.ts'
import { fieldsOf } from './input/schema-fields.ts'

/** An error as Fastify hands it to a route that asks for it. */
type ValidationError = NonNullable<FastifyRequest['validationError']>

/** A request that was refused, and its input as the client sent it. */
interface Refusal {
  error: ValidationError
  input: Partial<Record<Part, unknown>>
}

/**
 * Gives a route the hooks that read its input with the converters of its schema. A route without converters stays as
 * it is.
 *
 * A request goes through them in this order: the bytes of a form are kept, the input is read or refused, the host's
 * validator sees the values, and a route with `attachValidation` gets the refusal.
 *
 * @param pathEnd matches the end of the path in a URL
 */
export function readInput (route: RouteOptions, pathEnd: RegExp): void {
  removeOwnHooks(route)
  const fields = fieldsOf(route.schema)
  if (fields.length === 0) return
  const parts = [...new Set(fields.map(({ part }) => part))]
  const hasBody = parts.includes('body')
  const { attachValidation = false, schemaErrorFormatter } = route
  const formTexts = new FormTexts()
  const refusals = new WeakMap<FastifyRequest, Refusal>()

  const keepForm: preParsingHookHandler = (request, reply, payload, done) => {
    done(null, isUrlencoded(request) ? formTexts.keep(request, payload) : payload)
  }

  const read: preValidationHookHandler = (request, reply, done) => {
    const issues: Issue[] = []
    addMalformed(issues, 'query', malformedInQuery(request.url, pathEnd, fields), fields)
    if (hasBody) addMalformed(issues, 'body', malformedInForm(formTexts.of(request), fields), fields)

    // A query is what a form with the method GET sends.
    const inForm = { params: false, query: true, body: hasBody && isForm(request) }
    const values: unknown[] = []
    for (const field of fields) {
      const given = valueOf(inputOf(request, field.part), field.name)
      // Flask has no route for an empty parameter; here the router matches one, so the route steps aside.
      if (given === '' && field.part === 'params' && !field.takesBlank) {
        reply.callNotFound()
        return
      }
      const reading = readField(field, given, inForm[field.part])
      if ('expected' in reading) addIssue(issues, { in: field.part, name: field.name, expected: reading.expected })
      else values.push(reading.value)
    }

    if (issues.length === 0) {
      fields.forEach(({ part, name }, index) => setValue(inputOf(request, part), name, values[index]))
      return done()
    }
    const error = refusal(issues, schemaErrorFormatter)
    if (!attachValidation) return done(error)
    const input = Object.fromEntries(parts.map((part) => [part, copyOf(request[part])]))
    refusals.set(request, { error, input })
    request.validationError = error
    done()
  }

  // Fastify's own validation comes in between. It makes values of texts that were refused here, and sets its own error.
  const restore: preHandlerHookHandler = (request, reply, done) => {
    const refused = refusals.get(request)
    if (refused !== undefined) Object.assign(request, refused.input, { validationError: refused.error })
    done()
  }

  // First of the route's own hooks, so that the others find the values and not their texts.
  if (hasBody) route.preParsing = [own(keepForm), ...listOf(route.preParsing)]
  route.preValidation = [own(read), ...listOf(route.preValidation)]
  if (attachValidation) route.preHandler = [own(restore), ...listOf(route.preHandler)]
}

/** Marks the hooks of this file: a route that is declared again, at another URL say, brings those of its first time. */
const ownHook = Symbol('fastify-quickstart/params hook')

function own<Hook extends object> (hook: Hook): Hook {
  return Object.assign(hook, { [ownHook]: true })
}

function removeOwnHooks (route: RouteOptions): void {
  for (const stage of ['preParsing', 'preValidation', 'preHandler'] as const) {
    const hooks: object[] = listOf<object>(route[stage])
    const others = hooks.filter((hook) => !(ownHook in hook))
    if (others.length < hooks.length) Object.assign(route, { [stage]: others })
  }
}

function listOf<Hook extends object> (hooks: Hook | Hook[] | undefined): Hook[] {
  return hooks === undefined ? [] : Array.isArray(hooks) ? hooks : [hooks]
}

/** What is malformed in the query, where the parsed values no longer show it. The router has checked the path. */
function malformedInQuery (url: string, pathEnd: RegExp, fields: Field[]): Iterable<string> {
  if (!suspicious.test(url)) return []
  return malformedNames(url.slice(url.search(pathEnd) + 1), suspicious, multilineNames(fields, 'query'))
}

function malformedInForm (text: string, fields: Field[]): Iterable<string> {
  return malformedNames(text, suspiciousInForm, multilineNames(fields, 'body'))
}

function multilineNames (fields: Field[], part: Part): Set<string> {
  return new Set(fields.filter((field) => field.part === part && field.converter.multiline).map(({ name }) => name))
}

function addMalformed (issues: Issue[], part: Part, names: Iterable<string>, fields: Field[]): void {
  for (const name of names) {
    const field = fields.find((field) => field.part === part && field.name === name)
    // A name that the schema does not have is the client's text: it is not shown.
    const expected = field?.converter.multiline ? wellFormedLines : wellFormed
    addIssue(issues, { in: part, name: field === undefined ? '*' : name, expected })
  }
}

function addIssue (issues: Issue[], issue: Issue): void {
  if (!issues.some(({ in: place, name }) => place === issue.in && name === issue.name)) issues.push(issue)
}

/** The names and values of a part; without any where the body is not an object. */
function inputOf (request: FastifyRequest, part: Part): Record<string, unknown> {
  const input = request[part]
  return isObject(input) ? input : {}
}

/** An object of a JSON body inherits names such as `constructor`. */
function valueOf (input: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(input, name) ? input[name] : undefined
}

function setValue (input: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) input[name] = value
  else if (Object.hasOwn(input, name)) delete input[name]
}

/** A copy that the validator does not change: one level deep, and the lists there, as far as converters read. */
function copyOf (input: unknown): unknown {
  if (!isObject(input)) return input
  const copies = Object.entries(input).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value])
  return Object.fromEntries(copies)
}

/** The error for a request. A route's own formatter has its say, as it has in Fastify's errors of validation. */
function refusal (issues: Issue[], format: RouteOptions['schemaErrorFormatter']): ValidationError {
  const error = invalidInput(issues)
  if (format === undefined) return error
  const { code, statusCode, validation, validationContext } = error
  // Cast: an error of the host's making, which gets the missing fields below.
  const formatted = format(validation, validationContext) as InvalidInputError
  formatted.code ||= code
  formatted.statusCode ||= statusCode
  return Object.assign(formatted, { validation, validationContext, issues })
}
