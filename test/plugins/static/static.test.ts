import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import staticFiles, { asset, type StaticOptions } from '../../../plugins/static/index.ts'
import { lacks } from '../../system.ts'

const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const script = 'console.log("again and again and again and again")\n'.repeat(20)

async function build (t: Test, options: StaticOptions): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, options)
  return app
}

function setEnvironment (t: Test, value: string | undefined): void {
  const before = process.env.NODE_ENV
  t.teardown(() => setTo(before))
  setTo(value)
  function setTo (value: string | undefined): void {
    if (value === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = value
  }
}

t.test('links files by their content in production', async (t) => {
  setEnvironment(t, 'production')
  const app = await build(t, { root: t.testdir({ 'app.js': script, LICENSE: 'MIT', 'a.tar.gz': 'x', 'v1.2': { notes: 'x' }, '.well-known': { x: 'x' } }) })

  const shapes: [name: string, url: RegExp][] = [
    ['app.js', /^\/static\/app\.[0-9a-f]{16}\.js$/],
    ['LICENSE', /^\/static\/LICENSE\.[0-9a-f]{16}$/],
    ['a.tar.gz', /^\/static\/a\.tar\.[0-9a-f]{16}\.gz$/],
    ['v1.2/notes', /^\/static\/v1\.2\/notes\.[0-9a-f]{16}$/],
    ['.well-known/x', /^\/static\/\.well-known\/x\.[0-9a-f]{16}$/]
  ]
  for (const [name, shape] of shapes) {
    const url = app.asset(name)
    t.match(url, shape)
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable')
    const plain = await app.inject(`/static/${name}`)
    t.equal(plain.headers['cache-control'], 'no-cache')
    t.equal(plain.headers.etag, answer.headers.etag)
    t.same(plain.rawPayload, answer.rawPayload)
  }
  const notModified = await app.inject({ url: app.asset('app.js'), headers: { 'if-none-match': '*' } })
  t.equal(notModified.statusCode, 304)
  t.equal(notModified.headers['cache-control'], 'public, max-age=31536000, immutable')
})

t.test('links files by their plain names in development', async (t) => {
  setEnvironment(t, undefined)
  const root = t.testdir({ 'app.js': script })
  const app = await build(t, { root, maxAge: 60 })

  t.equal(app.asset('app.js'), '/static/app.js')
  t.equal((await app.inject('/static/app.js')).headers['cache-control'], 'no-cache', 'whatever maxAge says')
  t.throws(() => app.asset('later.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET', message: 'fastify-quickstart/static: asset("later.js"): no such file among those that are served' })

  writeFileSync(join(root, 'later.js'), '1')
  t.equal(app.asset('later.js'), '/static/later.js')
  t.equal((await app.inject('/static/later.js')).body, '1')
  const first = await app.inject('/static/later.js')
  writeFileSync(join(root, 'later.js'), '2')
  const second = await app.inject({ url: '/static/later.js', headers: { 'if-none-match': first.headers.etag } })
  t.equal(second.statusCode, 200)
  t.equal(second.body, '2', 'even where size and time are the same')
  unlinkSync(join(root, 'later.js'))
  t.equal((await app.inject('/static/later.js')).statusCode, 404)
  t.throws(() => app.asset('later.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
})

t.test('serves files as they were at the start when they are in memory', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const app = await build(t, { root, memory: true })
  rmSync(join(root, 'app.js'))
  writeFileSync(join(root, 'later.js'), '1')

  t.equal((await app.inject('/static/app.js')).body, script)
  t.equal((await app.inject(app.asset('app.js'))).body, script)
  t.equal((await app.inject('/static/later.js')).statusCode, 404)
})

for (const memory of [true, false, { maxFileSize: 0 }]) {
  t.test(`answers an outdated fingerprint with the current file, memory ${JSON.stringify(memory)}`, async (t) => {
    const app = await build(t, { root: t.testdir({ 'app.js': script, LICENSE: 'MIT', sub: { 'x.txt': 'x' } }), memory, maxAge: 60 })
    const rows: [asked: string, name: string][] = [
      ['app.0123456789abcdef.js', 'app.js'],
      ['LICENSE.0123456789abcdef', 'LICENSE'],
      ['sub/x.0123456789abcdef.txt', 'sub/x.txt']
    ]
    for (const [asked, name] of rows) {
      const answer = await app.inject(`/static/${asked}`)
      t.equal(answer.statusCode, 200, asked)
      t.equal(answer.headers['cache-control'], 'no-cache')
      t.equal(answer.body, (await app.inject(`/static/${name}`)).body)
      t.equal(answer.headers['content-type'], (await app.inject(`/static/${name}`)).headers['content-type'])
    }
    for (const missing of ['gone.0123456789abcdef.js', 'app.0123456789abcde.js', 'app.0123456789abcdefa.js', 'app.0123456789ABCDEF.js', 'app.0123456789abcdef.css', 'app.0123456789abcdef.0123456789abcdef.js', '.0123456789abcdef.js', 'sub/.0123456789abcdef.txt', '0123456789abcdef.js']) {
      t.equal((await app.inject(`/static/${missing}`)).statusCode, 404, missing)
    }
    const [, fingerprint] = /^\/static\/app\.(.*)\.js$/.exec(app.asset('app.js')) ?? []
    if (fingerprint !== undefined) t.equal((await app.inject(`/static/app.${fingerprint}.0123456789abcdef.js`)).statusCode, 404, 'one fingerprint is enough')
  })
}

t.test('gives every name a fingerprint that can be read again', async (t) => {
  const names = ['v1.deadbeefdeadbeef', 'a.deadbeefdeadbeef.js', 'deadbeefdeadbeef', 'no-extension', 'dot.', 'two..dots', 'sub/x.tar.gz', 'sub.d/none']
  const root = t.testdir({ sub: {}, 'sub.d': {} })
  for (const name of names) writeFileSync(join(root, name), name)
  for (const memory of [true, { maxFileSize: 0 }]) {
    const app = await build(t, { root, memory })
    for (const name of names) {
      const url = app.asset(name)
      t.match(url, /\.[0-9a-f]{16}(?:\.|$)/)
      const answer = await app.inject(url)
      t.equal(answer.body, name, url)
      t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable')
    }
  }
})

t.test('prefers a file that exists to a fingerprint', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const { asset } = await build(t, { root, memory: true })
  const name = asset('app.js').slice('/static/'.length)
  writeFileSync(join(root, name), 'another')

  for (const memory of [true, false, { maxFileSize: 0 }]) {
    const app = await build(t, { root, memory })
    const answer = await app.inject(`/static/${name}`)
    t.equal(answer.body, 'another')
    t.equal(answer.headers['cache-control'], 'no-cache')
    t.equal((await app.inject(app.asset('app.js'))).body, memory === false ? script : 'another')
  }
})

t.test('lets a file under its plain name be kept for maxAge', async (t) => {
  setEnvironment(t, 'production')
  const root = t.testdir({ 'app.js': script })
  for (const memory of [true, false, { maxFileSize: 0 }]) {
    const app = await build(t, { root, memory, maxAge: 60 })
    t.equal((await app.inject('/static/app.js')).headers['cache-control'], 'public, max-age=60')
    const withLogin = await app.inject({ url: '/static/app.js', headers: { authorization: 'Basic YTpi' } })
    t.equal(withLogin.headers['cache-control'], 'private, max-age=60', 'by shared caches only if it was not asked for with a login')
  }
})

t.test('keeps no more in memory than the caps allow, the rest stays on the disk', async (t) => {
  const root = t.testdir({ 'small.js': script, 'big.js': script.repeat(10) })
  const rows: [memory: StaticOptions['memory'], inMemory: string[], onDisk: string[]][] = [
    [true, ['small.js', 'big.js'], []],
    [{}, ['small.js', 'big.js'], []],
    [{ maxFileSize: script.length }, ['small.js'], ['big.js']],
    [{ maxFileSize: script.length - 1 }, [], ['small.js', 'big.js']],
    [{ maxTotalSize: script.length * 2 }, ['small.js'], ['big.js']],
    [{ maxTotalSize: 0 }, [], ['small.js', 'big.js']]
  ]
  for (const [memory, inMemory, onDisk] of rows) {
    const app = await build(t, { root, memory })
    const headers = { 'accept-encoding': 'br, gzip' }
    for (const name of inMemory) t.equal((await app.inject({ url: `/static/${name}`, headers })).headers['content-encoding'], 'br', `${name} in ${JSON.stringify(memory)}`)
    for (const name of onDisk) {
      const answer = await app.inject({ url: app.asset(name), headers })
      t.equal(answer.headers['content-encoding'], undefined, `${name} in ${JSON.stringify(memory)}`)
      t.equal(answer.headers.vary, 'Accept-Encoding')
      t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable')
      t.match(app.asset(name), /[0-9a-f]{16}/)
    }
  }
})

t.test('counts compressed forms in the caps', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const headers = { 'accept-encoding': 'br, gzip' }
  const all = await build(t, { root, memory: { maxTotalSize: script.length * 2 } })
  const { length } = (await all.inject({ url: '/static/app.js', headers })).rawPayload
  for (const [room, coding] of [[length, 'br'], [length - 1, undefined], [0, undefined]] as const) {
    const app = await build(t, { root, memory: { maxTotalSize: script.length + room } })
    t.equal((await app.inject({ url: '/static/app.js', headers })).headers['content-encoding'], coding)
  }
})

