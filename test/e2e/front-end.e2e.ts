import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { openPage, startBrowser } from './browser.ts'
import { startInstance, usersFile } from './server.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** Writes the files of a project, and its users. */
function write (folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries({ ...files, users: usersFile })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** Puts the package into a project. npm removes such a link, so this comes after it. */
function link (folder: string): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
}

const viteProject = {
  'package.json': '{ "private": true, "type": "module" }',
  'index.html': `<!doctype html><html lang="en"><title>App</title><div id="app"></div>
    <script type="module" src="/main.js"></script>`,
  'main.js': `
    import './style.css'
    import picture from './picture.svg'
    const app = document.querySelector('#app')
    app.innerHTML = '<h1></h1><img alt="" src="' + picture + '"><p>waiting</p>'
    app.querySelector('h1').textContent = 'Route ' + location.pathname
    import('./lazy.js').then(async ({ ask }) => { app.querySelector('p').textContent = await ask() })`,
  'lazy.js': "export const ask = async () => (await (await fetch('/api/hello')).json()).hello",
  'style.css': "h1 { color: rgb(1, 2, 3) } body { background: url('./picture.svg') }",
  // Big enough for a file of its own.
  'picture.svg': `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>${'x'.repeat(5000)}</desc></svg>`,
  'routes.js': `
    import files from 'fastify-quickstart/static'

    export default async function routes (app) {
      const root = new URL('dist', import.meta.url)
      await app.register(files, { root, prefix: '/', index: 'index.html', fallback: 'index.html' })
      app.register(async (api) => {
        api.get('/hello', async () => ({ hello: 'from the server' }))
      }, { prefix: '/api' })
    }`
}

t.test('what Vite has built runs under the strict policy, also when a deep link is loaded again', async (t) => {
  const folder = t.testdir({})
  write(folder, viteProject)
  // Which packages may run scripts in this repository is no rule for the project.
  const ours = /^(?:npm_(?!config_)|npm_config_strict_allow_scripts|TAP|NODE_OPTIONS)/
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
  const run = async (command: string, ...args: string[]) => {
    await promisify(execFile)(command, args, { cwd: folder, env })
  }
  await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', 'vite@7')
  await run(process.execPath, 'node_modules/vite/bin/vite.js', 'build')
  link(folder)

  const args = ['--routes', 'routes.js', '--hello=false', '--templates=false']
  const { url } = await startInstance(t, folder, {}, { args })
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  const failed: string[] = []
  page.on('response', (answer) => { if (answer.status() >= 400) failed.push(`${answer.status()} ${answer.url()}`) })
  for (const path of ['/', '/app/some/route', '/app/a%2Fb?x=1']) {
    for (const load of [() => page.goto(url + path), () => page.reload()]) {
      const answer = await load()
      await page.getByText('from the server').waitFor()
      t.equal(await page.locator('h1').innerText(), `Route ${new URL(path, url).pathname}`)
      t.equal(await page.evaluate("getComputedStyle(document.querySelector('h1')).color"), 'rgb(1, 2, 3)')
      t.equal(await page.evaluate("document.querySelector('img').naturalWidth"), 9)
      t.equal((await answer?.allHeaders())?.['cache-control'], 'no-cache')
    }
  }
  t.same([failed, seen.consoleErrors, seen.foreignRequests], [[], [], []])
  t.equal((await fetch(`${url}/assets/gone.js`)).status, 404)
  t.equal((await page.goto(`${url}/index.html?x=1#y`))?.status(), 200)
  t.equal(page.url(), `${url}/?x=1#y`)
})

t.test('a module that a page links and another one imports runs once, and without the map twice', async (t) => {
  const folder = t.testdir({})
  write(folder, {
    'public/lib.js': "globalThis.runs = (globalThis.runs ?? 0) + 1\nexport const name = 'lib'",
    'public/js/main.js': "import { name } from '../lib.js'\nimport '/static/lib.js'\nglobalThis.main = name",
    'public/js/late.js': "export { name } from '../lib.js'",
    'views/pages/index.eta': `<!doctype html><html lang="en"><title>Modules</title>
      <%~ it.importmap({ late: it.asset('js/late.js') }) %>
      <script type="module" src="<%= it.asset('lib.js') %>"></script>
      <script type="module" src="<%= it.asset('js/main.js') %>"></script>
      <script type="module" nonce="<%= it.nonce %>">
        import { name } from 'late'
        globalThis.inline = name
        globalThis.lazy = (await import('/static/lib.js')).name
      </script>`,
    'views/pages/without.eta': `<!doctype html><html lang="en"><title>Modules</title>
      <script type="module" src="<%= it.asset('lib.js') %>"></script>
      <script type="module" src="<%= it.asset('js/main.js') %>"></script>`
  })
  const env = { QUICKSTART_PUBLIC_DIR: 'public', QUICKSTART_VIEWS_DIR: 'views' }
  const { url } = await startInstance(t, folder, env)
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  const scripts: string[] = []
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(new URL(request.url()).pathname)
  })
  const answer = await page.goto(url)
  await page.waitForFunction('globalThis.lazy !== undefined')
  t.same(await page.evaluate('[runs, main, inline, lazy]'), [1, 'lib', 'lib', 'lib'])
  t.same(scripts.map((path) => path.replace(/[0-9a-f]{16}/, '…')).sort(),
    ['/static/js/late.….js', '/static/js/main.….js', '/static/lib.….js'])
  t.match((await answer?.allHeaders())?.['content-security-policy'], /script-src 'self' 'wasm-unsafe-eval' 'nonce-/)
  t.same(seen.consoleErrors, [])

  await page.goto(`${url}/without`)
  await page.waitForFunction('globalThis.main !== undefined')
  t.equal(await page.evaluate('runs'), 2)
})
