/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = seed
  }

  /** From 0 up to 1, which it never is. */
  next (): number {
    this.#state = (this.#state + 0x6D2B79F5) | 0
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed)) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to a limit, which it never is. */
  below (limit: number): number {
    return Math.floor(this.next() * limit)
  }

  happens (probability: number): boolean {
    return this.next() < probability
  }

  pick<T> (values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)]! // the index is one of the list
  }

  /** Bytes, as a text of Latin-1. */
  bytes (length: number): string {
    return Array.from({ length }, () => String.fromCharCode(this.below(256))).join('')
  }
}

const methods = [
  'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'M-SEARCH', 'PURGE',
  'get', 'G E T', 'GET\t', '', '\0GET', 'X'.repeat(5000), '\x16\x03\x01\x02', 'PRI'
] as const

const paths = [
  '/', '/hello', '/health', '/secret', '/static/app.js', '/static/nothing', '/static/', '/user/alice', '/user', '/post/1',
  '/path/a/b', '/search?q=a&page=2&tag=x&tag=y', '/source/hello', '/nothing'
] as const

const oddTexts = [
  '%zz', '%', '%00', '%ff', '%c0%ae%c0%ae/', '..%2f..%2fetc%2fpasswd', '../../', '//', '/./', '%5c', '\\', '\0', '\x01', '\x7f',
  'é', 'ÿþ', '%F0%9F%A6%86', '%ed%a0%80', '-1', '9'.repeat(400), '1e308', 'NaN', '__proto__', 'constructor', '{}', '[]', '*', '?',
  '??', '#', '&&==&', ';', ' ', '\t', '<script>', '\'"', '{{7*7}}', 'a'.repeat(3000), 'a'.repeat(17_000), '%41'.repeat(1500)
] as const

const targets = ['*', '', 'http://localhost/hello', 'https://other.example/', 'localhost:80', 'hello', '//other.example/', '/\r'] as const

const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.9', 'HTTP/11', 'HTP/1.1', 'HTTP/1.1 x', ''] as const

const fields = [
  'Host: localhost', 'Host:', 'Host: a b', 'Host: [::1', 'Connection: close', 'Connection: keep-alive', 'Connection: upgrade, \0',
  'Upgrade: websocket', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings',
  'Expect: 100-continue', 'Expect: something', 'Content-Length: 5', 'Content-Length: -1', 'Content-Length: 1e3',
  'Content-Length: 5, 5', 'Content-Length: 99999999999999999999', 'Content-Length: 2000000', 'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked', 'Content-Type: application/json', 'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: multipart/form-data', 'Content-Type: multipart/form-data; boundary=', 'Content-Type: ;;;',
  'Content-Type: application/json; charset=\xff', 'Content-Encoding: gzip', 'Range: bytes=0-1', 'Range: bytes=5-2',
  'Range: bytes=-', 'Range: bytes=0-,0-,0-,0-', 'Range: lines=1', 'If-Range: "x', 'If-None-Match: *', 'If-None-Match: W/"', 'If-Match: ,,,',
  'If-Modified-Since: yesterday', 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'Accept: text/html', 'Accept: */*;q=x, ,;',
  'Accept-Encoding: br;q=1e9, gzip;q=', 'Accept-Encoding: identity;q=0, *;q=0', 'Accept-Language: \xff', 'Accept-Version: 1.x',
  'Authorization: Basic', 'Authorization: Basic ====', 'Authorization: Bearer x', 'Authorization: Basic Og==',
  `Authorization: Basic ${'A'.repeat(3000)}`, 'Cookie: a=b; __proto__=c', 'Origin: null', 'Sec-Fetch-Site: cross-site',
  'X-Forwarded-For: , ,', 'X-Forwarded-For: 1.2.3.4, \xff, ::ffff:999', 'X-Forwarded-Proto: https', 'X-Forwarded-Proto: \xff,',
  'X-Forwarded-Host: a, b', 'X-Request-Id: a b', 'X-HTTP-Method-Override: DELETE', 'Trailer: Host', 'TE: trailers', 'No-Colon',
  ': no name', 'Space : before', ' Folded: line', 'Nul: \0', 'Return: a\rb', '__proto__: x', 'constructor: x', 'Proxy: x',
  `Long: ${'x'.repeat(17_000)}`, Array.from({ length: 200 }, (_, number) => `Many-${number}: x`).join('\r\n')
] as const

