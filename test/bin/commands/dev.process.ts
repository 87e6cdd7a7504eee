import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lacks } from '../../system.ts'
import { ending, run, until } from '../command.ts'

/** Runs `dev` in a folder until the test ends. */
function startDev (t: Test, folder: string, args: string[], env = {}) {
  const { child, output } = run(folder, ['dev', ...args], env)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const says = (text: string) => until(() => output.stdout.includes(text), `"${text}" in ${JSON.stringify(output)}`)
  return { child, output, ended, says }
}

const program = `import { text } from './parts/part.mjs'
console.log('runs ' + text)
setInterval(() => {}, 1000)
`

const part = (text: string) => `export const text = '[${text}]'\n`

function hasProgram (name: string): boolean {
  try {
    return execFileSync(name, ['--version']).length > 0
  } catch {
    return false
  }
}

t.test('starts a program anew after each save, however it is made and however often', { skip: lacks.links }, async (t) => {
  const folder = t.testdir({ 'server.mjs': program, parts: { 'part.mjs': part('at first') }, dist: {} })
  const parts = join(folder, 'parts')
  const file = join(parts, 'part.mjs')
  const inFolder = (name: string, ...args: string[]) => execFileSync(name, args, { cwd: folder, stdio: 'pipe' })
  const saves: Record<string, (text: string) => void> = {
    'in place': (text) => writeFileSync(file, part(text)),
    'by rename': (text) => {
      writeFileSync(join(parts, 'draft'), part(text))
      renameSync(join(parts, 'draft'), file)
    },
    'with a copy aside, as vim': (text) => {
      renameSync(file, `${file}~`)
      writeFileSync(file, part(text))
      unlinkSync(`${file}~`)
    },
    'in a folder that was deleted': (text) => {
      rmSync(parts, { recursive: true })
      mkdirSync(parts)
      writeFileSync(file, part(text))
    },
    'in a new folder': (text) => {
      mkdirSync(join(folder, text), { recursive: true })
      writeFileSync(join(folder, text, 'new.mjs'), part(text))
      writeFileSync(file, `export { text } from '../${text}/new.mjs'\n`)
    },
    'behind a link': (text) => {
      rmSync(file)
      symlinkSync('../dist/target.mjs', file)
      writeFileSync(join(folder, 'dist', 'target.mjs'), part(text))
    }
  }
  if (hasProgram('sed')) saves['sed -i'] = (text) => inFolder('sed', '-i', `s/.*/${part(text).trim()}/`, 'parts/part.mjs')
  if (hasProgram('git')) {
    const git = (...args: string[]) => inFolder('git', '-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args)
    git('init', '--quiet', '--initial-branch=first')
    saves['git checkout'] = (text) => {
      git('checkout', '--quiet', '-b', `with-${text}`)
      rmSync(file) // it may be a link
      writeFileSync(file, part(text))
      git('add', '--all')
      git('commit', '--quiet', '--message', text)
      writeFileSync(file, part(`not ${text}`))
      git('checkout', '--quiet', '--', 'parts/part.mjs')
    }
  }
  const { says } = startDev(t, folder, ['server.mjs'])
  await says('runs [at first]')
  for (let round = 1; round <= 2; round++) {
    for (const [index, [name, save]] of Object.entries(saves).entries()) {
      const text = `save-${round}-${index}`
      save(text)
      await says(`runs [${text}]`)
      t.pass(`${name}, round ${round}`)
    }
  }
})

t.test('leaves a program alone when other files change', async (t) => {
  const folder = t.testdir({
    'server.mjs': "console.log('starts')\nsetInterval(() => {}, 1000)",
    'data.json': '{}',
    public: { 'page.js': '1' },
    views: {},
    node_modules: {}
  })
  const { says, output } = startDev(t, folder, ['server.mjs'])
  await says('starts')
  for (const file of ['public/page.js', 'views/index.eta', 'node_modules/x.js', 'data.json', 'server.log', '.server.mjs.swp.js']) {
    writeFileSync(join(folder, file), '2')
  }
  writeFileSync(join(folder, '.env'), 'A=1')
  await until(() => output.stdout.split('starts').length > 2, 'the start after .env')
  t.equal(output.stdout, 'starts\nstarts\n')
})

t.test('a program that fails is started by the next save, and one that is over ends it', async (t) => {
  const folder = t.testdir({ src: { 'server.mjs': 'let let = 1' } })
  const file = join(folder, 'src', 'server.mjs')
  const { says, output, ended } = startDev(t, folder, ['src/server.mjs', '--own', 'words'])
  await until(() => output.stderr.includes('The server has ended (exit code 1). It starts again when you save a file.'), 'the line')
  writeFileSync(file, 'console.log(process.argv.slice(2).join())\nsetInterval(() => {}, 1000)')
  await says('--own,words')
  writeFileSync(file, "console.log('the last')")
  await says('the last')
  t.equal(await ended, 0)
})

t.test('ends its program with itself, at the second signal at once', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({
    'gentle.mjs': "process.on('SIGTERM', () => process.exit(3))\nsetInterval(() => {}, 1000)\nconsole.log('pid', process.pid, '')",
    'deaf.mjs': "process.on('SIGTERM', () => console.log('no'))\nsetInterval(() => {}, 1000)\nconsole.log('pid', process.pid, '')"
  })
  const isGone = (pid: number) => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  }
  for (const [file, signals, code] of [['gentle.mjs', ['SIGTERM'], 3], ['gentle.mjs', ['SIGINT'], 3], ['gentle.mjs', ['SIGHUP'], 3], ['deaf.mjs', ['SIGTERM', 'SIGTERM'], 0]] as const) {
    const { child, says, output, ended } = startDev(t, folder, [file])
    await says('pid')
    const [, pid] = /pid (\d+) /.exec(output.stdout) ?? []
    child.kill(signals[0])
    if (signals.length > 1) {
      await says('no')
      child.kill(signals[1])
    }
    t.equal(await ended, code, `${file} ${signals.join()}`)
    t.ok(isGone(Number(pid)))
  }
})

