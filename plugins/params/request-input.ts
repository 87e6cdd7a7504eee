import type {
  FastifyRequest, onErrorHookHandler, preHandlerHookHandler, preParsingHookHandler, preValidationHookHandler,
  RouteOptions
} from 'fastify'
import { isObject } from '../../lib/check-options.ts'
import { leaveOutUnreadable } from './converters/advice.ts'
import { BodyTexts, isForm, isPercentEncoded } from './input/body-text.ts'
import { findBrokenRules } from './input/broken-rules.ts'
import { addIssues, createInvalidInput, dropRepeats, type InvalidInputError } from './input/invalid-input.ts'
import type { Issue } from './input/issue.ts'
import {
  listMalformedNames, suspicious, wellFormed, wellFormedLines, wellFormedText
} from './input/percent-encoding.ts'
import { readField } from './input/read-field.ts'
import { type Field, listFieldNames, listFields, type Part } from './input/schema-fields.ts'

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
 * A request goes through them in this order: the bytes of a body are kept, the input is read or refused, the host's
 * validator sees the values, and a route with `attachValidation` gets the refusal.
 *
 * @param pathEnd matches the end of the path in a URL
 */
export function readInput (route: RouteOptions, pathEnd: RegExp): void {
  removeOwnHooks(route)
  const { attachValidation = false, schema, schemaErrorFormatter } = route
  const fields = listFields(schema)
  const refusals = new WeakMap<FastifyRequest, Refusal>()

  // Fastify's own validation comes in between. It makes values of texts that were refused here, and sets its own error.
  const attach: preHandlerHookHandler = (request, reply, done) => {
    const refused = refusals.get(request)
    if (refused !== undefined) Object.assign(request, refused.input, { validationError: refused.error })
    else if (request.validationError !== undefined) addIssues(request.validationError, request)
    done()
  }
  if (attachValidation && schema !== undefined) route.preHandler = [markOwn(attach), ...toList(route.preHandler)]
  if (fields.length === 0) return

  const parts = [...new Set(fields.map(({ part }) => part))]
  const hasBody = parts.includes('body')
  const bodies = new BodyTexts()
  const keepBody: preParsingHookHandler = (request, reply, payload, done) => {
    done(null, bodies.keep(request, payload))
  }

  const malformed = createMalformedSearch(route, fields, pathEnd, bodies)
  const isRead = (part: string, name: string): boolean =>
    fields.some((field) => field.part === part && field.name === name)
  const read: preValidationHookHandler = (request, reply, done) => {
    const readings = readFields(fields, request)
    if (readings === undefined) {
      reply.callNotFound()
      return
    }
    const issues = malformed(request).concat(readings.issues)
    if (issues.length === 0) {
      fields.forEach(({ part, name }, index) => setValue(getInput(request, part), name, readings.values[index]))
      return done()
    }
    const error = createRefusal(dropRepeats([...issues, ...findBrokenRules(request, isRead)]), schemaErrorFormatter)
    if (!attachValidation) return done(error)
    const input = Object.fromEntries(parts.map((part) => [part, copyInput(request[part])]))
    refusals.set(request, { error, input })
    request.validationError = error
    done()
  }

  // First of the route's own hooks, so that the others find the values and not their texts.
  if (hasBody) route.preParsing = [markOwn(keepBody), ...toList(route.preParsing)]
  route.preValidation = [markOwn(read), ...toList(route.preValidation)]
}

/** Gives an error of Fastify's own validation its `issues`, before an error handler sees it. */
export const addIssuesToError: onErrorHookHandler = (request, reply, error, done) => {
  addIssues(error, request)
  done()
}

/** Marks the hooks of this file: a route that is declared again, at another URL say, brings those of its first time. */
const ownHook = Symbol('fastify-quickstart/params hook')

function markOwn<Hook extends object> (hook: Hook): Hook {
  return Object.assign(hook, { [ownHook]: true })
}