t.test('compresses what gets smaller, and uses what lies beside a file', async (t) => {
  const made = {
    br: brotliCompressSync(script, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    gzip: gzipSync(script, { level: 1 })
  }
  const root = t.testdir({
    'app.js': script,
    'tiny.js': '1',
    'empty.js': '',
    'short.js': 'alert(1)',
    'photo.jpg': script,
    'made.js': script,
    'made.js.br': made.br,
    'made.js.gz': made.gzip,
    'half.js': script,
    'half.js.gz': made.gzip,
    'model.bin': script,
    'model.bin.gz': made.gzip,
    'failed.jpg': script,
    'failed.jpg.br': '',
    'failed.jpg.gz': ''
  })
  const app = await build(t, { root, memory: true })
  const get = async (name: string, coding: string) => await app.inject({ url: `/static/${name}`, headers: { 'accept-encoding': coding } })

  t.equal(String(brotliDecompressSync((await get('app.js', 'br')).rawPayload)), script)
  t.equal(String(gunzipSync((await get('app.js', 'gzip')).rawPayload)), script)
  t.ok((await get('app.js', 'br')).rawPayload.length < script.length)
  for (const name of ['tiny.js', 'empty.js', 'short.js', 'photo.jpg']) {
    for (const coding of ['br', 'gzip']) t.equal((await get(name, coding)).headers['content-encoding'], undefined, name)
  }
  t.strictSame((await get('made.js', 'br')).rawPayload, made.br)
  t.strictSame((await get('made.js', 'gzip')).rawPayload, made.gzip)
  t.equal((await get('made.js', 'gzip')).headers['content-type'], 'text/javascript; charset=utf-8')
  t.strictSame((await get('half.js', 'gzip')).rawPayload, made.gzip)
  t.equal((await get('half.js', 'br')).headers['content-encoding'], 'br')
  const model = await get('model.bin', 'gzip')
  t.equal(model.headers['content-encoding'], 'gzip')
  t.equal(model.headers.vary, 'Accept-Encoding')
  t.equal((await get('model.bin', 'identity')).headers.vary, 'Accept-Encoding')
  for (const coding of ['br', 'gzip']) t.equal((await get('failed.jpg', coding)).body, script, 'not what a failed build has left')
  t.equal((await get('made.js.gz', 'gzip')).headers['content-encoding'], undefined, 'and is a file of its own too')
})

t.test('does not use what lies beside a file where it decodes to something else, and says so', async (t) => {
  const older = script.replace('again', 'before')
  const wrong: [what: string, br: Buffer | string, gzip: Buffer | string][] = [
    ['an older version', brotliCompressSync(older), gzipSync(older)],
    ['a longer one', brotliCompressSync(script + script), gzipSync(script + script)],
    ['a shorter one', brotliCompressSync(script.slice(1)), gzipSync(script.slice(1))],
    ['cut short', brotliCompressSync(script).subarray(0, -1), gzipSync(script).subarray(0, -1)],
    ['with something after it', Buffer.concat([brotliCompressSync(script), Buffer.from('x')]),
      Buffer.concat([gzipSync(script), Buffer.from('x')])],
    ['two, one after the other', Buffer.concat([brotliCompressSync(script), brotliCompressSync(script)]),
      Buffer.concat([gzipSync(script), gzipSync(script)])],
    ['not compressed at all', script, script],
    ['the one in place of the other', gzipSync(script), brotliCompressSync(script)],
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n',
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'],
    ['empty', '', '']
  ]
  for (const [what, br, gzip] of wrong) {
    const lines: string[] = []
    const app = Fastify({ logger: { level: 'warn', stream: { write: (line) => { lines.push(line) } } } })
    t.teardown(() => app.close())
    const folder = { 'app.js': script, 'app.js.br': br, 'app.js.gz': gzip, 'photo.jpg': script, 'photo.jpg.br': br, 'photo.jpg.gz': gzip }
    await app.register(staticFiles, { root: t.testdir({ [what]: folder }) + '/' + what, memory: true })

    const answers = await Promise.all(['br', 'gzip'].map(async (coding) =>
      await app.inject({ url: app.asset('app.js'), headers: { 'accept-encoding': coding } })))
    t.equal(String(brotliDecompressSync(answers[0]!.rawPayload)), script, `${what}: made afresh`)
    t.equal(String(gunzipSync(answers[1]!.rawPayload)), script, `${what}: made afresh`)
    const photo = await app.inject({ url: '/static/photo.jpg', headers: { 'accept-encoding': 'br, gzip' } })
    t.equal(photo.headers['content-encoding'], undefined, `${what}: a picture goes out as it is`)
    t.same(lines.map((line) => JSON.parse(line).file).sort(), ['app.js.br', 'app.js.gz', 'photo.jpg.br', 'photo.jpg.gz'], what)
  }
})

t.test('a form beside a file is used where it is smaller, whatever the size of the two', async (t) => {
  const noise = randomBytes(3 * 1024 * 1024)
  const longer = Buffer.concat([noise, Buffer.alloc(noise.length)])
  const level0 = gzipSync(script, { level: 0 })
  t.ok(level0.length > script.length)
  const root = t.testdir({
    'app.js': script,
    'app.js.gz': gzipSync(script),
    'app.js.br': brotliCompressSync(script),
    'bigger.js': script,
    'bigger.js.gz': level0,
    'photo.jpg': script,
    'photo.jpg.gz': level0,
    'photo.jpg.br': brotliCompressSync(script),
    'equal.bin': noise,
    'equal.bin.gz': gzipSync(noise),
    'model.wasm': longer,
    'model.wasm.gz': gzipSync(longer),
    'model.wasm.br': brotliCompressSync(longer, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  })
  const rows: [name: string, accepts: string, coding: string | undefined, where?: string][] = [
    ['app.js', 'gzip', 'gzip'], ['app.js', 'br, gzip', 'br'], ['app.js', 'identity', undefined],
    ['bigger.js', 'gzip', 'gzip', 'memory'], ['bigger.js', 'gzip', undefined, 'disk'],
    ['photo.jpg', 'gzip', undefined], ['photo.jpg', 'gzip, br', 'br'],
    ['equal.bin', 'gzip', undefined],
    ['model.wasm', 'gzip', 'gzip'], ['model.wasm', 'br', 'br'], ['model.wasm', 'gzip;q=0.5, br;q=0.1', 'gzip'], ['model.wasm', '', undefined]
  ]
  const decoders: Record<string, (bytes: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync }
  for (const [mode, memory] of [['memory', { maxFileSize: 8_000_000 }], ['disk', { maxFileSize: 0 }], ['mixed', { maxFileSize: 3_500_000 }], ['memory', { maxTotalSize: 8_000_000 }]] as const) {
    const app = await build(t, { root, memory })
    const wrong: unknown[] = []
    for (const [name, accepts, coding, where = mode] of rows) {
      if (where !== mode) continue
      const answer = await app.inject({ url: app.asset(name), headers: { 'accept-encoding': accepts } })
      const { 'content-encoding': sent, vary, etag, 'cache-control': cacheControl } = answer.headers
      const decode = decoders[String(sent)] ?? ((bytes) => bytes)
      const isWhole = decode(answer.rawPayload).equals(readFileSync(join(root, name)))
      const again = await app.inject({ url: `/static/${name}`, headers: { 'accept-encoding': accepts, 'if-none-match': String(etag) } })
      const range = await app.inject({ url: `/static/${name}`, headers: { 'accept-encoding': accepts, range: 'bytes=5-9' } })
      const isRight = sent === coding && isWhole && again.statusCode === 304 && range.statusCode === 206 &&
        range.rawPayload.equals(answer.rawPayload.subarray(5, 10)) && String(cacheControl).includes('immutable') &&
        (coding === undefined || vary === 'Accept-Encoding')
      if (!isRight) wrong.push({ mode, name, accepts, isWhole, headers: answer.headers, again: again.statusCode })
    }
    t.strictSame(wrong, [])
  }
})

t.test('beside a file on the disk, a form of another version is never used', async (t) => {
  const lines: string[] = []
  const root = t.testdir({ 'app.js': script, 'app.js.gz': gzipSync(script), 'old.js': script, 'old.js.gz': gzipSync(script.replace('again', 'older')), 'gone.js': script, 'gone.js.br': brotliCompressSync(script) })
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory: { maxFileSize: 0 } })
  const get = async (name: string) => {
    const { headers, rawPayload } = await app.inject({ url: `/static/${name}`, headers: { 'accept-encoding': 'gzip, br' } })
    const decode = { gzip: gunzipSync, br: brotliDecompressSync }[String(headers['content-encoding'])] ?? ((bytes: Buffer) => bytes)
    return [headers['content-encoding'], String(decode(rawPayload))]
  }
  t.strictSame(await get('app.js'), ['gzip', script])
  t.strictSame(await get('old.js'), [undefined, script])
  t.strictSame(lines.map((line) => JSON.parse(line)).map(({ file, msg }) => [file, msg]), [['old.js.gz', 'static: not used in place of old.js: it decodes to something else']])

  const newer = `${script}// newer`
  writeFileSync(join(root, 'app.js'), newer)
  t.strictSame(await get('app.js'), [undefined, newer], 'the file has changed')
  writeFileSync(join(root, 'app.js.gz'), gzipSync(newer))
  t.strictSame(await get('app.js'), [undefined, newer], 'a form that was not there at start')
  writeFileSync(join(root, 'app.js'), script)
  writeFileSync(join(root, 'app.js.gz'), gzipSync(script))
  t.strictSame(await get('app.js'), ['gzip', script])

  t.strictSame(await get('gone.js'), ['br', script])
  unlinkSync(join(root, 'gone.js.br'))
  t.strictSame(await get('gone.js'), [undefined, script])
  mkdirSync(join(root, 'gone.js.br'))
  t.strictSame(await get('gone.js'), [undefined, script])
})

