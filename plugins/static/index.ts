/// <reference types="@fastify/static" preserve="true" />
import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { checkOptions } from '../options.js'
import { answer, type Folder, refuse } from './answer.js'
import { decorateAsset } from './asset.js'
import { compress } from './compression.js'
import { hasDeadRoute } from './dead-route.js'
import { InvalidRoot } from './errors.js'
import { type Files, filesInMemory, filesOnDisk } from './files.js'
import type { MemoryCaps } from './memory.js'
import { createPathTest } from './names.js'

export { asset } from './asset.js'
export type { MemoryCaps }

/** Options of the static plugin. */
export interface StaticOptions {
  /** The folder to serve, as an absolute path. */
  root: string
  /** What the files' URLs begin with, below the host's own prefix. Default `'/static/'`. */
  prefix?: string
  /**
   * For how many seconds a file under its plain name may be kept without asking again.
   * Default `0`: it is asked for every time.
   */
  maxAge?: number
  /** Whether files are read once, at start, and how much of them. Default: on when NODE_ENV is production. */
  memory?: boolean | MemoryCaps
}

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
    root: { accepts: isAbsolutePath, expected: 'the absolute path of a folder', required: true },
    prefix: { accepts: isPlainPath, expected: 'a path that starts with "/", of plain segments' },
    maxAge: { accepts: isCount, expected: 'a whole number of seconds, 0 or more' },
    memory: { accepts: isMemoryOption, expected: 'true, false, or { maxFileSize, maxTotalSize } in bytes' }
  })
  const isProduction = process.env.NODE_ENV === 'production'
  const { root, prefix = '/static/', maxAge = 0, memory = isProduction } = options
  checkRoot(root)

  const path = prefix.endsWith('/') ? prefix : `${prefix}/`
  const base = app.prefix.replace(/\/$/, '') + path
  const cacheControl =
    maxAge === 0 || (memory === false && !isProduction) ? 'no-cache' : `public, max-age=${maxAge}`
  const files = memory === false
    ? filesOnDisk(root, cacheControl)
    : await prepare(app, root, memory === true ? {} : memory, cacheControl)
  const isElsewhere = (name: string) => hasDeadRoute(app, base, name)
  const folder: Folder = { files, isOwnPath: createPathTest(base), isElsewhere }

  // In the host's own context, and with hooks of the routes alone: so a guard that the host adds to them comes first.
  const isFirst = decorateAsset(app, { files, base })
  const config = isFirst ? { config: { name: 'static' } } : {} // for urlFor
  const schema: object = { hide: true } // from @fastify/swagger
  const read = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, folder)
  const write = async (request: FastifyRequest, reply: FastifyReply) => refuse(request, reply, folder)
  app.route({ method: ['GET', 'HEAD'], url: `${path}*`, schema, ...config, handler: read })
  app.route({ method: ['POST', 'PUT', 'DELETE', 'PATCH'], url: `${path}*`, schema, onRequest: write, handler: read })

  if (!app.hasReplyDecorator('sendFile')) {
    await app.register(fastifyStatic, { root, serve: false, dotfiles: 'ignore' })
  }
}

/** How long a start waits for compressed forms and fingerprints, in milliseconds. The rest is done meanwhile. */
const preparationBudget = 1000

/** Reads the files. What can be done while they are served is begun when the app is ready, and ends when it closes. */
async function prepare (app: FastifyInstance, root: string, caps: MemoryCaps, cacheControl: string): Promise<Files> {
  const { files, kept, room, fingerprintBigOnes } = await filesInMemory(root, caps, cacheControl, app.log)

  const closing = new AbortController()
  app.addHook('onReady', async () => {
    const timer = new AbortController()
    const prepared = Promise.all([compress(kept, room, closing.signal), fingerprintBigOnes(closing.signal)])
    await Promise.race([prepared, setTimeout(preparationBudget, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  })
  app.addHook('onClose', async () => closing.abort())
  return files
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

function isAbsolutePath (value: unknown): boolean {
  return typeof value === 'string' && isAbsolute(value)
}

/** Such as `/static/`: no parameters, nothing that a URL would have to escape, no dot segments. */
const plainPath =
  /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$'()+,;=@-]+\/)*(?:(?!\.{1,2}$)[\w.~!$'()+,;=@-]+)?$/

function isPlainPath (value: unknown): boolean {
  return typeof value === 'string' && plainPath.test(value)
}

function isCount (value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isMemoryOption (value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, bytes]) =>
    (name === 'maxFileSize' || name === 'maxTotalSize') && (bytes === undefined || isCount(bytes)))
}

const plugin = fp(files, { fastify: '5.x', name: 'fastify-quickstart/static' })
export { plugin as static, plugin as default }
