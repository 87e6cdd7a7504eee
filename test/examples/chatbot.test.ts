import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

/** Those that start many servers and processes run with the packed package: see examples.pack.ts. */
const quickOnes = ['test/queue.test.js', 'test/model-url.test.js']

t.test('the quick tests that come with the chatbot pass', async (t) => {
  // A copy inside the repository finds the package by its name, as soon as it has no package.json of its own.
  const folder = t.testdir({})
  cpSync(resolve(import.meta.dirname, '..', '..', 'examples', 'chatbot'), folder, {
    recursive: true,
    filter: (source) => !source.includes('node_modules')
  })
  rmSync(join(folder, 'package.json'))

  // tap would count what they use of dist/ as coverage of the sources.
  const env = { PATH: process.env.PATH, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const tests = spawn(process.execPath, ['--test', ...quickOnes], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const note = (chunk: Buffer): void => { output += chunk.toString() }
  tests.stdout.on('data', note)
  tests.stderr.on('data', note)
  const [exitCode] = await once(tests, 'close') as [number]
  t.equal(exitCode, 0, 'they pass', exitCode === 0 ? {} : { output })
})
