import type { FastifyInstance } from 'fastify'
import { inspect } from 'node:util'
import { InvalidRoutes, loadRoutesFile } from './routes-file.ts'

/** A plugin with routes of one's own, async or with a callback. It gets no options. */
export type RoutesPlugin = (app: FastifyInstance, options: any, done: (error?: Error) => void) => void | Promise<void>

/** A plugin, several of them, or (as the flag `--routes` gives it) the path of a file that exports one by default. */
export type OwnRoutes = RoutesPlugin | readonly RoutesPlugin[] | string

/**
 * Returns the plugins with routes of one's own.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_ROUTES` for what is not a plugin, and for a file that is missing, that Node does
 * not load, or that does not export a plugin. What the file's own code throws is thrown as it is
 */
export async function loadRoutes (routes: unknown = []): Promise<readonly RoutesPlugin[]> {
  if (typeof routes !== 'string') {
    return toPlugins(routes, (found) => `option "routes" is ${found}; it takes ${wanted}, or the path of a file`)
  }
  const exported = await loadRoutesFile(routes)
  return toPlugins(exported, (found) => `--routes ${routes}: the default export is ${found}; it must be ${wanted}`)
}

const wanted = 'a Fastify plugin (async function routes (app) { … }), or a list of them'

function toPlugins (value: unknown, describeProblem: (found: string) => string): readonly RoutesPlugin[] {
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