t.test('an empty file beside which an empty form lies is served', async (t) => {
  const app = await build(t, { root: t.testdir({ 'a.txt': '', 'a.txt.gz': gzipSync(''), 'b.txt': '', 'b.txt.gz': '' }), memory: true })
  for (const name of ['a.txt', 'b.txt']) {
    const { rawPayload, headers } = await app.inject({ url: `/static/${name}`, headers: { 'accept-encoding': 'gzip' } })
    t.equal(String(headers['content-encoding'] === 'gzip' ? gunzipSync(rawPayload) : rawPayload), '')
  }
})

t.test('the function asset is there before the plugin, and says what is missing', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const app = Fastify()
  t.teardown(() => app.close())
  const notLoaded = { code: 'FST_QUICKSTART_STATIC_NOT_LOADED', message: /the static plugin is not loaded in this part of the app/ }
  app.register(staticFiles, { root, memory: false })
  t.throws(() => asset(app, 'app.js'), notLoaded, 'register is not awaited')
  app.get('/', async () => asset(app, 'app.js'))
  app.get('/missing', async (request) => asset(request.server, 'missing.js'))
  t.equal((await app.inject('/')).body, '/static/app.js', 'in a handler it is loaded')
  t.equal((await app.inject('/missing')).json().code, 'FST_QUICKSTART_STATIC_MISSING_ASSET')

  const other = Fastify()
  t.teardown(() => other.close())
  await other.register(async (part) => {
    await part.register(staticFiles, { root, memory: false })
    part.get('/part', async (request) => asset(request.server, 'app.js'))
  })
  other.get('/', async (request) => asset(request.server, 'app.js'))
  t.equal((await other.inject('/part')).body, '/static/app.js')
  const refused = await other.inject('/')
  t.equal(refused.statusCode, 500)
  t.equal(refused.json().code, 'FST_QUICKSTART_STATIC_NOT_LOADED', 'a sibling does not have it')
})

