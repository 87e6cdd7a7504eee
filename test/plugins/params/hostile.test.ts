import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import params from '../../../plugins/params/index.ts'

async function listening (t: Test, maxParamLength = 2048): Promise<FastifyInstance> {
  const app = Fastify({ routerOptions: { maxParamLength } })
  t.teardown(() => app.close())
  await app.register(params)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}

/** Sends the bytes as they are: no client repairs them on the way. */
async function raw (app: FastifyInstance, head: string, body: string | Buffer = ''): Promise<{ status: number, headers: string, body: string }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  socket.write(Buffer.concat([Buffer.from(`${head}\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n`, 'latin1'), Buffer.from(body as string)]))
  const chunks: Buffer[] = []
  // A server that refuses a large request closes before it has read it all.
  socket.on('error', () => {})
  socket.on('data', (chunk) => chunks.push(chunk))
  await new Promise((resolve) => socket.on('close', resolve))
  const answer = Buffer.concat(chunks).toString()
  const [headers = '', ...rest] = answer.split('\r\n\r\n')
  return { status: Number(answer.split(' ')[1]), headers: headers.toLowerCase(), body: rest.join('\r\n\r\n') }
}

const encoded = 'percent-encoded UTF-8 text without control characters'
const text = 'text of 1 to 1024 characters without control characters'
const whole = 'a whole number from -9007199254740991 to 9007199254740991'
const below = 'a path without control characters and without "." or ".." between slashes'

