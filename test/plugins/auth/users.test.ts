import fs, { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import * as argon2 from '@node-rs/argon2'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import auth from '../../../plugins/auth/index.ts'
import { basic, cheap, logLines } from './logins.ts'

async function start (t: Test, options: AuthOptions, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(auth, { throttle: { delay: 0 }, ...options })
  return app
}

async function status (app: FastifyInstance, name: string, password: string): Promise<number> {
  return (await app.inject({ url: '/secret', headers: basic(name, password) })).statusCode
}

t.test('verifies argon2id by the parameters in the hash, and each kind of bcrypt', async (t) => {
  const users: Record<string, string> = {
    small: cheap.argon2id('p'),
    large: argon2.hashSync('p', { memoryCost: 64, timeCost: 3, parallelism: 2, outputLen: 64 }),
    a: cheap.bcrypt('p', '2a'),
    b: cheap.bcrypt('p', '2b'),
    y: cheap.bcrypt('p', '2y')
  }
  const app = await start(t, { users })
  for (const name of Object.keys(users)) {
    t.equal(await status(app, name, 'p'), 200, name)
    t.equal(await status(app, name, 'q'), 401, name)
  }
})

t.test('a plain password is hashed at the start, outside production', async (t) => {
  const users = { alice: 'wonderland', bob: cheap.bcrypt('b') }
  const app = await start(t, { users })
  t.equal(await status(app, 'alice', 'wonderland'), 200)
  t.equal(await status(app, 'alice', 'wonder'), 401)
  t.equal(await status(app, 'bob', users.bob), 401, 'a hash is no password')
  users.alice = 'another'
  t.equal(await status(app, 'alice', 'wonderland'), 401, 'what was replaced is out at once')
  t.equal(await status(app, 'alice', 'another'), 401, 'and what was not hashed at the start is no hash')
})

t.test('a map is read at each request: a changed or removed user is out at the next one', async (t) => {
  for (const kind of ['object', 'Map'] as const) {
    const entries: Array<[string, string]> = [['alice', cheap.argon2id('a')], ['bob', cheap.argon2id('b')]]
    const map = new Map(entries)
    const object = Object.fromEntries(entries)
    const app = await start(t, { users: kind === 'Map' ? map : object })
    const set = (name: string, stored: string) => kind === 'Map' ? map.set(name, stored) : Object.assign(object, { [name]: stored })
    const remove = (name: string) => kind === 'Map' ? map.delete(name) : delete object[name]

    t.equal(await status(app, 'alice', 'a'), 200, kind)
    set('alice', cheap.argon2id('new'))
    t.equal(await status(app, 'alice', 'a'), 401)
    t.equal(await status(app, 'alice', 'new'), 200)
    remove('alice')
    t.equal(await status(app, 'alice', 'new'), 401)
    set('carol', cheap.bcrypt('c'))
    t.equal(await status(app, 'carol', 'c'), 200)
    t.equal(await status(app, 'bob', 'b'), 200)
  }
})

t.test('a removed user is out even when the unknown name is checked against an equal hash', async (t) => {
  const shared = cheap.argon2id('p')
  const users: Record<string, string> = { alice: shared, bob: shared }
  const app = await start(t, { users })
  t.equal(await status(app, 'bob', 'p'), 200)
  delete users.bob
  t.equal(await status(app, 'bob', 'p'), 401, 'the remembered login does not count')
  t.equal(await status(app, 'bob', 'p'), 401)
  t.equal(await status(app, 'alice', 'p'), 200)
})

t.test('a user who is removed while a login is being checked is out at the next request', async (t) => {
  const shared = argon2.hashSync('p')
  let calls = 0
  const app = await start(t, { users: () => ++calls === 1 ? shared : null })
  t.same(await Promise.all([status(app, 'bob', 'p'), status(app, 'bob', 'p')]), [200, 401], 'the second does not share the answer of the first')
})

t.test('a lookup finds the hash, at once or later, and is asked at each request', async (t) => {
  for (const later of [false, true]) {
    const stored = new Map([['alice', cheap.argon2id('a')]])
    const asked: string[] = []
    const app = await start(t, {
      users: (name, request) => {
        asked.push(`${name} ${request.url}`)
        const found = stored.get(name)
        return later ? Promise.resolve(found) : found
      }
    })
    t.equal(await status(app, 'bob', 'a'), 401, 'before any user was seen')
    t.equal(await status(app, 'alice', 'a'), 200)
    t.equal(await status(app, 'alice', 'a'), 200)
    t.equal(await status(app, 'bob', 'a'), 401)
    stored.delete('alice')
    t.equal(await status(app, 'alice', 'a'), 401)
    t.same(asked, ['bob /secret', 'alice /secret', 'alice /secret', 'bob /secret', 'alice /secret'])
  }
})

t.test('a lookup that answers something else than a hash lets nobody in, and the log names the user', async (t) => {
  for (const answer of ['p', '', '$apr1$x$y', 5, true, {}, []] as unknown[]) {
    const { lines, stream } = logLines()
    const app = await start(t, { users: () => answer as string }, { logger: { stream, level: 'error' } })
    t.equal(await status(app, 'alice', 'p'), 401, JSON.stringify(answer))
    t.match(lines, [{ name: 'alice', msg: /not an argon2id or bcrypt hash/ }], 'the log says why')
  }
})

t.test('a lookup that answers something like a promise lets nobody in by it', async (t) => {
  const never = { then: (resolve: (value: string) => void) => { resolve('p') } } as unknown as Promise<string>
  t.equal(await status(await start(t, { users: () => never }), 'alice', 'p'), 401)
  const found = { then: (resolve: (value: string) => void) => { resolve(cheap.argon2id('p')) } } as unknown as Promise<string>
  t.equal(await status(await start(t, { users: () => found }), 'alice', 'p'), 200)
  t.equal(await status(await start(t, { users: () => found }), 'alice', 'q'), 401)
})

t.test('what a lookup or a check throws is a plain 500, and in the log alone', async (t) => {
  const broken = {
    users: [() => { throw new Error('db-password') }, async () => { throw new Error('db-password') }, () => Promise.reject(new Error('db-password'))],
    verify: [() => { throw new Error('db-password') }, async () => { throw new Error('db-password') }]
  }
  for (const [option, functions] of Object.entries(broken)) {
    for (const thrower of functions) {
      const { lines, stream } = logLines()
      const app = await start(t, { [option]: thrower }, { logger: { stream, level: 'error' } })
      const answer = await app.inject({ url: '/secret', headers: basic('alice', 'a') })
      t.same(answer.json(), { statusCode: 500, code: 'FST_QUICKSTART_AUTH_CHECK_FAILED', error: 'Internal Server Error', message: 'The login could not be checked.' })
      t.equal(answer.headers['www-authenticate'], undefined)
      t.match(lines.find(({ name }) => name === 'alice'), { err: { message: 'db-password' } })
    }
  }
  const empty = await start(t, { users: () => cheap.argon2id('a') })
  t.equal(await status(empty, '', 'a'), 401, 'an empty name is not asked about')
  // eslint-disable-next-line prefer-promise-reject-errors
  const odd = await start(t, { verify: () => Promise.reject(null) as Promise<boolean> })
  t.equal(await status(odd, 'alice', 'a'), 500)
})

t.test('tells logins apart that arrive together', async (t) => {
  const app = await start(t, { users: { alice: cheap.argon2id('a'), carol: cheap.argon2id('c') }, throttle: false })
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'carol', 'c'), 200)
  const logins: Array<[name: string, password: string, status: number]> = [['alice', 'a', 200], ['alice', 'b', 401], ['carol', 'c', 200], ['carol', 'a', 401], ['alice', 'aa', 401]]
  const many = Array.from({ length: 50 }, (_, index) => logins[index % logins.length]!)
  const answers = await Promise.all(many.map(async ([name, password]) => {
    const answer = await app.inject({ url: '/secret', headers: basic(name, password) })
    if (answer.statusCode === 200) t.match(answer.body, name)
    return answer.statusCode
  }))
  t.strictSame(answers, many.map(([,, expected]) => expected))
})