t.test('honours its prefix and the prefix of the host', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const rows: [prefix: string | undefined, path: string][] = [[undefined, '/static/'], ['/files', '/files/'], ['/a/b.c/', '/a/b.c/'], ['/', '/']]
  for (const [prefix, path] of rows) {
    for (const host of ['', '/v1', '/v1/', '/']) {
      const above = host.replace(/\/$/, '')
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(async (child) => {
        await child.register(staticFiles, { root, memory: true, ...(prefix !== undefined && { prefix }) })
        t.match(child.asset('app.js'), new RegExp(`^${above}${path}app\\.[0-9a-f]{16}\\.js$`))
        child.get('/link', async () => child.asset('app.js'))
      }, { prefix: host })
      const link = await app.inject(`${above}/link`)
      t.equal((await app.inject(link.body)).body, script)
      t.equal((await app.inject(`${above}${path}app.js`)).body, script)
      t.notOk(app.hasDecorator('asset'), 'the rest of the app is left alone')
    }
  }
})

t.test('can be registered twice in one app', async (t) => {
  const app = await build(t, { root: t.testdir({ one: { 'app.js': 'one', 'one.js': '1' }, two: { 'app.js': 'two', 'two.js': '2' } }) + '/one', memory: true })
  await app.register(staticFiles, { root: join(t.testdirName, 'two'), prefix: '/more/', memory: false })

  t.equal((await app.inject('/static/app.js')).body, 'one')
  t.equal((await app.inject('/more/app.js')).body, 'two')
  t.equal((await app.inject('/static/two.js')).statusCode, 404)
  t.match(app.asset('app.js'), /^\/static\//, 'the first one that has it')
  t.match(app.asset('one.js'), /^\/static\//)
  t.equal(app.asset('two.js'), '/more/two.js')
  t.throws(() => app.asset('three.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
})

t.test('links no URL at which another folder answers', async (t) => {
  const root = t.testdir({ one: { more: { 'app.js': 'one' } }, two: { 'b.js': 'two' } })
  for (const memory of [true, false]) {
    const app = await build(t, { root: join(root, 'one'), memory })
    await app.register(staticFiles, { root: join(root, 'two'), prefix: '/static/more/', memory })
    t.throws(() => app.asset('more/app.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
    t.equal((await app.inject(app.asset('b.js'))).body, 'two')
  }
})

t.test('asset takes nothing but text', async (t) => {
  for (const memory of [true, false]) {
    const app = await build(t, { root: t.testdir({ 'app.js': script }), memory })
    for (const name of [undefined, null, 5, ['app.js']]) t.throws(() => app.asset(name as unknown as string), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' }, String(name))
  }
})

t.test('a part of the app can have files of its own beside those of the whole', async (t) => {
  const root = t.testdir({ one: { 'app.js': 'one', 'one.js': '1' }, two: { 'app.js': 'two', 'two.js': '2' } })
  const app = await build(t, { root: join(root, 'one'), memory: false })
  await app.register(async (child) => {
    await child.register(staticFiles, { root: join(root, 'two'), memory: false })
    t.equal(child.asset('app.js'), '/child/static/app.js')
    t.equal(child.asset('two.js'), '/child/static/two.js')
    t.equal(child.asset('one.js'), '/static/one.js')
    t.throws(() => child.asset('three.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
  }, { prefix: '/child' })
  await app.ready()
  t.equal(app.asset('app.js'), '/static/app.js')
  t.throws(() => app.asset('two.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
  t.equal((await app.inject('/child/static/app.js')).body, 'two')
})

t.test('names its first route, for urlFor', async (t) => {
  const names: unknown[] = []
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRoute', (route) => { names.push([route.method, (route.config as { name?: string } | undefined)?.name]) })
  const root = t.testdir({ 'app.js': script })
  await app.register(staticFiles, { root })
  await app.register(staticFiles, { root, prefix: '/more/' })
  const [reads, writes] = [['GET', 'HEAD'], ['POST', 'PUT', 'DELETE', 'PATCH']]
  t.same(names, [[reads, 'static'], [writes, undefined], [reads, undefined], [writes, undefined]])
})

t.test('gives the host sendFile and download of @fastify/static', async (t) => {
  const app = await build(t, { root: t.testdir({ 'report.txt': 'report', '.env': 'secret', other: { 'x.txt': 'x' } }) })
  app.get('/send', (request, reply) => reply.sendFile('report.txt'))
  app.get('/download', (request, reply) => reply.download('report.txt', 'yours.txt'))
  app.get('/elsewhere', (request, reply) => reply.sendFile('x.txt', join(t.testdirName, 'other')))
  app.get('/hidden', (request, reply) => reply.sendFile('.env'))

  t.equal((await app.inject('/send')).body, 'report')
  const download = await app.inject('/download')
  t.equal(download.body, 'report')
  t.match(download.headers['content-disposition'], /^attachment; filename="?yours\.txt"?$/)
  t.equal((await app.inject('/elsewhere')).body, 'x')
  t.equal((await app.inject('/hidden')).statusCode, 404)
})

t.test('leaves errors and missing files to the host', async (t) => {
  for (const memory of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.setNotFoundHandler((request, reply) => { reply.code(404).send('nothing here') })
    app.setErrorHandler((error: Error & { code: string, statusCode: number }, request, reply) => { reply.code(error.statusCode).send(`sorry: ${error.code}`) })
    await app.register(staticFiles, { root: t.testdir({ 'app.js': script }), memory })

    t.equal((await app.inject('/static/missing.js')).body, 'nothing here')
    t.equal((await app.inject({ method: 'POST', url: '/static/missing.js', body: {} })).body, 'nothing here')
    const rows: [headers: Record<string, string>, says: string][] = [
      [{ 'if-match': '"a"' }, 'PRECONDITION_FAILED'],
      [{ range: 'bytes=10000000-' }, 'RANGE_NOT_SATISFIABLE'],
      [{ 'accept-encoding': 'identity;q=0' }, 'NOT_ACCEPTABLE']
    ]
    for (const [headers, says] of rows) {
      t.equal((await app.inject({ url: '/static/app.js', headers })).body, `sorry: FST_QUICKSTART_STATIC_${says}`)
    }
    t.equal((await app.inject({ method: 'PUT', url: '/static/app.js', body: {} })).body, 'sorry: FST_QUICKSTART_STATIC_METHOD_NOT_ALLOWED')
  }
})

t.test('runs the reply hooks of the host', async (t) => {
  for (const memory of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.addHook('onSend', async (request, reply, payload) => { reply.header('x-seen', Buffer.isBuffer(payload) ? 'bytes' : 'other') })
    await app.register(staticFiles, { root: t.testdir({ 'app.js': script }), memory })
    t.equal((await app.inject('/static/app.js')).headers['x-seen'], 'bytes')
  }
})

t.test('leaves out links that lead away, and says so', { skip: lacks.links }, async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  const root = t.testdir({ 'app.js': script })
  symlinkSync('/', join(root, 'away'))
  symlinkSync('nowhere', join(root, 'broken'))
  await app.register(staticFiles, { root, memory: true })
  t.same(lines.map((line) => JSON.parse(line).file).sort(), ['away', 'broken'])
})

t.test('refuses wrong options when it is registered', async (t) => {
  const root = t.testdir({ 'app.js': script })
  const rootSays = 'expected the absolute path, or file: URL, of a folder'
  const memorySays = 'expected true, false, or { maxFileSize, maxTotalSize } in bytes'
  const prefixSays = 'expected a path that starts with "/", of plain segments'
  const wrong: [options: object, says: string][] = [
    [{}, `option "root" is missing; ${rootSays}`],
    ...['public', '', './public', '../public', 'file:public', 'file://other.example/srv', 'file:///a%2Fb', 'https://example.org/', 'FILE:public', 5, null].map((root): [object, string] =>
      [{ root }, `option "root" is ${JSON.stringify(root)}; ${rootSays}`]),
    ...['https://example.org/', 'data:,x', 'file://other.example/srv', 'file:///a%2Fb'].map((url): [object, string] =>
      [{ root: new URL(url) }, `option "root" is "${url}"; ${rootSays}`]),
    [{ root: { href: 'file:///tmp' } }, `option "root" is an object; ${rootSays}`],
    ...['static', '', '/a b/', '/:id/', '/*', '/a//b', '/../', '/a/..', '/./', '/a%20b/', '/ä/', 5].map((prefix): [object, string] =>
      [{ root, prefix }, `option "prefix" is ${JSON.stringify(prefix)}; ${prefixSays}`]),
    ...[-1, 1.5, NaN].map((maxAge): [object, string] =>
      [{ root, maxAge }, `option "maxAge" is ${maxAge}; expected a whole number of seconds, 0 or more`]),
    [{ root, maxAge: '1 day' }, 'option "maxAge" is "1 day"; expected a whole number of seconds, 0 or more'],
    [{ root, memory: 'yes' }, `option "memory" is "yes"; ${memorySays}`],
    [{ root, memory: null }, `option "memory" is null; ${memorySays}`],
    [{ root, memory: [] }, `option "memory" is an array; ${memorySays}`],
    [{ root, memory: { maxFileSize: '1' } }, `option "memory" is an object; ${memorySays}`],
    [{ root, memory: { maxSize: 1 } }, `option "memory" is an object; ${memorySays}`],
    [{ root, list: true }, 'unknown option "list"; expected one of root, prefix, maxAge, memory']
  ]
  for (const [options, says] of wrong) {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(staticFiles, options as StaticOptions), {
      code: 'FST_QUICKSTART_STATIC_INVALID_OPTION',
      message: `fastify-quickstart/static: ${says}`
    })
  }
})

t.test('takes a root as a path or as a file: URL', async (t) => {
  const root = t.testdir({ 'my files': { 'app.js': script }, 'app.js': 'x' })
  const folder = join(root, 'my files')
  const missing = pathToFileURL(join(root, 'missing'))
  for (const memory of [true, false]) {
    for (const way of [folder, `${folder}/`, pathToFileURL(folder), pathToFileURL(folder).href, pathToFileURL(folder).href.replace('file:', 'FILE:')]) {
      const app = await build(t, { root: way, memory })
      app.get('/sent', (request, reply) => reply.sendFile('app.js'))
      t.equal((await app.inject(app.asset('app.js'))).body, script, String(way))
      t.equal((await app.inject('/sent')).body, script)
    }
    for (const way of [missing, missing.href]) {
      await t.rejects(async () => await build(t, { root: way, memory }), { code: 'FST_QUICKSTART_STATIC_ROOT', message: /missing" cannot be read \(ENOENT\)$/ })
    }
  }
})

t.test('asset() says how it is called', async (t) => {
  const says = 'expected the Fastify app, before the name of the file'
  const rows: [args: unknown[], message: string][] = [
    [['app.js'], `option "app" is "app.js"; ${says}`], [['app.js', Fastify()], `option "app" is "app.js"; ${says}`],
    [[], `option "app" is missing; ${says}`], [[null, 'app.js'], `option "app" is null; ${says}`]
  ]
  for (const [args, message] of rows) {
    t.throws(() => (asset as (...args: unknown[]) => string)(...args), { code: 'FST_QUICKSTART_STATIC_INVALID_OPTION', message: `fastify-quickstart/static: ${message}` })
  }
})

t.test('refuses a root that is no folder', async (t) => {
  const root = t.testdir({ 'app.js': script })
  for (const memory of [true, false]) {
    for (const [name, says] of [['missing', 'cannot be read (ENOENT)'], ['app.js', 'is not a folder']] as const) {
      const app = Fastify()
      t.teardown(() => app.close())
      await t.rejects(async () => await app.register(staticFiles, { root: join(root, name), memory }), {
        code: 'FST_QUICKSTART_STATIC_ROOT',
        message: `fastify-quickstart/static: root "${join(root, name)}" ${says}`
      })
    }
  }
})

t.test('refuses a root that the system does not let it list', async (t) => {
  const fileSystem = await import('node:fs')
  const options = await t.mockImport<object>('../../../plugins/static/options.ts', {
    'node:fs': { ...fileSystem, accessSync: () => { throw Object.assign(new Error('no'), { code: 'EACCES' }) } }
  })
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.ts')>('../../../plugins/static/index.ts', {
    '../../../plugins/static/options.ts': options
  })
  for (const memory of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(mocked, { root: t.testdir(), memory }), { code: 'FST_QUICKSTART_STATIC_ROOT', message: /cannot be read \(EACCES\)$/ })
  }
})

t.test('a file over the caps is as it is on the disk now', async (t) => {
  const root = t.testdir({ 'log.txt': 'one\n' })
  const app = await build(t, { root, memory: { maxFileSize: 0 } })
  const link = app.asset('log.txt')
  t.equal((await app.inject(link)).headers['cache-control'], 'public, max-age=31536000, immutable')

  appendFileSync(join(root, 'log.txt'), 'two\n')
  const grown = await app.inject(link)
  t.equal(grown.body, 'one\ntwo\n')
  t.equal(grown.headers['cache-control'], 'no-cache', 'its fingerprint is no longer of this content')
  unlinkSync(join(root, 'log.txt'))
  t.equal((await app.inject(link)).statusCode, 404)
  t.equal((await app.inject('/static/log.txt')).statusCode, 404)
  t.equal((await app.inject('/static/log.0123456789abcdef.txt')).statusCode, 404)
  t.throws(() => app.asset('log.txt'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
})

t.test('beside a file on the disk, a form that is broken, or cannot be read, is not used', async (t) => {
  const noise = randomBytes(2 * 1024 * 1024)
  const file = Buffer.concat([noise, Buffer.alloc(noise.length)])
  const forms: [what: string, br: Buffer, gzip: Buffer][] = [
    ['cut short', brotliCompressSync(file, fast).subarray(0, -1), gzipSync(file).subarray(0, -1)],
    ['longer', brotliCompressSync(Buffer.concat([file, file]), fast), gzipSync(Buffer.alloc(file.length * 2))],
    ['with something after it', Buffer.concat([brotliCompressSync(file, fast), Buffer.from('x')]), Buffer.concat([gzipSync(file), Buffer.from('x')])],
    ['the one in place of the other', gzipSync(file), brotliCompressSync(file, fast)],
    ['not compressed at all', noise, noise]
  ]
  const wrong: unknown[] = []
  for (const maxFileSize of [0, 3 * 1024 * 1024]) {
    for (const [what, br, gzip] of forms) {
      const lines: string[] = []
      const app = Fastify({ logger: { level: 'warn', stream: { write: (line) => { lines.push(line) } } } })
      t.teardown(() => app.close())
      const root = join(t.testdir({ [what]: { 'model.bin': file, 'model.bin.br': br, 'model.bin.gz': gzip } }), what)
      await app.register(staticFiles, { root, memory: { maxFileSize } })
      const { headers, rawPayload } = await app.inject({ url: '/static/model.bin', headers: { 'accept-encoding': 'br, gzip' } })
      if (headers['content-encoding'] !== undefined || !rawPayload.equals(file)) wrong.push([what, headers])
      // A form that is bigger than its file is no mistake.
      const told = [['br', br], ['gz', gzip]].filter(([, form]) => form!.length < file.length).map(([extension]) => `model.bin.${String(extension)}`)
      if (JSON.stringify(lines.map((line) => JSON.parse(line).file)) !== JSON.stringify(told)) wrong.push([what, lines])
    }
  }
  t.strictSame(wrong, [])
})

t.test('what vanishes while the folder is read is left out, and the log says so', async (t) => {
  const fileSystem = await import('node:fs')
  const { statSync } = fileSystem
  const memory = await t.mockImport<object>('../../../plugins/static/files/memory.ts', {
    'node:fs': {
      ...fileSystem,
      statSync: (path: string) => {
        if (path.endsWith('gone.js')) throw Object.assign(new Error('no'), { code: 'ENOENT' })
        return statSync(path)
      }
    }
  })
  const files = await t.mockImport<object>('../../../plugins/static/files/files.ts', { '../../../plugins/static/files/memory.ts': memory })
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.ts')>('../../../plugins/static/index.ts', {
    '../../../plugins/static/files/files.ts': files
  })
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  await app.register(mocked, { root: t.testdir({ 'app.js': script, 'gone.js': script }), memory: true })
  t.equal((await app.inject('/static/app.js')).statusCode, 200)
  t.equal((await app.inject('/static/gone.js')).statusCode, 404)
  t.match(lines.map((line) => JSON.parse(line)), [{ file: 'gone.js', msg: 'static: left out: it cannot be read' }])
})
