import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { refuse } from './check.ts'
import type { TemplateFolders } from './engine/folders.ts'
import type { Pages } from './page.ts'
import type { IndexRoute } from './views.ts'

/** The view of each URL: `pages/docs/index.eta` answers at /docs. */
export type PageRoutes = Map<string, string>

/**
 * Lists the pages that answer at a URL of their own. A name that starts with `_`, or stands in a folder that does, is
 * for other pages to include.
 *
 * @param option the option `pages`; a folder that it names must be there
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` for two pages with one URL, or a name that no URL can have
 */
export function findPages (folders: TemplateFolders, option: boolean | string): PageRoutes {
  const routes: PageRoutes = new Map()
  if (option === false) return routes

  const folder = option === true ? 'pages' : option
  const problems: string[] = []
  const isThere = folders.folders.some((root) => statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory())
  if (!isThere && option !== true) {
    problems.push(`option "pages" names the folder ${folder}, which is not in ${folders.folders[0]}`)
  }

  for (const name of folders.list()) {
    if (!name.startsWith(`${folder}/`) || name.includes('/_')) continue
    const view = folders.toView(name)
    const path = toRoutePath(name.slice(folder.length, -folders.extension.length))
    const other = routes.get(path)
    if (/[*?#]/.test(name)) problems.push(`${name}: the name of a page must not contain "*", "?" or "#"`)
    else if (other !== undefined) problems.push(`the views ${view} and ${other} would both answer at ${path}`)
    else routes.set(path, view)
  }
  refuse(problems)
  return routes
}

/** Has each page, and the index view where no page takes its place, answer GET and HEAD. */
export function addRoutes (app: FastifyInstance, pages: Pages, routes: PageRoutes, index: false | IndexRoute): void {
  for (const [path, view] of routes) {
    app.get(path, { config: { name: view }, exposeHeadRoute: true }, (request, reply) => {
      if (!pages.has(view)) return reply.callNotFound() // deleted since the start
      return pages.send(reply, view, undefined)
    })
  }
  if (index === false) return
  const { path = '/', view, data } = index
  if (routes.has(path)) return
  app.get(path, { config: { name: 'index' } }, typeof data === 'function'
    ? async (request, reply) => pages.send(reply, view, await data(request))
    : (request, reply) => pages.send(reply, view, data))
}

/** Returns the path of a route as Fastify takes it: a colon is written twice. */
function toRoutePath (name: string): string {
  return name.replace(/\/index$/, '').replaceAll(':', '::') || '/'
}
