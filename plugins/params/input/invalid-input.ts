import createError from '@fastify/error'
import type { FastifyError, FastifyRequest } from 'fastify'
import { findBrokenRules } from './broken-rules.ts'
import type { Issue } from './issue.ts'
import { fitsSchema } from './schema-words.ts'

/**
 * The 400 that a route with converters answers. `issues` holds every fact of the message, for an error handler that
 * shows them its own way.
 */
export interface InvalidInputError extends FastifyError {
  code: 'FST_QUICKSTART_PARAMS_INVALID'
  statusCode: 400
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
  error.issues = issues.length > 0 ? issues : [{ in: part, name: '*', expected: fitsSchema }]
}