t.test('verify is the host\'s own check, made at each request, and only true lets in', async (t) => {
  let calls = 0
  const app = await start(t, {
    verify: async (name, password, request) => {
      calls++
      return name === 'alice' && password === 'a' && request.url === '/secret'
    }
  })
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'alice', 'b'), 401)
  t.equal(calls, 3)
  for (const answer of [1, 'true', {}, undefined, null, false, Promise.resolve(1)]) {
    t.equal(await status(await start(t, { verify: () => answer as boolean }), 'alice', 'a'), 401, String(answer))
  }
  t.equal(await status(await start(t, { verify: () => true }), 'alice', 'a'), 200)
})

t.test('refuses users that could never log in, by name', async (t) => {
  const fine = cheap.argon2id('p')
  const rows: Array<[users: object, says: RegExp]> = [
    [{ '': fine }, /user "" .*an empty name/],
    [{ 'a:b': fine }, /user "a:b" .*a name with a colon/],
    [{ 'a\n': fine }, /user "a\\n" .*control characters/],
    [{ '\ud800': fine }, /broken Unicode/],
    [{ ['n'.repeat(256)]: fine }, /more than 255 bytes/],
    [{ bob: 5 }, /user "bob" .*expected a password hash/],
    [new Map([[5, fine]]), /user 5 .*not a string/],
    [{ bob: '$apr1$MWq5aP2.$ybnzXMVnjeYJ1tcfzJlfK1' }, /user "bob" .*unknown or damaged hash/],
    [{ bob: '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' }, /unknown or damaged hash/],
    [{ bob: fine.slice(0, -30) }, /unknown or damaged hash/],
    [{ bob: fine.slice(0, -31) }, /unknown or damaged hash/],
    [{ bob: fine.replace('argon2id', 'argon2i') }, /unknown or damaged hash/],
    [{ bob: fine.replace('m=8', 'm=4000000') }, /unknown or damaged hash/],
    [{ bob: fine.replace('t=1', 't=1000') }, /unknown or damaged hash/],
    [{ bob: cheap.bcrypt('p').replace('$04$', '$31$') }, /unknown or damaged hash/],
    [{ bob: cheap.bcrypt('p').replace('$2y$', '$2x$') }, /unknown or damaged hash/],
    [{ bob: cheap.bcrypt('p').slice(0, -1) }, /unknown or damaged hash/],
    [{ bob: '' }, /an empty password/],
    [{ bob: 'tab\t' }, /a password with control characters/],
    [{ bob: 'x'.repeat(1025) }, /more than 1024 bytes/]
  ]
  for (const [users, says] of rows) {
    await t.rejects(async () => await start(t, { users: users as Record<string, string> }), { code: 'FST_QUICKSTART_AUTH_INVALID_USER', message: says }, String(says))
  }
  for (const users of [{}, new Map()]) {
    await t.rejects(async () => await start(t, { users }), { code: 'FST_QUICKSTART_AUTH_NO_USERS' })
  }
})

