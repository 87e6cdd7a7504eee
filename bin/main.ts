import { createRequire } from 'node:module'
import { describeStartFailure } from '../app/operation/start-failure.ts'
import { check } from './commands/check.ts'
import { dev } from './commands/dev.ts'
import { hashPassword } from './commands/hash-password.ts'
import { createProject } from './commands/new.ts'
import { printRoutes } from './commands/routes.ts'
import { serve } from './commands/serve.ts'
import { OperatorError, suggest } from './read-flags.ts'

/** The answer to `--help`. docs/reference/command.md is made of it. */
export const help = `fastify-quickstart: a web server over the folders public/ and views/

  fastify-quickstart [flags]                      start the server
  fastify-quickstart routes [flags]               print the routes: method, path, name, who answers, login
  fastify-quickstart check [flags]                check settings, users, views and routes, say what will be on, and exit
  fastify-quickstart dev [FILE]                   run FILE, else the server with --reload, and start it anew when a
                                                  source is saved
  fastify-quickstart new FOLDER [--from EXAMPLE] [--ts | --js]
                                                  make a project of an example: all-five, chatbot, minimal (default)
                                                  or own-app; in TypeScript where this Node runs it, else JavaScript
  fastify-quickstart hash-password [name]         ask for a password and print its hash, or the line name:hash
  fastify-quickstart hash-password name --file F  put that line into a users file
  fastify-quickstart hash-password --verify HASH  ask for a password and check it against a hash
  fastify-quickstart --help | --version

The folders public/ and views/ of the current folder are used where they are, else the built-in ones.

Flags
  -p, --port N         where to listen; default PORT, else 5001
  -a, --address A      the address to listen on; default HOST, else 127.0.0.1
  -s, --socket PATH    a Unix socket to listen on instead
  -w, --workers N      processes that share the port, one for each core with auto; SIGHUP replaces them one by one
  -l, --log-level L    silent, fatal, error, warn, info, debug or trace; default QUICKSTART_LOG_LEVEL, else info in
                       production and warn elsewhere; the log goes to stderr
  --routes FILE        routes of your own: a file whose default export is a Fastify plugin
  --csp POLICY         what pages may load and run: strict (default), off, or a Content-Security-Policy
  --reload             while developing: reload pages in the browser when a view or a public file changes
  --hello=false, --static=false, --templates=false, --params=false, --auth=false
                       switch a topic off
  --tutorial=false     leave the tutorial's own pages away, for an app of your own routes; the topics stay on

Settings are read from the environment and from .env: QUICKSTART_USERS_FILE, QUICKSTART_PROTECT and others.
`

/** The subcommands: each takes the words after its name, and returns the exit code. */
export const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  routes: printRoutes,
  check,
  dev,
  new: (args) => createProject(args, process.stdin, process.stdout),
  'hash-password': (args) => hashPassword(args, process.stdin, process.stdout, process.stderr)
}

/** Flags that take the place of a command, wherever they stand. */
const answers: Readonly<Record<string, () => string>> = {
  '--help': () => help,
  '-h': () => help,
  '--version': readVersion,
  '-v': readVersion
}

/** Commands with a help of their own. */
const selfExplaining = new Set(['hash-password'])

/**
 * The package's command.
 *
 * @param args the words after the command's name
 * @returns the exit code; for a started server once it listens
 */
export async function main (args: readonly string[]): Promise<number> {
  const [name = '', ...others] = args
  const answer = selfExplaining.has(name) ? undefined : args.find((arg) => Object.hasOwn(answers, arg))
  if (answer !== undefined) {
    process.stdout.write(answers[answer]!())
    return 0
  }
  try {
    if (Object.hasOwn(commands, name)) return await commands[name]!(others)
    if (name !== '' && !name.startsWith('-')) throw new OperatorError(describeUnknown(name))
    return await serve(args)
  } catch (error) {
    const reason = error instanceof OperatorError ? error.message : describeStartFailure(error)
    if (reason === undefined) throw error
    process.stderr.write(`fastify-quickstart: ${reason}\n`)
    return 1
  }
}

function describeUnknown (name: string): string {
  const names = Object.keys(commands)
  const known = `the commands are ${names.join(', ')}, and without one the server starts`
  return `Unexpected argument '${name}'${suggest(name, names)}; ${known}`
}

function readVersion (): string {
  const manifest = createRequire(import.meta.url)('#package.json') as { version: string } // npm needs it to be there
  return `${manifest.version}\n`
}
