import type { FastifyReply } from 'fastify'

/**
 * Returns the value of Vary (RFC 9110 section 12.5.5) with one more request field in it. A name that is listed already,
 * in whatever case, is not repeated; `*` stands for every field.
 *
 * @param value what Vary says so far; undefined where it is not set
 */
export function extendVary (value: unknown, field: string): string {
  const names = String(value ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '')
  const isListed = names.some((name) => name === '*' || name.toLowerCase() === field.toLowerCase())
  return isListed ? String(value) : [...names, field].join(', ')
}

/** Adds a request field's name to an answer's Vary. */
export function addVary (reply: FastifyReply, field: string): void {
  reply.header('vary', extendVary(reply.getHeader('vary'), field))
}