t.test('reads an htpasswd file with comments, empty lines and either line end', async (t) => {
  const dir = t.testdir({
    users: `\ufeff# people\r\n\r\n  # more\r\nalice:${cheap.bcrypt('a')}\r\nbob:${cheap.argon2id('b')}  \n   \nzoë:${cheap.bcrypt('z')}:a comment: of sorts`
  })
  const app = await start(t, { htpasswd: join(dir, 'users') })
  for (const [name, password, expected] of [['alice', 'a', 200], ['bob', 'b', 200], ['zoë', 'z', 200], ['zoë', 'a', 401], ['# more', 'a', 401]] as const) {
    t.equal(await status(app, name, password), expected, name)
  }
})

t.test('refuses an htpasswd file with a line that could let nobody in, or anybody, by its number', async (t) => {
  const fine = cheap.bcrypt('p')
  const rows: Array<[text: string, says: RegExp]> = [
    ['\n\nalice', /users: line 3: expected name:hash/],
    [`alice:${fine}\n:${fine}`, /line 2: an empty name/],
    [`alice:${fine}\nalice:${fine}`, /line 2: the name "alice" is there twice/],
    [`alice:${fine}\nbob:plain`, /line 2: unknown or damaged hash/],
    ['#\nbob:$apr1$MWq5aP2.$ybnzXMVnjeYJ1tcfzJlfK1', /line 2: unknown or damaged hash/],
    ['bob:rl.3StKT.4T8M', /line 1: unknown or damaged hash/],
    ['bob:', /line 1: unknown or damaged hash/],
    [`bob:${fine}x`, /line 1: unknown or damaged hash/],
    [`bob:${fine} # comment`, /line 1: unknown or damaged hash/],
    [`bob:${fine}:$2y$05$x`, /line 1: unknown or damaged hash/],
    [`bob:${fine}:-`, /line 1: unknown or damaged hash/],
    [`zo\ufffd:${fine}`, /line 1: a name with control characters or broken Unicode/]
  ]
  for (const [text, says] of rows) {
    const dir = t.testdir({ users: text })
    await t.rejects(async () => await start(t, { htpasswd: join(dir, 'users') }), { code: 'FST_QUICKSTART_AUTH_INVALID_USER', message: says }, String(says))
  }
  await t.rejects(async () => await start(t, { htpasswd: join(t.testdir({}), 'none') }), { code: 'FST_QUICKSTART_AUTH_INVALID_USER', message: /none: ENOENT/ })
  await t.rejects(async () => await start(t, { htpasswd: join(t.testdir({ users: '# nobody\n' }), 'users') }), { code: 'FST_QUICKSTART_AUTH_NO_USERS', message: /users holds no user/ })
})

