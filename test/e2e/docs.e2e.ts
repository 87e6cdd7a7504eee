import { AxeBuilder } from '@axe-core/playwright'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { formatPolicy } from '../../app/settings/content-security-policy.ts'
import { documents, placeOnSite } from '../../docs/site/pages.ts'
import staticFiles from '../../plugins/static/index.ts'
import { openPage, startBrowser } from './browser.ts'
import { freePort } from './server.ts'

t.setTimeout(600_000) // it builds the site, and starts it for writers, which takes minutes on a busy machine

const root = join(import.meta.dirname, '..', '..')
const base = '/book/'
const site = t.testdir({})

/** Starts VitePress. Its output is kept. */
function runVitePress (...words: string[]) {
  const child = spawn(process.execPath, [join(root, 'node_modules', 'vitepress', 'bin', 'vitepress.js'), ...words], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  return { child, output: () => output }
}

const built = runVitePress('build', 'docs/site', '--base', base, '--outDir', site)
const [exitCode] = await once(built.child, 'close') as [number]
t.equal(exitCode, 0, `it builds${exitCode === 0 ? '' : `: ${built.output()}`}`)
t.notMatch(built.output(), /error|not loaded|warn/i, 'without a word of trouble')

/** Serves the files by the suite's static plugin, under the strict policy of the root app. */
async function serveSite (t: Test): Promise<string> {
  const app = Fastify()
  app.addHook('onSend', async (request, reply) => { reply.header('content-security-policy', formatPolicy('strict')) })
  await app.register(staticFiles, { root: site, prefix: base, index: 'index.html' })
  t.teardown(() => app.close())
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
const htmlFiles = files.filter((name) => name.endsWith('.html') && name !== '404.html')
const read = (name: string): string => readFileSync(join(site, name), 'utf8')

t.test('each document is a page, and the sources that they link to are', async (t) => {
  for (const document of documents) {
    const page = placeOnSite(document).replace(/\.md$/, '.html')
    t.ok(htmlFiles.includes(page), page)
    t.ok(files.includes(placeOnSite(document)), `${document} as text`)
  }
  for (const page of htmlFiles) t.match(read(page), /<main[^]*<h1 id="[^]*<\/h1>[^]*<p|<pre|<ul/, page)
  t.match(read('source/plugins/auth/guard.ts.html'), 'class="code-keyword"')
})

t.test('each link of each page and each picture answers, and each fragment is there', async (t) => {
  const url = await serveSite(t)
  const ids = new Map(htmlFiles.map((name) => [base + name, new Set([...read(name).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]))
  const links = htmlFiles.flatMap((name) => [...read(name).matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link = '']) => {
    return { name, link, target: new URL(link.replaceAll('&amp;', '&'), new URL(base + name, url)) }
  })).filter(({ target }) => target.origin === url)

  const addresses = [...new Set(links.map(({ target }) => target.pathname))]
  const dead = new Set<string>()
  for (const address of addresses) if ((await fetch(url + address)).status !== 200) dead.add(address)
  t.same(links.filter(({ target }) => dead.has(target.pathname)).map(({ name, link }) => `${name}: ${link}`), [])
  t.ok(addresses.length > 150, `${addresses.length} addresses`)
  t.ok(addresses.some((path) => path.endsWith('.png')), 'pictures are among them')

  const toFragments = links.filter(({ target }) => !['', '#VPContent'].includes(target.hash))
  const lost = toFragments.filter(({ target: { pathname, hash } }) => {
    return !ids.get(pathname.replace(/\/$/, '/index.html'))?.has(decodeURIComponent(hash.slice(1)))
  })
  t.same(lost.map(({ name, link }) => `${name}: ${link}`), [])
  t.ok(toFragments.length > 300, `${toFragments.length} fragments`)
})

t.test('the book as text: its links answer too', async (t) => {
  const url = await serveSite(t)
  for (const name of ['llms.txt', 'llms-full.txt', ...files.filter((name) => name.endsWith('.md'))]) {
    const text = read(name).replace(/^```[^]*?^```/gm, '')
    const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)/g)].map(([, link = '']) => link)
    t.same(links.filter((link) => !files.includes(posix.relative(base, link))), [], name)
  }
  const book = await (await fetch(`${url}${base}llms-full.txt`)).text()
  for (const document of documents) t.ok(book.includes(readFileSync(join(root, document), 'utf8').split('\n', 1)[0]!), `${document} is in the book`)
})

