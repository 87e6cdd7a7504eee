import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import staticFiles from '../../../plugins/static/index.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'

/* What RFC 9110 asks of a server of files, over a real socket, in both modes. */

const script = `${'export const line = "a line that comes again and again"\n'.repeat(100)}`
const photo = Buffer.from(Array.from({ length: 1000 }, (_, index) => index * 7919 % 251))
const modified = new Date('2024-05-06T07:08:09Z')
const lastModified = 'Mon, 06 May 2024 07:08:09 GMT'

interface Mode { name: string, memory: boolean | { maxFileSize: number } }
const modes: Mode[] = [
  { name: 'memory', memory: true },
  { name: 'development', memory: false },
  { name: 'over the caps', memory: { maxFileSize: 10 } }
]

function site (t: Test, mtime = modified): string {
  const root = t.testdir({ 'app.js': script, 'page.html': '<p>¡Hola!</p>', 'photo.jpg': photo, 'empty.txt': '', 'data.json': '{}', '.well-known': { x: 'x' } })
  for (const name of ['app.js', 'page.html', 'photo.jpg', 'empty.txt', 'data.json']) utimesSync(join(root, name), mtime, mtime)
  return root
}

async function serve (t: Test, root: string, memory: Mode['memory']): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

interface Row {
  request: Record<string, string>
  status: number
  /** Fields of the answer; `null` for one that must not be there. */
  fields?: Record<string, string | null>
  /** Which bytes of the photo. */
  body?: [first: number, last: number]
}

