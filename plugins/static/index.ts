/// <reference types="@fastify/static" preserve="true" />
import { setTimeout } from 'node:timers/promises'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { readBasePath, readRouterSettings } from '../../lib/router.ts'
import { answer, type Folder, refuse } from './answer.ts'
import { decorateAsset } from './asset.ts'
import { compress } from './files/compression.ts'
import { type Files, readFilesIntoMemory, createFilesOnDisk } from './files/files.ts'
import type { MemoryCaps } from './files/memory.ts'
import { decorateImportmap } from './importmap.ts'
import { createFallbackLookUp, createOtherPartsTest } from './fallback.ts'
import { createIndexLookUp, linkFolders } from './folder-index.ts'
import { checkStaticOptions, refuseFallback, type StaticOptions } from './options.ts'
import { createUnreachableTest } from './unreachable-routes.ts'
import { createFileUrls } from './urls.ts'

export { asset } from './asset.ts'
export type { MemoryCaps, StaticOptions }

/**
 * Serves the files of a folder.
 *
 * ```ts
 * import Fastify from 'fastify'
 * import files from 'fastify-quickstart/static'
 *
 * const app = Fastify()
 * await app.register(files, { root: new URL('public', import.meta.url) })
 * app.get('/', async (request, reply) => {
 *   return reply.type('text/html').send(`<script src="${app.asset('app.js')}"></script>`)
 * })
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_STATIC_INVALID_OPTION` when an option is unknown or does not fit
 * @throws `FST_QUICKSTART_STATIC_ROOT` when root is not a folder that can be read
 */
const files = fp(async (app: FastifyInstance, options: StaticOptions): Promise<void> => {
  const root = checkStaticOptions(options)
  const isProduction = process.env.NODE_ENV === 'production'
  const { prefix = '/static/', maxAge = 0, memory = isProduction, index = false, fallback = false } = options

  const path = prefix.endsWith('/') ? prefix : `${prefix}/`
  const base = readBasePath(app) + path
  const cacheControl =
    maxAge === 0 || (memory === false && !isProduction) ? 'no-cache' : `public, max-age=${maxAge}`
  const files = memory === false
    ? createFilesOnDisk(root, cacheControl)
    : await prepare(app, root, memory === true ? {} : memory, cacheControl)
  const urls = createFileUrls(base, readRouterSettings(app))
  let isUnreachable!: Folder['isElsewhere'] // all routes are declared when the app is ready, before any request
  app.addHook('onReady', async () => { isUnreachable = createUnreachableTest(app, base) })
  const isElsewhere: Folder['isElsewhere'] = (name) => isUnreachable(name)
  const folder: Folder = { files, urls, isElsewhere }
  if (index !== false) folder.findIndex = createIndexLookUp(index, files, urls, isElsewhere)
  if (fallback !== false) {
    if ((isProduction || memory !== false) && files.find(fallback) === undefined) refuseFallback(fallback)
    const isOfOtherPart = createOtherPartsTest(app, base)
    const isOthers: Folder['isElsewhere'] = (name) => isElsewhere(name) || isOfOtherPart(name)
    folder.findFallback = createFallbackLookUp(fallback, files, urls, isOthers)
  }

  // In the host's own context, and with hooks of the routes alone: so a guard that the host adds to them comes first.
  const isFirst = decorateAsset(app, { files: index === false ? files : linkFolders(files, index), urls })
  decorateImportmap(app)
  const config = isFirst ? { config: { name: 'static' } } : {} // for urlFor
  const schema: object = { hide: true } // from @fastify/swagger
  const read = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, folder)
  const write = async (request: FastifyRequest, reply: FastifyReply) => refuse(request, reply, folder)
  app.route({ method: ['GET', 'HEAD'], url: `${path}*`, schema, ...config, handler: read })
  app.route({ method: ['POST', 'PUT', 'DELETE', 'PATCH'], url: `${path}*`, schema, onRequest: write, handler: read })
  // A wildcard does not match the folder itself, `/static`. The server's own root has one spelling alone.
  if (index !== false && base !== '/') {
    app.route({ method: ['GET', 'HEAD'], url: path.slice(0, -1), schema, handler: read })
  }

  if (!app.hasReplyDecorator('sendFile')) {
    await app.register(fastifyStatic, { root, serve: false, dotfiles: 'ignore' })
  }
}, { fastify: '5.x', name: 'fastify-quickstart/static' })

export { files as static, files as default }

/** How long a start waits for compressed forms and fingerprints, in milliseconds. The rest is done meanwhile. */
const preparationBudget = 1000

/** Reads the files. What can be done while they are served is begun when the app is ready, and ends when it closes. */
async function prepare (app: FastifyInstance, root: string, caps: MemoryCaps, cacheControl: string): Promise<Files> {
  const { files, kept, room, readBigOnes } = await readFilesIntoMemory(root, caps, cacheControl, app.log)

  const closing = new AbortController()
  app.addHook('onReady', async () => {
    const timer = new AbortController()
    const prepared = Promise.all([compress(kept, room, closing.signal), readBigOnes(closing.signal)])
    await Promise.race([prepared, setTimeout(preparationBudget, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  })
  app.addHook('onClose', async () => closing.abort())
  return files
}
