import type { FastifyRequest } from 'fastify'
import { escapeHtml } from './escape.js'
import { TemplateProblem } from './problem.js'

/**
 * Whether a request comes from the developer's own browser, so that it may see the source of a template: straight from this
 * machine (no proxy or tunnel in between), to a name of this machine (no foreign site whose name was pointed here), for HTML.
 */
export function isDevelopersBrowser ({ headers, raw }: FastifyRequest): boolean {
  const { accept = '' } = headers
  return accept.includes('text/html') && !accept.includes('json') &&
    /^(?:127\.|::1$|::ffff:127\.)/.test(`${raw.socket.remoteAddress}`) &&
    /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(`${headers.host}`) &&
    !['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers)
}

/** The page for a template that fails while it is being worked on. It needs no script and no style, so that any content policy lets it pass. */
export function errorPage (cause: unknown): string {
  const place = cause instanceof TemplateProblem
    ? `<p>${escapeHtml(cause.file)}, line ${cause.line}</p>\n<pre>${escapeHtml(cause.excerpt)}</pre>`
    : ''
  const reason = cause instanceof TemplateProblem ? cause.reason : (cause as Error).message
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A template failed</title>
</head>
<body>
<h1>A template failed</h1>
<p><strong>${escapeHtml(reason)}</strong></p>
${place}
<p>Correct it, then load this page again. Only a browser on this machine is shown this, and never when NODE_ENV is production.</p>
</body>
</html>
`
}
