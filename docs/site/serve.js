// `npm run docs`: these documents as pages, served by the suite itself.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import markdownIt from 'markdown-it'
import params, { string } from '../../dist/plugins/params/index.js'
import files from '../../dist/plugins/static/index.js'
import templates from '../../dist/plugins/templates/index.js'

const root = new URL('../../', import.meta.url)
const markdown = markdownIt({ html: false })

/**
 * Renders a document. Its headings get the names that GitHub gives them, so that links to them work.
 *
 * @param {string} path its path below the repository
 */
function renderPage (path) {
  const tokens = markdown.parse(readFileSync(new URL(path, root), 'utf8'), {})
  const headings = []
  for (const [index, token] of tokens.entries()) {
    if (token.type !== 'heading_open') continue
    const title = tokens[index + 1].content // a heading's text follows its opening
    const id = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    token.attrSet('id', id)
    headings.push({ title, url: `/${path}#${id}` })
  }
  return { path, html: markdown.renderer.render(tokens, markdown.options, {}), headings }
}

/** An app that serves the documents. */
export async function docsApp () {
  const names = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'))
  const around = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'bench/README.md']
  const pages = [...names.map((name) => `docs/${name}`), ...around].map(renderPage)

  const app = Fastify()
  await app.register(params, { routes: false })
  await app.register(files, { root: fileURLToPath(new URL('docs', root)), prefix: '/docs/', memory: false })
  await app.register(templates, { root: new URL('docs/site/views', root) })
  app.get('/', async (request, reply) => reply.redirect('/docs/README.md'))
  for (const page of pages) app.get(`/${page.path}`, async (request, reply) => reply.render('page', page))

  const querystring = { type: 'object', properties: { q: string({ minLength: 0, default: '' }) } }
  app.get('/search', { schema: { querystring } }, async (request, reply) => {
    const { q } = request.query
    const wanted = q.toLowerCase()
    const headings = pages.flatMap((page) => page.headings)
    return reply.render('search', { q, found: headings.filter(({ title }) => title.toLowerCase().includes(wanted)) })
  })
  return app
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await docsApp()
  console.log(`Open ${await app.listen({ port: Number(process.env.PORT ?? 5002) })} in a browser`)
}
