import type { FastifyInstance } from 'fastify'
import { LruMap } from 'toad-cache'
import { checkOptions } from '../../lib/check-options.ts'
import { createPerContext } from '../../lib/per-context.ts'
import { MissingAsset, NotLoaded } from './errors.ts'
import type { Files } from './files/files.ts'
import type { FileUrls } from './urls.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The URL to put in a page for a file of the static plugin, such as `/static/app.0123456789abcdef.js`.
     *
     * It is there once the plugin is loaded: before that, and where the plugin is not registered, it is `undefined`.
     * The function `asset` of `fastify-quickstart/static` is always there.
     *
     * @param name the file's name below root, such as `app.js`
     * @throws `FST_QUICKSTART_STATIC_MISSING_ASSET` when there is no such file
     */
    asset: (name: string) => string
    /**
     * The text of an import map that leads from the plain URL of each script to the one that `asset` gives, such as
     * `{"imports":{"/static/lib.js":"/static/lib.0123456789abcdef.js"}}`. So `import './lib.js'` loads the module that
     * a page links by `asset('lib.js')`, and it runs once. The text is safe within a script element. It is `''` where
     * there is nothing to map, as in development.
     *
     * @param imports more entries, such as `{ three: app.asset('vendor/three.js') }`. Default: none
     */
    importmap: (imports?: Readonly<Record<string, string>>) => string
  }
}

/** The files of a folder, and their URLs. */
export interface Linked {
  files: Files
  urls: FileUrls
}

/** How many URLs of a folder are remembered. */
const maxRemembered = 1000

/** The files of each context, in the order they were registered. */
const linked = createPerContext<Linked[]>('fastify-quickstart/static')

/** Adds `app.asset` to a context, or more files to the one that it has. Returns whether there were none around it. */
export function decorateAsset (app: FastifyInstance, { files, urls }: Linked): boolean {
  const added = { files, urls: rememberUrls(urls) }
  const own = linked.own(app)
  if (own !== undefined) {
    own.push(added)
    return false
  }
  linked.add(app, [added])
  const lists = linked.all(app) // more folders of this context are added to the first
  app.decorate('asset', (name) => findUrl(lists, name))
  return lists.length === 1
}

/** Pages link the same few files again and again, and to encode a name takes longer than all else of a link. */
function rememberUrls (urls: FileUrls): FileUrls {
  const remembered = new LruMap<string>(maxRemembered)
  return {
    ...urls,
    of: (name) => {
      const known = remembered.get(name)
      if (known !== undefined) return known
      const url = urls.of(name)
      remembered.set(name, url)
      return url
    }
  }
}

const theApp = { accepts: () => false, expected: 'the Fastify app, before the name of the file', required: true }

/**
 * The URL to put in a page for a file of the static plugin, as `app.asset` gives it. It is there before the plugin is,
 * and says what is wrong where the plugin is not loaded.
 *
 * ```ts
 * import { asset } from 'fastify-quickstart/static'
 *
 * app.get('/', async (request, reply) => {
 *   return reply.type('text/html').send(`<script src="${asset(app, 'app.js')}"></script>`)
 * })
 * ```
 *
 * @param app where the page is: its own files come first, then those of the contexts around it
 * @param name the file's name below root, such as `app.js`
 * @throws `FST_QUICKSTART_STATIC_INVALID_OPTION` when `app` is not a Fastify app
 * @throws `FST_QUICKSTART_STATIC_NOT_LOADED` when neither `app` nor a context around it has the plugin yet
 * @throws `FST_QUICKSTART_STATIC_MISSING_ASSET` when there is no such file
 */
export function asset (app: FastifyInstance, name: string): string {
  if (typeof app?.hasDecorator !== 'function') checkOptions('static', { app }, { app: theApp })
  const lists = linked.all(app)
  if (lists.length === 0) throw new NotLoaded(JSON.stringify(name))
  return findUrl(lists, name)
}

/** @param lists the folders of a context, and of each one around it */
function findUrl (lists: readonly Linked[][], name: string): string {
  const all = lists.length === 1 ? lists[0]! : lists.flat()
  for (const { files, urls } of typeof name === 'string' ? all : []) {
    const link = files.link(name)
    if (link === undefined) continue
    const url = urls.of(link)
    // Below the base of another folder, that one answers.
    const isElsewhere = all.some(({ urls: { base, of } }) => base.length > urls.base.length && url.startsWith(of('')))
    if (!isElsewhere) return url
  }
  throw new MissingAsset(JSON.stringify(name))
}

/** Lists the folders whose files `asset` links: a context's own come first, then those of the contexts around it. */
export function listFolders (app: FastifyInstance): readonly Linked[] {
  return linked.all(app).flat()
}

/**
 * The bytes that the plugin holds in memory for this context and those around it, files and their compressed forms: for
 * metrics.
 */
export function countBytesInMemory (app: FastifyInstance): number {
  return linked.all(app).flat().reduce((sum, { files }) => sum + files.bytesInMemory(), 0)
}
