import type { FastifyRequest } from 'fastify'
import { InvalidGroup } from '../errors.ts'
import { isComment } from './htpasswd.ts'
import type { AccountFiles } from './account-files.ts'

/** The groups that a user is in. */
export type GroupLookup = (name: string, request: FastifyRequest) => readonly string[] | Promise<readonly string[]>

/**
 * Who is in which group: each group's users, as in `{ admins: ['alice'] }`; a function that finds a user's groups; or
 * the path of a file in the form of Apache's AuthGroupFile. Read at each request.
 */
export type Groups = Readonly<Record<string, readonly string[]>> | GroupLookup | string

const none: readonly string[] = Object.freeze([])

/**
 * Creates the function that finds a user's groups.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_GROUP` when the file is missing or a line of it is broken
 */
export function createGroupLookup (groups: Groups | undefined, files: AccountFiles): GroupLookup {
  if (groups === undefined) return () => none
  if (typeof groups === 'function') return async (name, request) => checkGroups(await groups(name, request))
  if (typeof groups === 'object') return (name) => findGroups(name, Object.entries(groups))
  const file = files.open(groups, parseGroups, InvalidGroup)
  return (name, request) => findGroups(name, file.contentFor(request))
}

function checkGroups (groups: unknown): readonly string[] {
  if (Array.isArray(groups) && groups.every((group) => typeof group === 'string')) return groups
  throw new TypeError('option "groups" answered something other than a list of group names')
}

function findGroups (name: string, groups: Iterable<readonly [string, readonly string[]]>): readonly string[] {
  return [...groups].filter(([, names]) => names.includes(name)).map(([group]) => group)
}

/**
 * Reads the text of a file in the form of Apache's AuthGroupFile (mod_authz_groupfile): a line `group: name name` for
 * each group, or several for one. A name with blanks is in quotes.
 *
 * @throws a plain error that names the line when one is broken
 */
function parseGroups (text: string): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (isComment(line)) continue
    const [, group, rest] = /^\s*([^\s:]+)\s*:(.*)$/.exec(line) ?? []
    if (group === undefined || rest === undefined) throw new Error(`line ${index + 1}: expected group: name name`)
    const names = splitNames(rest)
    if (names === undefined) throw new Error(`line ${index + 1}: a quote that does not close`)
    groups.set(group, [...groups.get(group) ?? [], ...names])
  }
  return groups
}

/**
 * Splits a line into names as Apache does (`ap_getword_conf`): between `"` or `'` a backslash stands before a quote or
 * another backslash, elsewhere before a backslash. Returns undefined for a quote that does not close.
 */
function splitNames (text: string): string[] | undefined {
  const names: string[] = []
  const word = /\s+|"((?:\\["\\]|[^"\\]|\\(?!["\\]))*)"|'((?:\\['\\]|[^'\\]|\\(?!['\\]))*)'|([^\s"']\S*)/y
  while (word.lastIndex < text.length) {
    const match = word.exec(text)
    if (match === null) return undefined
    const [, double, single, bare] = match
    if (double !== undefined) names.push(double.replace(/\\(["\\])/g, '$1'))
    if (single !== undefined) names.push(single.replace(/\\(['\\])/g, '$1'))
    if (bare !== undefined) names.push(bare.replaceAll('\\\\', '\\'))
  }
  return names
}
