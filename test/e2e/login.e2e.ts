import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import auth, { requiresAuth } from '../../plugins/auth/index.ts'
import { openPage, startBrowser } from './browser.ts'

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
