import t from 'tap'
import { createServerOptions } from '../../../app/server-options.ts'
import { captureLog, cheapUsers, start } from '../start.ts'

t.test('what a trusted proxy passes on counts as the client\'s address only where it is one', async (t) => {
  const proxy = '10.0.0.1'
  const cases: [trusted: string, remoteAddress: string, forwarded: string, ip: string][] = [
    ['10.0.0.0/8', proxy, '203.0.113.7', '203.0.113.7'],
    ['10.0.0.0/8', proxy, '2001:db8::7', '2001:db8::7'],
    ['10.0.0.0/8', proxy, '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.0/8', proxy, '203.0.113.7:4711', '203.0.113.7'],
    ['10.0.0.0/8', proxy, '[2001:db8::7]:4711', '2001:db8::7'],
    ['10.0.0.0/8', proxy, '[2001:db8::7]', '2001:db8::7'],
    ['10.0.0.0/8', proxy, 'unknown', proxy],
    ['10.0.0.0/8', proxy, '_hidden', proxy],
    ['10.0.0.0/8', proxy, 'garbage\u009b31m', proxy],
    ['10.0.0.0/8', proxy, '', proxy],
    ['10.0.0.0/8', proxy, ', ,', proxy],
    ['10.0.0.0/8', proxy, '203.0.113.7, garbage', proxy],
    ['10.0.0.0/8', proxy, 'garbage, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.0/8', proxy, 'garbage, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.0/8', proxy, '999.0.0.1', proxy],
    ['10.0.0.0/8', proxy, '010.0.0.1', proxy],
    ['10.0.0.0/8', proxy, '203.0.113.7 x', proxy],
    ['10.0.0.0/8', proxy, '203.0.113.7:x', proxy],
    ['10.0.0.0/8', proxy, '[203.0.113.7', proxy],
    ['10.0.0.0/8', proxy, '<script>', proxy],
    ['10.0.0.0/8', '192.0.2.9', 'garbage', '192.0.2.9'],
    ['true', proxy, 'garbage', proxy],
    ['true', proxy, 'garbage, 203.0.113.7', '203.0.113.7'],
    ['false', proxy, 'garbage', proxy]
  ]
  const wrong: unknown[] = []
  for (const [QUICKSTART_TRUST_PROXY, remoteAddress, forwarded, expected] of cases) {
    const env = { QUICKSTART_TRUST_PROXY, NODE_ENV: 'production', QUICKSTART_DRAIN_SECONDS: '0' }
    const { lines, logger } = captureLog()
    Object.assign(process.env, env)
    const { trustProxy, frameworkErrors } = createServerOptions()
    const app = await start(t, {
      auth: { users: cheapUsers },
      routes: async (app) => { app.get('/ip', async ({ ip }) => ip) }
    }, env, { logger, trustProxy, frameworkErrors })
    const headers = { 'x-forwarded-for': forwarded }
    const { body } = await app.inject({ url: '/ip', remoteAddress, headers })
    await app.inject({ url: '/secret', remoteAddress, headers: { ...headers, authorization: `Basic ${btoa('admin:x')}` } })
    await app.inject({ url: '/%zz', remoteAddress, headers })
    const logged = [...new Set(lines.map(({ address }) => address).filter((address) => address !== undefined))]
    if (body !== expected || String(logged) !== expected) wrong.push({ forwarded, expected, body, logged })
  }
  t.same(wrong, [])
})