const bodies = [
  '', 'hello', 'username=alice', 'username=%zz&=&&', 'username=\xff', '{"username":"alice"}', '{"__proto__":{"a":1}}', '[[[[', '{"a":1e999}',
  '5\r\nhello\r\n0\r\n\r\n', '5;a=b\r\nhello\r\n0\r\nHost: x\r\n\r\n', '-5\r\nhello\r\n0\r\n\r\n', 'fffffffffffffffff\r\n', '5\nhello\n0\n\n',
  `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`, '--\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n----\r\n', '\x1f\x8b\x08'
] as const

/** One request as bytes, in Latin-1: from nearly right to not HTTP at all. */
function rawRequest (random: Random): string {
  if (random.happens(0.02)) return random.bytes(random.below(300))
  const isTame = random.happens(0.75) // a request that is odd in all its parts ends at the first of them
  const odd = (probability: number) => random.happens(isTame ? probability / 10 : probability)
  const method = odd(0.5) ? random.pick(methods) : random.pick(['GET', 'GET', 'HEAD', 'POST'])
  let target: string = random.pick(paths)
  if (odd(0.6)) target += random.pick(oddTexts)
  if (random.happens(0.2)) target = random.pick(['/user/', '/post/', '/path/', '/search?q=', '/search?page=', '/static/']) + random.pick(oddTexts)
  if (random.happens(0.01)) target = `/user/${'a'.repeat(2040 + random.below(20))}`
  if (odd(0.1)) target = random.pick(targets)
  const version = odd(0.2) ? random.pick(versions) : 'HTTP/1.1'
  const lineEnd = odd(0.1) ? random.pick(['\n', '\r', '\r\r\n', '\n\r', '']) : '\r\n'
  const lines = [`${method} ${target} ${version}`]
  if (!odd(0.1)) lines.push('Host: localhost')
  for (let left = random.below(isTame ? 2 : 8); left > 0; left--) lines.push(random.pick(fields))
  if (random.happens(0.01)) lines.push(`Authorization: Basic ${btoa(`user-${random.below(1000)}:${random.below(1000)}`)}`)
  let body: string = method === 'POST' || odd(0.2) ? random.pick(bodies) : ''
  if (random.happens(0.01)) body = 'x'.repeat(1_200_000)
  if (body !== '' && !odd(0.3)) {
    const isForm = random.happens(0.5)
    lines.push(`Content-Type: ${isForm ? 'application/x-www-form-urlencoded' : 'application/json'}`, `Content-Length: ${body.length}`)
  }
  return lines.join(lineEnd) + lineEnd + lineEnd + body
}

/** What a client sends over one connection, and how it leaves. */
export interface RawConnection {
  requests: number
  /** In Latin-1, and sent one after the other. */
  pieces: string[]
  leaves: 'waits' | 'ends' | 'destroys' | 'resets'
}

/** Several requests one after the other without waiting for answers; now and then in pieces, or cut off. */
export function rawConnection (seed: number): RawConnection {
  const random = new Random(seed)
  const requests = 1 + random.below(5)
  let text = Array.from({ length: requests }, () => rawRequest(random)).join('')
  if (random.happens(0.1)) text = text.slice(0, random.below(text.length))
  // After that the server closes, if it still understands.
  else text += 'GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const cut = random.happens(0.3) ? random.below(text.length) : text.length
  const pieces = [text.slice(0, cut), text.slice(cut)].filter((piece) => piece !== '')
  return { requests, pieces, leaves: random.happens(0.8) ? 'waits' : random.pick(['ends', 'destroys', 'resets']) }
}
