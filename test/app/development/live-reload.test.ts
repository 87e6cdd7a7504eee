import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { captureLog, html, start } from '../start.ts'

/** Listens, and collects what the server tells a page. */
async function listen (t: Test, given: object) {
  const { lines, logger } = captureLog()
  const app = await start(t, { reload: true, ...given }, {}, { logger })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${url}/quickstart-reload`)
  t.equal(answer.headers.get('content-type'), 'text/event-stream')
  const seen = { text: '' }
  const reading = (async () => {
    for await (const chunk of answer.body!) seen.text += Buffer.from(chunk).toString()
  })()
  const until = async (wanted: string) => {
    for (let wait = 0; wait < 100 && !seen.text.includes(wanted); wait++) await setTimeout(50)
    t.match(seen.text, wanted)
  }
  return { app, lines, seen, reading, until }
}

t.test('tells pages of each change in the folders, and lets go of them when it closes', async (t) => {
  const dir = t.testdir({ views: { 'index.eta': 'one', sub: { 'a.eta': 'a' } }, public: { 'app.js': '1' } })
  for (const root of [join(dir, 'views'), pathToFileURL(join(dir, 'views'))]) {
    const { app, seen, reading, until } = await listen(t, { templates: { root }, static: { root: join(dir, 'public') } })
    await until(`data: ${process.pid}\n\n`)
    for (const file of ['views/index.eta', 'views/sub/a.eta', 'public/app.js', 'public/new.js']) {
      seen.text = ''
      writeFileSync(join(dir, file), 'two')
      await until('data: changed\n\n')
      await setTimeout(150)
    }
    writeFileSync(join(dir, 'public', 'app.js'), 'three')
    const begun = performance.now()
    await app.close()
    await reading
    t.ok(performance.now() - begun < 2000, 'an open page does not hold the stop up')
  }
})

t.test('each HTML page gets the script, and nothing else does', async (t) => {
  const app = await start(t, { reload: true, prefix: '/demo' } as object)
  for (const [url, isPage] of [['/demo/', true], ['/demo/nowhere', true], ['/demo/hello', false], ['/demo/static/app.js', false]] as const) {
    const { body, headers } = await app.inject({ url, headers: html })
    t.equal(body.includes('<script src="/demo/quickstart-reload.js" defer></script>'), isPage, url)
    t.equal(Number(headers['content-length']), Buffer.byteLength(body), url)
  }
  const script = await app.inject('/demo/quickstart-reload.js')
  t.match(script.headers['content-type'], 'text/javascript')
  t.match(script.body, 'new EventSource("/demo/quickstart-reload")')
})

t.test('is off by default, in production, and without folders has none to watch', async (t) => {
  const cases: [given: object, env: Record<string, string>, statusCode: number][] = [
    [{}, {}, 404],
    [{ reload: false }, {}, 404],
    [{ reload: 'false' }, {}, 404],
    [{ reload: true, auth: false }, { NODE_ENV: 'production' }, 404],
    [{ reload: 'true' }, {}, 200],
    [{ reload: true, static: false, templates: false }, {}, 200]
  ]
  for (const [given, env, statusCode] of cases) {
    const app = await start(t, given, env)
    t.equal((await app.inject('/quickstart-reload.js')).statusCode, statusCode, JSON.stringify(given))
    t.equal((await app.inject('/')).body.includes('quickstart-reload'), statusCode === 200 && !('static' in given))
  }
  await t.rejects(start(t, { reload: 'yes' } as object), { code: 'FST_QUICKSTART_APP_INVALID_OPTION', message: /^"reload" is "yes"/ })
})

t.test('a page that leaves is forgotten', async (t) => {
  const dir = t.testdir({ 'index.eta': 'one' })
  const { app, seen, until } = await listen(t, { templates: { root: dir }, static: false })
  await until('data: ')
  const address = app.server.address() as { port: number }
  const leaving = new AbortController()
  await fetch(`http://127.0.0.1:${address.port}/quickstart-reload`, { signal: leaving.signal })
  leaving.abort()
  await setTimeout(100)
  seen.text = ''
  writeFileSync(join(dir, 'index.eta'), 'two')
  await until('data: changed')
})
