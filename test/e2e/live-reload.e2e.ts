import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { reloadPages } from '../../app/development/live-reload.ts'
import { openPage, startBrowser } from './browser.ts'
import { freePort, startServer, until } from './server.ts'

/** An app of somebody's own whose pages reload. It listens, and is closed when the test ends. */
async function startHost (
  t: Test, folder: string, routes: (app: FastifyInstance) => void, port = 0
): Promise<{ app: FastifyInstance, url: string, polls: () => number }> {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  let count = 0
  app.addHook('onRequest', async ({ url }) => { if (url === '/quickstart-reload') count++ })
  reloadPages(app, [folder])
  routes(app)
  const url = await app.listen({ port, host: '127.0.0.1' })
  return { app, url, polls: () => count }
}

const page = (text: string, more = '') => `<!DOCTYPE html><title>A page</title><link rel="icon" href="data:,"><p>${text}</p>${more}`

const send = (reply: FastifyReply, text: string, more?: string) => reply.type('text/html; charset=utf-8').send(page(text, more))

/** Each view below a folder that is edited in a test. */
function edit (folder: string, text: string): void {
  writeFileSync(join(folder, 'draft'), `<title>A view</title><p>${text}</p>`)
  renameSync(join(folder, 'draft'), join(folder, 'index.eta'))
}

const shows = (page: Page, text: string) => page.getByText(text, { exact: true }).waitFor()

t.test('eight tabs load, and each reloads after each edit', async (t) => {
  const folder = t.testdir({ 'index.eta': '<p>one</p>' })
  const { url } = await startServer(t, { env: { QUICKSTART_VIEWS_DIR: folder }, flags: ['--reload=true'] })
  const { context, seen, page: first } = await openPage(t, await startBrowser(t), url)
  const pages = [first]
  while (pages.length < 8) pages.push(await context.newPage())
  for (const page of pages) await page.goto(url)
  for (const text of ['two', 'three', 'four']) {
    edit(folder, text)
    for (const page of pages) await shows(page, text)
  }
  t.same(seen.consoleErrors, [])
})

t.test('of two edits shortly after each other, the last is shown', async (t) => {
  const folder = t.testdir({ 'index.eta': '<p>one</p>' })
  const { url } = await startServer(t, { env: { QUICKSTART_VIEWS_DIR: folder }, flags: ['--reload=true'] })
  const { page } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  for (const [round, apart] of [650, 50, 300, 600, 700].entries()) {
    edit(folder, `first of ${round}`)
    await setTimeout(apart)
    edit(folder, `last of ${round}`)
    await shows(page, `last of ${round}`)
  }
})

t.test('what is edited while a page is made or loads is shown', async (t) => {
  const folder = t.testdir({ file: 'one' })
  let text = 'one'
  let happens: 'page' | 'script' | undefined
  function editDuring (part: typeof happens) {
    if (happens !== part) return
    happens = undefined
    writeFileSync(join(folder, 'file'), text = `edited during the ${part}`)
  }
  const { url } = await startHost(t, folder, (app) => {
    app.get('/', async (request, reply) => {
      const before = text
      editDuring('page')
      return send(reply, before, '<script src="/script.js"></script>')
    })
    app.get('/script.js', async (request, reply) => {
      editDuring('script')
      return reply.type('text/javascript').header('cache-control', 'no-store').send('')
    })
  })
  const { page } = await openPage(t, await startBrowser(t), url)
  for (const part of ['page', 'script'] as const) {
    happens = part
    await page.goto(url)
    await shows(page, `edited during the ${part}`)
  }
})

t.test('a page reloads when the server has started anew, in the same process and as soon as it was sent', async (t) => {
  const folder = t.testdir({})
  const port = await freePort()
  const routes = (text: string) => (app: FastifyInstance) => {
    app.get('/', async (request, reply) => send(reply, text))
    app.get('/last', async (request, reply) => {
      // The page is the last that this server sends: not even a script of its own.
      reply.raw.once('finish', () => { app.close() })
      return send(reply.header('connection', 'close'), text)
    })
  }
  const { page } = await openPage(t, await startBrowser(t), 'http://127.0.0.1')
  for (const path of ['/', '/last', '/']) {
    const first = await startHost(t, folder, routes('before'), port)
    await page.goto(first.url + path)
    await shows(page, 'before')
    await first.app.close()
    await until(async () => await fetch(first.url).then(() => false, () => true), 'the end')
    const second = await startHost(t, folder, (app) => {
      app.get(path, async (request, reply) => send(reply, 'after'))
    }, port)
    await shows(page, 'after')
    await second.app.close()
  }
})

t.test('the root app is started anew, in another process', async (t) => {
  const env = { QUICKSTART_VIEWS_DIR: t.testdir({ 'index.eta': '<p><%= it.pid ?? "page" %></p>' }) }
  const first = await startServer(t, { env, flags: ['--reload=true'] })
  const { page } = await openPage(t, await startBrowser(t), first.url)
  await page.goto(first.url)
  const reloaded = page.waitForEvent('load')
  first.process.kill('SIGTERM')
  await once(first.process, 'exit')
  await startServer(t, { env: { ...env, PORT: new URL(first.url).port }, flags: ['--reload=true'] })
  await reloaded
})