t.test('a line that lost its end is damaged, whatever the name that follows it', async (t) => {
  const make = (name: string): string => argon2.hashSync(name)
  for (let letters = 1; letters <= 24; letters++) {
    const name = 'abcdefghijklmnopqrstuvwxyz'.slice(0, letters)
    for (const comment of ['', ':', ':# of mine', ':Mine']) {
      const dir = t.testdir({ users: `carl:${make('c')}${name}:${make('n')}${comment}\n` })
      await t.rejects(async () => await start(t, { htpasswd: join(dir, 'users') }), {
        code: 'FST_QUICKSTART_AUTH_INVALID_USER', message: /line 1: unknown or damaged hash/
      }, name + comment)
    }
  }
})

t.test('blanks before a line and a comment behind a colon do not matter', async (t) => {
  const users = [
    `  alice:${cheap.bcrypt('a')}`, `\tbob:${cheap.bcrypt('b')}:# of Building 5`, `carol:${cheap.argon2id('c')}:Carol : C.`,
    `dave: ${cheap.bcrypt('d')} :`, `  eve with blanks:${cheap.bcrypt('e')}: émigrée`
  ]
  const app = await start(t, { htpasswd: join(t.testdir({ users: users.join('\n') }), 'users') })
  for (const name of ['alice', 'bob', 'carol', 'dave', 'eve with blanks']) t.equal(await status(app, name, name[0]!), 200, name)
})

t.test('a changed htpasswd file counts at the next request, however it was changed', async (t) => {
  const hashes = { a: cheap.bcrypt('a'), b: cheap.bcrypt('b') }
  const file = join(t.testdir({ users: `alice:${hashes.a}\n` }), 'users')
  const app = await start(t, { htpasswd: file, throttle: false })
  t.equal(await status(app, 'alice', 'a'), 200)

  // As fast as it goes: the size is the same, and often the time of change too.
  for (let round = 0; round < 50; round++) {
    const password = round % 2 === 0 ? 'b' : 'a'
    writeFileSync(file, `alice:${hashes[password]}\n`)
    t.equal(await status(app, 'alice', password), 200, 'overwritten')
    t.equal(await status(app, 'alice', password === 'a' ? 'b' : 'a'), 401)
  }

  writeFileSync(`${file}.new`, `bob:${hashes.b}\n`)
  renameSync(`${file}.new`, file)
  t.equal(await status(app, 'bob', 'b'), 200, 'replaced by rename')
  t.equal(await status(app, 'alice', 'a'), 401, 'removed')

  const { atime, mtime } = statSync(file)
  writeFileSync(file, `eve:${hashes.b}\n`)
  utimesSync(file, atime, mtime)
  t.equal(await status(app, 'eve', 'b'), 200, 'with its old time put back')

  writeFileSync(file, '')
  t.equal(await status(app, 'eve', 'b'), 401, 'emptied, and so nobody is left')
})

t.test('a changed htpasswd file counts at the next request of a connection that was let in just before', async (t) => {
  const hashes = { a: cheap.bcrypt('a'), b: cheap.bcrypt('b') }
  const file = join(t.testdir({ users: `alice:${hashes.a}\n` }), 'users')
  const app = await start(t, { htpasswd: file, throttle: false })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (password: string) => {
    const response = await fetch(`${origin}/secret`, { headers: basic('alice', password) })
    await response.arrayBuffer()
    return response.status
  }

  for (const password of ['b', 'a', 'b', 'a', 'b', 'a'] as const) {
    const before = password === 'a' ? 'b' : 'a'
    t.strictSame(await Promise.all(Array.from({ length: 20 }, () => ask(before))), Array(20).fill(200), 'remembered, many in one turn')
    writeFileSync(file, `alice:${hashes[password]}\n`)
    t.equal(await ask(before), 401)
    t.equal(await ask(password), 200)
    t.equal(await ask(password), 200)
  }
  writeFileSync(file, `bob:${hashes.b}\n`)
  t.equal(await ask('a'), 401, 'removed')
})