t.test('has one answer for each hostile URL', async (t) => {
  const app = await listening(t)
  const user = `path parameter "username" must be ${text}`
  const table: [url: string, status: number, says: string][] = [
    // Escapes that are none, and bytes that are not UTF-8: the router refuses them in a path.
    ['/user/%zz', 400, 'FST_ERR_BAD_URL'],
    ['/user/%', 400, 'FST_ERR_BAD_URL'],
    ['/user/%f', 400, 'FST_ERR_BAD_URL'],
    ['/user/%ff', 400, 'FST_ERR_BAD_URL'],
    ['/user/%c0%af', 400, 'FST_ERR_BAD_URL'],
    ['/user/%ed%a0%80', 400, 'FST_ERR_BAD_URL'],
    ['/user/%f4%90%80%80', 400, 'FST_ERR_BAD_URL'],
    ['/user/%u0041', 400, 'FST_ERR_BAD_URL'],
    ['/path/a/%zz', 400, 'FST_ERR_BAD_URL'],
    ['/post/%', 400, 'FST_ERR_BAD_URL'],
    // Control characters.
    ['/user/%00', 400, user],
    ['/user/a%0d%0aSet-Cookie:x', 400, user],
    ['/user/%7f', 400, user],
    ['/user/%c2%85', 400, user],
    ['/path/a%00b', 400, `path parameter "*" must be ${below}`],
    ['/post/4%002', 400, `path parameter "id" must be ${whole}`],
    // Slashes and dots.
    ['/user/a%2Fb', 200, 'User a/b'],
    ['/user/a%2f%2e%2e', 200, 'User a/..'],
    ['/user/a%5Cb', 200, 'User a\\b'],
    ['/user/.', 400, 'path parameter "username" must be other than "." and ".."'],
    ['/user/..', 400, 'path parameter "username" must be other than "." and ".."'],
    ['/user/%2e%2E', 400, 'path parameter "username" must be other than "." and ".."'],
    ['/user/../post/1', 404, 'Not Found'],
    ['/path/../secret', 400, `path parameter "*" must be ${below}`],
    ['/path/a/%2e%2e/b', 400, `path parameter "*" must be ${below}`],
    ['/path/a%2f..%2fb', 400, `path parameter "*" must be ${below}`],
    ['/path/a/..%5Cb', 400, `path parameter "*" must be ${below}`],
    ['/path//etc/passwd', 200, 'Subpath /etc/passwd'],
    ['//user/alice', 404, 'Not Found'],
    // Names that objects have by themselves.
    ['/user/__proto__', 200, 'User __proto__'],
    ['/user/constructor', 200, 'User constructor'],
    ['/search?__proto__=1', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?__proto__[page]=9&constructor[prototype][page]=9', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?q=__proto__&tag=constructor', 200, '{"q":"__proto__","page":1,"tag":["constructor"]}'],
    // Numbers that are none.
    ['/post/1.0', 400, `path parameter "id" must be ${whole}`],
    ['/post/1e3', 400, `path parameter "id" must be ${whole}`],
    ['/post/%201', 400, `path parameter "id" must be ${whole}`],
    ['/post/0x10', 400, `path parameter "id" must be ${whole}`],
    ['/post/%D9%A3', 400, `path parameter "id" must be ${whole}`],
    ['/post/9007199254740992', 400, `path parameter "id" must be ${whole}`],
    [`/post/${'9'.repeat(1000)}`, 400, `path parameter "id" must be ${whole}`],
    // The query, which the router does not look at.
    ['/search?q=%zz', 400, `query parameter "q" must be ${encoded}`],
    ['/search?q=%', 400, `query parameter "q" must be ${encoded}`],
    ['/search?q=%ff', 400, `query parameter "q" must be ${encoded}`],
    ['/search?q=%c0%af', 400, `query parameter "q" must be ${encoded}`],
    ['/search?q=a%00', 400, `query parameter "q" must be ${encoded}`],
    ['/search?q=%0d%0a', 400, `query parameter "q" must be ${encoded}`],
    ['/search?tag=a&tag=%ff', 400, `query parameter "tag" must be ${encoded}`],
    ['/search?%70age=%ff', 400, `query parameter "page" must be ${encoded}`],
    ['/search?page=1.0', 400, 'query parameter "page" must be a whole number from 1'],
    ['/search?page=1&page=2', 400, 'query parameter "page" must be given once'],
    ['/search?page', 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?%ff', 400, `every query parameter must be ${encoded}`],
    ['/search?nobody=%zz', 400, `every query parameter must be ${encoded}`],
    ['/user/alice?%00', 400, `every query parameter must be ${encoded}`],
    ['/search?q=a+b%20c%2Bd', 200, '{"q":"a b c+d","page":1,"tag":[]}'],
    ['/search?q=a=b&&=&=x&q', 400, 'query parameter "q" must be given once'],
    ['/search?q=a=b&&=&=x', 200, '{"q":"a=b","page":1,"tag":[]}'],
    ['/search?a[b][c]=1&a[b][c]=2', 200, '{"q":"","page":1,"tag":[]}'],
    [`/search?${'a'.repeat(100)}${'[b]'.repeat(1000)}=1`, 200, '{"q":"","page":1,"tag":[]}'],
    ['/search?q=%F0%9F%A6%86%E2%80%AE%D7%A9', 200, '{"q":"🦆\u202eש","page":1,"tag":[]}'],
    // A fragment is no part of a request; what stands behind it is the query as the router sees it.
    ['/user/alice#%zz', 400, `every query parameter must be ${encoded}`],
    // Bytes beyond ASCII that nobody encoded: Node's own parser refuses them.
    ['/user/\xc3\xa9', 400, 'Client Error'],
    ['/user/\xff', 400, 'Client Error'],
    ['/search?q=\xc3\xa9', 400, 'Client Error'],
    // Text from everywhere.
    ['/user/%F0%9F%91%A9%E2%80%8D%F0%9F%94%AC', 200, 'User 👩‍🔬'],
    ['/user/%E2%80%AE%D7%A9%D7%9C%D7%95%D7%9D', 200, 'User \u202eשלום'],
    ['/user/%EF%BB%BFa', 200, 'User \ufeffa'],
    ['/user/a+b', 200, 'User a+b'],
    ['/user/%3Cscript%3Ealert(1)%3C/script%3E', 404, 'Not Found'],
    ['/user/%3Cscript%3Ealert(1)%3C%2Fscript%3E', 200, 'User <script>alert(1)</script>'],
    // Length.
    [`/user/${'x'.repeat(1024)}`, 200, 'User xxx'],
    [`/user/${'%F0%9F%A6%86'.repeat(1024)}`, 200, 'User 🦆🦆'],
    [`/user/${'x'.repeat(1025)}`, 400, user],
    [`/user/${'x'.repeat(2049)}`, 414, 'FST_ERR_MAX_PARAM_LENGTH'],
    [`/user/${'%F0%9F%A6%86'.repeat(1025)}`, 414, 'FST_ERR_MAX_PARAM_LENGTH'],
    [`/user/${'x'.repeat(100_000)}`, 431, ''],
    [`/search?${Array.from({ length: 10_000 }, (_, n) => `k${n}=1`).join('&')}`, 431, '']
  ]
  for (const [url, status, says] of table) {
    const answer = await raw(app, `GET ${url} HTTP/1.1`)
    const shown = url.slice(0, 60)
    t.equal(answer.status, status, shown)
    t.ok(answer.body.includes(says) || answer.body.includes(JSON.stringify(says).slice(1, -1)), `${shown}: ${answer.body.slice(0, 200)}`)
    if (status === 200) t.match(answer.headers, /x-content-type-options: nosniff/, shown)
    t.notMatch(answer.headers, 'text/html', shown)
    t.notMatch(answer.headers, 'set-cookie', shown)
  }
})

t.test('tells well-formed escapes from malformed ones as the Encoding Standard does', async (t) => {
  const app = Fastify({ routerOptions: { querystringParser: () => ({}) } })
  t.teardown(() => app.close())
  await app.register(params)
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  const isWellFormed = (bytes: number[]) => {
    try {
      return !/\p{Cc}/u.test(utf8.decode(Uint8Array.from(bytes)))
    } catch {
      return false
    }
  }
  const edges = [
    0x00, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
    0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff
  ]
  const tails = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]
  const sequences = [
    ...Array.from({ length: 256 }, (_, byte) => [byte]),
    ...edges.flatMap((first) => tails.flatMap((second) => [
      [first, second],
      ...[0x7f, 0x80, 0xbf, 0xc0].flatMap((third) => [
        [first, second, third], [first, second, third, 0x80], [first, second, third, 0xc0]
      ])
    ]))
  ]
  const wrong = []
  for (const bytes of sequences) {
    const escaped = bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    const { statusCode } = await app.inject(`/search?q=${escaped}`)
    if (statusCode !== (isWellFormed(bytes) ? 200 : 400)) wrong.push(escaped)
  }
  t.strictSame(wrong, [])
  t.ok(sequences.length > 3000)
})

