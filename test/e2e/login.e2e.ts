import formbody from '@fastify/formbody'
import Fastify, { type RouteHandlerMethod } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import auth, { optionalAuth, requiresAuth } from '../../plugins/auth/index.ts'
import quickstart, { options } from '../../app.ts'
import { basic, cheap } from '../plugins/auth/logins.ts'
import { openPage, startBrowser } from './browser.ts'
import { until } from './server.ts'

/** An app with a guarded page, a guarded form and a logout page, and what came for the form. */
async function startApp (t: Test, options: object = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const taken: unknown[] = []
  const seen: { hasLogin: boolean, from: unknown }[] = []
  app.addHook('onRequest', async ({ method, headers }) => {
    if (method === 'POST') seen.push({ hasLogin: 'authorization' in headers, from: headers['sec-fetch-site'] })
  })
  await app.register(auth, { path: false, logout: '/logout', ...options })
  await app.register(formbody)
  app.get('/', { onRequest: requiresAuth }, async (request, reply) => reply.type('text/html').send(form('/transfer')))
  app.post('/transfer', { onRequest: requiresAuth }, async ({ body }) => {
    taken.push(body)
    return 'transferred'
  })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), taken, seen }
}

function form (action: string): string {
  return `<form method="post" action="${action}"><input name="to" value="somebody"><button>Send</button></form>`
}

/** A site of somebody else, with a form for the app. */
async function startOtherSite (t: Test, action: string): Promise<string> {
  const site = Fastify()
  t.teardown(() => site.close())
  site.get('/', async (request, reply) => reply.type('text/html').send(form(action)))
  return await site.listen({ port: 0, host: '127.0.0.1' })
}

/** Logs in by the URL, so that Chromium keeps the login and nobody answers its dialog. */
async function logIn (t: Test, page: Page, url: string): Promise<void> {
  await page.goto(url.replace('//', '//admin:secret@'))
  t.equal(await statusOf(page, url), 200, 'the login is kept')
}

/**
 * The status of a page. Where nobody answers Chromium's dialog, it is cancelled, and the page is an error of its own.
 */
async function statusOf (page: Page, url: string): Promise<number | undefined> {
  try {
    return (await page.goto(url))?.status()
  } catch (error) {
    if (String(error).includes('ERR_INVALID_AUTH_CREDENTIALS')) return 401
    throw error
  }
}

async function send (page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Send' }).click()
  await page.waitForURL(/\/transfer$/)
  return await page.locator('body').innerText()
}

t.test('after the logout page, a guarded page asks for a login', async (t) => {
  const { url } = await startApp(t)
  const { page } = await openPage(t, await startBrowser(t), url)
  await logIn(t, page, url)
  t.equal(await statusOf(page, `${url}/logout`), 401)
  t.equal(await statusOf(page, url), 401, 'the login is forgotten')
})

t.test('a form of the own page goes through', async (t) => {
  const { url, taken, seen } = await startApp(t)
  const { page } = await openPage(t, await startBrowser(t), url)
  await logIn(t, page, url)
  t.equal(await send(page), 'transferred')
  t.same(taken, [{ to: 'somebody' }])
  t.same(seen, [{ hasLogin: true, from: 'same-origin' }])
})

t.test('the root app: its form behind a login goes through over plain HTTP on a host that is not localhost', async (t) => {
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  const seen: object[] = []
  app.addHook('onRequest', async ({ method, headers }) => {
    if (method === 'POST') seen.push({ origin: headers.origin, site: headers['sec-fetch-site'] })
  })
  await app.register(quickstart, { auth: { users: { admin: cheap.bcrypt('secret') }, protect: ['/*'] } })
  const port = new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port
  const url = `http://lan.example:${port}`
  const browser = await startBrowser(t, ['--host-resolver-rules=MAP lan.example 127.0.0.1'])
  const { page } = await openPage(t, browser, url, { extraHTTPHeaders: basic('admin', 'secret') })
  await page.goto(`${url}/`)
  await page.getByRole('button', { name: 'Greet' }).click()
  await page.waitForURL(/\/user/)
  t.equal(await page.locator('body').innerText(), 'User Grace Hopper')
  t.same(seen, [{ origin: url, site: undefined }])
})