t.test('a page has names of its own, and fetches fragments and files as they are', async (t) => {
  const folder = t.testdir({ file: 'one' })
  const { url } = await startHost(t, folder, (app) => {
    app.get('/', async (request, reply) => send(reply, 'page', `<script>
      const server = 'my server'; let origin = 'my origin', url = 'my url', dataset, state = 'my state', pause = 1, ask = 2, watch = 3, shown, wake, isOver, isRepeated
      function listen () { return 'my listen' }
      const events = []
      class EventSource { constructor () { throw new Error('none is asked for') } }
    </script>`))
    app.get('/fragment', async (request, reply) => reply.type('text/html').send('<b>part</b>'))
  })
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  t.equal(await page.evaluate('server + listen()'), 'my servermy listen')
  for (const headers of ['{}', '{ accept: "text/html" }']) {
    t.equal(await page.evaluate(`fetch('/fragment', { headers: ${headers} }).then((answer) => answer.text())`), '<b>part</b>')
  }
  const reloaded = page.waitForEvent('load')
  writeFileSync(join(folder, 'file'), 'an edit')
  await reloaded
  t.same(seen.consoleErrors, [])
})

t.test('frames reload too, and a sandboxed one is left alone', async (t) => {
  const folder = t.testdir({ file: 'one' })
  let text = 'one'
  const { url } = await startHost(t, folder, (app) => {
    app.get('/frame', async (request, reply) => send(reply, text))
    app.get('/outside', async (request, reply) => {
      return reply.type('text/html').send('<iframe src="/frame"></iframe><iframe src="/frame" sandbox="allow-scripts"></iframe>')
    })
  })
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  await page.goto(`${url}/outside`)
  // The outer page may come back first, with a frame that is new.
  for (text of ['two', 'three']) {
    writeFileSync(join(folder, 'file'), text)
    await page.frameLocator('iframe >> nth=0').getByText(text).waitFor()
  }
  t.same(seen.consoleErrors, [])
})

t.test('a page reloads behind a login that everything asks for, and where a <base> leads elsewhere', async (t) => {
  const head = '<title>A view</title><base href="http://127.0.0.2:9/">'
  const folder = t.testdir({ 'index.eta': `${head}<p>one</p>` })
  const { url } = await startServer(t, { env: { QUICKSTART_VIEWS_DIR: folder, QUICKSTART_PROTECT: '/*' }, flags: ['--reload=true'] })
  const httpCredentials = { username: 'admin', password: 'secret' }
  const { page } = await openPage(t, await startBrowser(t), url, { httpCredentials })
  await page.goto(url)
  for (const text of ['two', 'three']) {
    writeFileSync(join(folder, 'index.eta'), `${head}<p>${text}</p>`)
    await shows(page, text)
  }
})

t.test('a tab that nobody sees asks seldom, and at once when it is shown', async (t) => {
  const folder = t.testdir({ file: 'one' })
  let text = 'one'
  const { url, polls } = await startHost(t, folder, (app) => {
    app.get('/', async (request, reply) => send(reply, text))
  })
  const { page } = await openPage(t, await startBrowser(t), url)
  await page.addInitScript('Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? true })')
  await page.goto(url)
  await page.waitForTimeout(2000)
  t.ok(polls() <= 1, 'seldom')
  writeFileSync(join(folder, 'file'), text = 'two')
  await page.evaluate('window.isHidden = false, document.dispatchEvent(new Event("visibilitychange"))')
  await shows(page, 'two')
})

t.test('a page from a cache, one that asks for a login and one that may not connect are left alone', async (t) => {
  const folder = t.testdir({ file: 'one' })
  let isGuarded = false
  const { url, polls } = await startHost(t, folder, (app) => {
    app.addHook('onRequest', async (request, reply) => {
      if (isGuarded) return reply.code(401).header('www-authenticate', 'Basic realm="x"').send('')
    })
    app.get('/', async (request, reply) => send(reply, 'page'))
    app.get('/mute', async (request, reply) => {
      return send(reply.header('content-security-policy', "default-src 'none'; script-src 'self'; img-src data:"), 'page')
    })
  })
  const { page, seen } = await openPage(t, await startBrowser(t), url)

  const kept = await (await fetch(url, { headers: { 'sec-fetch-dest': 'document' } })).text()
  writeFileSync(join(folder, 'file'), 'another')
  let loads = 0
  await page.route(`${url}/`, async (route) => {
    loads++
    await route.fulfill({ body: kept, contentType: 'text/html' })
  })
  await page.goto(url)
  await until(() => loads === 2, 'one reload')
  const asked = polls()
  await until(() => polls() >= asked + 4, 'more questions')
  t.equal(loads, 2, 'a page that stays the same is not reloaded at each question')
  await page.unroute(`${url}/`)

  await page.goto(url)
  t.same(seen.consoleErrors, [])
  isGuarded = true
  const before = polls()
  await until(() => polls() > before, 'a question that is refused')
  await page.waitForTimeout(1500)
  t.equal(polls(), before + 1)
  isGuarded = false

  seen.consoleErrors.length = 0
  await page.goto(`${url}/mute`)
  await until(() => seen.consoleErrors.length > 0, 'what the policy stops')
  await page.waitForTimeout(1500)
  t.equal(seen.consoleErrors.length, 2, 'the policy is broken once, which Chromium says in two ways')
})

t.test('the alert of the quick start is that of the first load', async (t) => {
  const folder = t.testdir({ 'app.js': '' })
  const { url } = await startServer(t, { env: { QUICKSTART_VIEWS_DIR: folder }, flags: ['--reload=true'] })
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  t.same(seen.dialogs, ['you are feeling app.js!'])
  const reloaded = page.waitForEvent('load')
  writeFileSync(join(folder, 'file.eta'), 'an edit')
  await reloaded
  t.equal(seen.dialogs.length, 1)
})
