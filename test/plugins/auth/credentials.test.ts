import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import auth, { requiresAuth } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')

const users = {
  Aladdin: cheap.argon2id('open sesame'),
  test: cheap.argon2id('123£'),
  zoë: cheap.argon2id('パスワード'),
  colons: cheap.argon2id('a:b::c:'),
  url: cheap.argon2id('???>>>~~~'),
  long: cheap.argon2id('x'.repeat(1024)),
  ['n'.repeat(255)]: cheap.argon2id('y'.repeat(1024))
}

t.test('reads the Authorization header as RFC 7617 and RFC 9110 have it', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users, throttle: false })
  app.get('/', { onRequest: requiresAuth }, async (request) => request.user?.name)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  async function send (...authorizations: Array<string | Buffer>): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n')
    for (const value of authorizations) socket.write(Buffer.concat([Buffer.from('Authorization: '), Buffer.from(value), Buffer.from('\r\n')]))
    socket.write('\r\n')
    let answer = ''
    socket.on('data', (data) => { answer += data.toString() })
    await once(socket, 'close')
    return answer
  }

  const aladdin = base64('Aladdin:open sesame')
  const rows: Array<[what: string, name: string | null, ...headers: Array<string | Buffer>]> = [
    ['the example of RFC 7617', 'Aladdin', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['UTF-8 as in RFC 7617', 'test', 'Basic dGVzdDoxMjPCow=='],
    ['the scheme in lower case', 'Aladdin', `basic ${aladdin}`],
    ['the scheme in mixed case', 'Aladdin', `bAsIC ${aladdin}`],
    ['several spaces', 'Aladdin', `Basic    ${aladdin}`],
    ['missing padding', 'Aladdin', `Basic ${aladdin.replace(/=+$/, '')}`],
    ['letters beyond ASCII', 'zoë', `Basic ${base64('zoë:パスワード')}`],
    ['colons in the password', 'colons', `Basic ${base64('colons:a:b::c:')}`],
    ['base64', 'url', `Basic ${base64('url:???>>>~~~')}`],
    ['base64url letters', 'url', `Basic ${Buffer.from('url:???>>>~~~').toString('base64url')}`],
    ['the longest password', 'long', `Basic ${base64(`long:${'x'.repeat(1024)}`)}`],
    ['the longest name and password', 'n'.repeat(255), `Basic ${base64(`${'n'.repeat(255)}:${'y'.repeat(1024)}`)}`],
    ['no header', null],
    ['an empty header', null, ''],
    ['the scheme alone', null, 'Basic'],
    ['the scheme and a space', null, 'Basic '],
    ['an empty password', null, `Basic ${base64('Aladdin:')}`],
    ['an empty name', null, `Basic ${base64(':open sesame')}`],
    ['a colon alone', null, `Basic ${base64(':')}`],
    ['no colon', null, `Basic ${base64('Aladdin')}`],
    ['another scheme', null, `Bearer ${aladdin}`],
    ['no scheme', null, aladdin],
    ['a scheme that begins the same', null, `Basically ${aladdin}`],
    ['no space', null, `Basic${aladdin}`],
    ['not base64', null, 'Basic !!!!'],
    ['a dot amid base64', null, `Basic ${aladdin.slice(0, 4)}.${aladdin.slice(4)}`],
    ['more after the padding', null, `Basic ${aladdin}QQ`],
    ['too much padding', null, `Basic ${aladdin}=`],
    ['a tab for the space', null, `Basic\t${aladdin}`],
    ['a token in quotes', null, `Basic "${aladdin}"`],
    ['two tokens', null, `Basic ${aladdin} ${aladdin}`],
    ['parameters', null, 'Basic username="Aladdin", password="open sesame"'],
    ['a control character in the password', null, `Basic ${base64('Aladdin:open sesame\n')}`],
    ['a NUL in the password', null, `Basic ${base64('Aladdin:open sesame\0x')}`],
    ['a NUL in the name', null, `Basic ${base64('Aladdin\0:open sesame')}`],
    ['bytes that are not UTF-8', null, `Basic ${base64(Buffer.from('test:123£', 'latin1'))}`],
    ['a name that is not UTF-8', null, `Basic ${base64(Buffer.from('zoë:x', 'latin1'))}`],
    ['a header beyond ASCII', null, Buffer.from('Basic zoë', 'latin1')],
    ['a password too long by one', null, `Basic ${base64(`long:${'x'.repeat(1025)}`)}`],
    ['a name too long by one', null, `Basic ${base64(`${'n'.repeat(256)}:y`)}`],
    ['letters of two bytes that are too long', null, `Basic ${base64(`long:${'é'.repeat(513)}`)}`],
    ['8 kB of base64', null, `Basic ${'QUFB'.repeat(2048)}`],
    ['8 kB of garbage', null, `Basic ${'%?'.repeat(4096)}`],
    ['8 kB of spaces before a right login', null, `Basic${' '.repeat(8192)}${aladdin}`],
    ['two headers, both right', null, `Basic ${aladdin}`, `Basic ${aladdin}`],
    ['two headers, the first right', null, `Basic ${aladdin}`, `Basic ${base64('Aladdin:wrong')}`],
    ['two headers, the second right', null, 'Bearer x', `Basic ${aladdin}`],
    ['a prototype\'s property', null, `Basic ${base64('constructor:x')}`],
    ['the prototype', null, `Basic ${base64('__proto__:x')}`]
  ]
  for (const [what, name, ...headers] of rows) {
    for (const time of ['first', 'again']) {
      const answer = await send(...headers)
      if (name === null) {
        t.match(answer, /^HTTP\/1\.1 401 /, `${what}, ${time}`)
        t.match(answer, /\r\nwww-authenticate: Basic realm="Login Required", charset="UTF-8"\r\n/i, what)
      } else {
        t.match(answer, /^HTTP\/1\.1 200 /, `${what}, ${time}`)
        t.ok(answer.endsWith(name), what)
      }
    }
  }
})

t.test('bcrypt takes no password that merely begins right', async (t) => {
  const beginning = 'b'.repeat(72)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(auth, { users: { bob: cheap.bcrypt(beginning), eve: cheap.bcrypt('é'.repeat(36)) } })
  const rows = [
    ['bob', beginning, 200], ['bob', `${beginning}c`, 401], ['bob', beginning.slice(1), 401],
    ['eve', 'é'.repeat(36), 200], ['eve', `${'é'.repeat(36)}x`, 401]
  ] as const
  for (const [name, password, status] of rows) {
    t.equal((await app.inject({ url: '/secret', headers: basic(name, password) })).statusCode, status, `${name}, ${password.length}`)
  }
})