function removeOwnHooks (route: RouteOptions): void {
  for (const stage of ['preParsing', 'preValidation', 'preHandler'] as const) {
    const hooks: object[] = toList<object>(route[stage])
    const others = hooks.filter((hook) => !(ownHook in hook))
    if (others.length < hooks.length) Object.assign(route, { [stage]: others })
  }
}

function toList<Hook extends object> (hooks: Hook | Hook[] | undefined): Hook[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks]
}

/**
 * Reads the fields of a request in their order; `undefined` where a parameter of the path is empty. Flask has no route
 * for such a path. Here the router matches one, so the route steps aside.
 */
function readFields (fields: Field[], request: FastifyRequest): { values: unknown[], issues: Issue[] } | undefined {
  // A query is what a form with the method GET sends.
  const inForm = { params: false, query: true, body: isForm(request) }
  const values: unknown[] = []
  const issues: Issue[] = []
  for (const field of fields) {
    const { part, name, takesBlank } = field
    const given = getValue(getInput(request, part), name)
    if (given === '' && part === 'params' && !takesBlank) return undefined
    const reading = readField(field, given, inForm[part])
    if ('expected' in reading) issues.push({ in: part, name, ...reading })
    else values.push(reading.value)
  }
  return { values, issues }
}

/**
 * Creates the search for malformed text in a query or body, where the parsed values no longer show it. The router has
 * checked the path.
 */
function createMalformedSearch (
  { schema }: RouteOptions, fields: Field[], pathEnd: RegExp, bodies: BodyTexts
): (request: FastifyRequest) => Issue[] {
  const names = { query: listFieldNames(schema, 'query'), body: listFieldNames(schema, 'body') }
  const multiline = { query: listMultilineNames(fields, 'query'), body: listMultilineNames(fields, 'body') }
  const hasBody = fields.some(({ part }) => part === 'body')

  function createIssue (part: 'query' | 'body', name: string, isPercentEncoded: boolean): Issue {
    const encoded = multiline[part].has(name) ? wellFormedLines : wellFormed
    // A name that the schema does not have is the client's text: it is not shown.
    const expected = isPercentEncoded ? encoded : wellFormedText
    return { in: part, name: names[part].has(name) ? name : '*', expected, message: leaveOutUnreadable }
  }

  return (request) => {
    const { url } = request
    const issues: Issue[] = []
    if (suspicious.test(url)) {
      const query = url.slice(url.search(pathEnd) + 1)
      for (const name of listMalformedNames(query, suspicious, multiline.query)) {
        issues.push(createIssue('query', name, true))
      }
    }
    if (hasBody) {
      for (const name of bodies.listMalformedNames(request, multiline.body)) {
        issues.push(createIssue('body', name, isPercentEncoded(request)))
      }
    }
    return issues
  }
}

function listMultilineNames (fields: Field[], part: Part): Set<string> {
  return new Set(fields.filter((field) => field.part === part && field.converter.multiline).map(({ name }) => name))
}

/** The names and values of a part; without any where the body is not an object. */
function getInput (request: FastifyRequest, part: Part): Record<string, unknown> {
  const input = request[part]
  return isObject(input) ? input : {}
}

/** An object of a JSON body inherits names such as `constructor`. */
function getValue (input: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(input, name) ? input[name] : undefined
}

function setValue (input: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) input[name] = value
  else if (Object.hasOwn(input, name)) delete input[name]
}

/** A copy that the validator does not change: one level deep, and the lists there, as far as converters read. */
function copyInput (input: unknown): unknown {
  if (!isObject(input)) return input
  const copies = Object.entries(input).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value])
  return Object.fromEntries(copies)
}

/** The error for a request. A route's own formatter has its say, as it has in Fastify's errors of validation. */
function createRefusal (issues: Issue[], format: RouteOptions['schemaErrorFormatter']): ValidationError {
  const error = createInvalidInput(issues)
  if (format === undefined) return error
  const { code, statusCode, validation, validationContext } = error
  // Cast: an error of the host's making, which gets the missing fields below.
  const formatted = format(validation, validationContext) as InvalidInputError
  formatted.code ||= code
  formatted.statusCode ||= statusCode
  return Object.assign(formatted, { validation, validationContext, issues })
}
