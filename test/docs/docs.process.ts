import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { settingsSchema } from '../../app/settings/settings.ts'
import { type Block, promisedOutput, readPages, root } from './pages.ts'

t.setTimeout(300_000) // it starts each program of the docs, which takes long on a busy machine

const pages = readPages()
const blocks = pages.flatMap((page) => page.blocks)
const programs = blocks.filter(({ language, file }) => file === undefined && (language === 'ts' || language === 'js'))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string>, bin: Record<string, string> }

t.ok(existsSync(join(root, 'dist', 'app.js')), 'the package is built: the programs import it by its name')

/**
 * Writes programs into files inside the repository, from where the package finds itself by name. Beside them are the
 * files that their page shows, such as `views/index.eta`.
 */
function writeProgram (t: Test, block: Block, index: number): string {
  const page = pages.find(({ path }) => block.place.startsWith(`${path}:`))! // it is of one of them
  const folder = join(t.testdirName, page.path.replaceAll(/\W/g, '-'))
  for (const { file, code, language } of [{ ...block, file: `${index}.${block.language}` }, ...page.blocks]) {
    if (file === undefined || ['diff', 'sh'].includes(language)) continue
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), code)
  }
  return join(folder, `${index}.${block.language}`)
}

t.test('each ts and js block passes a strict type check as a module of its own', async (t) => {
  t.testdir({})
  const files = new Map(programs.map((block, index) => [writeProgram(t, block, index), block]))
  // What one block declares of a module is not to be seen by another.
  const declaring = [...files.keys()].filter((file) => files.get(file)?.code.includes('declare module'))
  const others = [...files.keys()].filter((file) => !declaring.includes(file))

  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    strict: true,
    noUncheckedIndexedAccess: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true
  }
  const host = ts.createCompilerHost(options)
  let previous: ts.Program | undefined
  for (const names of [others, ...declaring.map((file) => [file])]) {
    const program: ts.Program = ts.createProgram(names, options, host, previous)
    previous = program
    for (const name of names) {
      const source = program.getSourceFile(name)
      const problems = [
        ...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)
      ].map(({ start = 0, messageText }) => {
        const line = source?.getLineAndCharacterOfPosition(start).line ?? 0
        return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      })
      t.same(problems, [], files.get(name)?.place ?? name)
    }
  }
})

t.test('each ts and js block runs to its end and prints what its comments say', async (t) => {
  t.testdir({})
  const waiting = programs.map((block, index) => ({ block, file: writeProgram(t, { ...block, language: 'js', code: toJavaScript(block) }, index) }))

  async function work (): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { block: { place, code }, file } = next
      const { exitCode, output, errors } = await run(file)
      t.equal(exitCode, 0, `${place} ends well${exitCode === 0 ? '' : `: ${errors}`}`)
      const printed = output.split('\n')
      for (const line of promisedOutput(code)) t.ok(printed.includes(line), `${place} prints ${line}`, { printed })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
})

function toJavaScript ({ code }: Block): string {
  return ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  }).outputText
}

// tap would count what the programs use of dist/ as coverage of the sources, which are to be covered by tests of
// their own.
const programEnvironment = { PATH: process.env.PATH, _TAPJS_PROCESSINFO_COVERAGE_: '0' }

async function run (file: string): Promise<{ exitCode: number, output: string, errors: string }> {
  const program = spawn(process.execPath, [file], { cwd: dirname(file), env: programEnvironment, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  let output = ''
  let errors = ''
  program.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  program.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  const [exitCode] = await once(program, 'close') as [number]
  return { exitCode, output, errors }
}

t.test('each json block is JSON', async (t) => {
  for (const { place, code } of blocks.filter(({ language }) => language === 'json')) {
    t.doesNotThrow(() => JSON.parse(code), place)
  }
})

t.test('each command names what is there', async (t) => {
  for (const { place, code } of blocks.filter(({ language }) => language === 'sh')) {
    for (const [, script = ''] of code.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:]+)\b/g)) t.ok(script in manifest.scripts, `${place}: npm run ${script}`)
    for (const [, bin = ''] of code.matchAll(/\bnpx ([\w-]+)/g)) t.ok(bin in manifest.bin, `${place}: npx ${bin}`)
    for (const [, folder = ''] of code.matchAll(/\bcd (examples\S*)/g)) t.ok(existsSync(join(root, folder)), `${place}: cd ${folder}`)
  }
})

t.test('each setting that is named is one', async (t) => {
  for (const { path, text } of pages) {
    for (const [name] of text.matchAll(/QUICKSTART_(?<!FST_QUICKSTART_)[A-Z_]+\b/g)) t.ok(name in settingsSchema.properties, `${path}: ${name}`)
  }
})

t.test('each link within the repository leads to a file', async (t) => {
  for (const { path, text } of pages) {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      t.ok(existsSync(join(root, dirname(path), target)), `${path}: ${target}`)
    }
  }
})

t.test('a comment behind console.log, or below it, is a promise of output', async (t) => {
  t.same(promisedOutput([
    'console.log(1) // 1',
    'console.log(f(2))',
    '// two',
    '// and prose',
    'console.log(3)',
    'const a = 4 // not printed'
  ].join('\n')), ['1', 'two'])
})
