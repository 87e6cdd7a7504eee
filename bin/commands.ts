import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashPassword } from '../plugins/auth/hash-password.js'

const help = `fastify-quickstart: a web server over the folders public/ and views/

  fastify-quickstart [flags]                    start the server on http://127.0.0.1:5001
  fastify-quickstart hash-password [name]       ask for a password and print its hash, or the line name:hash
  fastify-quickstart hash-password --verify HASH  ask for a password and check it against a hash
  fastify-quickstart --help | --version

The folders public/ and views/ of the current folder are served where they are, else the built-in ones.

Flags
  --hello=false --static=false --templates=false --params=false --auth=false   switch a topic off
  --port N, --address A, --log-level L, …                                      as \`fastify start\` takes them

Settings are read from the environment and from .env: QUICKSTART_USERS_FILE, QUICKSTART_PROTECT, … (see the README).
`

/** Flags that are the app's own; all others are fastify-cli's. */
const switchFlag = /^--(?:no-)?(?:hello|static|templates|params|auth)(?:=|$)/

/** The package's folder, from bin/ and from dist/bin/ alike. */
const root = dirname(fileURLToPath(import.meta.resolve('#package.json')))

/** What the commands use of the world outside, to be replaced in tests. */
export interface Surroundings {
  env: NodeJS.ProcessEnv
  folder: string
  write: (text: string) => unknown
  /** Loads fastify-cli, which reads .env, and gives what starts the server with arguments of `fastify start`. */
  loadStart: () => Promise<(args: string[]) => Promise<unknown>>
}

const here: Surroundings = {
  env: process.env,
  folder: process.cwd(),
  write: (text) => process.stdout.write(text),
  loadStart: async () => (await import('fastify-cli/start.js')).default.start
}

/**
 * The package's command.
 *
 * @param args the words after the command's name
 * @param version the package's version
 * @returns the exit code
 */
export async function main (args: readonly string[], version: string, { env, folder, write, loadStart } = here): Promise<number> {
  const [command] = args
  if (command === 'hash-password') return await hashPassword(args.slice(1))
  if (command === '--help' || command === '-h') {
    write(help)
    return 0
  }
  if (command === '--version' || command === '-v') {
    write(`${version}\n`)
    return 0
  }
  if (command !== undefined && !command.startsWith('-')) {
    process.stderr.write(`fastify-quickstart: "${command}" is no command; see fastify-quickstart --help\n`)
    return 1
  }

  const start = await loadStart()
  for (const [name, own] of [['QUICKSTART_PUBLIC_DIR', 'public'], ['QUICKSTART_VIEWS_DIR', 'views']] as const) {
    const path = join(folder, own)
    if (env[name] === undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory()) env[name] = path
  }
  const end = args.indexOf('--')
  const flags = end === -1 ? args : args.slice(0, end)
  const afterFlags = end === -1 ? [] : args.slice(end + 1)
  await start([
    '--config', join(root, 'fastify.config.cjs'),
    ...flags.filter((flag) => !switchFlag.test(flag)),
    join(root, 'dist', 'app.js'),
    '--', ...flags.filter((flag) => switchFlag.test(flag)), ...afterFlags
  ])
  return 0
}
