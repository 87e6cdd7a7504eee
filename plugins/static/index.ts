import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import fastifyStatic from '@fastify/static'
import '@fastify/static' // again, since of an import alone that is no longer needed the declarations lose the types of reply.sendFile and reply.download
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { declaredPaths } from '../declared-paths.js'
import { checkOptions } from '../options.js'
import type { Collection, Found } from './collection.js'
import { compress } from './compression.js'
import { InvalidRoot, MethodNotAllowed, MissingAsset } from './errors.js'
import { liveCollection } from './live-collection.js'
import { loadFolder, type MemoryCaps } from './memory-collection.js'
import { createSpellingTest, encodeName, hasReserved } from './spelling.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The URL to put in a page for a file of the static plugin, such as `/static/app.0123456789abcdef.js`.
     *
     * @param name the file's name below root, such as `app.js`
     * @throws `FST_QUICKSTART_STATIC_MISSING_ASSET` when there is no such file
     */
    asset: (name: string) => string
  }
}

export type { MemoryCaps }

/** Options of the static plugin. */
export interface StaticOptions {
  /** The folder to serve, as an absolute path. */
  root: string
  /** What the files' URLs begin with, below the host's own prefix. Default `'/static/'`. */
  prefix?: string
  /** For how many seconds a file under its plain name may be kept without asking again. Default `0`: it is asked for every time. */
  maxAge?: number
  /** Whether files are read once, at the start, and how much of them. Default: on when NODE_ENV is production. */
  memory?: boolean | MemoryCaps
}

/** How long a start waits for compressed forms and fingerprints, in milliseconds. What is left is done while the plain bytes are served. */
const preparationBudget = 1000

/** A collection, and what its files' URLs begin with. */
interface Linked {
  collection: Collection
  base: string
}

/** The collections of each context that has the plugin, in the order they were registered. */
const collectionsOf = new WeakMap<FastifyInstance, Linked[]>()

/**
 * Serves the files of a folder.
 *
 * ```ts
 * import { fileURLToPath } from 'node:url'
 * import Fastify from 'fastify'
 * import files from 'fastify-quickstart/static'
 *
 * const app = Fastify()
 * await app.register(files, { root: fileURLToPath(new URL('public', import.meta.url)) })
 * app.get('/', async (request, reply) => {
 *   return reply.type('text/html').send(`<script src="${app.asset('app.js')}"></script>`)
 * })
 * await app.listen({ port: 3000 })
 * ```
 *
 * @throws `FST_QUICKSTART_STATIC_INVALID_OPTION` when an option is unknown or does not fit
 * @throws `FST_QUICKSTART_STATIC_ROOT` when root is not a folder that can be read
 */
