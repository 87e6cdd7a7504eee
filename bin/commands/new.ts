import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { OperatorError, readWords, suggest } from '../read-flags.ts'

type Input = NodeJS.ReadableStream & { isTTY?: boolean }

const languages = { ts: 'TypeScript', js: 'JavaScript' }
type Language = keyof typeof languages

const source = join(dirname(fileURLToPath(import.meta.resolve('#package.json'))), 'examples')

/** Read when the command runs: every other one is loaded beside it. */
function listExamples (): string[] {
  return readdirSync(source).filter((name) => existsSync(join(source, name, 'package.json')))
}

/** Files that git leaves alone: those that npm and tsc write, and secret ones. */
const gitignore = 'node_modules/\ndist/\n/.env\n/users\n'

/**
 * The command `new`: makes a project of one of the examples. What the words leave open is asked on a terminal.
 * Elsewhere it is the example minimal, in TypeScript where this Node runs it (22.18 and newer), else in JavaScript.
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
  const given = checkWords(args)
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
    const language = checkLanguage(given.language ?? await choose(), example)
    await writeProject(example, language, folder)
    const next = describeNextSteps(folder)
    stdout.write(`${folder} holds the example ${example} in ${languages[language]}. Go on with\n\n${next}`)
    return 0
  }

  function leave (error: unknown): number {
    if (!interrupted.signal.aborted) throw error
    stdout.write('\n')
    return 130
  }

  return await make().catch(leave).finally(() => terminal?.close())
}

const flags = { from: { type: 'string' }, ts: { type: 'boolean' }, js: { type: 'boolean' } } as const

/** Returns what the words say, each checked. */
function checkWords (args: string[]): { folder?: string, example?: string, language?: Language } {
  const words = readWords({ args, options: flags, allowPositionals: true })
  const { values: { from, ts, js }, positionals: [folder, ...more] } = words
  if (more.length > 0) throw new OperatorError(`new takes one folder; "${more[0]}" is one too many`)
  if (ts && js) throw new OperatorError('--ts and --js exclude each other')
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

function checkLanguage (language: string, example: string): Language {
  if (!isLanguage(language)) throw new OperatorError(`the language is "${language}"; it takes ts or js`)
  if (language === 'js' || hasTypeScript(example)) return language
  throw new OperatorError(`the example ${example} is in JavaScript alone; leave --ts out`)
}

function isLanguage (word: string): word is Language {
  return Object.hasOwn(languages, word)
}

function hasTypeScript (example: string): boolean {
  return existsSync(join(source, example, 'tsconfig.json'))
}

/** Copies the files of an example that are in the language, or in none. */
async function writeProject (example: string, language: Language, folder: string): Promise<void> {
  const from = join(source, example)
  const isOfLanguage = language === 'js'
    ? (file: string) => !file.endsWith('.ts') && basename(file) !== 'tsconfig.json'
    : (file: string) => !file.endsWith('.js') || !existsSync(file.replace(/\.js$/, '.ts'))
  const isWanted = (file: string) => !['node_modules', 'dist'].includes(basename(file)) && isOfLanguage(file)
  try {
    await cp(from, existsSync(folder) ? realpathSync(folder) : folder, { recursive: true, filter: isWanted })
    writeFileSync(join(folder, '.gitignore'), gitignore)
    const file = join(folder, 'package.json')
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest // an example's own
    writeFileSync(file, `${JSON.stringify(adapt(manifest, language, folder), null, 2)}\n`)
  } catch (error) {
    throw new OperatorError(`${folder} cannot be written: ${(error as Error).message}`) // see checkFolder
  }
}

interface Manifest { name: string, scripts: Record<string, string>, devDependencies: Record<string, string> }

/** Makes the package.json of an example, which is that of TypeScript, the project's. JavaScript needs no build. */
function adapt (manifest: Manifest, language: Language, folder: string): Manifest {
  const name = createPackageName(folder)
  if (language === 'ts') return { ...manifest, name }
  const { build, ...scripts } = manifest.scripts
  const { typescript, '@types/node': types, ...devDependencies } = manifest.devDependencies
  for (const [script, command] of Object.entries(scripts)) {
    scripts[script] = command.replace('npm run build && ', '').replace('dist/', 'src/').replace(/\.ts$/, '.js')
  }
  return { ...manifest, name, scripts, devDependencies }
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
