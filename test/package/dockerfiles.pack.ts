import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { basic, cheap } from '../plugins/auth/logins.ts'
import { install, newFolder, pack, runToEnd, startServer } from './project.ts'

const { tarball } = await pack(t)
const folder = await newFolder(t)
await install(folder, tarball)

/** What a Dockerfile sets, does and starts, without what needs a container: its volume is another folder. */
function readDockerfile (file: string, volume: string) {
  const text = readFileSync(file, 'utf8')
    .replaceAll('\\\n', '').replaceAll('/data', volume).replace(/ && chown node:node .*/, '')
  const [, variables = ''] = /^ENV (.*)$/m.exec(text) ?? []
  const env = Object.fromEntries(variables.trim().split(/\s+/).map((pair) => pair.split('=', 2))) as Record<string, string>
  const [, words = '[]'] = /^CMD (\[.*\])$/m.exec(text) ?? []
  const steps = [...text.matchAll(/^RUN (.*)$/gm)].map(([, step = '']) => step)
  return { env, steps, words: JSON.parse(words) as string[] }
}

// Minimal in TypeScript needs a newer Node than the lowest; the steps are the same.
for (const [example, language] of [['minimal', 'js'], ['own-app', 'ts'], ['own-app', 'js']] as const) {
  t.test(`the Dockerfile of ${example} in ${language} starts an app that writes to its volume alone`, async (t) => {
    const image = join(folder, `${example}-${language}`)
    const words = ['new', image, '--from', example, `--${language}`]
    t.match(await runToEnd('npx', ['--no', '--', 'fastify-quickstart', ...words], folder), { code: 0 })
    copyFileSync(tarball, join(image, 'package.tgz')) // as the README says
    await install(image, '--package-lock-only', './package.tgz')
    const ignored = readFileSync(join(image, '.dockerignore'), 'utf8').split('\n')
    for (const name of ['node_modules', '.env', 'users', '*.db*']) t.ok(ignored.includes(name), name)

    const volume = join(folder, `volume-of-${example}-${language}`)
    const { env, steps, words: [program = '', ...args] } = readDockerfile(join(image, 'Dockerfile'), volume)
    for (const step of steps) {
      const { code, output } = await runToEnd('sh', ['-c', step], image, env)
      t.equal(code, 0, step, code === 0 ? {} : { output })
    }
    const modules = readdirSync(join(image, 'node_modules'))
    t.ok(modules.includes('fastify-quickstart'))
    t.notOk(modules.includes('typescript'))
    writeFileSync(join(image, 'users'), ['ada', 'bob'].map((name) => `${name}:${cheap.bcrypt('secret')}\n`).join(''))
    writeFileSync(join(image, 'groups'), 'wardens: ada\n')

    const before = readdirSync(image, { recursive: true, encoding: 'utf8' }).sort()
    const url = await startServer(t, program, args, image, { ...env, HOST: '127.0.0.1', PORT: '0' })
    const ask = async (path: string, name?: string, form?: Record<string, string>) => {
      const sent = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
      const { status } = await fetch(url + path, { ...sent, redirect: 'manual', headers: name === undefined ? {} : basic(name, 'secret') })
      return status
    }
    t.same([await ask('/'), await ask('/health'), await ask('/nowhere')], [200, 200, 404])
    if (example === 'minimal') t.same([await ask('/private'), await ask('/private', 'ada')], [401, 200])
    else {
      const wren = { species: 'Wren', day: '2026-05-01', count: '2', place: 'wood', note: '' }
      t.same([await ask('/new', undefined, wren), await ask('/new', 'bob', wren)], [401, 303])
      t.same([await ask('/sightings/1/delete', 'bob', {}), await ask('/sightings/1/delete', 'ada', {})], [403, 303])
      t.ok(existsSync(join(volume, 'sightings.db')))
    }
    t.same(readdirSync(image, { recursive: true, encoding: 'utf8' }).sort(), before)
  })
}
