import { createRequire } from 'node:module'
import Fastify from 'fastify'
import t from 'tap'
import type { AuthOptions } from '../../../plugins/auth/index.ts'

const checked = new Set<string>()

t.test('an unknown name is checked against each kind of hash there is', async (t) => {
  // Before these packages are imported for the first time, which copies what they export.
  const require = createRequire(import.meta.url)
  const notes = {
    argon2: (stored: string) => checked.add(stored), bcrypt: (password: string, stored: string) => checked.add(stored)
  }
  Object.assign(require('@node-rs/argon2'), { verify: async (stored: string) => { notes.argon2(stored) } })
  Object.assign(require('@node-rs/bcrypt'), { verify: async (password: string, stored: string) => { notes.bcrypt(password, stored) } })
  const { default: auth } = await import('../../../plugins/auth/index.ts')
  const { basic, cheap } = await import('./logins.ts')

  async function start (options: AuthOptions): Promise<(names: string[]) => Promise<Set<string>>> {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(auth, { throttle: false, ...options })
    return async (names) => {
      checked.clear()
      for (const name of names) t.equal((await app.inject({ url: '/secret', headers: basic(name, 'x') })).statusCode, 401)
      return new Set(checked)
    }
  }
  const stored: Record<string, string> = { alice: cheap.argon2id('a'), bob: cheap.bcrypt('b'), carol: cheap.argon2id('c') }
  const all = new Set(Object.values(stored))
  const unknown = Array.from({ length: 50 }, (_, index) => `unknown-${index}`)

  const hashesByLookup = await start({ users: (name) => stored[name] })
  const [unseen] = await hashesByLookup(['unknown'])
  t.ok(unseen !== undefined && !all.has(unseen), 'a hash of its own, before any user was seen')
  await hashesByLookup(['alice', 'bob', 'carol', 'bob'])
  t.same(await hashesByLookup(unknown), new Set([stored.alice, stored.bob]), 'one of each kind, not the last one who came')

  const hashesByMap = await start({ users: stored })
  t.same(await hashesByMap(unknown), all)
  t.same(await hashesByMap(['unknown']), await hashesByMap(['unknown']), 'the same for one name')
  const alice = stored.alice!
  stored.bob = stored.carol = alice
  t.same(await hashesByMap(unknown), new Set([alice]), 'as the map is now')
  for (const name of Object.keys(stored)) delete stored[name]
  t.same(await hashesByMap(unknown), new Set([alice]), 'and one of before when nobody is left')

  const file = t.testdir({ users: [...all].map((hash, index) => `user${index}:${hash}\n`).join('') }) + '/users'
  const hashesByFile = await start({ htpasswd: file })
  t.same(await hashesByFile(unknown), all)
  t.same(await hashesByFile(['user0']), new Set([[...all][0]]), 'a known name against its own')
})
