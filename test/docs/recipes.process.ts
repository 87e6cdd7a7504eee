import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { serving } from '../bin/command.ts'
import { lacks } from '../system.ts'
import { until } from '../until.ts'
import { apply, compile, makeProject } from './guided-project.ts'
import { readPages } from './pages.ts'

t.setTimeout(300_000) // it compiles an app, which takes long on a busy machine

const page = readPages().find(({ path }) => path === 'docs/recipes.md')!

const flags = ['--routes', 'routes.js', '--tutorial=false', '--log-level', 'info']
const login = { authorization: `Basic ${btoa('admin:secret')}` }
const png = Buffer.from('89504e470d0a1a0a0000', 'hex')

t.test('the recipes in a project', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t, 'recipes')
  for (const block of page.blocks.filter(({ file }) => file !== undefined)) {
    t.doesNotThrow(() => apply(folder, block), block.place)
  }
  t.match(await compile(folder), { code: 0, output: /^$/ }, 'they compile')
  const { url, child, exited, output } = await serving(t, folder, flags)

  /** Asks as a browser does. */
  const ask = async (path: string, init: RequestInit = {}) => await fetch(`${url}${path}`, {
    redirect: 'manual', ...init, headers: { accept: 'text/html', ...login, ...init.headers }
  })

  t.test('a photo', async (t) => {
    async function send (content: Buffer<ArrayBuffer> | undefined, name: string, headers = {}): Promise<Response> {
      const form = new FormData()
      form.append('title', 'A <walk>')
      if (content) form.append('photo', new Blob([content], { type: 'text/html' }), name)
      return await ask('/photos', { method: 'POST', body: form, headers })
    }
    t.match(await (await ask('/photos')).text(), /enctype="multipart\/form-data"/)
    const sent = await send(png, '../../routes.js')
    t.equal(sent.status, 303)
    const path = sent.headers.get('location')!
    t.match(path, /^\/photos\/[0-9a-f-]{36}\.png$/, 'has a name that the app has made')
    t.same(readdirSync(join(folder, 'uploads')), [path.slice('/photos/'.length)], 'is kept beside public/')
    t.match(readFileSync(join(folder, 'routes.js'), 'utf8'), /photos/, 'and is written over nothing')
    const shown = await ask(path)
    t.match([shown.status, shown.headers.get('content-type'), shown.headers.get('x-content-type-options')], [200, 'image/png', 'nosniff'])
    t.same(Buffer.from(await shown.arrayBuffer()), png)

    const big = await send(Buffer.concat([png, Buffer.alloc(5_000_000)]), 'big.png')
    t.equal(big.status, 413)
    t.match(await big.text(), /A photo may have 5 megabytes at most/)
    for (const [content, name] of [[Buffer.from('<script>alert(1)</script>'), 'a.png'], [Buffer.alloc(0), ''], [undefined, '']] as const) {
      const refused = await send(content, name)
      t.equal(refused.status, 400)
      const text = await refused.text()
      t.match(text, /<span id="photo-wrong">Please (choose a photo that is a PNG or JPEG file|fill this in)</)
      t.match(text, /value="A &lt;walk&gt;"/)
    }
    t.equal((await send(png, 'a.png', { authorization: '' })).status, 401)
    t.equal((await send(png, 'a.png', { 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await ask('/photos', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"title":"a","photo":"b"}' })).status, 400)
    for (const [type, body] of [
      ['multipart/form-data', 'x'], ['multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="title"\r\n\r\nhalf of']
    ] as const) {
      const broken = await ask('/photos', { method: 'POST', headers: { 'content-type': type }, body })
      t.equal(broken.status, 400, 'a form that is broken, or broken off, is no fault of the server')
    }
    for (const wrong of ['/photos/..%2Froutes.js', '/photos/..%2F..%2Froutes.png', '/photos/routes.js', '/uploads/']) {
      t.match((await ask(wrong)).status, /^40[04]$/, wrong)
    }
    t.equal(readdirSync(join(folder, 'uploads')).length, 1)
  })

  t.test('a day, and the message after it', async (t) => {
    const book = async (day: string) => await ask('/bookings', { method: 'POST', body: new URLSearchParams({ day }) })
    const sent = await book('9999-12-31')
    t.match([sent.status, sent.headers.get('location')], [303, '/bookings'])
    const [set = ''] = sent.headers.getSetCookie()
    t.equal(set, 'flash=booked; Max-Age=60; Path=/; HttpOnly; SameSite=Lax')
    const cookie = set.split(';')[0]!

    await (await ask('/roll', { method: 'POST', headers: { cookie } })).text()
    const shown = await ask('/bookings', { headers: { cookie: `other=1; ${cookie}` } })
    t.match(await shown.text(), /<p role="status">The day is yours\.<\/p>/)
    t.same(shown.headers.getSetCookie(), ['flash=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'], 'is forgotten')
    t.equal(shown.headers.get('cache-control'), 'no-store')
    for (const none of ['', 'flash=', 'flash=<b>x</b>', 'flash=constructor', 'flash=__proto__', 'noflash=booked', 'flash=booked2']) {
      const page = await ask('/bookings', { headers: { cookie: none } })
      t.same([page.status, page.headers.getSetCookie()], [200, []], none)
      t.notMatch(await page.text(), /role="status"/, none)
    }

    for (const [day, message] of [
      ['9999-12-31', 'This day is taken'], ['2020-01-01', 'This day is over'],
      ['2026-02-30', 'Please enter a date such as 2026-01-31'], ['', 'Please fill this in']
    ] as const) {
      const refused = await book(day)
      t.equal(refused.status, 400)
      const text = await refused.text()
      t.match(text, `<span id="wrong">${message}</span>`, day)
      t.match(text, `value="${day}" aria-describedby="wrong" aria-invalid="true" autofocus`)
      t.same(refused.headers.getSetCookie(), [])
    }
  })

  t.test('events', async (t) => {
    t.equal((await ask('/events', { headers: { authorization: '' } })).status, 401)
    t.equal((await ask('/events', { method: 'HEAD' })).status, 404)
    const answer = await ask('/events')
    t.match([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')], [200, 'text/event-stream', 'no-store'])
    let text = ''
    const ended = (async () => {
      for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) text += piece
    })()
    const leaving = new AbortController()
    await ask('/events', { signal: leaving.signal })
    leaving.abort()
    await until(() => text.startsWith(': hello\n\n'), 'the first piece')
    await (await ask('/roll', { method: 'POST' })).text()
    await until(() => /^: hello\n\ndata: \{"rolled":[1-6]\}\n\n$/.test(text), 'the news')
    child.kill('SIGTERM')
    await ended
    t.same(await exited, [0, null], 'the stop does not wait for the stream')
    t.notMatch(output.stderr, /premature|"level":50|uncaught/i)
  })
  t.notOk(existsSync(join(folder, 'public', 'uploads')))
})
