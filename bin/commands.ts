import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import { describeStartFailure } from '../app/start-failure.js'
import { hashPassword } from './hash-password.js'

const help = `fastify-quickstart: a web server over the folders public/ and views/

  fastify-quickstart [flags]                      start the server
  fastify-quickstart hash-password [name]         ask for a password and print its hash, or the line name:hash
  fastify-quickstart hash-password --verify HASH  ask for a password and check it against a hash
  fastify-quickstart --help | --version

The folders public/ and views/ of the current folder are used where they are, else the built-in ones.

Flags
  -p, --port N         where to listen; default PORT, else 5001
  -a, --address A      the address to listen on; default HOST, else 127.0.0.1
  -l, --log-level L    fatal, error, warn, info, debug or trace; default warn; the log goes to stderr
  --hello=false, --static=false, --templates=false, --params=false, --auth=false
                       switch a topic off

Settings are read from the environment and from .env: QUICKSTART_USERS_FILE, QUICKSTART_PROTECT and others.
`

const flags = {
  port: { type: 'string', short: 'p' },
  address: { type: 'string', short: 'a' },
  'log-level': { type: 'string', short: 'l' },
  hello: { type: 'string' },
  static: { type: 'string' },
  templates: { type: 'string' },
  params: { type: 'string' },
  auth: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/**
 * The package's command.
 *
 * @param args the words after the command's name
 * @returns the exit code; for a started server once it listens
 */
export async function main (args: readonly string[]): Promise<number> {
  if (args[0] === 'hash-password') return await hashPassword(args.slice(1), process.stdin, process.stdout, process.stderr)

  let values
  try {
    // A lone `--` is allowed before the switches, as `fastify start` asks for it.
    values = parseArgs({ args: args.filter((arg) => arg !== '--'), options: flags }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
  const { port, address, help: wantsHelp, version: wantsVersion, 'log-level': level = 'warn', ...switches } = values
  if (wantsHelp) return print(help)
  if (wantsVersion) return print(`${(createRequire(import.meta.url)('#package.json') as { version: string }).version}\n`)
  if (!logLevels.includes(level)) return refuse(`--log-level is "${level}"; it takes one of ${logLevels.join(', ')}`)
  if (port !== undefined && !/^\d{1,5}$/.test(port)) return refuse(`--port is "${port}"; it takes a number from 0 to 65535`)

  readSettingsFile()
  useFolders()
  // Loaded now, for the server's options depend on the settings.
  const { default: quickstart, options } = await import('../app.js')
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string, address: string }
  const app = Fastify({ ...options, logger: { ...options.logger, level, stream: process.stderr } })
  try {
    // As flags the switches are texts, which the app reads like those of fastify-cli.
    await app.register(quickstart, switches as object)
    const url = await app.listen({ port: Number(port ?? defaults.port), host: address ?? defaults.address })
    closeWithGrace({ delay: 10_000 }, async () => { await app.close() })
    return print(`Open ${url}/ in a browser. Ctrl-C stops the server.\n`)
  } catch (error) {
    const reason = describeStartFailure(error)
    if (reason === undefined) throw error
    await app.close()
    return refuse(reason)
  }
}

/** Reads .env, which need not be there. One that is malformed is named when the app reads its settings. */
function readSettingsFile (): void {
  try {
    process.loadEnvFile()
  } catch {}
}

function useFolders (): void {
  for (const [name, folder] of [['QUICKSTART_PUBLIC_DIR', 'public'], ['QUICKSTART_VIEWS_DIR', 'views']] as const) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) process.env[name] ??= folder
  }
}

function print (text: string): number {
  process.stdout.write(text)
  return 0
}

function refuse (reason: string): number {
  process.stderr.write(`fastify-quickstart: ${reason}\n`)
  return 1
}
