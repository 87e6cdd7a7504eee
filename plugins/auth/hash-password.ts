import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { hash, isSupportedHash, nameProblem, passwordProblem, verify } from './password-hash.js'

const usage = `Usage: npx fastify-quickstart hash-password [name]
       npx fastify-quickstart hash-password --verify HASH

Prints the argon2id hash of a password, or with a name a line for an htpasswd file.
On a terminal it asks for the password twice and shows nothing; otherwise it reads one line
of standard input. With --verify it says whether the password is that of a hash
(exit code 0) or not (exit code 1).
`

/** Standard input, which may be a terminal. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean }

/**
 * The command `hash-password`. Questions and complaints go to `stderr`, so that `>> users.htpasswd` catches the line alone.
 *
 * @param args what follows the command's name
 * @returns the exit code: 0, 1 when the password does not do or does not match, 2 for wrong arguments, 130 when interrupted
 */
export async function hashPassword (args: string[], stdin: Input, stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): Promise<number> {
  function complain (problem: string, exitCode: number): number {
    stderr.write(`hash-password: ${problem}\n`)
    return exitCode
  }

  let parsed
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: { verify: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  } catch (error) {
    return complain(`${(error as Error).message}\n${usage}`, 2) // parseArgs throws nothing but errors
  }
  const { values: { verify: stored, help = false }, positionals: [name, ...more] } = parsed
  if (help) {
    stdout.write(usage)
    return 0
  }
  if (more.length > 0 || (name !== undefined && stored !== undefined)) return complain(`expected one name, or --verify HASH\n${usage}`, 2)
  const badName = name === undefined ? null : nameProblem(name) ?? lineProblem(name)
  if (badName !== null) return complain(`${badName} cannot log in`, 2)
  if (stored !== undefined && !isSupportedHash(stored)) return complain('the hash is no argon2id or bcrypt hash; quote it, or the shell takes its $ for its own', 2)

  const passwords = stdin.isTTY === true
    ? await ask(stdin, stderr, stored === undefined ? ['Password: ', 'The same again: '] : ['Password: '])
    : await readLine(stdin)
  if (passwords === null) return complain('interrupted', 130)
  const [password, again = password] = passwords as [string, string?] // one or two, as asked
  if (password !== again) return complain('the two passwords differ', 1)

  if (stored !== undefined) {
    const right = await verify(stored, password)
    stdout.write(right ? 'The password matches.\n' : 'The password does not match.\n')
    return right ? 0 : 1
  }
  const badPassword = passwordProblem(password)
  if (badPassword !== null) return complain(`${badPassword} cannot log in`, 1)
  const made = await hash(password)
  stdout.write(name === undefined ? `${made}\n` : `${name}:${made}\n`)
  return 0
}

/** What makes a name one that a line of an htpasswd file cannot begin with, or null. */
function lineProblem (name: string): string | null {
  if (name.startsWith('#')) return 'a name that begins with #, which makes its line a comment,'
  return name.trim() === name ? null : 'a name with a blank at its beginning or end'
}

/** Asks on a terminal without echo. Null when the person gives up with Ctrl+C or Ctrl+D. */
async function ask (stdin: Input, stderr: NodeJS.WritableStream, questions: string[]): Promise<string[] | null> {
  // readline sets the terminal to raw mode and does the editing; what it would echo goes nowhere.
  const nowhere = new Writable({ write: (chunk, encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 })
  const answers: string[] = []
  return await new Promise((resolve) => {
    lines.on('SIGINT', () => lines.close())
    lines.on('close', () => {
      resolve(answers.length === questions.length ? answers : null)
    })
    lines.on('line', (line) => {
      answers.push(line)
      stderr.write('\n')
      if (answers.length === questions.length) lines.close()
      else stderr.write(questions[answers.length] as string)
    })
    stderr.write(questions[0] as string)
  })
}

/** The first line of what is not a terminal, without its end. */
async function readLine (stdin: Input): Promise<string[]> {
  const lines = createInterface({ input: stdin, crlfDelay: Infinity })
  return await new Promise((resolve) => {
    lines.on('line', (line) => {
      resolve([line])
      lines.close()
    })
    lines.on('close', () => resolve(['']))
  })
}
