import { chownSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { hash, verify } from '../../plugins/auth/index.ts'
import {
  isSupportedHash, nameProblem, parseHtpasswd, passwordProblem, withUser
} from '../../plugins/auth/internal.ts'
import { askHidden, type Input } from '../ask-hidden.ts'

const usage = `Usage: npx fastify-quickstart hash-password [name]
       npx fastify-quickstart hash-password name --file USERS
       npx fastify-quickstart hash-password name --file USERS --delete
       npx fastify-quickstart hash-password --verify HASH

Prints the argon2id hash of a password, or with a name a line for an htpasswd file.
With --file it puts that line into the file, in the place of the name's old one, and makes the
file readable to its owner alone; with --delete it takes the name's line out.
On a terminal it asks for the password twice and shows nothing; otherwise it reads one line
of standard input. With --verify it says whether the password is that of a hash
(exit code 0) or not (exit code 1).
`

const options = {
  file: { type: 'string' },
  delete: { type: 'boolean' },
  verify: { type: 'string' },
  help: { type: 'boolean', short: 'h' }
} as const

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
  function complain (problem: string, exitCode: number): number {
    stderr.write(`hash-password: ${problem}\n`)
    return exitCode
  }

  let parsed
  try {
    parsed = parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    return complain(`${(error as Error).message}\n${usage}`, 2) // parseArgs throws nothing but errors
  }
  const { file, delete: isDelete = false, verify: stored, help = false } = parsed.values
  const [name, ...more] = parsed.positionals
  if (help) {
    stdout.write(usage)
    return 0
  }
  if (more.length > 0 || (stored !== undefined && (name ?? file) !== undefined)) {
    return complain(`expected one name, or --verify HASH\n${usage}`, 2)
  }
  if (file !== undefined && name === undefined) {
    return complain(`--file needs a name: hash-password alice --file ${file}`, 2)
  }
  if (isDelete && file === undefined) return complain('--delete needs --file USERS', 2)
  const badName = name === undefined ? null : nameProblem(name) ?? lineProblem(name)
  if (badName !== null) return complain(`${badName} cannot log in`, 2)
  if (stored !== undefined && !isSupportedHash(stored)) {
    return complain('this is not an argon2id or bcrypt hash; quote it, or the shell replaces what begins with $', 2)
  }

  try {
    if (name !== undefined && file !== undefined && isDelete) {
      if (!change(file, name, null)) return complain(`${file} has no user ${name}`, 1)
      stdout.write(`${file}: ${name} is deleted\n`)
      return 0
    }
    const passwords = stdin.isTTY === true
      ? await askHidden(stored === undefined ? ['Password: ', 'The same again: '] : ['Password: '], stdin, stderr)
      : [await readLine(stdin)]
    if (passwords === null) return complain('interrupted', 130)
    const [password, again = password] = passwords as [string, string?] // one or two, as asked
    if (password !== again) return complain('the two passwords differ', 1)

    if (stored !== undefined) {
      const isRight = await verify(stored, password)
      stdout.write(isRight ? 'The password matches.\n' : 'The password does not match.\n')
      return isRight ? 0 : 1
    }
    const badPassword = passwordProblem(password)
    if (badPassword !== null) return complain(`${badPassword} cannot log in`, 1)
    const made = await hash(password)
    if (name !== undefined && file !== undefined) {
      const isNew = change(file, name, made)
      stdout.write(`${file}: ${name} ${isNew ? 'has a new password' : 'is added'}\n`)
      const problem = fileProblem(file)
      if (problem !== null) stderr.write(`hash-password: ${file}: ${problem}\n`)
    } else {
      stdout.write(name === undefined ? `${made}\n` : `${name}:${made}\n`)
    }
    return 0
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException // the file system throws nothing but errors
    return complain(code === undefined ? message : `${file} cannot be read and written (${code})`, 1)
  }
}

/** What makes a name one that a line of an htpasswd file cannot begin with, or null. */
function lineProblem (name: string): string | null {
  if (name.startsWith('#')) return 'a name that begins with #, which makes its line a comment,'
  return name.trim() === name ? null : 'a name with a blank at its beginning or end'
}

/**
 * Puts a user's line into a file, or takes it out, at one stroke: an app that reads it meanwhile sees the old file or
 * the new one. Answers whether the user was there before.
 */
function change (file: string, name: string, stored: string | null): boolean {
  const before = statSync(file, { throwIfNoEntry: false })
  if (before?.isFile() === false) throw new Error(`${file} is not a file`)
  const target = before === undefined ? file : realpathSync(file) // a link stays a link
  const text = before === undefined ? '' : readFileSync(target, 'utf8')
  const without = withUser(text, name, null)
  if (stored === null && without === text) return false
  const draft = `${target}.${process.pid}.new`
  try {
    writeFileSync(draft, withUser(text, name, stored), { mode: 0o600, flag: 'wx' })
    if (before !== undefined) chownSync(draft, before.uid, before.gid)
    renameSync(draft, target)
  } finally {
    rmSync(draft, { force: true })
  }
  return without !== text
}

/** What would stop an app that starts with this file, or null. */
function fileProblem (file: string): string | null {
  try {
    parseHtpasswd(readFileSync(file, 'utf8'))
    return null
  } catch (error) {
    return (error as Error).message // as above
  }
}

/** The first line of what is not a terminal, without its end and a byte order mark. */
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
