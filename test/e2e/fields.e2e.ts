import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import params, { date, datetime, listIssues, time } from '../../plugins/params/index.ts'
import { openPage, startBrowser } from './browser.ts'

t.test('the fields for days and times send what their converters take', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(formbody)
  app.get('/', async (request, reply) => reply.type('text/html').send(`<!doctype html><title>Fields</title>
    <form method="post">
      <input type="date" name="day"><input type="time" name="at" step="any"><input type="time" name="second" step="1">
      <input type="datetime-local" name="start" step="any"><button>Send</button>
    </form>`))
  const body = Type.Object({ day: date(), at: time(), second: time(), start: Type.Optional(datetime()) })
  app.post('/', { schema: { body }, attachValidation: true }, async (request) => {
    return { read: request.body, issues: listIssues(request).map(({ name }) => name) }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { page } = await openPage(t, await startBrowser(t), url)

  const table: [typed: string[], read: string[]][] = [
    [['2024-02-29', '13:45', '13:45:00', '2026-01-31T13:45'], ['2024-02-29', '13:45', '13:45', '2026-01-31T13:45']],
    [['12026-01-31', '00:00', '23:59:59', '2026-01-31T13:45:30.5'], ['12026-01-31', '00:00', '23:59:59', '2026-01-31T13:45:30.5']],
    [['0001-01-01', '23:59:59.999', '00:00:01', '0001-01-01T00:00'], ['0001-01-01', '23:59:59.999', '00:00:01', '0001-01-01T00:00']],
    [['275760-09-13', '12:30:05.5', '12:30', '275760-09-13T00:00'], ['275760-09-13', '12:30:05.5', '12:30', '275760-09-13T00:00']]
  ]
  for (const [typed, [day, at, second, start]] of table) {
    await page.goto(url)
    for (const [index, value] of typed.entries()) await page.locator('input').nth(index).fill(value)
    await page.getByRole('button').click()
    await page.waitForFunction('document.body.innerText.startsWith("{")')
    const answer = JSON.parse(await page.locator('body').innerText())
    t.same([answer.read, answer.issues], [{ day, at, second, start }, []], typed.join(' '))
  }

  await page.goto(url)
  await page.getByRole('button').click()
  await page.waitForFunction('document.body.innerText.startsWith("{")')
  t.same(JSON.parse(await page.locator('body').innerText()).issues, ['day', 'at', 'second'], 'blank ones are missing')
})
