import t from 'tap'
import { asAdmin, captureLog, start } from './start.ts'

t.test('the built-in login works from this machine alone', async (t) => {
  const { lines, logger } = captureLog('warn')
  const app = await start(t, { auth: { throttle: false } }, {}, { logger })
  t.match(lines, [{ msg: /this machine.*admin/ }])
  const cases: [address: string, headers: Record<string, string>, isIn: boolean][] = [
    ['127.0.0.1', {}, true],
    ['127.9.8.7', {}, true],
    ['::1', {}, true],
    ['::ffff:127.0.0.1', {}, true],
    ['192.168.1.5', {}, false],
    ['128.0.0.1', {}, false],
    ['172.17.0.1', {}, false],
    ['::ffff:192.168.1.5', {}, false],
    ['fe80::1', {}, false],
    ['2001:db8::1', {}, false],
    ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'cf-connecting-ip'].map(
      (name): [string, Record<string, string>, boolean] => ['127.0.0.1', { [name]: '127.0.0.1' }, false]
    )
  ]
  for (const [remoteAddress, headers, isIn] of cases) {
    const { statusCode } = await app.inject({ url: '/secret', remoteAddress, headers: { ...headers, ...asAdmin } })
    t.equal(statusCode, isIn ? 200 : 401, JSON.stringify([remoteAddress, headers]))
  }
  t.ok(lines.some(({ msg }) => /works on this machine alone/.test(String(msg))))
  const nobody = { authorization: `Basic ${btoa('root:secret')}` }
  t.equal((await app.inject({ url: '/secret', headers: nobody })).statusCode, 401)
})

t.test('a Unix socket is not this machine: what connects to it is a proxy', async (t) => {
  const app = await start(t, { auth: true })
  app.server.prependListener('request', (request) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: undefined })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal((await fetch(`${url}/secret`, { headers: asAdmin })).status, 401)
})

t.test('trusting every proxy makes nobody local', async (t) => {
  const app = await start(t, { auth: true }, { QUICKSTART_TRUST_PROXY: 'true' }, { trustProxy: true })
  const headers = { ...asAdmin, 'x-forwarded-for': '127.0.0.1' }
  t.equal((await app.inject({ url: '/secret', remoteAddress: '192.0.2.1', headers })).statusCode, 401)
})

t.test('users of one\'s own are let in from anywhere', async (t) => {
  const { lines, logger } = captureLog('warn')
  const app = await start(t, { auth: { verify: (name) => name === 'admin' } }, {}, { logger })
  t.equal((await app.inject({ url: '/secret', remoteAddress: '192.0.2.1', headers: asAdmin })).statusCode, 200)
  t.same(lines, [])
})
