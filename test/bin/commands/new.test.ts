import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createProject } from '../../../bin/commands/new.ts'
import { ending } from '../command.ts'
import { lacks } from '../../system.ts'

const examples = resolve(import.meta.dirname, '..', '..', '..', 'examples')
const root = resolve(examples, '..')
const [major] = process.versions.node.split('.')

/** Whether a program may be TypeScript here. */
const [withTypeScript, without] = [true, false]

/** An empty folder to work in. */
function workIn (t: Test): string {
  const folder = t.testdir({})
  t.chdir(folder)
  return folder
}

/** Runs the command without a terminal on a Node that runs TypeScript, and returns what it printed. */
async function run (...args: string[]): Promise<string> {
  return await runOn(withTypeScript, args)
}

/** The same on a Node that runs TypeScript, or does not. */
async function runOn (runsTypeScript: boolean, args: string[]): Promise<string> {
  const stdout = new PassThrough()
  if (await createProject(args, new PassThrough(), stdout, runsTypeScript) !== 0) throw new Error('not made')
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
  return { code: await createProject(args, stdin, stdout, withTypeScript), asked }
}

/** What a project's package.json says. */
function manifestOf (folder: string) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    engines: { node: string }
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
      t.equal(resolve(folder, dependencies['fastify-quickstart']!.replace('file:', '')), root) // each has it
      t.equal(readFileSync(join(folder, '.npmrc'), 'utf8'), 'install-links=true\n')
      t.equal(scripts[example === 'minimal' ? 'typecheck' : 'build'], language === 'ts' ? 'tsc' : undefined)
      t.equal('typescript' in devDependencies, language === 'ts')
      t.equal(devDependencies['@types/node'], language === 'ts' ? `^${major}` : undefined)
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      for (const wanted of ['.gitignore', 'README.md', 'public', 'views']) t.ok(files.includes(wanted), wanted)
      t.equal(files.some((file) => file.endsWith('.ts')), language === 'ts')
      t.equal(files.some((file) => /^(?:src|routes).*\.js$/.test(file)), language === 'js' && example !== 'chatbot')
      t.equal(files.includes('tsconfig.json'), language === 'ts')
    }
  }
})

t.test('takes minimal, in TypeScript where Node runs it', async (t) => {
  workIn(t)
  for (const [runsTypeScript, source, node] of [[true, 'routes.ts', '>=22.18'], [false, 'routes.js', '>=20.19']] as const) {
    const folder = `with-${source}`
    await runOn(runsTypeScript, [folder])
    t.ok(existsSync(`${folder}/views/dice.eta`))
    for (const file of ['.env.example', '.dockerignore', source]) t.ok(existsSync(`${folder}/${file}`), file)
    const { engines, scripts } = manifestOf(folder)
    t.equal(scripts.start, `fastify-quickstart --routes ${source} --tutorial=false`)
    t.equal(scripts.dev, `fastify-quickstart dev --routes ${source} --tutorial=false`)
    t.equal(engines.node, node)
    const texts = ['Dockerfile', 'README.md', 'package.json'].map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
    for (const text of texts) t.notMatch(text, source === 'routes.ts' ? /routes\.(test\.)?js/ : /routes\.(test\.)?ts/)
  }
})

t.test('the Dockerfile of own-app starts what the language has', async (t) => {
  workIn(t)
  for (const [language, words] of [['ts', '"--routes", "dist/routes.js"'], ['js', '"--routes", "src/routes.js"']] as const) {
    await run(language, '--from', 'own-app', `--${language}`)
    t.match(readFileSync(`${language}/Dockerfile`, 'utf8'), words)
    t.ok(existsSync(`${language}/.dockerignore`))
  }
})

t.test('a project has no script that this Node cannot run', async (t) => {
  workIn(t)
  await t.rejects(runOn(without, ['my-app', '--ts']), {
    message: 'the example minimal is run without a build, and Node runs TypeScript from 22.18 on; ' +
      `this is ${process.version}; leave --ts out`
  })
  await t.rejects(runOn(without, ['my-app', '--ts', '--from', 'minimal']), { message: /leave --ts out$/ })
  t.notOk(existsSync('my-app'))
  const built: [example: string, scripts: string[], dev: (extension: string) => string][] = [
    ['all-five', ['build', 'start', 'test'], (extension) => `src/server.${extension}`],
    ['own-app', ['build', 'start', 'check', 'test'], (extension) => `--routes src/routes.${extension} --tutorial=false`]
  ]
  for (const [example, scripts, dev] of built) {
    await runOn(without, [`${example}-ts`, '--ts', '--from', example])
    t.same(Object.keys(manifestOf(`${example}-ts`).scripts), scripts)
    await runOn(without, [`${example}-js`, '--from', example])
    t.equal(manifestOf(`${example}-js`).scripts.dev, `fastify-quickstart dev ${dev('js')}`)
    await runOn(withTypeScript, [`${example}-dev`, '--from', example])
    t.equal(manifestOf(`${example}-dev`).scripts.dev, `fastify-quickstart dev ${dev('ts')}`)
  }
})

t.test('says how to go on, from the folder one is in', async (t) => {
  const folder = workIn(t)
  const steps = '  npm install && npm start\n  npm test\n'
  const from = `npm install copies fastify-quickstart from this clone (file:${relative(resolve('one'), root).replaceAll('\\', '/')})`
  const said = await run('one', '--js')
  t.ok(said.startsWith(`one holds the example minimal in JavaScript.\n${from}`), said)
  t.ok(said.endsWith(`.\nGo on with\n\n  cd one\n${steps}`), said)
  t.match(await run('My App', '--ts'), `Go on with\n\n  cd "My App"\n${steps}`)
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
  t.ok(existsSync('mine/src/store.ts'))
  t.match(await converse(['--js'], ['', '']), { code: 0, asked: { length: 2 } })
  t.ok(existsSync('my-app/routes.js'))
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
    [['dangling'], /^dangling is a link to nowhere$/],
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
