import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'

/** A plugin with routes of one's own, async or with a callback. It gets no options. */
export type RoutesPlugin = (app: FastifyInstance, options: any, done: (error?: Error) => void) => void | Promise<void>

/** A plugin, several of them, or (as the flag `--routes` gives it) the path of a file that exports one by default. */
export type OwnRoutes = RoutesPlugin | readonly RoutesPlugin[] | string

const InvalidRoutes = createError('FST_QUICKSTART_APP_INVALID_ROUTES', '%s', 500, TypeError)

/**
 * The plugins with routes of one's own.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_ROUTES` for what is not a plugin, and for a file that is missing, cannot be
 * loaded by this version of Node, or does not export a plugin. What the file's own code throws is thrown as it is
 */
export async function loadRoutes (routes: unknown = []): Promise<readonly RoutesPlugin[]> {
  if (typeof routes !== 'string') {
    return asPlugins(routes, (found) => `option "routes" is ${found}; it takes ${wanted}, or the path of a file`)
  }
  const exported = await load(routes)
  return asPlugins(exported, (found) => `--routes ${routes}: the default export is ${found}; it must be ${wanted}`)
}

const wanted = 'a Fastify plugin (async function routes (app) { … }), or a list of them'

function asPlugins (value: unknown, describeProblem: (found: string) => string): readonly RoutesPlugin[] {
  const plugins: unknown[] = Array.isArray(value) ? value : [value]
  for (const plugin of plugins) {
    if (typeof plugin === 'function') continue
    const found = describe(plugin)
    throw new InvalidRoutes(describeProblem(Array.isArray(value) ? `a list with ${found} in it` : found))
  }
  return plugins as RoutesPlugin[] // each one is a function, which register takes for a plugin
}

function describe (value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null || typeof value !== 'object') return inspect(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}

async function load (file: string): Promise<unknown> {
  if (file === '') throw new InvalidRoutes('--routes takes the path of a file')
  const path = resolve(file)
  const stat = look(file, path)
  if (stat === undefined) throw new InvalidRoutes(`--routes ${file} does not exist`)
  if (!stat.isFile()) throw new InvalidRoutes(`--routes ${file} is not a file`)
  try {
    // A module may export anything, or nothing, by default.
    const { default: exported } = await import(pathToFileURL(path).href) as { default?: unknown }
    return exported
  } catch (error) {
    if (!(error instanceof Error)) throw new InvalidRoutes(`--routes ${file} throws ${inspect(error)}`)
    if (!isRefused(error, path)) throw error
    throw new InvalidRoutes(`--routes ${file} is not JavaScript; it takes a .js file, or .ts from Node 22.18 on`)
  }
}

function look (file: string, path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // what the system says
    throw new InvalidRoutes(`--routes ${file} cannot be read (${code})`)
  }
}

/** Whether Node does not load this very file: one that it imports is a fault of its code. */
function isRefused (error: NodeJS.ErrnoException, path: string): boolean {
  const isOfFile = [path, pathToFileURL(path).href].some((name) => error.message.includes(name))
  // Node's error has it as its code, those of loaders may have it in the message. JSON needs an attribute.
  return isOfFile && /ERR_UNKNOWN_FILE_EXTENSION|ERR_IMPORT_\w+_MISSING/.test(`${error.code} ${error.message}`)
}
