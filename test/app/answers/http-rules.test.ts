import Fastify from 'fastify'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import quickstart, { options } from '../../../app.ts'
import { setEnvironment } from '../../environment.ts'
import { captureLog, cheapUsers, start } from '../start.ts'

/** The app in production on a port, and the log's lines. */
async function listen (t: Test) {
  const { lines, logger } = captureLog()
  const app = await start(t, {}, { NODE_ENV: 'production', QUICKSTART_DRAIN_SECONDS: '0' }, { logger })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo // it listens on a port
  return { lines, port }
}

/** Sends a text, and reads what comes until the server ends the connection. */
async function ask (port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  return (await socket.toArray()).join('')
}

t.test('what Node refuses by itself is answered and logged like any other refusal', async (t) => {
  const { lines, port } = await listen(t)
  const text = (line: string, ...fields: string[]) => [line, ...fields, 'Connection: close', '', ''].join('\r\n')
  const noHost = /FST_QUICKSTART_APP_MISSING_HOST/
  const noName = /FST_QUICKSTART_APP_INVALID_HOST/
  const noExpectation = /FST_QUICKSTART_APP_UNKNOWN_EXPECTATION/
  const cases: [text: string, status: number, body: RegExp][] = [
    [text('GET /hello HTTP/1.1'), 400, noHost],
    [text('GET /nowhere HTTP/1.1'), 400, noHost],
    [text('GET /%zz HTTP/1.1'), 400, /FST_ERR_BAD_URL/],
    [text('GET /hello HTTP/1.1', 'Host:'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.0'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.1', 'Host: a', 'Host: b'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: a', 'Accept: b', 'hOST: a'), 400, noName],
    [text('GET /nowhere HTTP/1.0', 'Host: a', 'Host: b'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: a b'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: a<script>'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: a/b'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: a@b'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: \u00fc.example'), 400, noName],
    [text('GET /hello HTTP/1.1', 'Host: my_host-1.example:5001', 'Post: a'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.1', 'Host: [::1]:5001'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.1', 'Host: xn--tda.example'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.1', 'Host: a', 'Expect: x'), 417, noExpectation],
    [text('GET /nowhere HTTP/1.1', 'Host: a', 'Expect: x'), 417, noExpectation],
    [text('GET /hello HTTP/1.1', 'Expect: x'), 400, noHost],
    [text('GET /hello HTTP/1.0', 'Expect: x'), 200, /Hello World!/],
    [text('GET /hello HTTP/1.1', 'Host: a', 'Expect: 100-Continue'), 200, /^HTTP\/1\.1 100 Continue\r\n[^]*Hello World!/],
    [text('POST /user HTTP/1.1', 'Host: a', 'Expect: 200-ok', 'Content-Length: 5') + 'hello', 417, noExpectation],
    [text('CONNECT example.org:443 HTTP/1.1', 'Host: a'), 405, /This server is not a proxy/],
    ['NOT HTTP\r\n\r\n', 400, /not a well-formed request/]
  ]
  const wrong: unknown[] = []
  for (const [sent, status, body] of cases) {
    lines.length = 0
    const answer = (await ask(port, sent))
    const isRight = answer.includes(`HTTP/1.1 ${status} `) && body.test(answer) &&
      /content-security-policy: /i.test(answer) && /x-content-type-options: nosniff/i.test(answer)
    const logged = lines.filter(({ msg }) => msg === 'answered' || msg === 'not a request').map(({ status }) => status)
    if (!isRight || String(logged) !== String(status)) wrong.push({ sent, status, answer, logged })
  }
  t.same(wrong, [])
})

t.test('an expectation over HTTP/2 is refused likewise', async (t) => {
  setEnvironment(t)
  const app = Fastify({ logger: false, http2: true })
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers } })
  const session = connectHttp2(await app.listen({ port: 0, host: '127.0.0.1' }))
  t.teardown(() => session.destroy())
  for (const [expect, status] of [['x', 417], ['100-continue', 200]] as const) {
    const request = session.request({ ':path': '/hello', expect })
    const [headers] = await once(request, 'response')
    t.equal(headers[':status'], status)
    t.ok(headers['content-security-policy'])
    request.resume()
  }
  const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'example.org:443' })
  const [headers] = await once(tunnel, 'response')
  const body = JSON.parse((await tunnel.toArray()).join(''))
  t.match({ headers, body }, {
    headers: { ':status': 405, 'content-type': 'application/json; charset=utf-8', 'content-security-policy': "default-src 'none'" },
    body: { statusCode: 405, message: 'This server is not a proxy.' }
  })
})

t.test('a host whose server has other options keeps Node\'s own answers', async (t) => {
  setEnvironment(t)
  const host = Fastify()
  t.teardown(() => host.close())
  await host.register(quickstart, { auth: { users: cheapUsers } })
  await host.listen({ port: 0, host: '127.0.0.1' })
  const { port } = host.server.address() as AddressInfo // it listens on a port
  t.match(await ask(port, 'GET /hello HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/)
  t.equal(options.http.requireHostHeader, false)
})
