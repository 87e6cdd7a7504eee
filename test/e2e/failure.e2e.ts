import { AxeBuilder } from '@axe-core/playwright'
import Fastify from 'fastify'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import quickstart, { options } from '../../app.ts'
import { openPage, startBrowser } from './browser.ts'
import { until } from './server.ts'

t.test('in development a browser shows where a route failed, in the style of the other pages', async (t) => {
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  const wide = `a line that is ${'very '.repeat(60)}wide`
  await app.register(quickstart, {
    auth: false,
    routes: async (app) => { app.get('/fails', async () => { throw new Error(`<b>bold</b> ${wide}`) }) }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const browser = await startBrowser(t)
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [320, 1280]) {
      const viewport = { width, height: 700 }
      const { page, context, seen } = await openPage(t, browser, url, { colorScheme, viewport })
      await page.goto(`${url}/fails`)
      t.equal(await page.locator('h1').innerText(), 'A request failed')
      t.match(await page.locator('.lead').innerText(), '<b>bold</b> a line that is very')
      t.match(await page.locator('pre').innerText(), /> \d+ \|/)
      t.match(await page.locator('main').innerText(), /failure\.e2e\.ts, line \d+/)
      t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'it does not scroll sideways')
      t.same((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
      t.same(seen.foreignRequests, [])
      t.same(seen.consoleErrors.filter((text) => !/status of 500/.test(text)), [])
      await context.close()
    }
  }
})

t.test('the page of a template that fails shows the page itself once it is corrected, with --reload', async (t) => {
  const views = t.testdir({ 'index.eta': '<p><%= it.none.day %></p>' })
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: false, reload: true, templates: { root: views } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { page } = await openPage(t, await startBrowser(t), url)
  await page.goto(url)
  t.equal(await page.locator('h1').innerText(), 'A template failed')
  t.notMatch(await page.locator('main').innerText(), 'load this page again')
  writeFileSync(`${views}/index.eta`, '<p>corrected</p>')
  await until(async () => await page.locator('p').first().innerText().catch(() => '') === 'corrected', 'the page')
})

t.test('a policy that is tried stops nothing, and Chromium says what it would stop', async (t) => {
  const app = Fastify({ ...options, logger: false })
  t.teardown(() => app.close())
  const reports: unknown[] = []
  await app.register(quickstart, {
    auth: false,
    csp: "default-src 'self' 'unsafe-inline'",
    cspReportOnly: "default-src 'self'; report-uri /csp-reports",
    routes: async (app) => {
      app.get('/inline', async (request, reply) => {
        return reply.type('text/html').send(`<title>a</title><script>document.title += 'b'</script>
<script nonce="${request.cspNonce}">document.title += 'c'</script>`)
      })
      app.addContentTypeParser('application/csp-report', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'))
      app.post('/csp-reports', async (request, reply) => {
        reports.push(request.body)
        return reply.code(204).send()
      })
    }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { page } = await openPage(t, await startBrowser(t), url)
  const said: string[] = []
  page.on('console', (message) => { said.push(message.text()) })
  await page.goto(`${url}/inline`)
  t.equal(await page.title(), 'abc')
  await until(() => reports.length > 0, 'the report')
  t.match(reports, [{ 'csp-report': { 'effective-directive': 'script-src-elem', 'blocked-uri': 'inline', disposition: 'report' } }])
  t.equal(reports.length, 1, 'not of the script with the nonce')
  t.match(said.join('\n'), 'The policy is report-only')
})