t.test('a route that takes names longer than the router says 400', async (t) => {
  const app = await listening(t, 5000)
  t.match(await raw(app, `GET /user/${'x'.repeat(1025)} HTTP/1.1`), { status: 400, body: /path parameter \\"username\\" must be text of 1 to 1024 characters/ })
})

t.test('has one answer for each hostile form', async (t) => {
  const app = await listening(t)
  const urlencoded = 'application/x-www-form-urlencoded'
  const table: [type: string, body: string | Buffer, status: number, says: string][] = [
    [urlencoded, 'username=alice', 303, ''],
    [urlencoded, '', 400, `body field \\"username\\" must be given: ${text}`],
    [urlencoded, 'username=', 400, `body field \\"username\\" must be ${text}`],
    [urlencoded, 'username=%zz', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=%ff', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=%c0%af', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, Buffer.from('username=\xff', 'latin1'), 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=a%0d%0aLocation:%20http://evil.example', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=%00', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=..', 400, 'body field \\"username\\" must be other than'],
    [urlencoded, 'username[x]=a', 400, 'body field \\"username\\" must be given'],
    [urlencoded, '__proto__=a&constructor=b', 400, 'body field \\"username\\" must be given'],
    [urlencoded, '__proto__=%ff&username=a', 400, `every body field must be ${encoded}`],
    [urlencoded, 'username=a&%zz=b&<b>=%ff', 400, `every body field must be ${encoded}`],
    [urlencoded, Buffer.from('username=a&caf\xe9=b', 'latin1'), 400, `every body field must be ${encoded}`],
    [urlencoded, '__proto__=b&username=a', 303, ''],
    [urlencoded, 'username=John Doe', 303, ''],
    [urlencoded, 'username=José%20🦆', 303, ''],
    [urlencoded, 'username=a\r\nLocation: http://evil.example', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=\x7f', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=é%', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=\ufffd', 400, `body field \\"username\\" must be ${encoded}`],
    [urlencoded, 'username=%EF%BF%BD', 303, ''],
    [urlencoded, Array.from({ length: 2000 }, (_, n) => `k${n}=1`).join('&'), 400, 'body field \\"username\\" must be given'],
    [urlencoded, `username=${'x'.repeat(1025)}`, 400, `body field \\"username\\" must be ${text}`],
    [urlencoded, `username=${'x'.repeat(2_000_000)}`, 413, 'FST_ERR_CTP_BODY_TOO_LARGE'],
    [urlencoded, `username=${'🦆'.repeat(1024)}`, 303, ''],
    [urlencoded, `username=${'🦆'.repeat(1025)}`, 400, `body field \\"username\\" must be ${text}`],
    ['application/json', '{"username":"alice"}', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['text/plain', 'username=alice', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['multipart/form-data; boundary=b', '--b--', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['nonsense', 'username=alice', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE']
  ]
  for (const [type, body, status, says] of table) {
    const answer = await raw(app, `POST /user HTTP/1.1\r\nContent-Type: ${type}`, body)
    t.equal(answer.status, status, `${type} ${body.slice(0, 40).toString()}`)
    t.match(answer.body, says)
    t.notMatch(answer.headers, 'evil.example')
    t.notMatch(answer.body, '<b>')
  }
  t.match(await raw(app, 'POST /user HTTP/1.1', 'username=alice'), { status: 415 })
  t.match(await raw(app, 'POST /user HTTP/1.1'), { status: 400, body: /body field \\"username\\" must be given/ })
})

t.test('ten thousand keys are read, where a server lets them through', async (t) => {
  const app = await listening(t)
  const many = (pair: (n: number) => string) => `/search?${Array.from({ length: 10_000 }, (_, n) => pair(n)).join('&')}`
  const table: [url: string, status: number, says: string][] = [
    [many((n) => `k${n}=1`), 200, '{"q":"","page":1,"tag":[]}'],
    [many(() => 'tag=a'), 400, 'query parameter \\"tag\\" must be given 0 to 100 times'],
    [many((n) => `k${n}=%ff`), 400, 'every query parameter'],
    [many(() => 'page=%ff'), 400, 'query parameter \\"page\\" must be percent-encoded'],
    [`/search?q=${'a'.repeat(100_000)}`, 200, '{"q":"aaa'],
    [`/search?q=${'%20'.repeat(30_000)}`, 200, '{"q":"   '],
    [`/path/${'a/'.repeat(50_000)}`, 200, 'Subpath a/a/']
  ]
  for (const [url, status, says] of table) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url.slice(0, 40))
    t.match(answer.body, says)
  }
})
