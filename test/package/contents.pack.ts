import { createRequire } from 'node:module'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import t from 'tap'
import { install, newFolder, pack, root, runToEnd, startServer, withRange } from './project.ts'

const { tarball, files } = await pack(t)
const folder = await newFolder(t)
await install(folder, tarball, await withRange('fastify'))
const installed = join(folder, 'node_modules', 'fastify-quickstart')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string, exports: Record<string, unknown> }

t.test('the tarball has what is built, the sources, the pages, and nothing else', async (t) => {
  const sources = files.filter((path) => /^(?:(?:app|routes)\.ts|(?:app|bin|lib|plugins)\/.+\.ts)$/.test(path))
  const built = sources.flatMap((path) => {
    const name = `dist/${path.slice(0, -'.ts'.length)}`
    return [`${name}.js`, `${name}.js.map`, `${name}.d.ts`]
  })
  const pages = files.filter((path) => /^(?:views\/[\w-]+\.eta|public\/[\w-]+\.(?:js|css|svg))$/.test(path))
  const beside = files.filter((path) => /^(?:bench|docs|examples|deploy)\//.test(path))
  t.notOk(beside.some((path) => /node_modules|\.tap|\/dist\//.test(path)))
  t.same(beside.filter((path) => path.startsWith('bench/')), ['bench/rates.svg'], 'the picture of the README, and no tables')
  const single = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bin/run.js', 'fastify.config.cjs', 'package.json']
  t.same(files, [...sources, ...built, ...pages, ...beside, ...single].sort())

  for (const path of ['app.ts', 'bin/fastify-quickstart.ts', 'lib/check-options.ts', 'views/index.eta', 'views/error.eta', 'public/app.js',
    ...['hello', 'static', 'templates', 'params', 'auth'].map((topic) => `plugins/${topic}/index.ts`)]) {
    t.ok(files.includes(path), path)
  }
})

t.test('each link of a document leads to a file of the tarball, or out of it', async (t) => {
  const documents = files.filter((path) => path.endsWith('.md'))
  t.ok(documents.length > 10)
  for (const path of documents) {
    const text = (await readFile(join(installed, path), 'utf8')).replace(/^```[^]*?^```/gm, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?:|#)/.test(link)) continue
      const target = posix.join(dirname(path), link.replace(/#.*/, '')).replace(/\/$/, '')
      if (target === 'bench/README.md') continue // in the repository, where npm's page leads
      t.ok(files.some((file) => file === target || file.startsWith(`${target}/`)), `${path} links to ${link}`)
    }
  }
})

t.test('each source map points at a source in the tarball', async (t) => {
  const maps = files.filter((path) => path.endsWith('.map'))
  t.ok(maps.length >= 14)
  for (const path of maps) {
    const { sources, sourceRoot = '' } = JSON.parse(await readFile(join(installed, path), 'utf8')) as { sources: string[], sourceRoot?: string }
    t.equal(sources.length, 1, path)
    for (const source of sources) {
      const target = posix.join(dirname(path), sourceRoot, source)
      t.ok(files.includes(target), `${path} points at ${target}`)
    }
    const ofWhat = path.slice(0, -'.map'.length)
    t.match(await readFile(join(installed, ofWhat), 'utf8'), new RegExp(`//# sourceMappingURL=${posix.basename(path)}\\s*$`), `${ofWhat} names its map`)
  }
})

t.test('an error shows the line of the TypeScript source', async (t) => {
  const program = `
    import Fastify from 'fastify'
    import hello from 'fastify-quickstart/hello'
    await Fastify().register(hello, { path: 5 })`
  const { code, output } = await runToEnd(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', program], folder)
  t.equal(code, 1)
  t.match(output, /plugins[\\/]hello[\\/]index\.ts:\d+/)
})

t.test('there are these exports, and no other way in', async (t) => {
  t.same(Object.keys(manifest.exports), ['.', './hello', './static', './templates', './params', './auth', './live-reload', './package.json'])
  const { resolve } = createRequire(join(folder, 'package.json'))
  t.throws(() => resolve('fastify-quickstart/lib/check-options.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  t.throws(() => resolve('fastify-quickstart/dist/app.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
})

const topics = `[
  ['hello', {}, '/', 200],
  ['static', { root: ${JSON.stringify(join(installed, 'public'))} }, '/static/app.js', 200],
  ['templates', { root: ${JSON.stringify(join(installed, 'views'))} }, '/', 404],
  ['params', {}, '/user/alice', 200],
  ['auth', {}, '/secret', 401]
]`

for (const [way, load, type] of [
  ['import', '(await import(name)).default', 'module'],
  ['import, by name', '(await import(name))[topic]', 'module'],
  ['import() handed to register', 'import(name)', 'module'],
  ['require()', 'require(name)', 'commonjs'],
  ['require(), by name', 'require(name)[topic]', 'commonjs'],
  ['import() in CommonJS', 'import(name)', 'commonjs']
] as const) {
  t.test(`each plugin is loaded with ${way}`, async (t) => {
    const program = `
      ${type === 'module' ? "import Fastify from 'fastify'" : "const Fastify = require('fastify')"}
      async function main () {
        for (const [topic, options, url] of ${topics}) {
          const name = 'fastify-quickstart/' + topic
          const app = Fastify()
          await app.register(${load}, options)
          console.log(topic, (await app.inject(url)).statusCode)
          await app.close()
        }
      }
      main()`
    const { code, output } = await runToEnd(process.execPath, [`--input-type=${type}`, '--eval', program], folder)
    t.equal(withoutWarnings(output), 'hello 200\nstatic 200\ntemplates 404\nparams 200\nauth 401\n')
    t.equal(code, 0)
  })
}

t.test('the root app is imported and required, with the options for its server', async (t) => {
  for (const [type, load] of [
    ['module', "import Fastify from 'fastify'; import * as quickstart from 'fastify-quickstart'"],
    ['commonjs', "const Fastify = require('fastify'); const quickstart = require('fastify-quickstart')"]
  ] as const) {
    const program = `${load}
      async function main () {
        const app = Fastify({ ...quickstart.options, logger: false })
        app.register(quickstart)
        app.register(quickstart.default, { prefix: '/again', hello: { message: 'Hello again!' } })
        for (const url of ['/', '/static/app.js', '/again/hello']) console.log((await app.inject(url)).statusCode)
        await app.close()
      }
      main()`
    const { output } = await runToEnd(process.execPath, [`--input-type=${type}`, '--eval', program], folder)
    t.equal(withoutWarnings(output), '200\n200\n200\n', type)
  }
})

t.test('publint and are-the-types-wrong find nothing', async (t) => {
  const bin = (name: string) => join(root, 'node_modules', '.bin', name)
  const publint = await runToEnd(bin('publint'), ['run', '--strict', tarball], folder)
  t.match(publint.output, 'All good!')
  t.equal(publint.code, 0)
  const attw = await runToEnd(bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji'], folder)
  t.equal(attw.code, 0)
  t.equal(attw.output.match(/^node16 \(from ESM\): OK/gm)?.length, Object.keys(manifest.exports).length, attw.output)
})

t.test('the command serves the folders that are there, and else those of the package', async (t) => {
  const { output } = await runToEnd('npx', ['--no', '--', 'fastify-quickstart', '--version'], folder)
  t.equal(output.replaceAll(/^npm warn .*\n/gm, ''), `${manifest.version}\n`)

  const builtIn = await startServer(t, 'npx', ['--no', '--', 'fastify-quickstart', '--port', '0'], folder)
  const index = await (await fetch(builtIn, { headers: { accept: 'text/html' } })).text()
  t.match(index, '<h1>A HTML File from templates/</h1>')
  t.notMatch(index, '<footer>', 'which invites to change what a clone has')
  t.match(await (await fetch(`${builtIn}/static/app.js`)).text(), 'you are feeling app.js!')

  await mkdir(join(folder, 'public'))
  await mkdir(join(folder, 'views'))
  await writeFile(join(folder, 'public', 'own.txt'), 'my own file')
  await writeFile(join(folder, 'views', 'index.eta'), '<p>My own page, <a href="<%= it.asset(\'own.txt\') %>"></p>')
  const own = await startServer(t, 'npx', ['--no', '--', 'fastify-quickstart', '--port', '0', '--params=false'], folder)
  t.equal(await (await fetch(own)).text(), '<p>My own page, <a href="/static/own.txt"></p>')
  t.equal(await (await fetch(`${own}/static/own.txt`)).text(), 'my own file')
  t.equal((await fetch(`${own}/user/alice`)).status, 404)
})

/** Node 20 says of require() of an ES module that it is experimental. */
function withoutWarnings (output: string): string {
  return output.replaceAll(/^(?:\(node:\d+\) ExperimentalWarning|Support for loading ES Module|\(Use `node --trace-warnings).*\n/gm, '')
}
