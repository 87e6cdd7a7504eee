import { existsSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import { OperatorError } from '../read-flags.ts'
import { restartOnEdit } from '../restart-on-edit.ts'

/**
 * The command `dev`: runs a file with Node, or the server of this package whose pages reload, and starts it anew when a
 * source in the file's folder, or else in the current one, or `.env` is saved.
 *
 * @param args a file and its words, or flags of the server
 * @returns the exit code, when a signal has ended the program
 * @throws OperatorError for a file that is not there or that this Node does not run
 */
export async function dev (args: readonly string[]): Promise<number> {
  const [first = '-'] = args
  const settings = resolve('.env')
  if (!first.startsWith('-')) {
    checkFile(first)
    return await restartOnEdit({ args: [...process.execArgv, ...args], paths: [dirname(resolve(first)), settings] })
  }
  const command = join(import.meta.dirname, '..', `fastify-quickstart${extname(import.meta.filename)}`)
  const server = [command, '--reload', '--log-level', 'info', ...args]
  return await restartOnEdit({ args: [...process.execArgv, ...server], paths: [resolve('.'), settings] })
}

function checkFile (file: string): void {
  if (!existsSync(file)) throw new OperatorError(`there is no file ${file}; dev takes the file that starts your server`)
  // The property is newer than the types of Node.
  const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)
  if (/\.[cm]?ts$/.test(file) && !runsTypeScript) {
    throw new OperatorError(`${file} is TypeScript, which Node runs from 22.18 on; this is ${process.version}`)
  }
}