/** The root app with pages that show who is logged in, in Chromium, whose dialog for a login is answered. */
async function startRootApp (t: Test) {
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  await app.register(quickstart, {
    auth: { users: { admin: cheap.bcrypt('secret') } },
    routes: async (app) => {
      const show: RouteHandlerMethod = async ({ user }) => user?.name ?? 'nobody'
      app.get('/me', { onRequest: optionalAuth }, show)
      app.get('/team/me', { onRequest: optionalAuth }, show)
      app.get('/team/report', { onRequest: requiresAuth }, show)
    }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { page, context } = await openPage(t, await startBrowser(t), url)
  const dialog = { answers: true, opened: 0 }
  const devTools = await context.newCDPSession(page)
  await devTools.send('Fetch.enable', { handleAuthRequests: true })
  devTools.on('Fetch.requestPaused', ({ requestId }) => { devTools.send('Fetch.continueRequest', { requestId }).catch(() => {}) })
  devTools.on('Fetch.authRequired', ({ requestId }) => {
    dialog.opened++
    const authChallengeResponse = dialog.answers
      ? { response: 'ProvideCredentials', username: 'admin', password: 'secret' } as const
      : { response: 'CancelAuth' } as const
    devTools.send('Fetch.continueWithAuth', { requestId, authChallengeResponse }).catch(() => {})
  })
  const read = async (path: string) => {
    await page.goto(url + path)
    return await page.locator('body').innerText()
  }
  return { url, page, dialog, read }
}

t.test('"Log in" comes back to the page it was on, and "Log out" makes Chromium forget the login', async (t) => {
  const { url, page, dialog, read } = await startRootApp(t)
  await read('/source/hello?a=b')
  await page.getByRole('link', { name: 'Log in' }).click()
  await page.getByText('Logged in as admin').waitFor()
  t.equal(page.url(), `${url}/source/hello?a=b`)
  t.equal(await read('/me'), 'admin')
  t.equal(dialog.opened, 1)

  await read('/source/hello')
  dialog.answers = false
  await page.getByRole('link', { name: 'Log out' }).click()
  await page.getByText('You are logged out').waitFor()
  t.equal(dialog.opened, 2, 'Chromium asks, for the login was refused')
  t.equal(await read('/me'), 'nobody')
})

t.test('Chromium sends a login at and below the folder that asked for it, and to the logout page of any', async (t) => {
  const { dialog, read } = await startRootApp(t)
  t.equal(await read('/team/report'), 'admin')
  t.equal(await read('/team/me'), 'admin')
  t.equal(await read('/me'), 'nobody')
  dialog.answers = false
  t.match(await read('/logout'), 'You are logged out')
  t.equal(await read('/team/me'), 'nobody')

  dialog.answers = true
  t.match(await read('/secret'), 'Logged in as admin')
  t.equal(await read('/me'), 'admin')
  t.equal(await read('/team/me'), 'admin')
})

/** A picture, three pixels wide, and a sound of one sample, as blobs. */
const madeByScript = `
const picture = new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="3" height="1"/>'], { type: 'image/svg+xml' })
document.querySelector('img').src = URL.createObjectURL(picture)
const header = new Uint32Array([0x46464952, 38, 0x45564157, 0x20746d66, 16, 0x00010001, 8000, 16000, 0x00100002, 0x61746164, 2])
const sound = new Blob([header, new Uint16Array([0])], { type: 'audio/wav' })
document.querySelector('audio').src = URL.createObjectURL(sound)
`

t.test('the root app: a page shows a picture and plays a sound that its own script made', async (t) => {
  const views = t.testdir({ 'index.eta': '<img><audio></audio><script src="/made.js"></script>' })
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  await app.register(quickstart, {
    templates: { root: views },
    routes: async (app) => { app.get('/made.js', async (request, reply) => reply.type('text/javascript').send(madeByScript)) }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  await until(async () => await page.evaluate('document.querySelector("img").naturalWidth') === 3, 'the picture')
  await until(async () => await page.evaluate('document.querySelector("audio").readyState > 0'), 'the sound')
  t.same(seen.consoleErrors, [])
})

for (const [site, host] of [['cross-site', 'localhost'], ['same-site', '127.0.0.1']] as const) {
  t.test(`a form of a ${site} page is refused, with the login that Chromium adds to it`, async (t) => {
    const { url, taken, seen } = await startApp(t)
    const other = (await startOtherSite(t, `${url}/transfer`)).replace('127.0.0.1', host)
    const { page } = await openPage(t, await startBrowser(t), url)
    await logIn(t, page, url)
    await page.goto(other)
    t.match(await send(page), 'FST_QUICKSTART_AUTH_CROSS_SITE')
    t.same(taken, [])
    t.same(seen, [{ hasLogin: true, from: site }])
  })
}
