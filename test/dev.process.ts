import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { environment, until } from './bin/command.ts'
import { lacks } from './system.ts'

const root = resolve(import.meta.dirname, '..')

t.test('npm run dev runs the sources, and starts them anew at each save', { skip: lacks.links }, async (t) => {
  const folder = t.testdir({})
  const copied = [
    'app.ts', 'routes.ts', 'app', 'lib', 'plugins', 'bin', 'views', 'public', 'package.json', 'tsconfig.json', 'fastify.config.cjs',
    'dev.js', 'test/compiled'
  ]
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

  const command = spawnSync(process.execPath, ['bin/run.js', '--version'], { cwd: folder, encoding: 'utf8' })
  const { typescript: runsTypeScript } = process.features as { typescript?: unknown } // newer than the types of Node
  t.match(command.stdout + command.stderr, runsTypeScript ? /^\d/ : /: it is not built yet; run npm run build\n$/)

  const dev = spawn(process.execPath, ['dev.js', '--templates=false'], { cwd: folder, env: { ...environment(), PORT: '0' } })
  const ended = once(dev, 'exit')
  t.teardown(async () => {
    dev.kill('SIGTERM')
    await ended
  })
  let said = ''
  for (const stream of [dev.stdout, dev.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const url = () => /.*Open (\S+) in a browser/s.exec(said)?.[1] ?? ''

  const file = join(folder, 'plugins', 'hello', 'index.ts')
  let text = 'Hello World!'
  for (const next of ['Hello once!', 'Hello twice!', 'Hello for the third time!']) {
    const before = url()
    const source = readFileSync(file, 'utf8').replaceAll(text, next)
    writeFileSync(`${file}.draft`, source)
    renameSync(`${file}.draft`, file)
    text = next
    await until(async () => {
      return url() !== before && await fetch(url()).then((answer) => answer.text(), () => '') === text
    }, `"${text}" in ${said}`)
  }
  dev.kill('SIGTERM')
  t.same(await ended, [0, null])
})
