import type { FastifyReply } from 'fastify'

/**
 * Adds a request field's name to Vary (RFC 9110 section 12.5.5), beside what is there already. A name that is listed,
 * in whatever case, is not repeated; `*` stands for every field.
 */
export function addVary (reply: FastifyReply, field: string): void {
  const value = reply.getHeader('vary')
  const names = value === undefined ? [] : String(value).split(',').map((name) => name.trim()).filter((name) => name !== '')
  if (names.some((name) => name === '*' || name.toLowerCase() === field.toLowerCase())) return
  reply.header('vary', [...names, field].join(', '))
}