t.test('a broken or missing new version keeps the old one, and is logged once', async (t) => {
  const { lines, stream } = logLines()
  const text = `alice:${cheap.bcrypt('a')}\n`
  const file = join(t.testdir({ users: text }), 'users')
  const app = await start(t, { htpasswd: file }, { logger: { stream, level: 'error' }, disableRequestLogging: true })
  const said = () => lines.splice(0).map(({ msg }) => msg)

  writeFileSync(file, `${text}bob:plain\n`)
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'bob', 'plain'), 401)
  t.match(said(), [/users: line 2: unknown or damaged hash.*; what was read before stays in force/])

  rmSync(file)
  t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(await status(app, 'alice', 'a'), 200)
  t.match(said(), [/ENOENT/])

  writeFileSync(file, text.replace('alice', 'carol'))
  t.equal(await status(app, 'alice', 'a'), 401)
  t.equal(await status(app, 'carol', 'a'), 200)
  rmSync(file)
  t.equal(await status(app, 'carol', 'a'), 200)
  t.match(said(), [/ENOENT/], 'the same trouble again is news again')

  writeFileSync(file, text.replace('alice', 'carol'))
  t.equal(await status(app, 'carol', 'a'), 200)
  rmSync(file)
  t.equal(await status(app, 'carol', 'a'), 200)
  t.match(said(), [/ENOENT/], 'also when the file had come back as it was')
})

t.test('while its file cannot be read the log says so at once and each minute, also where no request comes', async (t) => {
  const { now } = performance
  const { setInterval: realInterval } = globalThis
  let later = 0
  const looks: Array<() => void> = []
  Object.assign(performance, { now: () => now.call(performance) + later * 1000 })
  globalThis.setInterval = ((look: () => void, period: number) => {
    looks.push(look)
    return realInterval(() => {}, period)
  }) as typeof setInterval
  t.teardown(() => {
    Object.assign(performance, { now })
    globalThis.setInterval = realInterval
  })
  const troubles: Array<[what: string, change: (path: string) => void, says: RegExp]> = [
    ['missing', (path) => rmSync(path), /ENOENT/],
    ['a folder', (path) => { rmSync(path); mkdirSync(path) }, /EISDIR/],
    ['broken', (path) => writeFileSync(path, 'broken'), /line 1/],
    ['not UTF-8', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x41, 0])), /UTF-16/]
  ]
  const wrong: unknown[] = []
  for (const kind of ['users', 'groups'] as const) {
    for (const [what, change, says] of troubles) {
      const { lines, stream } = logLines()
      const said = () => lines.splice(0).map(({ level, msg }) => `${level as number} ${msg as string}`)
      const texts = { users: `alice:${cheap.bcrypt('a')}\n`, groups: 'admins: alice\n' }
      const dir = t.testdir(texts)
      const path = join(dir, kind)
      const [htpasswd, groups] = [join(dir, 'users'), join(dir, 'groups')]
      looks.length = 0
      const app = await start(t, { htpasswd, groups }, { logger: { stream }, disableRequestLogging: true })
      t.equal(looks.length, 1)
      const look = looks[0]!
      const ask = async () => t.equal(await status(app, 'alice', 'a'), 200)
      change(path)
      const counts: number[] = []
      const step = async (seconds: number, act: () => unknown) => {
        later += seconds
        await act()
        const complaints = said().filter((line) => line.startsWith('50 '))
        counts.push(complaints.length)
        for (const line of complaints) if (!says.test(line) || !line.includes(path)) wrong.push([kind, what, line])
      }
      await step(0, look)
      await step(10, ask)
      await step(30, look)
      await step(30, look)
      await step(10, look)
      await step(55, ask)
      if (counts.join() !== '1,0,0,1,0,1') wrong.push([kind, what, counts])
      rmSync(path, { recursive: true, force: true })
      writeFileSync(path, texts[kind])
      look()
      const [line, ...more] = said()
      if (!/^30 .*(?:read again)/.test(String(line)) || more.length > 0) wrong.push([kind, what, line, ...more])
    }
  }
  t.same(wrong, [])
})

