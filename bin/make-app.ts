import Fastify, { type FastifyInstance } from 'fastify'
import { statSync } from 'node:fs'
import { createDevelopmentLog } from '../app/development/development-log.ts'
import { loadEnvFile } from '../app/settings/env-file.ts'
import { logLevels, readSettings } from '../app/settings/settings.ts'
import { OperatorError } from './read-flags.ts'

/** Flags of every subcommand that makes the app: the app's options as texts, and the log's level. */
export const appFlags = {
  hello: { type: 'string', isSwitch: true },
  static: { type: 'string', isSwitch: true },
  templates: { type: 'string', isSwitch: true },
  params: { type: 'string', isSwitch: true },
  auth: { type: 'string', isSwitch: true },
  tutorial: { type: 'string', isSwitch: true },
  routes: { type: 'string' },
  csp: { type: 'string' },
  'log-level': { type: 'string', short: 'l' }
} as const

/** The command prints where the server listens. */
const saidOtherwise = /^(?:Server listening at|Open|Listening on the socket) /

/**
 * Makes the app as the settings, the folders and the flags have it. The log goes to standard error.
 *
 * @param options the app's options, as texts: the app reads them like the flags of fastify-cli
 * @param level of the log; default QUICKSTART_LOG_LEVEL, else info in production and warn elsewhere
 * @param routerOptions of Fastify's, beside those of the app
 */
export async function makeApp (
  options: Record<string, string | boolean | undefined>,
  level?: string,
  routerOptions: object = {}
): Promise<FastifyInstance> {
  checkLogLevel(level)
  loadEnvFile()
  useFolders()
  // Loaded now, because the server's options depend on the settings.
  const { default: quickstart, options: serverOptions } = await import('../app.ts')
  const server = Fastify({
    ...serverOptions,
    routerOptions: { ...serverOptions.routerOptions, ...routerOptions },
    logger: { ...serverOptions.logger, ...createCommandLogOptions(level) }
  })
  try {
    await server.register(quickstart, options as object) // the app checks them itself
    await server.ready()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

/** @throws OperatorError for a text that is not a level */
export function checkLogLevel (level: string | undefined): void {
  if (level === undefined || (logLevels as readonly string[]).includes(level)) return // a wider type: any text
  throw new OperatorError(`--log-level is "${level}"; it takes one of ${logLevels.join(', ')}`)
}

/** The command's log, which goes to standard error. */
export function createCommandLogOptions (given: string | undefined, settings = readSettings()) {
  const isProduction = process.env.NODE_ENV === 'production'
  const level = given ?? settings.logLevel ?? (isProduction ? 'info' : 'warn')
  return { level, ...isProduction ? { stream: process.stderr } : createDevelopmentLog(process.stderr, saidOtherwise) }
}

function useFolders (): void {
  for (const [name, folder] of [['QUICKSTART_PUBLIC_DIR', 'public'], ['QUICKSTART_VIEWS_DIR', 'views']] as const) {
    if (isFolder(folder)) process.env[name] ??= folder
  }
}

/** @throws OperatorError where the current folder does not let itself be looked at */
function isFolder (name: string): boolean {
  try {
    return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // what the system says
    throw new OperatorError(`${name}/ of the current folder cannot be read (${code})`)
  }
}
