import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import { reportStartFailure } from '../app/start-failure.js'
import { hashPassword } from '../plugins/auth/hash-password.js'

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

  await serve({ port, address, level, switches })
  return 0
}

async function serve ({ port, address, level, switches }: { port?: string, address?: string, level: string, switches: object }): Promise<void> {
  const listens = reportStartFailure(process)
  try {
    process.loadEnvFile()
  } catch {
    // There need be no .env; one that is malformed is named when the settings are read.
  }
  for (const [name, folder] of [['QUICKSTART_PUBLIC_DIR', 'public'], ['QUICKSTART_VIEWS_DIR', 'views']] as const) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) process.env[name] ??= folder
  }

  // Loaded now, for its server options depend on the settings.
  const { default: quickstart, options } = await import('../app.js')
  const app = Fastify({ ...options, logger: { ...options.logger, level, stream: process.stderr } })
  closeWithGrace({ delay: 10_000 }, async () => { await app.close() })
  await app.register(quickstart, switches)
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string, address: string }
  const url = await app.listen({ port: Number(port ?? defaults.port), host: address ?? defaults.address })
  listens()
  print(`Open ${url}/ in a browser. Ctrl-C stops the server.\n`)
}

function print (text: string): number {
  process.stdout.write(text)
  return 0
}

function refuse (reason: string): number {
  process.stderr.write(`fastify-quickstart: ${reason}\n`)
  return 1
}
