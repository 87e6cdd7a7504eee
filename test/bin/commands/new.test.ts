import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createProject } from '../../../bin/commands/new.ts'
import { ending } from '../command.ts'
import { lacks } from '../../system.ts'

const examples = resolve(import.meta.dirname, '..', '..', '..', 'examples')
const { version } = JSON.parse(readFileSync(resolve(examples, '..', 'package.json'), 'utf8')) as { version: string }

/** An empty folder to work in. */
function workIn (t: Test): string {
  const folder = t.testdir({})
  t.chdir(folder)
  return folder
}

/** Runs the command without a terminal, and answers what it printed. */
async function run (...args: string[]): Promise<string> {
  const stdout = new PassThrough()
  if (await createProject(args, new PassThrough(), stdout) !== 0) throw new Error('not made')
  return String(stdout.read())
}

/** Runs the command on a terminal on which somebody answers each question, and leaves at the end of the answers. */
async function converse (args: string[], answers: string[]): Promise<{ code: number, asked: string[] }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stdout = new PassThrough()
  const asked: string[] = []
  stdout.on('data', (chunk: Buffer) => {
    if (!String(chunk).endsWith(']: ')) return
    asked.push(String(chunk))
    const answer = answers.shift()
    if (answer === undefined) stdin.end()
    else stdin.write(`${answer}\n`)
  })
  return { code: await createProject(args, stdin, stdout), asked }
}

/** What a project's package.json says. */
function manifestOf (folder: string) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    scripts: Record<string, string>
    dependencies: Record<string, string>
    devDependencies?: Record<string, string>
  }
}

t.test('makes a project of each example, in the languages it has', async (t) => {
  workIn(t)
  for (const example of readdirSync(examples).filter((name) => existsSync(join(examples, name, 'package.json')))) {
    for (const language of existsSync(join(examples, example, 'tsconfig.json')) ? ['ts', 'js'] : ['js']) {
      const folder = `${example}-${language}`
      await run(folder, '--from', example, `--${language}`)
      const { name, scripts, dependencies, devDependencies = {} } = manifestOf(folder)
      t.equal(name, folder)
      t.equal(dependencies['fastify-quickstart'], `^${version}`)
      t.equal(scripts.build, language === 'ts' ? 'tsc' : undefined)
      t.equal('typescript' in devDependencies, language === 'ts')
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      for (const wanted of ['.gitignore', 'README.md', 'public', 'views']) t.ok(files.includes(wanted), wanted)
      t.equal(files.some((file) => file.endsWith('.ts')), language === 'ts')
      t.equal(files.some((file) => /^src.*\.js$/.test(file)), language === 'js' && example !== 'chatbot')
      t.equal(files.includes('tsconfig.json'), language === 'ts')
    }
  }
})

t.test('takes minimal, in TypeScript where Node runs it', async (t) => {
  workIn(t)
  for (const [runsTypeScript, source] of [[true, 'server.ts'], [false, 'server.js']] as const) {
    const folder = `with-${source}`
    t.equal(await createProject([folder], new PassThrough(), new PassThrough(), runsTypeScript), 0)
    t.ok(existsSync(`${folder}/src/${source}`), source)
    t.ok(existsSync(`${folder}/views/dice.eta`))
  }
})

t.test('says how to go on, from the folder one is in', async (t) => {
  const folder = workIn(t)
  const steps = '  npm install && npm start\n  npm test\n'
  t.equal(await run('one', '--js'), `one holds the example minimal in JavaScript. Go on with\n\n  cd one\n${steps}`)
  t.match(await run('My App', '--ts'), `in TypeScript. Go on with\n\n  cd "My App"\n${steps}`)
  t.match(await run('$5', '--js'), `Go on with\n\n  cd '$5'\n${steps}`)
  t.match(await run("it's $5", '--js'), `Go on with\n\n  cd 'it'\\''s $5'\n${steps}`)
  t.match(await run('--js', '--', '-x'), `Go on with\n\n  cd ./-x\n${steps}`)
  t.equal(manifestOf('My App').name, 'my-app')
  await run('_…_')
  t.equal(manifestOf('_…_').name, 'my-app')
  t.chdir(t.testdir({ 'new app': {} }))
  t.chdir('new app')
  t.match(await run('.'), `Go on with\n\n${steps}`)
  t.equal(manifestOf('.').name, 'new-app')
  t.chdir(folder)
})

t.test('asks on a terminal for what is left open', async (t) => {
  workIn(t)
  const all = await converse([], ['mine', 'own-app', ' ts '])
  const example = 'Example: all-five, chatbot, minimal, own-app [minimal]: '
  t.match(all, { code: 0, asked: ['Folder [my-app]: ', example, /^Language: ts, js \[/] })
  t.ok(existsSync('mine/src/sightings.ts'))
  t.match(await converse(['--js'], ['', '']), { code: 0, asked: { length: 2 } })
  t.ok(existsSync('my-app/src/server.js'))
  t.match(await converse(['chat'], ['chatbot']), { code: 0, asked: { length: 1 } })
  t.match(await converse(['all', '--from=minimal', '--ts'], []), { code: 0, asked: [] })
  await t.rejects(converse(['x', '--from=minimal'], ['rust']), { message: 'the language is "rust"; it takes ts or js' })
  await t.rejects(converse([], ['my-app']), { message: /^my-app is not empty/ })
})

t.test('leaves nothing behind when it is interrupted', async (t) => {
  const folder = workIn(t)
  t.match(await converse([], ['mine']), { code: 130 })
  t.same(readdirSync(folder), [])
})

t.test('refuses wrong words, and a folder that is not empty, with one line', { skip: lacks.links }, async (t) => {
  workIn(t)
  writeFileSync('file', 'text')
  symlinkSync('nowhere/at/all', 'dangling')
  const wrong: [args: string[], says: RegExp][] = [
    [[], /^new takes a folder: new my-app$/],
    [[''], /^the folder has no name$/],
    [['.'], /^\. is not empty; new takes a new folder$/],
    [['file'], /^file is not a folder$/],
    [['file/app'], /^file\/app is not a folder$/],
    [['x'.repeat(300)], /^x+ cannot be read \(ENAMETOOLONG\)$/],
    [['dangling'], /^dangling cannot be written: \w+/],
    [['app', 'more'], /^new takes one folder; "more" is one too many$/],
    [['app', '--ts', '--js'], /^--ts and --js exclude each other$/],
    [['app', '--from', 'flaskr'], /^there is no example "flaskr"; --from takes one of all-five, .*, own-app$/],
    [['app', '--from', ''], /^there is no example ""; /],
    [['app', '--from', 'chatbot', '--ts'], /^the example chatbot is in JavaScript alone; leave --ts out$/],
    [['app', '--form', 'minimal'], /^Unknown option '--form'/]
  ]
  for (const [args, message] of wrong) await t.rejects(run(...args), { message }, args.join(' '))
  t.same(readdirSync('.').sort(), ['dangling', 'file'])
})

t.test('is a command of the package', async (t) => {
  const folder = workIn(t)
  t.match(await ending(folder, ['new', 'my-app', '--js']), { exitCode: 0, stdout: /^my-app holds the example minimal/ })
  const stderr = 'fastify-quickstart: my-app is not empty; new takes a new folder\n'
  t.match(await ending(folder, ['new', 'my-app']), { exitCode: 1, stdout: '', stderr })
})
