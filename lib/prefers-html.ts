import type { IncomingMessage } from 'node:http'
import Negotiator from 'negotiator'

/**
 * Whether a client prefers HTML to JSON, by the qualities in its Accept (RFC 9110 section 12.5.1). One that takes both
 * alike, such as any type, is a program; a browser asks for a page by the name of its type.
 */
export function prefersHtml (request: IncomingMessage): boolean {
  return new Negotiator(request).mediaType(['application/json', 'text/html']) === 'text/html'
}
