import { AxeBuilder } from '@axe-core/playwright'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createProject } from '../../bin/commands/new.ts'
import { openPage, startBrowser } from './browser.ts'
import { freePort } from './server.ts'

const root = resolve(import.meta.dirname, '..', '..')
const admin = { username: 'admin', password: 'secret' }

/** Makes a project of the example minimal, and starts it as its `npm start` does, or its `npm run dev`. */
async function startProject (t: Test, { isDev = false } = {}): Promise<{ url: string, folder: string }> {
  const folder = join(t.testdir({}), 'my-app')
  await createProject([folder, '--js'], new PassThrough(), new PassThrough())
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
  const flags = [...isDev ? ['dev'] : [], '--routes', 'routes.js', '--tutorial=false']
  const server = spawn(process.execPath, ['node_modules/fastify-quickstart/bin/run.js', ...flags], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: String(isDev ? await freePort() : 0) },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  })
  const [said] = await once(server.stdout, 'data')
  return { url: /Open (\S+)\/ in a browser/.exec(String(said))?.[1] ?? '', folder }
}

t.test('its pages look like those of the root app, on a phone and a desk, in light and dark', async (t) => {
  const { url } = await startProject(t)
  const browser = await startBrowser(t)
  const pages = ['/', '/dice', '/dice?sides=x', '/private', '/nowhere']
  for (const width of [360, 1200]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const options = { viewport: { width, height: 800 }, colorScheme, httpCredentials: admin }
      const { page, seen } = await openPage(t, browser, url, options)
      for (const path of pages) {
        await page.goto(url + path)
        const name = `${path} ${width} px ${colorScheme}`
        t.equal(await page.locator('h1').count(), 1, `${name}: one heading`)
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
        t.equal(background, colorScheme === 'light' ? 'rgb(246, 247, 245)' : 'rgb(18, 24, 22)', `${name}: colours`)
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${name}: fits`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        t.same(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name}: accessible`)
      }
      // Chromium reports each answer that is an error.
      t.same(seen.consoleErrors.filter((text) => !/status of 40[04]/.test(text)), [])
      t.same(seen.foreignRequests, [])
    }
  }
})

t.test('one rolls a die, and stays logged in on every page', async (t) => {
  const { url } = await startProject(t)
  const { page } = await openPage(t, await startBrowser(t), url, { httpCredentials: admin })
  await page.goto(url)
  await page.getByRole('link', { name: 'Roll a die' }).click()
  await page.getByLabel('Sides').fill('2')
  await page.getByRole('button', { name: 'Roll' }).click()
  await page.waitForURL(/\?sides=2$/)
  t.match(await page.locator('main').innerText(), /You rolled a [12]\./)

  await page.getByRole('link', { name: 'Log in' }).click()
  t.match(await page.locator('main').innerText(), 'Welcome, admin')
  await page.getByRole('link', { name: 'My app' }).click()
  t.match(await page.locator('header').innerText(), 'Logged in as admin')
})

t.test('while one writes, the page reloads when a view, a style or a route changes', async (t) => {
  const { url, folder } = await startProject(t, { isDev: true })
  const { page } = await openPage(t, await startBrowser(t), url)
  await page.goto(`${url}/dice`)
  const save = async (path: string, change: (text: string) => string) => {
    const loaded = page.waitForEvent('load')
    writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')))
    await loaded
  }
  await save('views/dice.eta', (view) => `${view}<p>Written just now</p>\n`)
  await page.getByText('Written just now').waitFor()
  await save('public/app.css', (style) => `${style}h1 { color: rgb(1, 2, 3) }\n`)
  t.equal(await page.evaluate('getComputedStyle(document.querySelector("h1")).color'), 'rgb(1, 2, 3)')
  await save('routes.js', (routes) => routes.replace("  app.get('/',", "  app.get('/added', async () => 'here')\n$&"))
  t.equal(await (await fetch(`${url}/added`)).text(), 'here')
})
