import type { FastifyError, FastifyReply } from 'fastify'
import { TemplateProblem } from './compile/compile.ts'
import { escapeHtml } from './engine/escape.ts'

/** Tells the developer where a page failed and why: as a page, as JSON or as text, by what the client asks for. */
export function sendFailure (reply: FastifyReply, { code, message, cause }: FastifyError): FastifyReply {
  const { accept = '' } = reply.request.headers
  const { file, line, excerpt } = cause instanceof TemplateProblem ? cause : {}
  // A thrown value that is no Error has been wrapped in one.
  const reason = cause instanceof TemplateProblem ? cause.reason : (cause as Error).message
  reply.code(500).header('cache-control', 'no-store')
  if (accept.includes('json')) {
    return reply.type('application/json; charset=utf-8')
      .send({ statusCode: 500, code, error: 'Internal Server Error', message, reason, file, line, excerpt })
  }
  if (accept.includes('text/html')) {
    return reply.type('text/html; charset=utf-8').send(writePage(reason, file, line, excerpt))
  }
  const place = file === undefined ? '' : `${file}:${line}: `
  return reply.type('text/plain; charset=utf-8')
    .send(`${message}\n\n${place}${reason}\n${excerpt ?? ''}\n\n${shownTo}\n`)
}

const shownTo = 'Only a client on this machine is shown this, and never when NODE_ENV is production.'

/** Writes the page without script and style, so that any content policy lets it pass. */
function writePage (reason: string, file?: string, line?: number, excerpt = ''): string {
  const place = file === undefined ? '' : `<p>${escapeHtml(file)}, line ${line}</p>\n<pre>${escapeHtml(excerpt)}</pre>`
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
<p>Correct it, then load this page again. ${shownTo}</p>
</body>
</html>
`
}
