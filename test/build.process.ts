import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { lacks } from './system.ts'
import { until } from './until.ts'

const root = resolve(import.meta.dirname, '..')

/** A small project that is built as this one is. */
function makeProject (t: Test): string {
  const folder = t.testdir({
    'app.ts': "export { part } from './lib/part.ts'\n",
    'routes.ts': 'export {}\n',
    app: {},
    bin: {},
    lib: { 'part.ts': 'export const part: number = 1\n', 'other.ts': 'export {}\n' },
    plugins: {},
    'package.json': '{ "type": "module" }'
  })
  for (const name of ['build.js', 'tsconfig.json', 'tsconfig.build.json']) copyFileSync(join(root, name), join(folder, name))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

function startBuild (folder: string, ...args: string[]) {
  const child = spawn(process.execPath, ['build.js', ...args], { cwd: folder, stdio: 'ignore' })
  return { child, ended: once(child, 'exit') as Promise<[code: number | null, signal: string | null]> }
}

async function build (folder: string, ...args: string[]): Promise<number | null> {
  const [code] = await startBuild(folder, ...args).ended
  return code
}

/** The folders that a build makes. */
const built = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('dist'))

/** What is built: another one is another folder. */
const buildOf = (folder: string) => statSync(join(folder, 'dist')).ino

const skip = lacks.links

t.test('builds where it is needed: when a source is another, or has another name', { skip }, async (t) => {
  const folder = makeProject(t)
  const part = join(folder, 'lib', 'part.ts')
  t.equal(await build(folder, '--if-needed'), 0)
  t.match(readFileSync(join(folder, 'dist', 'lib', 'part.js'), 'utf8'), 'export const part = 1;')
  const { sources } = JSON.parse(readFileSync(join(folder, 'dist', 'lib', 'part.js.map'), 'utf8'))
  t.same(sources, ['../../lib/part.ts'])

  const changes: Record<string, [change: () => void, isNeeded: boolean]> = {
    nothing: [() => {}, false],
    'another time': [() => utimesSync(part, new Date(), new Date()), false],
    'another text, of an older time': [() => {
      writeFileSync(part, 'export const part: number = 2\n')
      utimesSync(part, 0, 0)
    }, true],
    'another name': [() => renameSync(join(folder, 'lib', 'other.ts'), join(folder, 'lib', 'third.ts')), true],
    'a file less': [() => rmSync(join(folder, 'lib', 'third.ts')), true],
    'a file more': [() => writeFileSync(join(folder, 'plugins', 'more.ts'), 'export {}\n'), true],
    'a file of another kind': [() => writeFileSync(join(folder, 'plugins', 'more.md'), ''), false],
    'another setting': [() => writeFileSync(join(folder, 'tsconfig.build.json'), readFileSync(join(root, 'tsconfig.build.json'), 'utf8') + '\n'), true],
    'dist/ without its program': [() => rmSync(join(folder, 'dist', 'app.js')), true]
  }
  for (const [name, [change, isNeeded]] of Object.entries(changes)) {
    change()
    const before = buildOf(folder)
    t.equal(await build(folder, '--if-needed'), 0, name)
    t.equal(buildOf(folder) !== before, isNeeded, name)
  }
  const names = readdirSync(join(folder, 'dist', 'lib')).filter((name) => name.endsWith('.js'))
  t.same(names, ['part.js'], 'nothing is left of a source that is gone')
  t.same(built(folder), ['dist'])
})

t.test('a build that fails leaves what was built', { skip }, async (t) => {
  const folder = makeProject(t)
  t.equal(await build(folder), 0)
  const before = buildOf(folder)
  writeFileSync(join(folder, 'lib', 'part.ts'), "export const part: number = 'text'\n")
  for (const args of [[], ['--if-needed'], ['--if-needed']]) t.equal(await build(folder, ...args), 2)
  t.equal(buildOf(folder), before)
  t.same(built(folder), ['dist'])
})

t.test('a build that is interrupted leaves what was built', { skip: lacks.links || lacks.signals }, async (t) => {
  const folder = makeProject(t)
  for (const signal of ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGHUP'] as const) {
    // Before the first build, before the second.
    const before = existsSync(join(folder, 'dist')) && buildOf(folder)
    writeFileSync(join(folder, 'lib', 'other.ts'), `export const other = '${signal}'\n`)
    const { child, ended } = startBuild(folder)
    await until(() => isCompiling(child.pid), 'the compilation')
    child.kill(signal)
    t.not((await ended)[0], 0, signal)
    t.equal(existsSync(join(folder, 'dist')) && buildOf(folder), before)
    if (signal === 'SIGINT') {
      t.same(built(folder), [])
      continue
    }
    if (signal !== 'SIGKILL') t.same(built(folder), ['dist'])
    t.equal(await build(folder, '--if-needed'), 0)
  }
})

t.test('a build tidies away what another could not', { skip }, async (t) => {
  const folder = makeProject(t)
  const { child, ended } = startBuild(folder, '--if-needed')
  await ended
  for (const name of [`dist.${child.pid}`, `dist.${child.pid}.old`, `dist.${process.pid}`]) mkdirSync(join(folder, name))
  t.equal(await build(folder), 0)
  t.same(built(folder), ['dist', `dist.${process.pid}`], 'but for that of a build that goes on')
})

/** Whether it has started the compiler. */
function isCompiling (pid = 0): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() !== ''
  } catch {
    return false
  }
}
