import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createProject } from '../../bin/commands/new.ts'
import { cheap } from '../plugins/auth/logins.ts'
import { openPage, startBrowser } from './browser.ts'
import { freePort } from './server.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** Makes a project of the example own-app, and starts it as its `npm start` or `npm run dev` does. */
async function startProject (
  t: Test, { isDev = false, port = 0 }: { isDev?: boolean, port?: number } = {}
): Promise<{ url: string, folder: string }> {
  const folder = join(t.testdir({}), 'birds')
  await createProject([folder, '--from', 'own-app', '--js'], new PassThrough(), new PassThrough())
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
  writeFileSync(join(folder, 'users'), ['ada', 'bob'].map((name) => `${name}:${cheap.bcrypt('secret')}\n`).join(''))
  writeFileSync(join(folder, 'groups'), 'wardens: ada\n')
  const command = ['node_modules/fastify-quickstart/bin/run.js', ...isDev ? ['dev'] : []]
  const server = spawn(process.execPath, [...command, '--routes', 'src/routes.js', '--tutorial=false'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH, PORT: String(port), QUICKSTART_USERS_FILE: 'users', QUICKSTART_GROUPS_FILE: 'groups'
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  })
  const [said] = await once(server.stdout, 'data')
  const [, url = ''] = /Open (\S+)\/ in a browser/.exec(String(said)) ?? []
  return { url, folder }
}

/** The id of the element that has the focus. */
async function focused (page: Page): Promise<unknown> {
  // A browser gives the focus of autofocus with the first frame that it draws.
  return await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve(document.activeElement.id)))')
}

/** Whether a field says that it is invalid, and the text that describes it to a screen reader. */
async function readField (field: Locator): Promise<{ isInvalid: string | null, described: string }> {
  const id = await field.getAttribute('aria-describedby')
  const described = await field.page().locator(`#${id}`).innerText()
  return { isInvalid: await field.getAttribute('aria-invalid'), described }
}

t.test('a refused form comes back with what was typed and the reasons, and is taken when it is right', async (t) => {
  const { url } = await startProject(t)
  const browser = await startBrowser(t)
  const { page, seen } = await openPage(t, browser, url, { httpCredentials: { username: 'bob', password: 'secret' } })
  await page.goto(`${url}/new`)
  await page.getByLabel('Count').fill('two')
  await page.getByLabel('Place').selectOption('wood')
  await page.getByLabel('It is ringed').check()
  await page.getByLabel('Note').fill('under the <oak>\nsinging')
  await page.getByRole('button', { name: 'Write it down' }).click()

  const list = page.getByRole('alert')
  t.same(await list.getByRole('link').allInnerTexts(), [
    'Species: Please fill this in', 'Day: Please fill this in', 'Count: Please enter a whole number from 1 to 10000'
  ])
  t.equal(await focused(page), 'species', 'the first field that is wrong has the focus')
  await list.getByRole('link', { name: 'Count' }).click()
  await page.keyboard.press('Shift+Tab')
  t.equal(await focused(page), 'day', 'a link of the list leads to its field')
  for (const [name, message] of [['Species', 'Please fill this in'], ['Count', 'Please enter a whole number from 1 to 10000']]) {
    const { isInvalid, described } = await readField(page.getByLabel(name!))
    t.same([isInvalid, described], ['true', message], `${name} says what is wrong with it`)
  }
  t.same(await readField(page.getByLabel('Note')), { isInvalid: null, described: '' })
  t.equal(await page.getByLabel('Count').inputValue(), 'two')
  t.equal(await page.getByLabel('Place').inputValue(), 'wood')
  t.equal(await page.getByLabel('It is ringed').isChecked(), true)
  t.equal(await page.getByLabel('Note').inputValue(), 'under the <oak>\nsinging')
  const { violations } = await new AxeBuilder({ page }).analyze()
  t.same(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], 'it is accessible')

  await page.getByLabel('Species').fill('Wren')
  await page.getByLabel('Day').fill('2026-05-01')
  await page.getByLabel('Count').fill('2')
  await page.getByRole('button', { name: 'Write it down' }).click()
  await page.waitForURL(/\/mine$/)
  t.equal(await page.locator('article h2').innerText(), '2 × Wren')
  t.match(await page.locator('article').innerText(), /On 2026-05-01: wood/)
  t.equal(await page.locator('.note').innerText(), 'under the <oak>\nsinging')

  await page.goto(`${url}/new`)
  t.equal(await focused(page), '', 'a new form has no focus')
  await page.getByLabel('Species').fill('Wren')
  await page.getByLabel('Day').fill('2026-05-01')
  await page.getByRole('button', { name: 'Write it down' }).click()
  t.same(await page.getByRole('alert').getByRole('link').allInnerTexts(), ['Day: You have this species on this day already'])
  t.equal(await focused(page), 'day')
  t.equal(await page.getByLabel('Day').inputValue(), '2026-05-01')

  await page.goto(url)
  t.equal(await page.getByRole('button', { name: 'Delete' }).count(), 0)
  t.equal(seen.dialogs.length, 0)

  const warden = await openPage(t, browser, url, { httpCredentials: { username: 'ada', password: 'secret' } })
  await warden.page.goto(`${url}/mine`) // the first page that asks who it is
  await warden.page.goto(url)
  await warden.page.getByRole('button', { name: 'Delete' }).click()
  await warden.page.getByText('Nothing has been seen').waitFor()
})

t.test('while one writes, the page reloads when a view, a style or the server changes', async (t) => {
  const { url, folder } = await startProject(t, { isDev: true, port: await freePort() })
  const { page } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  const save = (path: string, change: (text: string) => string) => {
    const file = join(folder, path)
    writeFileSync(`${file}.draft`, change(readFileSync(file, 'utf8')))
    renameSync(`${file}.draft`, file)
  }
  for (const text of ['Written just now', 'Written later']) {
    save('views/index.eta', (view) => `${view}<p>${text}</p>\n`)
    await page.getByText(text).waitFor()
  }
  for (const color of ['rgb(1, 2, 3)', 'rgb(4, 5, 6)']) {
    const styled = page.waitForEvent('load')
    save('public/style.css', (style) => `${style}h1 { color: ${color} }\n`)
    await styled
    t.equal(await page.evaluate('getComputedStyle(document.querySelector("h1")).color'), color)
  }
  for (const path of ['/new-route', '/another']) {
    const started = page.waitForEvent('load')
    save('src/routes.js', (routes) => routes.replace(/^ *await app\.register/m, `  app.get('${path}', () => 'here')\n$&`))
    await started
    t.equal(await (await fetch(url + path)).text(), 'here')
  }
})
