import type { FastifyReply } from 'fastify'

/**
 * Keeps a guarded answer out of caches that several people share. Without a word from the route, no cache keeps it at all.
 * RFC 9111 section 3.5 lets a shared cache keep an answer to a request with credentials once it says `public`,
 * `s-maxage` or `must-revalidate`, as one for a static file does; `private` forbids it.
 *
 * @param isLetIn whether the guard has let the request in
 */
export function keepPrivate (reply: FastifyReply, isLetIn: boolean): void {
  // What says that somebody is not let in is about that one request, whatever the host's error handler says of its answers.
  if (!isLetIn) {
    reply.header('cache-control', 'no-store')
    return
  }
  const own = reply.getHeader('cache-control')
  if (own === undefined) {
    reply.header('cache-control', 'no-store')
    return
  }
  const directives = String(own).match(/(?:[^,"]|"[^"]*")+/g)?.map((directive) => directive.trim()) ?? []
  const names = directives.map((directive) => directive.toLowerCase().replace(/\s*=.*/, ''))
  if (names.includes('no-store')) return

  // With a list of fields, `private` is about these alone; without one, about the whole answer.
  const kept = directives.filter((directive, index) => directive !== '' && !['public', 's-maxage', 'private'].includes(names[index] as string))
  reply.header('cache-control', ['private', ...kept].join(', '))

  const vary = String(reply.getHeader('vary') ?? '')
  const fields = vary.toLowerCase().split(',').map((field) => field.trim())
  if (!fields.includes('*') && !fields.includes('authorization')) {
    reply.header('vary', vary === '' ? 'Authorization' : `${vary}, Authorization`)
  }
}
