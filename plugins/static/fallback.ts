import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { listContextsAround, listContextsIn } from '../../lib/per-context.ts'
import { prefersHtml } from '../../lib/prefers-html.ts'
import { escapeRegExp, parseRoute, readBasePath } from '../../lib/router.ts'
import { addVary } from '../../lib/vary.ts'
import type { Files, Found } from './files/files.ts'
import { isPublicName } from './files/names.ts'
import { type FileUrls, readName } from './urls.ts'

/** Returns the file that answers where there is none of that name; `undefined` where it is not for this request. */
export type FallbackLookUp = (request: FastifyRequest, reply: FastifyReply) => Found | undefined

/**
 * Creates the look-up of the option `fallback`.
 *
 * @param fallback the name of the file
 * @param isOthers whether a name below root belongs to another route, or to another part of the app
 */
export function createFallbackLookUp (
  fallback: string, files: Files, urls: FileUrls, isOthers: (name: string) => boolean
): FallbackLookUp {
  return (request, reply) => {
    const name = readName(request)
    if (!urls.isBelow(request.raw.url!) || !isPageName(name) || isOthers(name)) return undefined
    // Also where the answer is a 404: a cache must not give it to another client.
    addVary(reply, 'Accept')
    addVary(reply, 'Sec-Fetch-Dest')
    const found = isForPage(request) ? files.find(fallback) : undefined
    return found && { ...found, cacheControl: 'no-cache' }
  }
}

/** Whether a page may have this name: a hidden file stays missing, and so does what `.well-known/` does not have. */
function isPageName (name: string): boolean {
  return name === '' || (isPublicName(name.replace(/\/$/, '')) && !name.startsWith('.'))
}

/** What a browser says that it loads for (Fetch section 3.6.1): a page, or `empty` for a script's own request. */
const destinationsOfPages = new Set([
  undefined, 'document', 'iframe', 'frame', 'fencedframe', 'embed', 'object', 'empty'
])

/** Whether a page is asked for: not a script, a style or a picture, which would be broken in a harder way by one. */
function isForPage ({ raw, headers }: FastifyRequest): boolean {
  const destination = headers['sec-fetch-dest'] as string | undefined // Node joins what is sent twice
  return destinationsOfPages.has(destination) && prefersHtml(raw)
}

/**
 * Creates the test whether a name lies below the prefix of another part of the app, a plugin with hooks of its own. It
 * may be guarded by them.
 *
 * @param base the path that the files' URLs begin with
 */
export function createOtherPartsTest (app: FastifyInstance, base: string): (name: string) => boolean {
  const below: RegExp[] = []
  const start = base.toLowerCase()
  const note = (part: FastifyInstance): void => {
    const prefix = readBasePath(part)
    if (!prefix.toLowerCase().startsWith(start)) return
    const path = parseRoute(prefix.slice(start.length)).map((piece) => {
      return 'text' in piece ? escapeRegExp(piece.text) : '[^/]*'
    })
    below.push(new RegExp(`^${path.join('')}(?:/|$)`, 'i'))
  }
  const contexts = listContextsAround(app)
  for (const part of listContextsIn(contexts.at(-1)!)) note(part)
  for (const context of contexts) context.addHook('onRegister', note)
  return (name) => below.some((pattern) => pattern.test(name))
}
