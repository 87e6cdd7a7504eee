import type { FastifyInstance } from 'fastify'
import { blocksInline, type ContentSecurityPolicy, formatPolicy } from '../settings/content-security-policy.ts'

/** The attributes of a tag. What is not closed ends with the page, so that each tag is read once. */
const inTag = '(?:"[^"]*(?:"|$)|\'[^\']*(?:\'|$)|[^"\'>])*'

/** A tag that may hold inline code. What lies in a comment, a script or a style is passed over. */
const inline = new RegExp([
  '<!--[^]*?(?:-->|$)',
  `<script(?![\\w-])(?<script>${inTag})(?:>[^]*?(?:</script|$)|$)`,
  `<style(?![\\w-])(?<style>${inTag})(?:>[^]*?(?:</style|$)|$)`,
  `<[a-z][^\\s/>]*(?<attributes>${inTag})(?:>|$)`
].join('|'), 'gi')

/** The type of a script element that holds data: none of those that a browser acts on. */
const data = /\stype\s*=\s*["']?(?!module|importmap|speculationrules|(?:text|application)\/javascript|["'\s])[\w/+-]/i

/** The kinds of inline code in a page that have no nonce, each once. */
export function findInlineCode (html: string): Array<{ kind: 'script' | 'style', what: string }> {
  const found = new Map<string, 'script' | 'style'>()
  for (const { groups = {} } of html.matchAll(inline)) {
    const { script, style, attributes = '' } = groups
    if (script !== undefined && !/\s(?:src|nonce)\s*=/i.test(script) && !data.test(script)) {
      found.set('an inline <script>', 'script')
    }
    if (style !== undefined && !/\snonce\s*=/i.test(style)) found.set('an inline <style>', 'style')
    const names = attributes.replaceAll(/=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+)/g, '=')
    if (/\sstyle=/i.test(names)) found.set('a style attribute', 'style')
    const handler = /\s(on[a-z]+)=/i.exec(names)?.[1]
    if (handler !== undefined) found.set(`an ${handler.toLowerCase()} attribute`, 'script')
  }
  return [...found].map(([what, kind]) => ({ what, kind }))
}

/** In development: one line in the log for each page that holds inline code which the policy stops in the browser. */
export function warnOfInlineCode (app: FastifyInstance, csp: ContentSecurityPolicy): void {
  const policy = formatPolicy(csp)
  if (policy === undefined) return
  const stopped = (['script', 'style'] as const).filter((kind) => blocksInline(policy, kind))
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || !/^text\/html/i.test(String(reply.getHeader('content-type')))) return
    const found = findInlineCode(payload).filter(({ kind }) => stopped.includes(kind)).map(({ what }) => what)
    if (found.length === 0) return
    request.log.warn(
      `${request.url} holds ${found.join(' and ')}, which the Content-Security-Policy stops: ` +
      'move it to a file in public/, give the element nonce="<%= it.nonce %>", or set QUICKSTART_CSP'
    )
  })
}
