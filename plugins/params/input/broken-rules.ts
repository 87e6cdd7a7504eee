import type { FastifyRequest } from 'fastify'
import { isObject } from '../../../lib/check-options.ts'
import type { Issue } from './issue.ts'
import { adviseOnSchema } from './schema-advice.ts'
import { fitsSchema, describeSchema } from './schema-words.ts'

/** The parts of a request that have a schema, and Fastify's name for each one's schema. */
const parts = [['params', 'params'], ['query', 'querystring'], ['body', 'body'], ['headers', 'headers']] as const
type HttpPart = typeof parts[number][1]

/** The most issues that a part of a request has, and the most values of a list that are looked at. */
const most = 100

/** How deep values within values are looked at: deeper ones are the client's to make, and could fill the stack. */
const deepest = 20

/** A rule: a schema, or a part of one. */
type Rule = Record<string, unknown>

/**
 * Finds everything that is wrong with a request by the plain rules of its route's schema. The validator stops at the
 * first broken rule, so it is asked about each field by itself. That takes time, and is for refused requests alone.
 *
 * @param isRead whether a field is left out, as a converter has read it. Default: none is
 */
export function findBrokenRules (
  request: FastifyRequest, isRead?: (part: Issue['in'], name: string) => boolean
): Issue[] {
  return parts.flatMap(([part, httpPart]) => {
    const schema = findSchema(request, httpPart)
    if (!isObject(schema)) return []
    const search: Search = { part, httpPart, request, root: schema }
    const input: unknown = request[part] ?? {}
    // Fastify's copy of the schema of headers has their names in lower case, and this one has not.
    if (isRead === undefined && part !== 'headers') return check(search, schema, input, []).slice(0, most)
    const fields = isObject(input) ? input : {}
    return checkFields(search, schema, fields, [], (name) => isRead?.(part, name) === true).slice(0, most)
  })
}

function findSchema ({ routeOptions, mediaType = '' }: FastifyRequest, httpPart: HttpPart): unknown {
  const schema: unknown = routeOptions.schema?.[httpPart]
  if (httpPart !== 'body' || !isObject(schema) || !isObject(schema.content)) return schema
  // A schema for each media type.
  const content = schema.content[mediaType]
  return isObject(content) ? content.schema : undefined
}

interface Search {
  readonly part: Issue['in']
  readonly httpPart: HttpPart
  readonly request: FastifyRequest
  /** The schema that a `$ref` is looked up in. */
  readonly root: Rule
}

/** Whether the host's validator lets a value pass. `undefined` for a rule that works as a part of the whole alone. */
function fits ({ request, httpPart }: Search, rule: Rule, value: unknown): boolean | undefined {
  try {
    // Cast: to Fastify's types, any validator is Ajv's. It is compiled once for a rule.
    const answer = request.compileValidationSchema(rule, httpPart)(value) as boolean | { error?: unknown }
    return answer !== false && !(isObject(answer) && answer.error !== undefined)
  } catch {
    return undefined
  }
}

/** Returns the innermost values that break a rule, or else the value itself. */
function check (search: Search, rule: unknown, value: unknown, path: string[]): Issue[] {
  if (!isObject(rule)) return []
  const referred = typeof rule.$ref === 'string' ? followRef(search, rule.$ref) : undefined
  if (referred !== undefined) return check({ ...search, root: referred.root }, referred.rule, value, path)
  const isFit = fits(search, rule, value)
  if (isFit === true) return []
  const within = path.length < deepest ? checkWithin(search, rule, value, path) : []
  return within.length > 0 || isFit === undefined ? within : [createIssueOf(search, rule, value, path)]
}

/** Looks a rule up in the schema itself, or in one that the host has added. */
function followRef ({ request, root }: Search, ref: string): { root: Rule, rule: Rule } | undefined {
  const [id = '', pointer = ''] = ref.split('#')
  const document: unknown = id === '' ? root : request.server.getSchema(id)
  let rule = document
  for (const key of pointer.split('/').slice(1)) rule = isObject(rule) ? rule[key] : undefined
  return isObject(document) && isObject(rule) ? { root: document, rule } : undefined
}

function checkWithin (search: Search, rule: Rule, value: unknown, path: string[]): Issue[] {
  if (!Array.isArray(value)) return isObject(value) ? checkFields(search, rule, value, path) : []
  return value.slice(0, most).flatMap((item, index) => check(search, rule.items, item, [...path, String(index)]))
}

function checkFields (
  search: Search, rule: Rule, fields: Record<string, unknown>, path: string[], isRead = (name: string) => false
): Issue[] {
  const rules = isObject(rule.properties) ? rule.properties : {}
  const required = new Set<string>(Array.isArray(rule.required) ? rule.required : [])
  const names = [...new Set([...Object.keys(rules), ...required])].filter((name) => !isRead(name))
  return names.flatMap((name) => {
    const key = search.part === 'headers' ? name.toLowerCase() : name
    const own = rules[name]
    if (Object.hasOwn(fields, key)) return check(search, own, fields[key], [...path, name])
    const isMissing = required.has(name) && !(isObject(own) && own.default !== undefined)
    if (!isMissing) return []
    return [createIssue(search, [...path, name], `given: ${describeSchema(own)}`, adviseOnSchema(own, undefined))]
  })
}

/** The issue for a value that breaks a rule, where no value within it does. */
function createIssueOf (search: Search, rule: Rule, value: unknown, path: string[]): Issue {
  const message = adviseOnSchema(rule, value)
  if (isObject(value)) {
    return rule.additionalProperties === false
      ? createIssue(search, [...path, '*'], 'known here', 'Please leave out fields that are not in the form')
      : createIssue(search, [...path, '*'], fitsSchema, message)
  }
  const expected = describeSchema(rule)
  return path.length === 0
    ? createIssue(search, ['*'], `in ${expected}`, message)
    : createIssue(search, path, expected, message)
}

function createIssue ({ part }: Search, path: string[], expected: string, message: string): Issue {
  return { in: part, name: path.join('.'), expected, message }
}
