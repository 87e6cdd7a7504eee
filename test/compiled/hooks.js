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
const compilerAndOptions = require('typescript/package.json').version + readFileSync(join(root, 'tsconfig.json'), 'utf8')

/** Takes the source in the place of the .js file that an import of it names. */
export async function resolve (specifier, context, nextResolve) {
  if (/^\.\.?\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true }
  }
  return nextResolve(specifier, context)
}

export async function load (url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
}

function compiled (path) {
  const source = readFileSync(path, 'utf8')
  const key = createHash('sha256').update(JSON.stringify([path, source, compilerAndOptions])).digest('hex')
  const file = join(cache, key)
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const text = compiler().compile(source, path)
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file) // at one stroke: other processes read it
  return text
}

let service

/** Made when a file is not in the cache. It takes its options from tap's environment. */
function compiler () {
  service ??= require('@isaacs/ts-node-temp-fork-for-pr-2009').create()
  return service
}
