import type { FastifyInstance } from 'fastify'

/*
 * The one place that knows find-my-way, Fastify's router: its settings, and how it reads the path that a route is
 * declared with.
 */

/** The settings that decide which URLs lead to a route. */
export interface RouterSettings {
  readonly ignoreDuplicateSlashes: boolean
  readonly ignoreTrailingSlash: boolean
  /** The longest parameter, in UTF-16 units. */
  readonly maxParamLength: number
  /** A `;` ends the path, as `?` does. */
  readonly useSemicolonDelimiter: boolean
}

/** Reads the settings wherever the host gave them: in `routerOptions`, or beside it as before Fastify 5.5. */
export function readRouterSettings ({ initialConfig }: FastifyInstance): RouterSettings {
  // Cast: Fastify's types know `useSemicolonDelimiter` in its older place alone.
  const router: Partial<RouterSettings> = initialConfig.routerOptions ?? {}
  // 100 is Fastify's default, and stands in the place that the host did not use.
  const lengths = [router.maxParamLength, initialConfig.maxParamLength]
  return {
    ignoreDuplicateSlashes: Boolean(router.ignoreDuplicateSlashes || initialConfig.ignoreDuplicateSlashes),
    ignoreTrailingSlash: Boolean(router.ignoreTrailingSlash || initialConfig.ignoreTrailingSlash),
    maxParamLength: lengths.find((length) => length !== undefined && length !== 100) ?? 100,
    useSemicolonDelimiter: Boolean(router.useSemicolonDelimiter || initialConfig.useSemicolonDelimiter)
  }
}

/** Matches the end of the path in a URL: where its query begins, or its end. */
export function createPathEndPattern ({ useSemicolonDelimiter }: RouterSettings): RegExp {
  return useSemicolonDelimiter ? /[?#;]|$/ : /[?#]|$/
}

/**
 * Matches the escapes that the router leaves as they are, of characters that stand for themselves in a path: those of
 * $ & + , : ; = @. It decodes all others but those of # % / ? before it looks for a route.
 */
export function createUndecodedPattern ({ useSemicolonDelimiter }: RouterSettings): RegExp {
  return useSemicolonDelimiter ? /%(?:2[46BC]|3[AD]|40)/gi : /%(?:2[46BC]|3[ABD]|40)/gi
}

/** A parameter of a segment, and the text that follows it there. */
export interface RouteParameter {
  readonly name: string
  /** The route's own expression with its parentheses, such as `(^\\d+$)`; `''` for none. */
  readonly pattern: string
  readonly after: string
}

/** A stretch of a declared path: text that stands for itself, the parameters of a segment, or the wildcard. */
export type RoutePiece = { text: string } | { parameters: RouteParameter[] } | { wildcard: true }

/**
 * Takes a declared path apart: `:a`, `:a-:b`, `:a(^\\d+$)`, `*`, and `::` for a colon. A name ends at `/`, `-`, `.` or
 * `(`, where a pattern begins; so `:a:b` is one parameter. A `?` is text here: see {@link expandOptional}.
 */
export function parseRoute (path: string): RoutePiece[] {
  if (path === '') return []
  const [text] = /^(?:::|[^:*])*/.exec(path)!
  if (text !== '') return [{ text: unescapeColons(text) }, ...parseRoute(path.slice(text.length))]
  // Fastify refuses a route with anything after its wildcard.
  if (path.startsWith('*')) return [{ wildcard: true }, ...parseRoute(path.slice(1))]
  const { parameters, rest } = parseParameters(path)
  return [{ parameters }, ...parseRoute(rest)]
}

function parseParameters (path: string): { parameters: RouteParameter[], rest: string } {
  const parameters: RouteParameter[] = []
  let rest = path
  while (rest.startsWith(':')) {
    const [name] = /^:[^-.(/]*/.exec(rest)!
    rest = rest.slice(name.length)
    const pattern = rest.startsWith('(') ? rest.slice(0, findClosingParenthesis(rest) + 1) : ''
    rest = rest.slice(pattern.length)
    const [after] = /^(?:::|[^:/])*/.exec(rest)!
    rest = rest.slice(after.length)
    parameters.push({ name: name.slice(1), pattern, after: unescapeColons(after) })
  }
  return { parameters, rest }
}

function unescapeColons (text: string): string {
  return text.replaceAll('::', ':')
}

/**
 * Returns where the first parenthesis closes, or the length of the text where it does not. A backslash escapes the
 * character after it.
 */
function findClosingParenthesis (text: string): number {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '(') depth++
    else if (text[index] === ')' && --depth === 0) return index
  }
  return text.length
}

/** Returns the names of a path's parameters, in their order; the wildcard's is `'*'`. */
export function listParameterNames (path: string): string[] {
  return parseRoute(expandOptional(path)[0]).flatMap((piece) => {
    if ('wildcard' in piece) return ['*']
    return 'parameters' in piece ? piece.parameters.map(({ name }) => name) : []
  })
}

