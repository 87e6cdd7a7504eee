import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'compiled-for-tests')
mkdirSync(cache, { recursive: true })

/** What the outcome depends on, beside a file's path and text. */
const compiler = [
  require('typescript/package.json').version,
  ...[join(root, 'tsconfig.json'), fileURLToPath(import.meta.url)].map((file) => readFileSync(file, 'utf8'))
]

export function load (url, context, nextLoad) {
  if (!url.split('?', 1)[0].endsWith('.ts')) return nextLoad(url, context)
  return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
}

function compiled (path) {
  const source = readFileSync(path, 'utf8')
  const key = createHash('sha256').update(JSON.stringify([path, source, compiler])).digest('hex')
  const file = join(cache, key)
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const text = compile(source, path)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text)
  try {
    renameSync(draft, file) // at one stroke: other processes read it
  } catch (error) {
    if (!existsSync(file)) throw error // Windows keeps one that is being read, which is the same
  }
  return text
}

/** The compiler is loaded only for a file that is not in the cache. `npm run typecheck` checks the types. */
function compile (source, path) {
  const typescript = require('typescript')
  const { config } = typescript.readConfigFile(join(root, 'tsconfig.json'), typescript.sys.readFile)
  const { options } = typescript.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const asModule = {
    module: typescript.ModuleKind.ESNext,
    inlineSourceMap: true,
    inlineSources: true,
    noEmit: false,
    rewriteRelativeImportExtensions: false // the sources themselves are imported
  }
  const { outputText, diagnostics } = typescript.transpileModule(source, {
    fileName: path, compilerOptions: { ...options, ...asModule }, reportDiagnostics: true
  })
  const [first] = diagnostics
  if (first === undefined) return outputText
  throw new SyntaxError(`${path}: ${typescript.flattenDiagnosticMessageText(first.messageText, '\n')}`)
}
