import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'
import Fastify from 'fastify'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'
import { basic, cheap } from './logins.ts'

/** The hashes that passwords have been checked against, in their order. */
const checked: string[] = []

t.test('an unknown name is checked against a stored hash, as long as a user is', async (t) => {
  const { default: auth } = await t.mockImport<typeof import('../../../plugins/auth/index.ts')>('../../../plugins/auth/index.ts', {
    '@node-rs/argon2': { ...argon2, verify: async (stored: string) => { checked.push(stored) } },
    '@node-rs/bcrypt': { ...bcrypt, verify: async (password: string, stored: string) => { checked.push(stored) } }
  })

  /** Starts an instance. Returns the function that gives the hash that each name is checked against. */
  async function start (options: AuthOptions): Promise<(names: string[]) => Promise<string[]>> {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(auth, { throttle: false, ...options })
    return async (names) => {
      checked.length = 0
      for (const name of names) t.equal((await app.inject({ url: '/secret', headers: basic(name, 'x') })).statusCode, 401)
      return [...checked]
    }
  }
  const unknown = Array.from({ length: 60 }, (_, index) => `unknown-${index}`)
  const some: Record<string, string> = {
    alice: cheap.argon2id('a'), bob: cheap.bcrypt('b'), carol: cheap.argon2id('c'), dave: cheap.bcrypt('d')
  }
  const isBcrypt = (stored: string): boolean => stored.startsWith('$2')
  const write = (users: Record<string, string>): string => {
    const text = Object.entries(users).map(([name, stored]) => `${name}:${stored}\n`).join('')
    return `${t.testdir({ users: text })}/users`
  }

  await t.test('chosen from all there are, and the same one in each instance and after a restart', async (t) => {
    const decoys = await (await start({ users: some }))(unknown)
    t.same(new Set(decoys), new Set(Object.values(some)))
    const reversed = Object.fromEntries(Object.entries(some).reverse())
    const map = new Map(Object.entries(some))
    for (const options of [{ users: some }, { users: reversed }, { users: map }, { htpasswd: write(reversed) }]) {
      t.same(await (await start(options))(unknown), decoys)
    }
    t.same(await (await start({ users: some }))([...unknown].reverse()), [...decoys].reverse())
  })

  await t.test('a password that is too long for bcrypt is hashed all the same, and wrong', async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(auth, { throttle: false, users: { bob: some.bob! } })
    for (const password of ['x', 'x'.repeat(72), 'x'.repeat(73), 'x'.repeat(1024), 'é'.repeat(37)]) {
      checked.length = 0
      const { statusCode } = await app.inject({ url: '/secret', headers: basic('bob', password) })
      t.same([statusCode, checked], [401, [some.bob]], `${Buffer.byteLength(password)} bytes`)
    }
  })

  await t.test('the names of users are checked against their own', async (t) => {
    for (const options of [{ users: some }, { users: (name: string) => some[name] }]) {
      t.same(await (await start(options))(Object.keys(some)), Object.values(some))
    }
  })

  await t.test('few change when a user comes or goes', async (t) => {
    const users: Record<string, string> = {}
    for (let index = 0; index < 30; index++) users[`user${index}`] = index % 3 === 0 ? cheap.bcrypt('x') : cheap.argon2id('x')
    const decoysOf = await start({ users })
    const before = await decoysOf(unknown)
    users.eve = cheap.bcrypt('e')
    const after = await decoysOf(unknown)
    const changed = after.filter((decoy, index) => decoy !== before[index])
    t.ok(changed.length < 15, `${changed.length} of 60 changed`)
    t.ok(changed.every((decoy) => decoy === users.eve), 'to the new one alone')
    delete users.eve
    t.same(await decoysOf(unknown), before)
    const [name, gone] = Object.entries(users).find(([, stored]) => before.includes(stored))!
    delete users[name]
    const without = await decoysOf(unknown)
    t.notOk(without.includes(gone))
    t.ok(without.every((decoy, index) => decoy === before[index] || before[index] === gone), 'of the one alone')
  })

  await t.test('of the kinds that there are now, whenever they came', async (t) => {
    const users: Record<string, string> = { alice: some.alice! }
    const decoysOf = await start({ users })
    t.same(new Set(await decoysOf(unknown)), new Set([some.alice]))
    users.bob = some.bob!
    t.same(new Set(await decoysOf(unknown)), new Set([some.alice, some.bob]))
    users.alice = some.bob!
    t.same(new Set(await decoysOf(unknown)), new Set([some.bob]), 'none that is stored no more')
    users.bob = users.alice = 'damaged'
    t.same(new Set(await decoysOf(unknown)), new Set([some.bob]), 'the last ones, where no hash is left')
    delete users.alice
    delete users.bob
    t.same(new Set(await decoysOf(unknown)), new Set([some.bob]))
  })

  await t.test('of many users a sample, with each kind in its share', async (t) => {
    const users = new Map<string, string>()
    const [argon2id, bcrypt] = [cheap.argon2id('x'), cheap.bcrypt('x')]
    // Hashes that differ in a few letters: no time is spent on making them.
    const vary = (stored: string, index: number): string => `${stored.slice(0, -12)}${1000 + index}${stored.slice(-8)}`
    for (let index = 0; index < 500; index++) users.set(`user${index}`, vary(index % 4 === 0 ? bcrypt : argon2id, index))
    const decoysOf = await start({ users })
    const many = Array.from({ length: 400 }, (_, index) => `unknown-${index}`)
    const share = (await decoysOf(many)).filter(isBcrypt).length / many.length
    t.ok(share > 0.1 && share < 0.45, `${share}`)
    t.same(await (await start({ users: new Map([...users].reverse()) }))(many), await decoysOf(many))
  })

  await t.test('with a function, of those that it has returned, in whatever order', async (t) => {
    const users = (name: string): string | undefined => some[name]
    const [one, two] = [await start({ users }), await start({ users })]
    const [unseen] = await one(['unknown'])
    t.ok(unseen !== undefined && !Object.values(some).includes(unseen), 'a hash of its own, before any user was seen')
    await one(['alice', 'bob', 'carol', 'dave', 'bob'])
    await two(['dave', 'carol', 'bob', 'alice', 'dave'])
    const decoys = await one(unknown)
    t.same(new Set(decoys), new Set(Object.values(some)))
    t.same(await two(unknown), decoys)

    const [argon2id, bcrypt] = [cheap.argon2id('x'), cheap.bcrypt('x')]
    const vary = (name: string): string => {
      const index = Number(name.slice(4))
      const stored = index % 2 === 0 ? argon2id : bcrypt
      return `${stored.slice(0, -12)}${1000 + index}${stored.slice(-8)}`
    }
    const lookup = (name: string): string | null => name.startsWith('user') ? vary(name) : null
    const names = Array.from({ length: 450 }, (_, index) => `user${index}`)
    const [three, four] = [await start({ users: lookup }), await start({ users: lookup })]
    await three(names)
    await four(names.reverse())
    t.same(await three(unknown), await four(unknown), 'a sample of many')
  })
})
