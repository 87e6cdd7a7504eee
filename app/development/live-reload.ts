import type { FastifyInstance } from 'fastify'
import { type FSWatcher, watch } from 'node:fs'
import { PassThrough } from 'node:stream'
import { basePath } from '../../lib/router.ts'

/** Milliseconds between the first change of a file and the message: an editor writes several times. */
const settling = 100

/**
 * What runs in the page. The first message names the server's process. Another name after a lost connection is
 * another process, so the page is stale.
 */
const script = (url: string) => `let server
function listen () {
  const events = new EventSource(${JSON.stringify(url)})
  events.onmessage = ({ data }) => {
    if (data === 'changed' || (server !== undefined && server !== data)) location.reload()
    server = data
  }
  events.onerror = () => {
    events.close()
    setTimeout(listen, 500)
  }
}
listen()
`

/**
 * For development: reloads a browser's page when a file below one of the folders changes, or the server starts anew.
 * Each HTML page gets a script that listens to server-sent events. Call it before the plugins and routes are
 * registered:
 *
 * ```ts
 * import { reloadPages } from 'fastify-quickstart/live-reload'
 *
 * if (process.env.NODE_ENV !== 'production') reloadPages(app, [join(import.meta.dirname, 'views')])
 * ```
 *
 * @param folders absolute paths
 */
export function reloadPages (app: FastifyInstance, folders: readonly string[]): void {
  const base = `${basePath(app)}/quickstart-reload`
  const pages = new Set<PassThrough>()
  let timer: NodeJS.Timeout | undefined
  let watchers: FSWatcher[] = []

  app.addHook('onReady', async () => {
    watchers = folders.map((folder) => watch(folder, { recursive: true }, () => {
      timer ??= setTimeout(() => {
        timer = undefined
        for (const page of pages) page.write('data: changed\n\n')
      }, settling)
    }).on('error', (error) => app.log.warn(`changes in ${folder} are not seen: ${error.message}`)))
  })
  app.addHook('preClose', async () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
    for (const page of pages) page.end()
  })

  app.get('/quickstart-reload', { config: { answeredBy: 'reload' } }, (request, reply) => {
    const page = new PassThrough()
    pages.add(page)
    page.on('close', () => pages.delete(page))
    page.write(`data: ${process.pid}\n\n`)
    reply.header('cache-control', 'no-store').type('text/event-stream').send(page)
  })
  app.get('/quickstart-reload.js', { config: { answeredBy: 'reload' } }, async (request, reply) => {
    return reply.header('cache-control', 'no-store').type('text/javascript; charset=utf-8').send(script(base))
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || !/^text\/html/i.test(String(reply.getHeader('content-type')))) return payload
    reply.removeHeader('content-length')
    return `${payload}<script src="${base}.js" defer></script>\n`
  })
}
