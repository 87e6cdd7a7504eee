import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { packageRoot } from '../../app/package-root.ts'
import { findPackageSource, type PackageSource } from '../package-source.ts'
import { OperatorError, readWords, suggest } from '../read-flags.ts'

type Input = NodeJS.ReadableStream & { isTTY?: boolean }

const languages = { ts: 'TypeScript', js: 'JavaScript' }
type Language = keyof typeof languages

const source = join(packageRoot, 'examples')

/** Read when the command runs: every other one is loaded beside it. */
function listExamples (): string[] {
  return readdirSync(source).filter((name) => existsSync(join(source, name, 'package.json')))
}

/** Files that git leaves alone: those that npm and tsc write, and secret ones. */
const gitignore = 'node_modules/\ndist/\n/.env\n/users\n/*.db\n/*.db-shm\n/*.db-wal\n'

/**
 * The command `new`: makes a project of one of the examples. What the words leave open is asked on a terminal.
 * Elsewhere it is the example minimal, in TypeScript where this Node runs it (22.18 and newer), else in JavaScript. The
 * project takes this package from where it was installed from, or from the clone that it is.
 *
 * @param args what follows the command's name
 * @param runsTypeScript whether `node server.ts` works here
 * @returns the exit code: 0; 130 when interrupted
 * @throws OperatorError for wrong words, and for a folder that is not empty
 */
export async function createProject (
  args: string[],
  stdin: Input,
  stdout: NodeJS.WritableStream,
  runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript) // newer than the types of Node
): Promise<number> {
  const given = checkWords(args, runsTypeScript)
  if (given.folder === undefined && stdin.isTTY !== true) throw new OperatorError('new takes a folder: new my-app')
  const terminal = stdin.isTTY === true ? createInterface({ input: stdin, output: stdout }) : undefined
  const interrupted = new AbortController()
  terminal?.once('close', () => interrupted.abort()) // Ctrl-C or Ctrl-D

  async function ask (question: string, preset: string): Promise<string> {
    if (terminal === undefined) return preset
    const answer = await terminal.question(`${question} [${preset}]: `, interrupted)
    return answer.trim() || preset
  }

  async function make (): Promise<number> {
    const folder = given.folder ?? checkFolder(await ask('Folder', 'my-app'))
    const example = given.example ?? checkExample(await ask(`Example: ${listExamples().join(', ')}`, 'minimal'))
    const preset = hasTypeScript(example) && runsTypeScript ? 'ts' : 'js'
    const choose = async () => hasTypeScript(example) ? await ask('Language: ts, js', preset) : preset
    const language = checkLanguage(given.language ?? await choose(), example, runsTypeScript)
    const { note } = await writeProject(example, language, folder, runsTypeScript)
    const made = `${folder} holds the example ${example} in ${languages[language]}.`
    stdout.write(`${[made, note, 'Go on with'].filter(Boolean).join('\n')}\n\n${describeNextSteps(folder)}`)
    return 0
  }

  function leave (error: unknown): number {
    if (!interrupted.signal.aborted) throw error
    stdout.write('\n')
    return 130
  }

  return await make().catch(leave).finally(() => terminal?.close())
}

/** The flags of `new`. */
export const newFlags = { from: { type: 'string' }, ts: { type: 'boolean' }, js: { type: 'boolean' } } as const

interface Given { folder?: string, example?: string, language?: Language }

/** Returns what the words say, each checked. */
function checkWords (args: string[], runsTypeScript: boolean): Given {
  const words = readWords({ args, options: newFlags, allowPositionals: true })
  const { values: { from, ts, js }, positionals: [folder, ...more] } = words
  if (more.length > 0) throw new OperatorError(`new takes one folder; "${more[0]}" is one too many`)
  if (ts && js) throw new OperatorError('--ts and --js exclude each other')
  if (ts && from !== undefined) checkLanguage('ts', checkExample(from), runsTypeScript)
  return {
    ...(folder !== undefined && { folder: checkFolder(folder) }),
    ...(from !== undefined && { example: checkExample(from) }),
    ...(ts && { language: 'ts' }),
    ...(js && { language: 'js' })
  }
}

/** A folder that is not there yet, or is empty apart from what `git init` makes. */
function checkFolder (folder: string): string {
  if (folder === '') throw new OperatorError('the folder has no name')
  let files: string[] = []
  try {
    files = readdirSync(folder).filter((name) => name !== '.git')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // the file system throws errors alone
    if (code === 'ENOTDIR') throw new OperatorError(`${folder} is not a folder`)
    if (code !== 'ENOENT') throw new OperatorError(`${folder} cannot be read (${code})`)
    if (lstatSync(folder, { throwIfNoEntry: false })) throw new OperatorError(`${folder} is a link to nowhere`)
  }
  if (files.length > 0) throw new OperatorError(`${folder} is not empty; new takes a new folder`)
  return folder
}

function checkExample (name: string): string {
  const examples = listExamples()
  if (examples.includes(name)) return name
  throw new OperatorError(`there is no example "${name}"${suggest(name, examples)}; ` +
    `--from takes one of ${examples.join(', ')}`)
}