/** Every row is asked for with GET and HEAD. `ETAG` stands for the photo's own entity tag. */
const conditions: Row[] = [
  { request: {}, status: 200, body: [0, 999], fields: { 'content-type': 'image/jpeg', 'content-length': '1000', 'last-modified': lastModified, 'accept-ranges': 'bytes', 'x-content-type-options': 'nosniff', vary: null, 'content-encoding': null } },

  { request: { 'if-none-match': 'ETAG' }, status: 304 },
  { request: { 'if-none-match': 'W/ETAG' }, status: 304 },
  { request: { 'if-none-match': '*' }, status: 304 },
  { request: { 'if-none-match': '"a", ETAG' }, status: 304 },
  { request: { 'if-none-match': '"a,b" ,,W/"c", W/ETAG, "d"' }, status: 304 },
  { request: { 'if-none-match': '"a", "b"' }, status: 200 },
  { request: { 'if-none-match': 'w/ETAG' }, status: 200 },
  { request: { 'if-none-match': 'nonsense' }, status: 200 },
  { request: { 'if-none-match': '"a' }, status: 200 },

  { request: { 'if-modified-since': lastModified }, status: 304 },
  { request: { 'if-modified-since': 'Mon, 06 May 2024 07:08:10 GMT' }, status: 304 },
  { request: { 'if-modified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Monday, 06-May-24 07:08:09 GMT' }, status: 304 },
  { request: { 'if-modified-since': 'Monday, 06-May-24 07:08:08 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Mon May  6 07:08:09 2024' }, status: 304 },
  { request: { 'if-modified-since': 'Wed Dec 11 07:08:09 2024' }, status: 304 },
  { request: { 'if-modified-since': 'Friday, 31-Dec-99 23:59:59 GMT' }, status: 200 },
  { request: { 'if-modified-since': '2030-01-01' }, status: 200 },
  { request: { 'if-modified-since': 'Mon, 06 May 2030 07:08:09 +0000' }, status: 200 },
  { request: { 'if-modified-since': 'Mon, 31 Jun 2030 07:08:09 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Mon, 06 May 2030 25:08:09 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'yesterday' }, status: 200 },

  // Section 5.6.7: a leap second is the last of a day, and nothing else may have the number 60.
  { request: { 'if-modified-since': 'Mon, 06 May 2024 23:59:60 GMT' }, status: 304 },
  { request: { 'if-modified-since': 'Sunday, 05-May-24 23:59:60 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Mon May  6 23:59:60 2024' }, status: 304 },
  { request: { 'if-modified-since': 'Sat, 30 Nov 2024 12:59:60 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Sat, 30 Nov 2024 23:58:60 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Sat, 30 Nov 2024 23:59:61 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Sat, 30 Nov 2024 23:60:00 GMT' }, status: 200 },
  { request: { 'if-modified-since': 'Sat, 31 Nov 2024 23:59:60 GMT' }, status: 200 },

  { request: { 'if-match': 'ETAG' }, status: 200 },
  { request: { 'if-match': '*' }, status: 200 },
  { request: { 'if-match': '"a", ETAG' }, status: 200 },
  { request: { 'if-match': 'W/ETAG' }, status: 412 },
  { request: { 'if-match': '"a"' }, status: 412 },
  { request: { 'if-match': '' }, status: 412 },

  { request: { 'if-unmodified-since': lastModified }, status: 200 },
  { request: { 'if-unmodified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, status: 412 },
  { request: { 'if-unmodified-since': 'nonsense' }, status: 200 },
  { request: { 'if-unmodified-since': 'Sun, 05 May 2024 23:59:60 GMT' }, status: 412 },
  { request: { 'if-unmodified-since': 'Mon, 06 May 2024 23:59:60 GMT' }, status: 200 },
  { request: { 'if-unmodified-since': 'Sun, 05 May 2024 22:59:60 GMT' }, status: 200 },

  // Section 13.2.2: which of two conditions counts.
  { request: { 'if-none-match': '"a"', 'if-modified-since': lastModified }, status: 200 },
  { request: { 'if-none-match': 'ETAG', 'if-modified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, status: 304 },
  { request: { 'if-match': 'ETAG', 'if-unmodified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, status: 200 },
  { request: { 'if-match': '"a"', 'if-none-match': 'ETAG' }, status: 412 },
  { request: { 'if-match': 'ETAG', 'if-none-match': 'ETAG' }, status: 304 },
  { request: { 'if-unmodified-since': lastModified, 'if-modified-since': lastModified }, status: 304 },
  { request: { 'if-match': '"a"', range: 'bytes=0-1' }, status: 412 },
  { request: { 'if-none-match': 'ETAG', range: 'bytes=0-1' }, status: 304 },
  { request: { 'if-none-match': 'ETAG', range: 'bytes=5000-' }, status: 304 }
]

/** GET alone heeds a range; HEAD answers each of these with 200 and the whole length. */
const ranges: Row[] = [
  { request: { range: 'bytes=0-0' }, status: 206, body: [0, 0], fields: { 'content-range': 'bytes 0-0/1000', 'content-length': '1', 'content-type': 'image/jpeg', 'last-modified': lastModified } },
  { request: { range: 'bytes=10-19' }, status: 206, body: [10, 19], fields: { 'content-range': 'bytes 10-19/1000', 'content-length': '10' } },
  { request: { range: 'bytes=990-' }, status: 206, body: [990, 999], fields: { 'content-range': 'bytes 990-999/1000' } },
  { request: { range: 'bytes=0-' }, status: 206, body: [0, 999], fields: { 'content-range': 'bytes 0-999/1000' } },
  { request: { range: 'bytes=-10' }, status: 206, body: [990, 999], fields: { 'content-range': 'bytes 990-999/1000' } },
  { request: { range: 'bytes=-5000' }, status: 206, body: [0, 999], fields: { 'content-range': 'bytes 0-999/1000' } },
  { request: { range: 'bytes=999-5000' }, status: 206, body: [999, 999], fields: { 'content-range': 'bytes 999-999/1000' } },
  { request: { range: `bytes=0-${'9'.repeat(400)}` }, status: 206, body: [0, 999] },
  { request: { range: 'BYTES=0-0' }, status: 206, body: [0, 0] },
  { request: { range: 'bytes=0-0,' }, status: 206, body: [0, 0] },

  { request: { range: 'bytes=1000-' }, status: 416, fields: { 'content-range': 'bytes */1000' } },
  { request: { range: 'bytes=5000-6000' }, status: 416, fields: { 'content-range': 'bytes */1000' } },
  { request: { range: 'bytes=-0' }, status: 416, fields: { 'content-range': 'bytes */1000' } },

  { request: { range: 'bytes=5-2' }, status: 200, body: [0, 999], fields: { 'content-range': null } },
  { request: { range: 'bytes=99999999999999999999-99999999999999999998' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=99999999999999999998-99999999999999999999' }, status: 416 },
  { request: { range: 'bytes=' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=-' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=a-b' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=1' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0x1-2' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes = 0-1' }, status: 200, body: [0, 999] },
  { request: { range: 'lines=0-1' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-1,5-6' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-1, 5000-6000' }, status: 200, body: [0, 999] },

  { request: { range: 'bytes=0-0', 'if-range': 'ETAG' }, status: 206, body: [0, 0] },
  { request: { range: 'bytes=0-0', 'if-range': lastModified }, status: 206, body: [0, 0] },
  { request: { range: 'bytes=0-0', 'if-range': 'W/ETAG' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-range': '"a"' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-range': '"a", ETAG' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-range': '*' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-range': 'Mon, 06 May 2024 07:08:10 GMT' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-range': 'Mon, 06 May 2024 07:08:08 GMT' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=5000-', 'if-range': '"a"' }, status: 200, body: [0, 999] },
  { request: { range: 'bytes=0-0', 'if-match': 'ETAG', 'if-unmodified-since': lastModified }, status: 206, body: [0, 0] }
]

function check (t: Test, row: Row, method: string, answer: RawAnswer, etag: string): void {
  const asked = `${method} ${JSON.stringify(row.request)}`
  t.equal(answer.status, row.status, `${asked} is ${row.status}`)
  for (const [name, value] of Object.entries(row.fields ?? {})) t.equal(answer.fields[name] ?? null, value, `${asked} has ${name}: ${value}`)
  if (row.status < 400) {
    t.equal(answer.fields.etag, etag, `${asked} has the entity tag`)
    t.equal(answer.fields['cache-control'], 'no-cache', `${asked} says how it may be kept`)
  } else {
    t.notOk(answer.fields.etag, `${asked} has no tag of a file on an error`)
    t.match(answer.fields['content-type'], 'application/json', `${asked} goes through the error handler`)
  }
  t.ok(answer.fields.date, `${asked} has a date`)
  if (method === 'HEAD' || row.status === 304) t.equal(answer.body.length, 0, `${asked} has no body`)
  else if (row.body !== undefined) t.same(answer.body, photo.subarray(row.body[0], row.body[1] + 1), `${asked} sends bytes ${row.body.join('-')}`)
}

function withTag (request: Record<string, string>, etag: string): Record<string, string> {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [name, value.replace('ETAG', etag)]))
}

for (const { name, memory } of modes) {
  t.test(`conditions and ranges, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    const etag = (await rawRequest(app, 'GET', '/static/photo.jpg')).fields.etag!
    t.match(etag, /^"[\w-]{22,}"$/, 'the entity tag is strong')

    for (const row of conditions) {
      for (const method of ['GET', 'HEAD']) {
        check(t, row, method, await rawRequest(app, method, '/static/photo.jpg', withTag(row.request, etag)), etag)
      }
    }
    for (const row of ranges) {
      check(t, row, 'GET', await rawRequest(app, 'GET', '/static/photo.jpg', withTag(row.request, etag)), etag)
      const deaf: Row = { request: row.request, status: 200, fields: { 'content-length': '1000', 'content-range': null } }
      check(t, deaf, 'HEAD', await rawRequest(app, 'HEAD', '/static/photo.jpg', withTag(row.request, etag)), etag)
    }
  })

  t.test(`a 304 has no more than a cache needs, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    const { fields: { date, ...fields } } = await rawRequest(app, 'GET', '/static/app.js', { 'if-none-match': '*' })
    t.same(Object.keys(fields).sort(), ['cache-control', 'connection', 'etag', 'vary'])
  })

  t.test(`HEAD is GET without the body, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    for (const target of ['/static/app.js', '/static/page.html', '/static/photo.jpg', '/static/empty.txt', '/static/data.json', '/static/.well-known/x']) {
      for (const coding of ['br', 'gzip', 'identity']) {
        const get = await rawRequest(app, 'GET', target, { 'accept-encoding': coding })
        const head = await rawRequest(app, 'HEAD', target, { 'accept-encoding': coding })
        t.equal(head.status, 200)
        t.equal(get.body.length, Number(get.fields['content-length']))
        t.equal(head.body.length, 0)
        t.same({ ...head.fields, date: '' }, { ...get.fields, date: '' }, `${target} with ${coding}`)
      }
    }
  })

  t.test(`an empty file is a file, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    const rows: [range: string, status: number][] = [
      ['bytes=0-', 200], ['bytes=0-0', 200], ['bytes=0-499', 200], ['bytes=1-', 416], ['bytes=5-9', 416],
      ['bytes=-5', 200], ['bytes=-0', 416], ['bytes=5-2', 200]
    ]
    for (const [range, status] of rows) {
      const answer = await rawRequest(app, 'GET', '/static/empty.txt', { range })
      t.equal(answer.status, status, range)
      t.equal(answer.fields['content-range'], status === 416 ? 'bytes */0' : undefined)
    }
  })

  t.test(`writing is not allowed, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    const body = { 'content-type': 'application/x-unknown', 'content-length': '0' }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const refused = await rawRequest(app, method, '/static/app.js', body)
      t.equal(refused.status, 405, method)
      t.equal(refused.fields.allow, 'GET, HEAD')
      t.match(JSON.parse(refused.body.toString()), { code: 'FST_QUICKSTART_STATIC_METHOD_NOT_ALLOWED' })
      // A condition does not count where the answer would be no success without it (section 13.2.1).
      t.equal((await rawRequest(app, method, '/static/app.js', { ...body, 'if-match': '"a"' })).status, 405)
      const missing = await rawRequest(app, method, '/static/missing.js', body)
      t.equal(missing.status, 404, `${method} of nothing`)
      t.equal(missing.fields.allow, undefined)
    }
  })

  t.test(`types, ${name}`, async (t) => {
    const app = await serve(t, t.testdir({ 'a.js': '1', 'a.mjs': '1', 'a.css': 'a{}', 'a.html': '', 'a.txt': '', 'a.csv': '', 'a.md': '', 'a.json': '{}', 'a.svg': '<svg/>', 'a.png': '', 'a.wasm': '', 'a.woff2': '', 'a.ndjson': '', 'a.jsonl': '', 'a.geojson': '', 'a.yaml': '', 'a.toml': '', 'a.cjs': '', LICENSE: '', js: '', 'a.unknown': '' }), memory)
    const types: [name: string, type: string, vary: boolean][] = [
      ['a.js', 'text/javascript; charset=utf-8', true],
      ['a.mjs', 'text/javascript; charset=utf-8', true],
      ['a.css', 'text/css; charset=utf-8', true],
      ['a.html', 'text/html; charset=utf-8', true],
      ['a.txt', 'text/plain; charset=utf-8', true],
      ['a.csv', 'text/csv; charset=utf-8', true],
      ['a.md', 'text/markdown; charset=utf-8', true],
      ['a.json', 'application/json', true],
      ['a.svg', 'image/svg+xml', true],
      ['a.wasm', 'application/wasm', true],
      ['a.ndjson', 'application/x-ndjson', true],
      ['a.jsonl', 'application/x-ndjson', true],
      ['a.geojson', 'application/geo+json', true],
      ['a.yaml', 'text/yaml; charset=utf-8', true],
      ['a.toml', 'application/toml', true],
      ['a.cjs', 'application/node', true],
      ['a.png', 'image/png', false],
      ['a.woff2', 'font/woff2', false],
      ['LICENSE', 'application/octet-stream', false],
      ['js', 'application/octet-stream', false],
      ['a.unknown', 'application/octet-stream', false]
    ]
    for (const [name, type, vary] of types) {
      const { fields } = await rawRequest(app, 'GET', `/static/${name}`)
      t.equal(fields['content-type'], type, name)
      t.equal(fields['x-content-type-options'], 'nosniff', name)
      t.equal(fields.vary, vary ? 'Accept-Encoding' : undefined, name)
    }
  })

  t.test(`every answer about a file that has encodings says so, ${name}`, async (t) => {
    const app = await serve(t, site(t), memory)
    const rows: [request: Record<string, string>, status: number][] = [
      [{}, 200], [{ range: 'bytes=0-1' }, 206], [{ 'if-none-match': '*' }, 304],
      [{ 'accept-encoding': 'identity;q=0' }, 406], [{ 'if-match': '"a"' }, 412], [{ range: 'bytes=100000-' }, 416]
    ]
    for (const [request, status] of rows) {
      const answer = await rawRequest(app, 'GET', '/static/app.js', request)
      t.equal(answer.status, status)
      t.equal(answer.fields.vary, 'Accept-Encoding', String(status))
    }
  })

  t.test(`what the host has said stands, ${name}`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.addHook('onRequest', async (request, reply) => {
      if (request.headers['x-vary'] !== undefined) reply.header('vary', request.headers['x-vary'])
      if (request.headers['x-keep'] !== undefined) reply.header('cache-control', 'no-store')
    })
    await app.register(staticFiles, { root: site(t), memory })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const varies: [host: string, vary: string][] = [['Origin', 'Origin, Accept-Encoding'], ['*', '*'], ['Origin, accept-encoding', 'Origin, accept-encoding']]
    const requests: Record<string, string>[] = [{}, { 'if-none-match': '*' }, { range: 'bytes=100000-' }]
    for (const [host, vary] of varies) {
      for (const request of requests) {
        t.equal((await rawRequest(app, 'GET', '/static/app.js', { 'x-vary': host, ...request })).fields.vary, vary)
      }
    }
    t.equal((await rawRequest(app, 'GET', '/static/app.js', { 'x-keep': '1' })).fields['cache-control'], 'no-store')
  })

  t.test(`the same content has the same tag wherever it lies, ${name}`, async (t) => {
    const one = await serve(t, site(t), memory)
    const copy = join(t.testdirName, 'copy')
    mkdirSync(copy)
    writeFileSync(join(copy, 'app.js'), script)
    writeFileSync(join(copy, 'other.js'), `${script}//`)
    const two = await serve(t, copy, memory)
    for (const coding of ['br', 'gzip', 'identity']) {
      const [here, there, other] = await Promise.all([
        rawRequest(one, 'GET', '/static/app.js', { 'accept-encoding': coding }),
        rawRequest(two, 'GET', '/static/app.js', { 'accept-encoding': coding }),
        rawRequest(two, 'GET', '/static/other.js', { 'accept-encoding': coding })
      ])
      t.equal(here.fields.etag, there.fields.etag, coding)
      t.not(here.fields.etag, other.fields.etag, coding)
      t.not(here.fields['last-modified'], there.fields['last-modified'])
    }
  })

  t.test(`a file from the future is as old as the answer, ${name}`, async (t) => {
    const app = await serve(t, site(t, new Date(Date.now() + 1e9)), memory)
    const { fields } = await rawRequest(app, 'GET', '/static/photo.jpg')
    t.ok(Date.parse(fields['last-modified']!) <= Date.parse(fields.date!))
  })
}

t.test('which encoding is sent', async (t) => {
  const app = await serve(t, site(t), true)
  const rows: [accepts: string | undefined, coding: string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZIP', 'gzip'],
    ['BR;Q=1', 'br'],
    ['*', 'br'],
    ['*;q=0.1', 'br'],
    ['br;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br;q=0.8,gzip;q=0.8', 'br'],
    ['gzip ; q=0.001', 'gzip'],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0.5, *;q=0', undefined],
    ['identity;q=0, gzip', 'gzip'],
    ['*;q=0, br', 'br'],
    ['deflate, zstd', undefined],
    ['br;q=1.5', undefined],
    ['br;q=0.1234', undefined],
    ['br;level=1', undefined],
    ['br gzip', undefined],
    [',,gzip,', 'gzip']
  ]
  for (const [accepts, coding] of rows) {
    const headers: Record<string, string> = accepts === undefined ? {} : { 'accept-encoding': accepts }
    const { status, fields, body } = await rawRequest(app, 'GET', '/static/app.js', headers)
    t.equal(status, 200)
    t.equal(fields['content-encoding'], coding, `${accepts} gives ${coding}`)
    t.equal(fields['content-type'], 'text/javascript; charset=utf-8')
    const decode = { br: brotliDecompressSync, gzip: gunzipSync }[coding ?? '']
    t.equal(String(decode === undefined ? body : decode(body)), script)
  }
  for (const accepts of ['identity;q=0', '*;q=0', 'identity;q=0, zstd', 'br;q=0, gzip;q=0, identity;q=0.000']) {
    const refused = await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': accepts })
    t.equal(refused.status, 406, accepts)
    t.match(JSON.parse(String(refused.body)), { code: 'FST_QUICKSTART_STATIC_NOT_ACCEPTABLE' })
  }
  const photo = await rawRequest(app, 'GET', '/static/photo.jpg', { 'accept-encoding': 'br, identity;q=0' })
  t.equal(photo.status, 406, 'a picture is not to be had compressed')
  t.equal(photo.fields.vary, 'Accept-Encoding', 'which depends on what was accepted')
})

t.test('each encoding has its own tag, its own ranges and its own 304', async (t) => {
  const app = await serve(t, site(t), true)
  const whole = await Promise.all(['br', 'gzip', 'identity'].map(async (coding) => await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': coding })))
  t.equal(new Set(whole.map(({ fields }) => fields.etag)).size, 3)

  const [br, gzip] = whole as [RawAnswer, RawAnswer]
  const part = await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': 'br', range: 'bytes=2-9', 'if-range': br.fields.etag! })
  t.equal(part.status, 206)
  t.equal(part.fields['content-encoding'], 'br')
  t.equal(part.fields['content-range'], `bytes 2-9/${br.body.length}`)
  t.same(part.body, br.body.subarray(2, 10))

  t.equal((await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': 'br', 'if-none-match': br.fields.etag! })).status, 304)
  t.equal((await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': 'br', 'if-none-match': gzip.fields.etag! })).status, 200)
  t.equal((await rawRequest(app, 'GET', '/static/app.js', { 'accept-encoding': 'br', range: 'bytes=2-9', 'if-range': gzip.fields.etag! })).status, 200)
})

t.test('a date tells a part of one encoding from that of another only where there is one', async (t) => {
  const app = await serve(t, site(t), true)
  const rows: [name: string, accepts: string | undefined, status: number][] = [
    ['app.js', 'br', 200], ['app.js', 'br, gzip', 200], ['app.js', 'identity', 206], ['app.js', undefined, 206], ['photo.jpg', 'br', 206]
  ]
  for (const [name, accepts, status] of rows) {
    const headers: Record<string, string> = accepts === undefined ? {} : { 'accept-encoding': accepts }
    const { fields } = await rawRequest(app, 'HEAD', `/static/${name}`, headers)
    const answer = await rawRequest(app, 'GET', `/static/${name}`, { ...headers, range: 'bytes=2-9', 'if-range': fields['last-modified']! })
    t.equal(answer.status, status, `${name} with ${accepts}`)
  }
})

t.test('as many values of Accept-Encoding as a client can think of', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root: site(t), memory: true })
  for (let index = 0; index < 500; index++) {
    const answer = await app.inject({ url: '/static/app.js', headers: { 'accept-encoding': `made-up-${index}, gzip` } })
    t.equal(answer.headers['content-encoding'], 'gzip')
  }
  const long = await app.inject({ url: '/static/app.js', headers: { 'accept-encoding': `${'made-up, '.repeat(100)}br` } })
  t.equal(long.headers['content-encoding'], 'br')
})

t.test('knows the types of files whose names say nothing', async (t) => {
  const json = 'application/json'
  const rows: [name: string, type: string][] = [
    ['.well-known/openid-configuration', json],
    ['.well-known/openid-configuration/tenant-1', json],
    ['.well-known/oauth-authorization-server', json],
    ['.well-known/oauth-authorization-server/issuer/1', json],
    ['.well-known/oauth-protected-resource', json],
    ['.well-known/openid-credential-issuer', json],
    ['.well-known/apple-app-site-association', json],
    ['apple-app-site-association', json],
    ['.well-known/nodeinfo', json],
    ['.well-known/matrix/client', json],
    ['.well-known/matrix/server', json],
    ['.well-known/webfinger', 'application/jrd+json'],
    ['.well-known/host-meta', 'application/xrd+xml'],
    ['.well-known/host-meta.json', json],
    ['.well-known/security.txt', 'text/plain; charset=utf-8'],
    ['.well-known/assetlinks.json', json],
    ['.well-known/other', 'application/octet-stream'],
    ['sub/apple-app-site-association', 'application/octet-stream'],
    ['openid-configuration', 'application/octet-stream'],
    ['.well-known/openid-configuration-2', 'application/octet-stream']
  ]
  // A file and a folder cannot have one name: each row has a folder of its own.
  const folder = t.testdir({})
  for (const memory of [true, false]) {
    const wrong: unknown[] = []
    for (const [index, [name, type]] of rows.entries()) {
      const root = join(folder, `${memory}${index}`)
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), '{}')
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(staticFiles, { root, prefix: '/', memory })
      const answer = await app.inject(`/${name}`)
      if (answer.headers['content-type'] !== type) wrong.push([name, answer.headers['content-type']])
    }
    t.strictSame(wrong, [])
  }
})
