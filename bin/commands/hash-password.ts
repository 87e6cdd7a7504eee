import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { hash, verify } from '../../plugins/auth/index.ts'
import { isSupportedHash, findNameProblem, findPasswordProblem } from '../../plugins/auth/internal.ts'
import { askHidden, type Input } from '../ask-hidden.ts'
import { changeUser, findProblem } from '../users-file.ts'

/** The answer to `hash-password --help`. */
export const usage = `Usage: npx fastify-quickstart hash-password [name]
       npx fastify-quickstart hash-password name --file USERS
       npx fastify-quickstart hash-password name --file USERS --delete
       npx fastify-quickstart hash-password --verify HASH

Prints the argon2id hash of a password, or with a name a line for an htpasswd file.
With --file it puts that line into the file, in the place of the name's old one; with --delete
it takes the name's line out. The file keeps its owner, group and mode; a new one is readable
to its owner alone.
On a terminal it asks for the password twice and shows nothing; otherwise it reads one line
of standard input. With --verify it says whether the password is that of a hash
(exit code 0) or not (exit code 1).
`

/** The flags of `hash-password`. */
export const hashPasswordFlags = {
  file: { type: 'string' },
  delete: { type: 'boolean' },
  verify: { type: 'string' },
  help: { type: 'boolean', short: 'h' }
} as const

/** Where the command reads and writes. */
interface Streams {
  stdin: Input
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
}

/** Runs what the arguments ask for. Returns the exit code. */
type Job = (streams: Streams) => Promise<number>

/** Ends the command with a line on stderr. */
class Complaint extends Error {
  readonly exitCode: number

  constructor (message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * The command `hash-password`. Questions and complaints go to `stderr`, so that `>>` catches the line alone.
 *
 * @param args what follows the command's name
 * @returns the exit code: 0; 1 when the password will not do or does not match, or the file cannot be written; 2 for
 * wrong arguments; 130 when interrupted
 */
export async function hashPassword (
  args: string[],
  stdin: Input,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream
): Promise<number> {
  try {
    return await readArguments(args)({ stdin, stdout, stderr })
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    stderr.write(`hash-password: ${error.message}\n`)
    return error.exitCode
  }
}

function readArguments (args: string[]): Job {
  const { values: { file, delete: isDelete = false, verify: stored, help = false }, positionals } = parse(args)
  const [name, ...more] = positionals
  if (help) return printHelp
  if (more.length > 0 || (stored !== undefined && (name ?? file) !== undefined)) {
    throw new Complaint(`expected one name, or --verify HASH\n${usage}`, 2)
  }
  if (file !== undefined && name === undefined) {
    throw new Complaint(`--file needs a name: hash-password alice --file ${file}`, 2)
  }
  if (isDelete && file === undefined) throw new Complaint('--delete needs --file USERS', 2)
  const badName = name === undefined ? null : findNameProblem(name) ?? findLineProblem(name)
  if (badName !== null) throw new Complaint(`${badName} cannot log in`, 2)
  if (stored !== undefined && !isSupportedHash(stored)) {
    throw new Complaint(
      'this is not an argon2id or bcrypt hash; quote it, or the shell replaces what begins with $', 2
    )
  }
  if (stored !== undefined) return (streams) => checkPassword(stored, streams)
  if (name === undefined || file === undefined) return (streams) => printHash(name, streams)
  return isDelete ? (streams) => deleteUser(name, file, streams) : (streams) => storeUser(name, file, streams)
}

function parse (args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: hashPasswordFlags })
  } catch (error) {
    throw new Complaint(`${(error as Error).message}\n${usage}`, 2) // parseArgs throws errors alone
  }
}

/** Returns what makes a name one that a line of an htpasswd file cannot begin with, or null. */
function findLineProblem (name: string): string | null {
  if (name.startsWith('#')) return 'a name that begins with #, which makes its line a comment,'
  return name.trim() === name ? null : 'a name with a blank at its beginning or end'
}

async function printHelp ({ stdout }: Streams): Promise<number> {
  stdout.write(usage)
  return 0
}

async function checkPassword (stored: string, streams: Streams): Promise<number> {
  const isRight = await verify(stored, await readPassword(['Password: '], streams))
  streams.stdout.write(isRight ? 'The password matches.\n' : 'The password does not match.\n')
  return isRight ? 0 : 1
}

async function printHash (name: string | undefined, streams: Streams): Promise<number> {
  const made = await readHash(streams)
  streams.stdout.write(name === undefined ? `${made}\n` : `${name}:${made}\n`)
  return 0
}

async function storeUser (name: string, file: string, streams: Streams): Promise<number> {
  const wasThere = await change(file, name, await readHash(streams))
  streams.stdout.write(`${file}: ${name} ${wasThere ? 'has a new password' : 'is added'}\n`)
  const problem = findProblem(file)
  if (problem !== null) streams.stderr.write(`hash-password: ${file}: ${problem}\n`)
  return 0
}

async function deleteUser (name: string, file: string, { stdout }: Streams): Promise<number> {
  if (!await change(file, name, null)) throw new Complaint(`${file} has no user ${name}`, 1)
  stdout.write(`${file}: ${name} is deleted\n`)
  return 0
}

async function change (file: string, name: string, stored: string | null): Promise<boolean> {
  try {
    return await changeUser(file, name, stored)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException // it throws errors alone
    throw new Complaint(code === undefined ? `${file}: ${message}` : `${file} cannot be read and written (${code})`, 1)
  }
}

async function readHash (streams: Streams): Promise<string> {
  const password = await readPassword(['Password: ', 'The same again: '], streams)
  const problem = findPasswordProblem(password)
  if (problem !== null) throw new Complaint(`${problem} cannot log in`, 1)
  return await hash(password)
}

/** Asks on a terminal, as often as there are questions; else reads a line. */
async function readPassword (questions: string[], { stdin, stderr }: Streams): Promise<string> {
  const passwords = stdin.isTTY === true ? await askHidden(questions, stdin, stderr) : [await readLine(stdin)]
  if (passwords === null) throw new Complaint('interrupted', 130)
  const [password, again = password] = passwords as [string, string?] // one or two, as asked
  if (password !== again) throw new Complaint('the two passwords differ', 1)
  return password
}

/** Returns the first line of what is not a terminal, without its end and a byte order mark. */
async function readLine (stdin: Input): Promise<string> {
  const lines = createInterface({ input: stdin, crlfDelay: Infinity })
  return await new Promise((resolve) => {
    lines.on('line', (line) => {
      resolve(line.replace(/^\ufeff/, ''))
      lines.close()
    })
    lines.on('close', () => resolve(''))
  })
}