t.test('a program that does not end is killed before the next start', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({ 'deaf.mjs': "process.on('SIGTERM', () => {})\nsetInterval(() => {}, 1000)\nconsole.log('first')" })
  const { says } = startDev(t, folder, ['deaf.mjs'])
  await says('first')
  writeFileSync(join(folder, 'deaf.mjs'), "setInterval(() => {}, 1000)\nconsole.log('second')")
  await says('second')
})

t.test('without a file it runs the server, whose pages reload', async (t) => {
  const routes = (text: string) => `export default async (app) => { app.get('/own', async () => '${text}') }`
  const folder = t.testdir({ 'routes.mjs': routes('one'), views: { 'index.eta': '<p>page</p>' } })
  const { says, output } = startDev(t, folder, ['--routes', './routes.mjs'], { PORT: '0' })
  await says('Open ')
  const url = () => /.*Open (\S+)\/ in a browser/s.exec(output.stdout)![1]!
  const [first, state] = [url(), await (await fetch(`${url()}/quickstart-reload`)).text()]
  t.equal(await (await fetch(`${first}/own`)).text(), 'one')
  writeFileSync(join(folder, 'routes.mjs'), routes('two'))
  await until(() => url() !== first, 'the next start')
  t.equal(await (await fetch(`${url()}/own`)).text(), 'two')
  t.not(await (await fetch(`${url()}/quickstart-reload`)).text(), state)
})

t.test('refuses a file that it cannot run with one line', async (t) => {
  const folder = t.testdir({ 'server.ts': 'const port: number = 0' })
  const cases: [args: string[], stderr: RegExp][] = [
    [['none.js'], /^fastify-quickstart: there is no file none\.js; dev takes the file that starts your server\n$/]
  ]
  const { typescript: runsTypeScript } = process.features as { typescript?: unknown } // newer than the types of Node
  if (runsTypeScript) {
    writeFileSync(join(folder, 'over.ts'), "const text: string = 'it runs'\nconsole.log(text)")
    t.match(await ending(folder, ['dev', 'over.ts']), { exitCode: 0, stdout: 'it runs\n' })
  } else {
    cases.push([['server.ts'], /^fastify-quickstart: server\.ts is TypeScript, which Node runs from 22\.18 on; this is v\S+\n$/])
  }
  for (const [args, stderr] of cases) t.match(await ending(folder, ['dev', ...args]), { exitCode: 1, stdout: '', stderr })
})