function checkLanguage (language: string, example: string, runsTypeScript: boolean): Language {
  if (!isLanguage(language)) throw new OperatorError(`the language is "${language}"; it takes ts or js`)
  if (language === 'js') return language
  if (!hasTypeScript(example)) throw new OperatorError(`the example ${example} is in JavaScript alone; leave --ts out`)
  if (runsTypeScript || 'build' in readManifest(join(source, example)).scripts) return language
  throw new OperatorError(`the example ${example} is run without a build, and Node runs TypeScript from 22.18 on; ` +
    `this is ${process.version}; leave --ts out`)
}

function isLanguage (word: string): word is Language {
  return Object.hasOwn(languages, word)
}

function hasTypeScript (example: string): boolean {
  return existsSync(join(source, example, 'tsconfig.json'))
}

/** Copies the files of an example that are in the language, or in none. Returns where the project's package is from. */
async function writeProject (
  example: string, language: Language, folder: string, runsTypeScript: boolean
): Promise<PackageSource> {
  const from = join(source, example)
  const isOfLanguage = language === 'js'
    ? (file: string) => !file.endsWith('.ts') && basename(file) !== 'tsconfig.json'
    : (file: string) => !file.endsWith('.js') || !existsSync(file.replace(/\.js$/, '.ts'))
  const isWanted = (file: string) => !['node_modules', 'dist'].includes(basename(file)) && isOfLanguage(file)
  try {
    await cp(from, existsSync(folder) ? realpathSync(folder) : folder, { recursive: true, filter: isWanted })
    writeFileSync(join(folder, '.gitignore'), gitignore)
    const packageSource = findPackageSource(packageRoot, folder)
    // npm would link a folder, whose fastify is another than the project's: two copies have types that do not agree.
    if (packageSource.isFolder) writeFileSync(join(folder, '.npmrc'), 'install-links=true\n')
    const manifest = adapt(readManifest(folder), language, runsTypeScript)
    manifest.name = createPackageName(folder)
    manifest.dependencies['fastify-quickstart'] = packageSource.spec
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    if (language === 'js') for (const file of ['Dockerfile', 'README.md']) nameJavaScript(join(folder, file))
    return packageSource
  } catch (error) {
    throw new OperatorError(`${folder} cannot be written: ${(error as Error).message}`) // see checkFolder
  }
}

interface Manifest {
  name: string
  engines: { node: string }
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies?: Record<string, string>
}

/** Reads the package.json of an example or of a project that was made of one. */
function readManifest (folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest // an example's own
}

/** Makes the package.json of an example, which is that of TypeScript, one for the language and for this Node. */
function adapt (manifest: Manifest, language: Language, runsTypeScript: boolean): Manifest {
  return language === 'ts' ? adaptTypeScript(manifest, runsTypeScript) : adaptJavaScript(manifest)
}

/** The types are those of the running Node. A script that runs TypeScript as it is stays only where Node can. */
function adaptTypeScript (manifest: Manifest, runsTypeScript: boolean): Manifest {
  const { dev, ...others } = manifest.scripts
  const [major] = process.versions.node.split('.')
  const devDependencies = { ...manifest.devDependencies, '@types/node': `^${major}` }
  return { ...manifest, scripts: runsTypeScript ? manifest.scripts : others, devDependencies }
}

/** JavaScript needs no build, and runs on each Node that this package runs on. */
function adaptJavaScript ({ devDependencies: all = {}, ...manifest }: Manifest): Manifest {
  const { build, typecheck, ...scripts } = manifest.scripts
  const { typescript, '@types/node': types, ...devDependencies } = all
  for (const [script, command] of Object.entries(scripts)) {
    scripts[script] = toJavaScript(command.replace('npm run build && ', ''))
  }
  return {
    ...manifest,
    engines: readManifest(packageRoot).engines,
    scripts,
    ...(Object.keys(devDependencies).length > 0 && { devDependencies })
  }
}

function nameJavaScript (file: string): void {
  if (existsSync(file)) writeFileSync(file, toJavaScript(readFileSync(file, 'utf8')))
}

/** The text with the names of JavaScript files in the place of those of TypeScript, and of what is built from them. */
function toJavaScript (text: string): string {
  return text.replaceAll(/(?<=\w)\.ts\b/g, '.js').replaceAll('dist/', 'src/')
}

/** A name that npm takes: it keeps two for itself. */
function createPackageName (folder: string): string {
  const name = basename(resolve(folder)).toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-').replace(/^[._-]+/, '')
  return ['', 'node_modules', 'favicon.ico'].includes(name) ? 'my-app' : name
}

function describeNextSteps (folder: string): string {
  const path = relative('.', folder)
  const steps = ['npm install && npm start', 'npm test']
  if (path !== '') steps.unshift(`cd ${quote(path.startsWith('-') ? `./${path}` : path)}`)
  return steps.map((step) => `  ${step}\n`).join('')
}

/** A word of the shell: as it is, or in quotes that a POSIX shell and PowerShell read. */
function quote (path: string): string {
  if (/^[\w./-]+$/.test(path)) return path
  return /["$`\\!]/.test(path) ? `'${path.replaceAll("'", "'\\''")}'` : `"${path}"`
}
