import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { InvalidGroup } from '../errors.ts'
import { isComment } from './htpasswd.ts'
import { RereadFile } from './reread-file.ts'

/** The groups that a user is in. */
export type GroupLookup = (name: string, request: FastifyRequest) => readonly string[] | Promise<readonly string[]>

/**
 * Who is in which group: each group's users, as in `{ admins: ['alice'] }`; a function that finds a user's groups; or
 * the path of a file in the form of Apache's AuthGroupFile. Read at each request.
 */
export type Groups = Readonly<Record<string, readonly string[]>> | GroupLookup | string

const none: readonly string[] = Object.freeze([])

/**
 * Makes the function that finds a user's groups.
 *
 * @throws `FST_QUICKSTART_AUTH_INVALID_GROUP` when the file is missing or a line of it is broken
 */
export function openGroups (groups: Groups | undefined, log: FastifyBaseLogger): GroupLookup {
  if (groups === undefined) return () => none
  if (typeof groups === 'function') return async (name, request) => checked(await groups(name, request))
  if (typeof groups === 'object') return (name) => groupsOf(name, Object.entries(groups))
  const file = new RereadFile(groups, parseGroups, log, InvalidGroup)
  return (name, request) => groupsOf(name, file.contentFor(request))
}

function checked (groups: unknown): readonly string[] {
  if (Array.isArray(groups) && groups.every((group) => typeof group === 'string')) return groups
  throw new TypeError('option "groups" answered something other than a list of group names')
}

function groupsOf (name: string, groups: Iterable<readonly [string, readonly string[]]>): readonly string[] {
  return [...groups].filter(([, names]) => names.includes(name)).map(([group]) => group)
}

/**
 * Reads the text of a file in the form of Apache's AuthGroupFile (mod_authz_groupfile): a line `group: name name` for
 * each group, or several for one.
 *
 * @throws a plain error that names the line when one is broken
 */
function parseGroups (text: string): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (isComment(line)) continue
    const [, group, names] = /^\s*([^\s:]+)\s*:(.*)$/.exec(line) ?? []
    if (group === undefined || names === undefined) throw new Error(`line ${index + 1}: expected group: name name`)
    groups.set(group, [...groups.get(group) ?? [], ...names.split(/\s+/).filter((name) => name !== '')])
  }
  return groups
}
