import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { captureLog, html, start } from '../start.ts'

t.test('while it sheds load, says so and nothing else', async (t) => {
  const { lines, logger } = captureLog('info')
  const app = await start(t, {}, {}, { logger })
  t.same((await app.inject('/health')).json(), { status: 'ok' })
  // Load is what the event loop is late by, as the mean of a second.
  let program = await app.inject('/health')
  for (let block = 0; program.statusCode === 200 && block < 20; block++) {
    const end = performance.now() + 1100
    while (performance.now() < end);
    await setImmediate()
    program = await app.inject('/health')
  }
  t.same(program.json(), {
    statusCode: 503,
    error: 'Service Unavailable',
    message: 'The server is busy right now. Please try again in a moment.'
  })
  t.equal(program.headers['retry-after'], '5')
  const person = await app.inject({ url: '/hello', headers: html })
  t.equal(person.statusCode, 503)
  t.match(person.body, '<h1>503 Service Unavailable</h1>')
  const refusals = lines.filter((line) => 'code' in line && line.code === 'FST_QUICKSTART_APP_OVERLOADED')
  t.match(refusals, [{ level: 40, msg: 'the request was refused' }, { level: 40 }])
  t.notOk(JSON.stringify(lines).includes('"stack"'), 'load makes no stacks')
})
