import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { isDirectAndLocal } from '../../lib/direct-client.ts'

t.test('tells the developer on this machine from a client of a proxy', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/', async (request) => isDirectAndLocal(request))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const browser = [
    'Host: localhost:5001', 'User-Agent: Mozilla/5.0', 'Accept: text/html', 'Accept-Encoding: gzip, deflate, br', 'Cookie: a=b',
    'Origin: http://localhost:5001', 'Referer: http://localhost:5001/', 'Upgrade-Insecure-Requests: 1', 'Sec-Fetch-Site: same-origin', 'X-Requested-With: XMLHttpRequest'
  ]
  const rows: [sent: string[], isDirect: boolean, version?: string][] = [
    [['Host: localhost'], true],
    [['Host: LOCALHOST:5001'], true],
    [['Host: 127.0.0.1:5001'], true],
    [['Host: [::1]:5001'], true],
    [browser, true],
    [['Host: rebound.example'], false],
    [['Host: localhost.example'], false],
    [['Host: 127.0.0.1.example'], false],
    [['Host: localhost', 'Forwarded: for=192.0.2.1'], false],
    [['Host: localhost', 'X-Forwarded-For: 127.0.0.1'], false],
    [['Host: localhost', 'X-Forwarded-Prefix: /app'], false],
    [['Host: localhost', 'Via: 1.1 proxy'], false],
    [['Host: localhost', 'X-Real-IP: 192.0.2.1'], false],
    [['Host: localhost', 'CF-Connecting-IP: 192.0.2.1'], false],
    // nginx with `proxy_pass http://localhost:5001` and nothing else
    [['Host: localhost:5001', 'Connection: close'], false, '1.0']
  ]
  const wrong: unknown[] = []
  for (const [sent, isDirect, version = '1.1'] of rows) {
    const socket = connect(port, '127.0.0.1')
    socket.end([`GET / HTTP/${version}`, ...sent, 'Connection: close', '', ''].join('\r\n'))
    const answer = await text(socket)
    if (!answer.endsWith(`\r\n\r\n${isDirect}`)) wrong.push({ sent, version, answer })
  }
  t.strictSame(wrong, [])
})
