import type { FastifyInstance } from 'fastify'
import { type Linked, listFolders } from './asset.ts'

/** Adds `app.importmap` to a context that has none of its own. */
export function decorateImportmap (app: FastifyInstance): void {
  if (Object.hasOwn(app, 'importmap')) return
  let known: { folders: number, map: Record<string, string> } | undefined
  app.decorate('importmap', (imports) => {
    const folders = listFolders(app)
    const map = known?.folders === folders.length ? known.map : mapScripts(folders)
    // Big files get their fingerprints while the app serves already.
    const isComplete = Object.entries(map).every(([plain, url]) => plain !== url)
    known = isComplete ? { folders: folders.length, map } : undefined
    const all = Object.entries({ ...map, ...imports }).filter(([name, url]) => name !== url)
    return all.length === 0 ? '' : JSON.stringify({ imports: Object.fromEntries(all) }).replaceAll('<', '\\u003c')
  })
}

/** Maps the plain URL of each script to the one with its fingerprint. */
function mapScripts (folders: readonly Linked[]): Record<string, string> {
  const map: Record<string, string> = {}
  for (const { files, urls } of folders) {
    // Below the base of another folder, that one answers.
    const inner = folders.filter((other) => other.urls.base.length > urls.base.length)
    for (const { name, link } of files.scripts()) {
      const plain = urls.of(name)
      if (!inner.some((other) => plain.startsWith(other.urls.of('')))) map[plain] = urls.of(link)
    }
  }
  return map
}
