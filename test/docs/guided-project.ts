import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Test } from 'tap'
import { createProject } from '../../bin/commands/new.ts'
import { type Block, root } from './pages.ts'

/** Makes a project of `new`, in TypeScript, installed as far as the repository's own packages do not serve. */
export async function makeProject (t: Test, name: string): Promise<string> {
  const folder = join(t.testdir({}), name)
  await createProject([folder, '--ts'], new PassThrough(), new PassThrough(), true)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
  return folder
}

/** Does what a block says: writes a file, or changes the lines of one. */
export function apply (folder: string, { language, file, code }: Block): void {
  const path = join(folder, file!)
  if (language !== 'diff') return writeFileSync(path, code)
  const lines = code.split('\n').slice(0, -1)
  const side = (sign: string) => lines.filter((line) => line[0] !== sign).map((line) => `${line.slice(1)}\n`).join('')
  const [before, after] = [side('+'), side('-')]
  const text = readFileSync(path, 'utf8')
  if (text.split(before).length !== 2) throw new Error(`${file} holds these lines ${text.split(before).length - 1} times:\n${before}`)
  writeFileSync(path, text.replace(before, () => after))
}

/** For a Node that does not run TypeScript. */
const toJavaScript = [
  '--noEmit', 'false', '--allowImportingTsExtensions', 'false', '--rewriteRelativeImportExtensions', '--outDir', 'compiled'
]

/** Runs Node in a folder to its end. */
export async function run (folder: string, ...args: string[]): Promise<{ code: number, output: string }> {
  // tap would count what the app uses of dist/ as coverage of the sources.
  const env = { PATH: process.env.PATH, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const program = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const [code] = await once(program, 'close') as [number]
  return { code, output }
}

/** Type-checks a project, and puts the JavaScript beside it. Returns what the compiler says. */
export async function compile (folder: string): Promise<{ code: number, output: string }> {
  const compiled = await run(folder, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...toJavaScript)
  cpSync(join(folder, 'compiled'), folder, { recursive: true })
  return compiled
}
