import createError from '@fastify/error'
import type { FastifyPluginAsync, FastifyPluginCallback, RawServerDefault } from 'fastify'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A plugin with routes of one's own, whatever options or type provider it is written for. */
export type RoutesPlugin = FastifyPluginAsync<any, RawServerDefault, any> | FastifyPluginCallback<any, RawServerDefault, any>

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
  if (typeof routes === 'string') return asPlugins(await load(routes), (value) =>
    `routes: ${JSON.stringify(routes)} exports ${value} by default; expected a plugin, or a list of plugins: ` +
    'export default async function routes (app) { … }')
  return asPlugins(routes, (value) =>
    `option "routes" is ${value} (--routes as a flag); expected a plugin, a list of plugins, or the path of a file that exports one`)
}

function asPlugins (value: unknown, problem: (value: string) => string): readonly RoutesPlugin[] {
  const plugins: unknown[] = Array.isArray(value) ? value : [value]
  const other = plugins.find((plugin) => typeof plugin !== 'function')
  if (plugins.length > 0 && plugins.some((plugin) => typeof plugin !== 'function')) {
    throw new InvalidRoutes(problem(Array.isArray(value) ? `a list with ${describe(other)} in it` : describe(value)))
  }
  return plugins as RoutesPlugin[] // each one is a function, which register takes for a plugin
}

function describe (value: unknown): string {
  if (value === undefined) return 'nothing'
  return value === null || typeof value !== 'object' ? String(JSON.stringify(value)) : 'an object'
}

async function load (file: string): Promise<unknown> {
  const path = resolve(file)
  if (!existsSync(path)) throw new InvalidRoutes(`routes: ${JSON.stringify(file)} does not exist`)
  try {
    const { default: exported } = await import(pathToFileURL(path).href) as { default?: unknown }
    return exported
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // whatever a module throws, this is a look at a field
    const reason = loadFailures[code ?? '']
    throw reason === undefined ? error : new InvalidRoutes(`routes: ${JSON.stringify(file)} ${reason}`)
  }
}

/** Why Node does not load a file, by its error's code. */
const loadFailures: Record<string, string> = {
  ERR_UNKNOWN_FILE_EXTENSION: 'is not JavaScript; expected a .js file, or .ts from Node 22.18 on',
  ERR_UNSUPPORTED_DIR_IMPORT: 'is a folder; expected a file'
}
