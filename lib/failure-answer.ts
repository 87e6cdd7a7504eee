import type { FastifyInstance, FastifyReply } from 'fastify'
import { escapeHtml } from './escape-html.ts'

/** Why a request failed. Each text is on one line and without control characters, but for the excerpt's lines. */
export interface Failure {
  statusCode: number
  /** The status in words. */
  error: string
  /** What other clients are told. */
  message: string
  code?: string
  /** What failed, in a few words. */
  title: string
  reason: string
  /** The file that failed, the line in it, and the lines around that one. */
  file?: string | undefined
  line?: number | undefined
  excerpt?: string | undefined
  /** What to do after it is corrected, where the page does not reload by itself. */
  advice: string
}

/** Whether pages reload by themselves: a decorator that live reload sets. */
export const reloadsPages = 'quickstartReloadsPages'

/** Tells the developer where a request failed and why: as a page, as JSON or as text, by what the client asks for. */
export function sendFailure (reply: FastifyReply, failure: Failure): FastifyReply {
  const { accept = '' } = reply.request.headers
  const { title, advice, ...facts } = failure
  const { statusCode, message, reason, file, line, excerpt = '' } = facts
  reply.code(statusCode).header('cache-control', 'no-store')
  if (accept.includes('json')) return reply.type('application/json; charset=utf-8').send(facts)
  if (accept.includes('text/html')) {
    return reply.type('text/html; charset=utf-8').send(writePage(failure, reply))
  }
  const place = file === undefined ? '' : `${file}:${line}: `
  return reply.type('text/plain; charset=utf-8')
    .send(`${message}\n\n${place}${reason}\n${excerpt}\n\n${shownTo}\n`)
}

const shownTo = 'Only a client on this machine is shown this, and never when NODE_ENV is production.'

/** Writes the page without a template, which may be what failed. It has no inline code, so any policy lets it pass. */
function writePage (failure: Failure, { request }: FastifyReply): string {
  const { title, reason, file, line, excerpt = '', advice } = failure
  const { server, method } = request
  const style = findStyle(server)
  const place = file === undefined ? '' : `<p>${escapeHtml(file)}, line ${line}</p>\n`
  const lines = excerpt === '' ? '' : `<pre class="code" tabindex="0">${escapeHtml(excerpt)}</pre>\n`
  const reloads = method === 'GET' && server.hasDecorator(reloadsPages)
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
${style === undefined ? '' : `<link rel="stylesheet" href="${escapeHtml(style)}">\n`}</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="lead"><strong>${escapeHtml(reason)}</strong></p>
${place}${lines}<p>${reloads ? '' : `${advice} `}${shownTo}</p>
</main>
</body>
</html>
`
}

/** The URL of the style sheet that the other pages have, where the static topic has one. */
function findStyle (server: FastifyInstance): string | undefined {
  if (!server.hasDecorator('asset')) return undefined
  try {
    return server.getDecorator<(name: string) => string>('asset').call(server, 'style.css')
  } catch {
    return undefined // there is no such file
  }
}
