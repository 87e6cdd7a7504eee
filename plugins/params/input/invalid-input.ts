import createError from '@fastify/error'
import type { FastifyError } from 'fastify'

/** One thing that is wrong with a request: where, which name, what it must be. Never what the client sent. */
export interface Issue {
  /** The part of the request. */
  in: 'params' | 'query' | 'body'
  /** The parameter's name in the route's schema; in a query or a body `'*'` for a name that it does not have. */
  name: string
  /** Completes "must be …". */
  expected: string
}

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

const places = { params: 'path parameter', query: 'query parameter', body: 'body field' }
const contexts = { params: 'params', query: 'querystring', body: 'body' }

/** What Fastify's own errors of validation carry. */
interface Validation {
  validation: object[]
  validationContext: string
}

/**
 * The error for what is wrong with a request, which is at least one issue. It carries `validation` and
 * `validationContext` as Fastify's own errors do, so that a host that looks at those sees this one too.
 */
export function invalidInput (issues: Issue[]): InvalidInputError & Validation {
  const error = new InvalidInput(issues.map(inWords).join('; '))
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

function inWords (issue: Issue): string {
  // In a path, '*' is the name of a parameter: the wildcard's.
  const isEvery = issue.name === '*' && issue.in !== 'params'
  const subject = isEvery ? `every ${places[issue.in]}` : `${places[issue.in]} "${issue.name}"`
  return `${subject} must be ${issue.expected}`
}
