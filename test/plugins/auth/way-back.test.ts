import Fastify from 'fastify'
import t from 'tap'
import auth from '../../../plugins/auth/index.ts'
import { findWayBack } from '../../../plugins/auth/way-back.ts'
import { basic, cheap } from './logins.ts'

t.test('after a login one comes back to a path of the same app, and to nowhere else', async (t) => {
  const cases: [back: unknown, base: string, expected: string | undefined][] = [
    ['/', '', '/'],
    ['/user/alice', '', '/user/alice'],
    ['/search?q=a%20b&page=2', '', '/search?q=a%20b&page=2'],
    ['/user/a%2Fb', '', '/user/a%2Fb'],
    ['/search?next=//other.example', '', '/search?next=//other.example'],
    ['/a/../b', '', '/b'],
    ['/a#part', '', '/a'],
    ['/%zz', '', '/%zz'],
    ['/user/@other.example', '', '/user/@other.example'],
    ['/demo', '/demo', '/demo'],
    ['/demo/a?b', '/demo', '/demo/a?b'],
    // another site
    ['//other.example', '', undefined],
    ['///other.example', '', undefined],
    ['/\\other.example', '', undefined],
    ['\\\\other.example', '', undefined],
    ['/a\\b', '', undefined],
    ['https://other.example', '', undefined],
    ['https:other.example', '', undefined],
    ['javascript:alert(1)', '', undefined],
    ['other.example', '', undefined],
    ['@other.example', '', undefined],
    ['.other.example', '', undefined],
    // the same in other spellings
    ['/%2Fother.example', '', undefined],
    ['/%2fother.example', '', undefined],
    ['/%5Cother.example', '', undefined],
    ['/%252Fother.example', '', undefined],
    ['/%25255cother.example', '', undefined],
    ['%2F%2Fother.example', '', undefined],
    ['/.//other.example', '', undefined],
    ['/a/..//other.example', '', undefined],
    ['/%2e//other.example', '', undefined],
    ['/a/%2E%2E//other.example', '', undefined],
    ['/./%2Fother.example', '', undefined],
    ['/\t/other.example', '', undefined],
    ['/\n/other.example', '', undefined],
    ['\t//other.example', '', undefined],
    [' //other.example', '', undefined],
    ['/a\r\nset-cookie: a=b', '', undefined],
    ['/a\u0000', '', undefined],
    ['/a b', '', undefined],
    ['/\u2215/other.example', '', undefined],
    ['/\u202ea', '', undefined],
    // another app of the same host
    ['/other', '/demo', undefined],
    ['/demonstration', '/demo', undefined],
    ['/demo/../other', '/demo', undefined],
    ['/demo/%2e%2e/other', '/demo', undefined],
    // no path
    ['', '', undefined],
    [undefined, '', undefined],
    [['/a', '/b'], '', undefined],
    [5, '', undefined]
  ]
  const wrong = cases.map(([back, base, expected]) => ({ back, base, expected, found: findWayBack(back, base) }))
    .filter(({ expected, found }) => found !== expected)
  t.same(wrong, [])
})

t.test('the secret page leads back once one is logged in, and never to the logout', async (t) => {
  const querystringParser = (text: string) => {
    return text === '' ? null as never : Object.fromEntries(new URLSearchParams(text)) // a careless host's
  }
  const app = Fastify({ routerOptions: { querystringParser } })
  t.teardown(() => app.close())
  await app.register(async (app) => {
    await app.register(auth, { users: { alice: cheap.bcrypt('right') }, logout: '/logout' })
  }, { prefix: '/demo' })
  const headers = basic('alice', 'right')
  const cases: [query: string, headers: Record<string, string>, statusCode: number, location: string | undefined][] = [
    ['', headers, 200, undefined],
    ['?back=%2Fdemo%2Fa%3Fb%3Dc', headers, 303, '/demo/a?b=c'],
    ['?back=%2Fdemo%2Fa', {}, 401, undefined],
    ['?back=%2Fdemo%2Fa', basic('alice', 'wrong'), 401, undefined],
    ['?back=%2F%2Fother.example', headers, 200, undefined],
    ['?back=%2Fother', headers, 200, undefined],
    ['?back=', headers, 200, undefined],
    ['?back=%2Fdemo%2Flogout', headers, 200, undefined],
    ['?back=%2Fdemo%2Flogout%3Fx%3D1', headers, 200, undefined],
    ['?back=%2Fdemo%2Flog%256fut', headers, 200, undefined],
    ['?back=%2Fdemo%2Flogout%2F', headers, 303, '/demo/logout/'],
    ['?back=%2Fdemo%2F%25zz', headers, 303, '/demo/%zz']
  ]
  const wrong: unknown[] = []
  for (const [query, headers, statusCode, location] of cases) {
    const answer = await app.inject({ url: `/demo/secret${query}`, headers })
    const isRight = answer.statusCode === statusCode && answer.headers.location === location &&
      answer.headers['cache-control'] === 'no-store'
    if (!isRight) wrong.push([query, answer.statusCode, answer.headers])
  }
  t.same(wrong, [])
})

t.test('without a logout page nothing is left out', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users: { alice: cheap.bcrypt('right') } })
  const { headers } = await app.inject({ url: '/secret?back=/logout', headers: basic('alice', 'right') })
  t.equal(headers.location, '/logout')
})