t.test('a file of accounts is UTF-8 text, or is refused in one line', async (t) => {
  const texts = { users: `zoë:${cheap.bcrypt('a')}\n`, groups: 'admins: zoë\n' }
  const codes = { users: 'FST_QUICKSTART_AUTH_INVALID_USER', groups: 'FST_QUICKSTART_AUTH_INVALID_GROUP' }
  const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
  const wrong: unknown[] = []
  for (const kind of ['users', 'groups'] as const) {
    const text = texts[kind]
    const rows: Array<[what: string, bytes: Buffer, says: string | undefined]> = [
      ['UTF-8', Buffer.from(text), undefined],
      ['UTF-8 with its mark', Buffer.from(`\ufeff${text}`), undefined],
      ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le'), 'the file is in UTF-16; expected UTF-8'],
      ['UTF-16, the other way round', utf16be(`\ufeff${text}`), 'the file is in UTF-16; expected UTF-8'],
      ['UTF-16 without a mark', Buffer.from(text, 'utf16le'), 'line 1: a NUL character, as in UTF-16; expected UTF-8'],
      ['UTF-16 without a mark, the other way round', utf16be(text), 'line 1: a NUL character, as in UTF-16; expected UTF-8'],
      ['Latin-1', Buffer.from(text, 'latin1'), 'line 1: bytes that are not UTF-8; expected UTF-8'],
      ['Latin-1 in the second line', Buffer.from(`# people\r\n${text}`, 'latin1'), 'line 2: bytes that are not UTF-8; expected UTF-8'],
      ['Latin-1 in a comment', Buffer.concat([Buffer.from(text), Buffer.from('# caf\xe9\n', 'latin1')]), 'line 2: bytes that are not UTF-8; expected UTF-8'],
      ['a character cut off', Buffer.from(`${text}# ë`).subarray(0, -1), 'line 2: bytes that are not UTF-8; expected UTF-8'],
      ['half of a pair', Buffer.concat([Buffer.from(text), Buffer.from([0x23, 0xed, 0xa0, 0x80])]), 'line 2: bytes that are not UTF-8; expected UTF-8'],
      ['NUL at the end', Buffer.from(`${text}\0`), 'line 2: a NUL character, as in UTF-16; expected UTF-8'],
      ['NUL amid a line', Buffer.from(text.replace(': ', ':\0').replace('$2', '\0$2')), 'line 1: a NUL character, as in UTF-16; expected UTF-8']
    ]
    for (const [what, bytes, says] of rows) {
      const dir = t.testdir(texts)
      writeFileSync(join(dir, kind), bytes)
      const options = { htpasswd: join(dir, 'users'), groups: join(dir, 'groups') }
      const failure = await start(t, options).then(() => undefined, (error: Error & { code: string }) => error)
      const found = failure && `${failure.code} ${failure.message}`
      const expected = says && `${codes[kind]} fastify-quickstart/auth: ${join(dir, kind)}: ${says}`
      if (found !== expected) wrong.push([kind, what, found])
    }
  }
  t.same(wrong, [])
})

t.test('each refused version of the file is logged, though its trouble reads the same', async (t) => {
  const { lines, stream } = logLines()
  const text = `alice:${cheap.bcrypt('a')}\n`
  const file = join(t.testdir({ users: text }), 'users')
  const app = await start(t, { htpasswd: file }, { logger: { stream, level: 'error' } })
  for (const broken of ['bob:plain', 'bob:other']) {
    writeFileSync(file, text + broken)
    for (let time = 0; time < 2; time++) t.equal(await status(app, 'alice', 'a'), 200)
    t.match(lines.splice(0), [{ msg: /line 2/ }])
  }
})

t.test('a file that has settled is not read again', async (t) => {
  const { readFileSync } = fs
  t.teardown(() => {
    Object.assign(fs, { readFileSync, statSync })
    syncBuiltinESMExports()
  })
  let reads = 0
  // Changed a minute ago, on a file system that counts in nanoseconds.
  let ctimeNs = BigInt(Date.now() - 60_000) * 1_000_000n + 1n
  const path = join(t.testdir({ users: `alice:${cheap.bcrypt('a')}` }), 'users')
  Object.assign(fs, {
    readFileSync: (...args: Parameters<typeof readFileSync>) => {
      if (args[0] === path) reads++
      return readFileSync(...args)
    },
    statSync: () => ({ mtimeNs: 1n, ctimeNs, ctimeMs: ctimeNs / 1_000_000n, size: 1n, ino: 1n, dev: 1n })
  })
  syncBuiltinESMExports()

  const app = await start(t, { htpasswd: path })
  for (let round = 0; round < 5; round++) t.equal(await status(app, 'alice', 'a'), 200)
  t.equal(reads, 1)

  // Changed just now, on one that counts in seconds.
  ctimeNs = BigInt(Math.ceil(Date.now() / 1000)) * 1_000_000_000n
  for (let round = 2; round < 5; round++) {
    t.equal(await status(app, 'alice', 'a'), 200)
    t.equal(reads, round, 'within its tick it may have changed once more')
  }
})
