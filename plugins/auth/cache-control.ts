import type { FastifyReply } from 'fastify'
import { extendVary } from '../../lib/vary.ts'

type Head = Record<string, unknown>
type WriteHead = (status: number, ...rest: unknown[]) => unknown

/**
 * Keeps a guarded answer out of caches that several people share. It changes the head as it leaves, after every hook,
 * error handler and stream of the host has set what it likes.
 *
 * @param isAdmitted whether the guard has let the request in, asked when the head leaves
 */
export function keepPrivate (reply: FastifyReply, isAdmitted: () => boolean): void {
  // Its overloads, and those of HTTP/2, come to this: a status, perhaps a text, perhaps fields.
  const raw = reply.raw as Omit<typeof reply.raw, 'writeHead'> & { writeHead: WriteHead }
  const { writeHead } = raw
  raw.writeHead = function (status, ...rest) {
    const given = typeof rest.at(-1) === 'object' ? rest.pop() : undefined
    const head = Array.isArray(given) ? setAll(given) : given as Head | undefined ?? {} // Node takes no other object
    const own = take(head, 'cache-control')
    if (own === undefined || !isAdmitted()) {
      head['cache-control'] = 'no-store'
    } else {
      const directives = listPrivateDirectives(String(own))
      head['cache-control'] = directives.join(', ')
      if (!isNeverStored(directives)) head.vary = extendVary(take(head, 'vary'), 'Authorization')
    }
    return writeHead.call(this, status, ...rest, head)
  }

  /** Returns what a field has been set to; a name in the head may be in any case. */
  function take (head: Head, name: string): unknown {
    let value: unknown = raw.getHeader(name)
    for (const key in head) {
      if (key.length !== name.length || key.toLowerCase() !== name) continue
      value = head[key]
      if (key !== name) delete head[key]
    }
    return value
  }

  /** Node takes a list of names and values too, flat or in pairs. */
  function setAll (list: unknown[]): Head {
    const flat = list.flat()
    for (let index = 0; index < flat.length; index += 2) raw.removeHeader(String(flat[index]))
    for (let index = 0; index < flat.length; index += 2) raw.appendHeader(String(flat[index]), String(flat[index + 1]))
    return {}
  }
}

/**
 * The directives that a guarded answer is sent with, by those that the host has set. RFC 9111 section 3.5 lets a shared
 * cache keep an answer to a request with credentials once it says `public`, `s-maxage` or `must-revalidate`; `private`
 * forbids it.
 */
function listPrivateDirectives (own: string): string[] {
  const directives = own.match(/(?:[^,"]|"[^"]*")+/g)?.map((directive) => directive.trim()) ?? []
  const kept = directives.filter((directive) => !['', 'public', 's-maxage'].includes(readName(directive)))
  if (isNeverStored(kept)) return kept
  // With a list of fields, `private` is about these alone; without one, about the whole answer.
  return ['private', ...kept.filter((directive) => readName(directive) !== 'private')]
}

function isNeverStored (directives: string[]): boolean {
  return directives.some((directive) => readName(directive) === 'no-store')
}

function readName (directive: string): string {
  return directive.toLowerCase().split('=', 1)[0]!.trim() // split gives one part at least
}
