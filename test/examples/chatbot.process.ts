import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { run } from '../docs/guided-project.ts'
import { readPages } from '../docs/pages.ts'

/** Those that start many servers and processes run with the packed package: see examples.pack.ts. */
const quickOnes = ['queue', 'model-url', 'model-thread', 'records'].map((name) => `test/${name}.test.js`)

t.test('the quick tests that come with the chatbot pass', async (t) => {
  // A copy inside the repository finds the package by its name, as soon as it has no package.json of its own.
  const folder = t.testdir({})
  cpSync(resolve(import.meta.dirname, '..', '..', 'examples', 'chatbot'), folder, {
    recursive: true,
    filter: (source) => !source.includes('node_modules')
  })
  rmSync(join(folder, 'package.json'))

  const { code, output } = await run(folder, '--test', ...quickOnes)
  t.equal(code, 0, 'they pass', code === 0 ? {} : { output })
})

t.test('docs/model.md has each setting of the chatbot', (t) => {
  const settings = readFileSync(resolve(import.meta.dirname, '..', '..', 'examples', 'chatbot', 'settings.js'), 'utf8')
  const names = [...settings.matchAll(/^ {2}([A-Z_]+): (?:\[|count)/gm)].map(([, name = '']) => name)
  t.ok(names.length > 15)
  const rows = readPages().find(({ path }) => path === 'docs/model.md')!.text.split('\n').filter((line) => line.startsWith('| `'))
  for (const name of names) t.ok(rows.some((row) => row.includes(`\`${name}\``)), name)
  t.end()
})

const skip = spawnSync('python3', ['--version']).error === undefined ? false : 'python3 is not installed'
t.test('the Python program in docs/model.md is a model', { skip }, (t) => {
  const [program] = readPages().flatMap(({ blocks }) => blocks).filter(({ language }) => language === 'python')
  const ask = (id: number, content: string) => ({ id, messages: [{ role: 'user', content }], user: 'ann' })
  const input = [ask(1, 'naïve'), { id: 1, cancel: true }, ask(2, 'again')].map((line) => `${JSON.stringify(line)}\n`).join('')
  const { stdout, stderr } = spawnSync('python3', ['-c', program!.code], { input, encoding: 'utf8' })
  t.equal(stderr, '')
  t.same(stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown), [
    { id: 1, token: 'You said: naïve' }, { id: 1, done: true }, { id: 2, token: 'You said: again' }, { id: 2, done: true }
  ])
  t.end()
})