async function files (app: FastifyInstance, options: StaticOptions): Promise<void> {
  checkOptions<StaticOptions>('static', options, {
    root: { accepts: (value) => typeof value === 'string' && isAbsolute(value), expected: 'the absolute path of a folder', required: true },
    prefix: { accepts: (value) => typeof value === 'string' && plainPath.test(value), expected: 'a path that starts with "/", of plain segments' },
    maxAge: { accepts: isCount, expected: 'a whole number of seconds, 0 or more' },
    memory: { accepts: isMemoryOption, expected: 'true, false, or { maxFileSize, maxTotalSize } in bytes' }
  })
  const isProduction = process.env.NODE_ENV === 'production'
  const { root, prefix = '/static/', maxAge = 0, memory = isProduction } = options
  checkRoot(root)

  const path = prefix.endsWith('/') ? prefix : `${prefix}/`
  const cacheControl = maxAge === 0 || (memory === false && !isProduction) ? 'no-cache' : `public, max-age=${maxAge}`
  const collection = memory === false ? liveCollection(root, cacheControl) : await keepInMemory(app, root, memory === true ? {} : memory, cacheControl)

  const base = app.prefix.replace(/\/$/, '') + path
  let isStrict = false
  app.addHook('onReady', async () => {
    isStrict = declaredPaths(app).some((other) => other.startsWith(base) && hasReserved(other.slice(base.length)))
  })
  const isOtherSpelling = createSpellingTest(base, () => isStrict)

  // In the host's own context, and with hooks of the routes alone: so a guard that the host adds to them comes first.
  const find = (request: FastifyRequest): Found | undefined => {
    return isOtherSpelling(request.raw.url!) ? undefined : collection.find((request.params as { '*': string })['*'])
  }
  const read = (request: FastifyRequest, reply: FastifyReply): void | Promise<FastifyReply> => {
    const found = find(request)
    if (found === undefined) {
      reply.callNotFound()
      return
    }
    return found.file.send(request, reply, found.cacheControl, found.asked)
  }
  // Before the body is read. RFC 9110 section 15.5.6: a 405 says what is allowed.
  const refuse = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    if (find(request) === undefined) {
      reply.callNotFound()
    } else {
      reply.header('allow', 'GET, HEAD')
      done(new MethodNotAllowed(request.method))
    }
  }
  const schema: object = { hide: true } // from @fastify/swagger
  const isFirst = !collectionsOf.has(app)
  app.route({ method: ['GET', 'HEAD'], url: `${path}*`, schema, ...(isFirst && { config: { name: 'static' } }), handler: read })
  app.route({ method: ['POST', 'PUT', 'DELETE', 'PATCH'], url: `${path}*`, schema, onRequest: refuse, handler: read })

  decorateAsset(app, { collection, base: encodeURI(base) })
  if (!app.hasReplyDecorator('sendFile')) await app.register(fastifyStatic, { root, serve: false, dotfiles: 'ignore' })
}

/** Reads the folder. What can be done while it is served already is begun when the app is ready, and left undone when it closes. */
async function keepInMemory (app: FastifyInstance, root: string, caps: MemoryCaps, cacheControl: string): Promise<Collection> {
  const { maxFileSize = 8 * 1024 * 1024, maxTotalSize = 256 * 1024 * 1024 } = caps
  const { collection, files, room, fingerprintBigOnes } = await loadFolder(root, { maxFileSize, maxTotalSize }, cacheControl, app.log)

  const closing = new AbortController()
  app.addHook('onReady', async () => {
    const timer = new AbortController()
    const prepared = Promise.all([compress(files, room, closing.signal), fingerprintBigOnes(closing.signal)])
    await Promise.race([prepared, setTimeout(preparationBudget, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  })
  app.addHook('onClose', async () => closing.abort())
  return collection
}

/** Adds `app.asset`, or more files to the one that this context has. */
function decorateAsset (app: FastifyInstance, added: Linked): void {
  const own = collectionsOf.get(app)
  if (own !== undefined) {
    own.push(added)
    return
  }

  const collections = [added]
  app.decorate('asset', (name) => {
    for (const { collection, base } of typeof name === 'string' ? collections : []) {
      const link = collection.assetName(name)
      if (link === undefined) continue
      const url = base + encodeName(link)
      // Below the base of another collection, that one answers.
      if (!collections.some((other) => other.base.length > base.length && url.startsWith(other.base))) return url
    }
    const outer: unknown = Object.getPrototypeOf(app).asset
    if (typeof outer === 'function') return outer(name)
    throw new MissingAsset(JSON.stringify(name))
  })
  collectionsOf.set(app, collections)
}

function checkRoot (root: string): void {
  let isFolder: boolean
  try {
    isFolder = statSync(root).isDirectory()
    if (isFolder) accessSync(root, constants.R_OK | constants.X_OK)
  } catch (error) {
    throw new InvalidRoot(root, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  if (!isFolder) throw new InvalidRoot(root, 'is not a folder')
}

/** Such as `/static/`: no parameters, nothing that a URL would have to escape, no dot segments. */
const plainPath = /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$'()+,;=@-]+\/)*(?:(?!\.{1,2}$)[\w.~!$'()+,;=@-]+)?$/

function isCount (value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isMemoryOption (value: unknown): boolean {
  if (typeof value === 'boolean') return true
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.entries(value).every(([name, bytes]) =>
    (name === 'maxFileSize' || name === 'maxTotalSize') && (bytes === undefined || isCount(bytes)))
}

export default fp(files, { fastify: '5.x', name: 'fastify-quickstart/static' })
