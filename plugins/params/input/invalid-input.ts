import createError from '@fastify/error'
import type { FastifyError, FastifyRequest } from 'fastify'
import { checkThis } from '../converters/advice.ts'
import { findBrokenRules } from './broken-rules.ts'
import type { Issue } from './issue.ts'
import { fitsSchema } from './schema-words.ts'

/**
 * The 400 that a route with converters answers. `issues` holds every fact of the message, for an error handler that
 * shows them its own way.
 */
export interface InvalidInputError extends FastifyError {
  /** The same for every refusal of input. */
  code: 'FST_QUICKSTART_PARAMS_INVALID'
  /** Bad Request. */
  statusCode: 400
  /** All that is wrong with the request, at least one. */
  issues: Issue[]
}

const InvalidInput = createError('FST_QUICKSTART_PARAMS_INVALID', '%s', 400)

const places = { params: 'path parameter', query: 'query parameter', body: 'body field', headers: 'header' }
const contexts = { params: 'params', query: 'querystring', body: 'body', headers: 'headers' }

/** The fields of Fastify's own errors of validation. */
interface Validation {
  validation: object[]
  validationContext: string
}

/**
 * Creates the error for a request with at least one issue. It carries `validation` and
 * `validationContext` as Fastify's own errors do, so that a host that looks at those sees this one too.
 */
export function createInvalidInput (issues: Issue[]): InvalidInputError & Validation {
  const error = new InvalidInput(issues.map(describeIssue).join('; '))
  return Object.assign(error, {
    code: 'FST_QUICKSTART_PARAMS_INVALID' as const,
    statusCode: 400 as const,
    issues,
    validation: issues.map(({ name, expected }) => ({
      keyword: 'converter',
      instancePath: `/${name}`,
      schemaPath: `#/properties/${name}/converter`,
      params: {},
      message: `must be ${expected}`
    })),
    validationContext: contexts[issues[0]!.in]
  })
}

function describeIssue (issue: Issue): string {
  // In a path, '*' is the name of a parameter: the wildcard's.
  const isEvery = issue.name === '*' && issue.in !== 'params'
  const subject = isEvery ? `every ${places[issue.in]}` : `${places[issue.in]} "${issue.name}"`
  return `${subject} must be ${issue.expected}`
}

/** Gives an error of Fastify's own validation its `issues`: everything that is wrong with the request. */
export function addIssues (
  error: { validationContext?: string | undefined, issues?: Issue[] }, request: FastifyRequest
): void {
  const part = (Object.keys(contexts) as Issue['in'][]).find((part) => contexts[part] === error.validationContext)
  if (part === undefined || error.issues !== undefined) return
  const issues = findBrokenRules(request)
  error.issues = issues.length > 0 ? issues : [createGenericIssue(part)]
}

/** An issue that a rule of your own finds. */
export interface OwnIssue {
  /** The part of the request. Default `'body'`. */
  in?: Issue['in']
  /** The field's name. */
  name: string
  /** A sentence for the person who filled in the form: `This day is taken`. */
  message: string
  /** Completes "must be …". Default `another value`. */
  expected?: string
}

/**
 * Adds what a rule of your own finds to the issues of a request, as the last of them. A field that has one keeps it.
 *
 * In a handler with `attachValidation` the new list is in `request.validationError`, and what {@link listIssues}
 * returns. Elsewhere, throw the error that this returns:
 *
 * ```ts
 * if (isTaken(day)) throw addIssue(request, { name: 'day', message: 'This day is taken' })
 * ```
 */
export function addIssue (request: FastifyRequest, issue: OwnIssue): InvalidInputError {
  const { in: part = 'body', name, expected = 'another value', message } = issue
  const error = createInvalidInput(dropRepeats([...listIssues(request), { in: part, name, expected, message }]))
  request.validationError = error
  return error
}

/**
 * Returns what is wrong with a request, in a handler with `attachValidation`: an empty list where nothing is. The order
 * is that of the fields, but malformed text comes first and plain JSON Schema rules last.
 */
export function listIssues (request: FastifyRequest): Issue[] {
  // Cast: the plugin has added the issues, but for a route that was declared before it.
  const error = request.validationError as typeof request.validationError & { issues?: Issue[] } | undefined
  if (error === undefined) return []
  addIssues(error, request)
  return error.issues ?? [createGenericIssue('body')]
}

function createGenericIssue (part: Issue['in']): Issue {
  return { in: part, name: '*', expected: fitsSchema, message: checkThis }
}

/** The first issue of each name. */
export function dropRepeats (issues: Issue[]): Issue[] {
  return issues.filter((issue, index) => {
    return issues.findIndex((other) => other.in === issue.in && other.name === issue.name) === index
  })
}