/**
 * Returns the two paths that the router makes of one that ends in `/:name?`: with that segment, and without it. Both
 * are the path itself where its last parameter is not optional.
 */
export function expandOptional (path: string): [longer: string, shorter: string] {
  const optional = /(\/:[^/()]*?)\?(\/?)/
  return [path.replace(optional, '$1$2'), path.replace(optional, '$2') || '/']
}

/**
 * Creates the expression by which the router takes a segment apart, with a group for each parameter. A segment that is
 * one bare parameter needs none.
 */
export function createSegmentMatcher (parameters: readonly RouteParameter[]): RegExp | undefined {
  if (parameters.length === 1 && parameters[0]!.pattern === '' && parameters[0]!.after === '') return undefined
  let source = ''
  let previous: RouteParameter | undefined
  for (const parameter of parameters) {
    const { pattern, after } = parameter
    const before = previous?.pattern === '' ? escapeRegExp(previous.after) : undefined
    if (pattern !== '') source += pattern.replace(/^\(\^/, '(').replace(/\$\)$/, ')')
    // A parameter after one without a pattern must not run over the text that parted the two.
    else source += before === undefined ? '(.*?)' : `(${before}|(?:(?!${before}).)*)`
    source += escapeRegExp(after)
    previous = parameter
  }
  return new RegExp(`^${source}$`)
}

/**
 * Returns the parameter whose pattern has a capturing group that shifts the values of the parameters after it: the
 * router hands out a segment's groups one after the other. `undefined` where there is none.
 */
export function findShiftingParameter (path: string): string | undefined {
  const last = listParameterNames(path).at(-1)
  return parseRoute(expandOptional(path)[0])
    .flatMap((piece) => 'parameters' in piece ? piece.parameters : [])
    .find(({ name, pattern }) => name !== last && pattern !== '' && countGroups(pattern) > 1)?.name
}

/** An alternative that matches nothing shows all groups of an expression. */
function countGroups (pattern: string): number {
  return new RegExp(`${pattern}|`).exec('')!.length - 1
}

/** Escapes text that stands for itself in a regular expression. */
export function escapeRegExp (text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Stands for a parameter in the segments of a path: a character that no URL's path holds. */
export const anyParameter = '\0'

/**
 * Returns the paths that a route answers, each as segments in a form in which two can be compared: two where its last
 * parameter may be left out, else one.
 *
 * @param url the path that the route is declared with, its context's prefix included
 * @param prefix of the context that the route is declared in
 */
export function listAnsweredPaths (url: string, prefix: string, { ignoreTrailingSlash }: RouterSettings): string[][] {
  // A prefix' own route `/` is declared as the prefix alone, and answers with a slash at its end too.
  const endsInAnySlash = ignoreTrailingSlash || (url === prefix && url !== '')
  const path = endsInAnySlash && !url.endsWith('*') ? `${url}/` : url
  return [...new Set(expandOptional(path))].map(toComparableSegments)
}

/**
 * Returns the segments of a declared path, in the form in which two can be compared. The router may be told to see no
 * difference in case or in doubled slashes; and how a parameter is called, or which pattern it has, does not change
 * which path it is.
 */
export function toComparableSegments (path: string): string[] {
  const text = parseRoute(path).map((piece) => {
    if ('text' in piece) return piece.text
    return 'wildcard' in piece ? '*' : piece.parameters.map(({ after }) => anyParameter + after).join('')
  }).join('')
  // A route that is declared as `*` answers what no other does.
  return `/${text}`.replace(/\/{2,}/g, '/').toLowerCase().split('/').slice(1)
}

/** A route as the router prints it. */
export interface PrintedRoute {
  /** Its path. A literal colon cannot be told from one that begins a parameter's name. */
  readonly path: string
  readonly methods: readonly string[]
}

/**
 * Lists the routes of all contexts, also those that no `onRoute` hook was told of. The router shows them in no other
 * way than as a tree for people, in which each line has the next part of a path.
 */
export function listPrintedRoutes (app: FastifyInstance): PrintedRoute[] {
  const routes: PrintedRoute[] = []
  const parts: string[] = []
  // A branch begins each part; a line without one belongs to the part above it, as where a path holds a line break.
  const branches = /^((?:│ {3}| {4})*)[├└]── (.*(?:\n(?! *(?:│|├|└)).*)*)/gm
  for (const [, indent, text] of app.printRoutes().matchAll(branches)) {
    // The pattern has both groups in each match.
    const [, part = text!, methods] = /^([^]*?) \(([A-Z-]+(?:, [A-Z-]+)*)\)/.exec(text!) ?? []
    parts.length = indent!.length / 4
    parts.push(part === '(empty root node)' ? '' : part)
    if (methods !== undefined) routes.push({ path: parts.join(''), methods: methods.split(', ') })
  }
  return routes
}

/** Returns the path that a context's routes begin with: its prefix, without a slash at its end. */
export function readBasePath ({ prefix }: FastifyInstance): string {
  return prefix.replace(/\/$/, '')
}