t.test('a page is found by its options, settings and error codes', async (t) => {
  const url = await serveSite(t)
  const { page, seen } = await openPage(t, await startBrowser(t), url)
  for (const [words, path, title] of [
    ['trustProxy', 'from-flask.html', 'ProxyFix'],
    ['QUICKSTART_PROTECT', 'reference/settings.html', 'QUICKSTART_PROTECT'],
    ['quickstart_redis_away', 'reference/metrics.html', 'quickstart_redis_away'],
    ['workers', 'reference/command.html', '--workers'],
    ['FST_QUICKSTART_AUTH_TOO_BUSY', 'errors.html', 'FST_QUICKSTART_AUTH_TOO_BUSY'],
    ['perLogin', 'reference/options.html', 'throttle.perLogin'],
    ['guessers', 'auth.html', 'Guessers']
  ] as const) {
    await page.goto(`${url}${base}contents.html`)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('searchbox').fill(words)
    const result = page.locator(`.result[href*="${path}"]`, { hasText: title }).first()
    await result.click()
    await page.waitForURL(/#/)
    const { hash } = new URL(page.url())
    t.match(await page.locator(`[id="${hash.slice(1)}"]`).textContent(), title, `${words} leads to ${hash}`)
  }
  t.same(seen.consoleErrors, [])
  t.same(seen.foreignRequests, [])
})

t.test('code has a button that copies it, headings have links, pages follow each other', async (t) => {
  const url = await serveSite(t)
  const { page, context, seen } = await openPage(t, await startBrowser(t), url)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(`${url}${base}auth.html`)
  t.match(await page.title(), 'auth')

  await page.locator('pre').first().focus() // as a key does, to scroll what is wide
  t.equal(await page.evaluate('document.activeElement.tagName'), 'PRE')
  await page.locator('button.copy').first().click()
  t.match(await page.evaluate<string>('navigator.clipboard.readText()'), /^import Fastify from 'fastify'\n/)

  await page.locator('h2#guessers a.header-anchor').click({ force: true })
  t.equal(new URL(page.url()).hash, '#guessers')
  t.same(await page.locator('.VPSidebar h2').allTextContents(), ['Start', 'Topics', 'Your app', 'The internet', 'Reference'])
  t.match(await page.locator('.VPDocAsideOutline').innerText(), 'Guessers')

  await page.locator('.pager-link.next').click()
  await page.waitForURL(/an-app-of-your-own/)
  await page.locator('.pager-link.prev').click()
  await page.waitForURL(/auth/)

  await page.getByRole('switch').first().click()
  t.equal(await page.locator('html').getAttribute('class'), 'dark')
  await page.reload()
  t.equal(await page.locator('html').getAttribute('class'), 'dark', 'which it remembers')
  t.same(seen.consoleErrors, [])
  t.same(seen.foreignRequests, [])
})

for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]
] as const) {
  t.test(`pages are clean for axe and fit: ${name}`, async (t) => {
    const url = await serveSite(t)
    const { page, seen } = await openPage(t, await startBrowser(t), url, options)
    for (const path of ['', 'auth.html', 'reference/settings.html', 'source/plugins/auth/guard.ts.html']) {
      await page.goto(url + base + path)
      const { violations } = await new AxeBuilder({ page }).analyze()
      t.same(violations.map(({ id, nodes }) => ({ id, first: nodes[0]?.html })), [], path)
      t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, `${path} is no wider than the screen`)
    }
    t.same(seen.consoleErrors, [])
    t.same(seen.foreignRequests, [])
  })
}

t.test('npm run docs serves the pages while they are written', async (t) => {
  const port = await freePort()
  const { child, output } = runVitePress('dev', 'docs/site', '--port', String(port))
  t.teardown(() => { child.kill() })
  while (!output().includes('Local:')) await once(child.stdout, 'data')
  const { page, seen } = await openPage(t, await startBrowser(t), `http://localhost:${port}`)
  await page.goto(`http://localhost:${port}/auth.html`)
  await page.locator('h2#guessers').waitFor()
  t.same(seen.consoleErrors, [])
})
