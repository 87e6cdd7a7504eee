// Hono on Node, with its own middleware.
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { pageData } from '../content.js'
import { announce, job } from './announce.js'

const app = new Hono()

const files = async () => {
  const { serveStatic } = await import('@hono/node-server/serve-static')
  return serveStatic({
    root: job.root,
    precompressed: job.compressed,
    rewriteRequestPath: (path) => path.slice('/static'.length),
    onFound: (path, context) => { context.header('cache-control', 'no-cache') }
  })
}

/** @type {Record<string, () => void | Promise<void>>} */
const topics = {
  hello: () => {
    app.get('/', (context) => context.text('Hello World!', 200, { 'x-content-type-options': 'nosniff' }))
  },
  // It sends no validator by itself: less to do than the others have.
  static: async () => {
    app.use('/static/*', await files())
  },
  unchanged: async () => {
    const { etag } = await import('hono/etag')
    app.use('/static/*', etag(), await files())
  },
  page: async () => {
    const { html } = await import('hono/html')
    const layout = (/** @type {string} */ title, /** @type {unknown} */ body) => html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body>
${body}
</body>
</html>
`
    app.get('/', (context) => context.html(layout(pageData.title, html`<h1>${pageData.title}</h1>
<ul>
${pageData.items.map(({ name, value }) => html`<li><b>${name}</b> ${value}</li>
`)}</ul>`)))
  },
  params: () => {
    app.get('/user/:username', (context) => context.text(`User ${context.req.param('username')}`, 200, { 'x-content-type-options': 'nosniff' }))
  },
  query: async () => {
    const { validator } = await import('hono/validator')
    const search = validator('query', ({ q = '', page: given = '1', tag = [] }, context) => {
      const page = Number(given)
      if (!Number.isInteger(page) || page < 1) return context.text('page must be an integer from 1 on', 400)
      return { q, page, tag: [tag].flat() }
    })
    app.get('/search', search, (context) => context.json(context.req.valid('query'), 200, { 'x-content-type-options': 'nosniff' }))
  },
  auth: async () => {
    const { basicAuth } = await import('hono/basic-auth')
    const users = readFileSync(job.users.plain, 'utf8').trim().split('\n').map((line) => line.split(':')).map(([username, password]) => ({ username, password }))
    app.use('/guarded', basicAuth({ ...users[0], realm: 'Login Required' }, ...users.slice(1)))
    app.get('/guarded', (context) => context.text('Come in'))
  }
}

await topics[job.topic]()
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => announce(port))
