import createError from '@fastify/error'
import { parse } from 'acorn'
import { readFileSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'

export const InvalidRoutes = createError('FST_QUICKSTART_APP_INVALID_ROUTES', '%s', 500, TypeError)

/**
 * Returns the default export of a file of routes.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_ROUTES` where the file is missing or Node refuses it, in one line that says what
 * to change. What the file's own code throws is thrown as it is
 */
export async function loadRoutesFile (file: string): Promise<unknown> {
  if (file === '') throw new InvalidRoutes('--routes takes the path of a file')
  const path = resolve(file)
  const stat = look(file, path)
  if (stat === undefined) throw new InvalidRoutes(`--routes ${file} does not exist`)
  if (!stat.isFile()) throw new InvalidRoutes(`--routes ${file} is not a file`)
  // Refused before Node refuses it, which warns in several lines besides.
  if (isCommonJs(path) && isModule(path)) throw new InvalidRoutes(`--routes ${file} ${describeModule(path)}`)
  try {
    // A module may export anything, or nothing, by default.
    const { default: exported } = await import(pathToFileURL(path).href) as { default?: unknown }
    return exported
  } catch (error) {
    if (!(error instanceof Error)) throw new InvalidRoutes(`--routes ${file} throws ${inspect(error)}`)
    const problem = describeRefusal(error, path)
    if (problem === undefined) throw error
    throw new InvalidRoutes(`--routes ${file} ${problem}`)
  }
}

function look (file: string, path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // a system error
    throw new InvalidRoutes(`--routes ${file} cannot be read (${code})`)
  }
}

/** Whether Node takes the file for CommonJS, whatever is in it. */
function isCommonJs (path: string): boolean {
  return extname(path) === '.cjs' || (extname(path) === '.js' && readPackageType(dirname(path)) === 'commonjs')
}

/** The `type` of the nearest package.json, which need not be there or have one. */
function readPackageType (folder: string): unknown {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type?: unknown }
    return manifest.type
  } catch {
    return dirname(folder) === folder ? undefined : readPackageType(dirname(folder))
  }
}

function isModule (path: string): boolean {
  try {
    const { body } = parseModule(path)
    return body.some(({ type }) => /^(?:Import|Export).*Declaration$/.test(type))
  } catch {
    return false
  }
}

function parseModule (path: string) {
  return parse(readFileSync(path, 'utf8'), { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true })
}

/** Says, in words that follow the file's name, why Node does not load this very file; undefined for any other error. */
function describeRefusal (error: NodeJS.ErrnoException, path: string): string | undefined {
  const { name, code = '', message, stack = '' } = error
  const names = [path, pathToFileURL(path).href]
  const [reason = ''] = message.split('\n', 1)
  // Node's error has it as its code, those of loaders may have it in the message. JSON needs an attribute.
  const isUnknown = /ERR_UNKNOWN_FILE_EXTENSION|ERR_IMPORT_\w+_MISSING/.test(`${code} ${message}`)
  if (isUnknown && names.some((name) => message.includes(name))) {
    return 'is not JavaScript; it takes a .js file, or .ts from Node 22.18 on'
  }
  if (name === 'SyntaxError') {
    const line = findSyntaxError(stack, names)
    if (line === undefined) return undefined
    const isModule = /^(?:Unexpected token 'export'|Cannot use .* outside a module)/.test(reason)
    return isModule ? describeModule(path) : `cannot be loaded (line ${line}): ${reason}`
  }
  if (/ is not defined in ES module scope/.test(reason) && names.some((name) => stack.includes(name))) {
    const orName = isModule(path) ? '' : `, or name it ${rename(path, '.cjs')}`
    return `uses CommonJS in an ES module (${reason}); write import and export default${orName}`
  }
  const isMissing = /^(?:ERR_)?MODULE_NOT_FOUND$/.test(code) && isAskedBy(path, message)
  return isMissing ? `cannot be loaded: ${reason.replace(/ imported from .*/, '')}` : undefined
}

/** The line of a syntax error in the file, or undefined where it is in a file that this one loads. */
function findSyntaxError (stack: string, names: readonly string[]): number | undefined {
  const [place = ''] = stack.split('\n', 1)
  const own = names.find((name) => place.startsWith(`${name}:`))
  if (own !== undefined) return Number(place.slice(own.length + 1))
  // Of an ES module Node says where only when it ends the process.
  try {
    parseModule(names[0]!)
    return undefined
  } catch (error) {
    return (error as { loc: { line: number } }).loc.line // acorn's
  }
}

/** Whether it was this file, and not one that it loads, that asked for the module of an error. */
function isAskedBy (path: string, message: string): boolean {
  return message.endsWith(` imported from ${path}`) || message.includes(`\nRequire stack:\n- ${path}`)
}

function describeModule (path: string): string {
  const extension = extname(path)
  const orType = extension === '.cjs' ? '' : ', or write "type": "module" into package.json'
  const name = rename(path, extension.replace(/^\.c?/, '.m'))
  return `is an ES module, and Node takes it for CommonJS; name it ${name}${orType}`
}

function rename (path: string, extension: string): string {
  return basename(path, extname(path)) + extension
}
