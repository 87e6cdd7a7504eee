import { AxeBuilder } from '@axe-core/playwright'
import t from 'tap'
import { openPage, startBrowser } from './browser.ts'
import { startServer } from './server.ts'

const admin = { username: 'admin', password: 'secret' }

for (const mode of ['development', 'production'] as const) {
  t.test(`the index page in ${mode}`, async (t) => {
    const { url } = await startServer(t, mode === 'production'
      ? { env: { NODE_ENV: 'production' }, flags: ['--auth=false'] }
      : {})
    const browser = await startBrowser(t)
    const { page, seen } = await openPage(t, browser, url)
    await page.goto(url, { waitUntil: 'load' })

    t.equal(await page.locator('h1').textContent(), 'A HTML File from templates/')
    t.same(seen.dialogs, ['you are feeling app.js!'])
    t.same(seen.consoleErrors, [])
    t.same(seen.foreignRequests, [])
  })
}

t.test('every link and form of every card leads to an answer', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  const { page, seen } = await openPage(t, browser, url, { httpCredentials: admin })
  await page.goto(url)

  t.same(await page.locator('.card h2').allTextContents(), ['Hello World', 'Static files', 'Templates', 'URL parameters', 'Login'])
  const links = await page.locator('.card a').evaluateAll((anchors) => anchors.map((anchor) => anchor.getAttribute('href') ?? ''))
  t.equal(links.length, 13)
  for (const link of links) {
    const answer = await page.goto(url + link)
    t.equal(answer?.status(), 200, link)
  }

  await page.goto(url)
  await page.getByLabel('Your name').fill('Ada & <b>Grace</b>')
  await page.getByRole('button', { name: 'Greet' }).click()
  await page.waitForURL(/\/user\//)
  t.equal(await page.locator('body').innerText(), 'User Ada & <b>Grace</b>')
  t.same(seen.consoleErrors, [])
  t.same(seen.foreignRequests, [])
})

t.test('the secret page asks for a login, refuses a wrong one and lets the right one in', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)

  const stranger = await openPage(t, browser, url)
  const refusal = await stranger.page.goto(`${url}/secret`).catch((error: Error) => error.message)
  if (typeof refusal === 'string') t.match(refusal, 'ERR_INVALID_AUTH_CREDENTIALS')
  else t.equal(refusal?.status(), 401)

  const wrong = await openPage(t, browser, url, { httpCredentials: { username: 'admin', password: 'wrong' } })
  t.equal((await wrong.page.goto(`${url}/secret`))?.status(), 401)
  t.equal(await wrong.page.locator('h1').textContent(), '401 Unauthorized')

  const right = await openPage(t, browser, url, { httpCredentials: admin })
  t.equal((await right.page.goto(`${url}/secret`))?.status(), 200)
  t.match(await right.page.locator('main').innerText(), 'Welcome, admin')
  t.same(right.seen.consoleErrors, [])
})

t.test('the page itself asks for the login where it is protected', async (t) => {
  const { url } = await startServer(t, { env: { QUICKSTART_PROTECT: '/' } })
  const browser = await startBrowser(t)
  const { page } = await openPage(t, browser, url, { httpCredentials: admin })
  t.equal((await page.goto(url))?.status(), 200)
  t.match(await page.locator('header').innerText(), 'Logged in as admin')
})

t.test('works without JavaScript', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  const { page, seen } = await openPage(t, browser, url, { javaScriptEnabled: false })
  await page.goto(url)
  t.equal(await page.locator('.card').count(), 5)
  await page.getByRole('button', { name: 'Greet' }).click()
  await page.waitForURL(/\/user\//)
  t.equal(await page.locator('body').innerText(), 'User Grace Hopper')
  t.same(seen.dialogs, [])
})

t.test('shows no sideways scroll and no accessibility violation, on a phone and a desk, in light and dark', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  const pages = [['/', '200'], ['/secret', '200'], ['/nowhere', '404']] as const
  for (const width of [360, 1200]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openPage(
        t, browser, url, { viewport: { width, height: 800 }, colorScheme, httpCredentials: admin }
      )
      for (const [path] of pages) {
        await page.goto(url + path)
        const name = `${path} ${width} px ${colorScheme}`
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${name}: fits`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        t.same(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name}: accessible`)
      }
    }
  }
})

t.test('can be used with the keyboard alone', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  const { page } = await openPage(t, browser, url)
  await page.goto(url)
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content')
  await page.getByRole('button', { name: 'Greet' }).focus()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/user\//)
})

t.test('the cards are one column on a phone, and rows without a hole elsewhere', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  for (const [width, rows] of [[360, [1, 1, 1, 1, 1]], [768, [2, 2, 1]], [1200, [3, 2]]] as const) {
    const { page } = await openPage(t, browser, url, { viewport: { width, height: 800 } })
    await page.goto(url)
    const boxes = await page.locator('.card').evaluateAll((cards) => cards.map((card) => {
      const { left, right, top } = card.getBoundingClientRect()
      return { left, right, top }
    }))
    const tops = [...new Set(boxes.map(({ top }) => top))]
    const inRows = tops.map((top) => boxes.filter((box) => box.top === top))
    t.same(inRows.map(({ length }) => length), rows, `${width} px`)
    t.equal(new Set(inRows.map((row) => row.at(0)?.left)).size, 1, 'each row begins at the same edge')
    t.equal(new Set(inRows.map((row) => Math.round(row.at(-1)?.right ?? 0))).size, 1, 'each row ends at the same edge')
  }
})

t.test('a card shows its source', async (t) => {
  const { url } = await startServer(t)
  const browser = await startBrowser(t)
  const { page, seen } = await openPage(t, browser, url)
  await page.goto(url)
  await page.getByRole('link', { name: 'plugins/hello/index.ts' }).click()
  await page.waitForURL(/\/source\/hello$/)
  t.match(await page.locator('pre').innerText(), "name: 'fastify-quickstart/hello'")
  t.same(seen.consoleErrors, [])
})

t.test('the policy stops an inline script, lets one with the nonce run, and WebAssembly', async (t) => {
  const folder = t.testdir({
    'index.eta': '<p>0</p><script nonce="<%= it.nonce %>">document.querySelector("p").textContent += "1"</script>' +
      '<script>document.querySelector("p").textContent += "2"</script><style nonce="<%= it.nonce %>">p { color: rgb(1, 2, 3) }</style>' +
      '<script nonce="<%= it.nonce %>">WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))' +
      '.then(() => { document.querySelector("p").textContent += "3" })</script>'
  })
  const { url } = await startServer(t, { env: { QUICKSTART_VIEWS_DIR: folder } })
  const browser = await startBrowser(t)
  const { page, seen } = await openPage(t, browser, url)
  await page.goto(url)
  await page.getByText('013').waitFor()
  t.equal(await page.locator('p').textContent(), '013')
  t.equal(await page.evaluate('getComputedStyle(document.querySelector("p")).color'), 'rgb(1, 2, 3)')
  t.equal(seen.consoleErrors.length, 1)
  t.match(seen.consoleErrors[0], /Content Security Policy/)
})
