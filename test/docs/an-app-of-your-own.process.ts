import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { createProject } from '../../bin/commands/new.ts'
import { type Block, readPages, root } from './pages.ts'
import { lacks } from '../system.ts'

t.setTimeout(300_000) // it compiles and tests the app after each step, which takes long on a busy machine

const page = readPages().find(({ path }) => path === 'docs/an-app-of-your-own.md')!
const steps = page.text.split(/^## /m).slice(1).map((text) => text.split('\n', 1)[0]!)

/** The blocks of each step that are files, or changes of one. */
function blocksOf (step: number): Block[] {
  const lines = page.text.split('\n')
  const from = lines.indexOf(`## ${steps[step]}`)
  const to = step + 1 < steps.length ? lines.indexOf(`## ${steps[step + 1]}`) : lines.length
  return page.blocks.filter(({ file, place }) => {
    const line = Number(place.split(':')[1])
    return file !== undefined && line > from && line <= to
  })
}

/** Does what a block says: writes a file, or changes the lines of one. */
function apply (folder: string, { language, file, code }: Block): void {
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

async function run (folder: string, ...args: string[]): Promise<{ code: number, output: string }> {
  // tap would count what the app uses of dist/ as coverage of the sources.
  const env = { PATH: process.env.PATH, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const program = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const [code] = await once(program, 'close') as [number]
  return { code, output }
}

t.test('each step of the page on an app of one\'s own gives an app that passes its tests', { skip: lacks.links }, async (t) => {
  const folder = join(t.testdir({}), 'guestbook')
  await createProject([folder, '--ts'], new PassThrough(), new PassThrough(), true)
  // Installed, as far as the repository's own packages do not serve.
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
  let applied = 0
  for (const [index, step] of steps.entries()) {
    const blocks = blocksOf(index)
    applied += blocks.length
    if (index > 0 && blocks.length === 0) continue
    for (const block of blocks) t.doesNotThrow(() => apply(folder, block), block.place)
    const compiled = await run(folder, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...toJavaScript)
    t.match(compiled, { code: 0, output: /^$/ }, `${step}: compiles`)
    cpSync(join(folder, 'compiled'), folder, { recursive: true })
    const tests = readdirSync(folder).filter((name) => name.endsWith('.test.js'))
    const { code, output } = await run(folder, '--test', ...tests)
    t.equal(code, 0, `${step}: passes its tests`, code === 0 ? {} : { output })
  }
  t.equal(applied, page.blocks.filter(({ file }) => file !== undefined).length, 'each block belongs to a step')
})
