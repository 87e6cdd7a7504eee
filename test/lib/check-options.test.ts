import autoload from '@fastify/autoload'
import Fastify from 'fastify'
import { build } from 'fastify-cli/helper.js'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import t from 'tap'
import hello from '../../plugins/hello/index.ts'
import params from '../../plugins/params/index.ts'
import staticFiles from '../../plugins/static/index.ts'
import { root } from '../docs/pages.ts'

/** What a project made by `fastify generate` hands from the command to its plugins, beside options of its own. */
const passedOn = {
  skipOverride: true, logLevel: 'warn' as const, trustProxy: true, bodyLimit: 1000, logger: false, http2: false
}

t.test('the test helper of fastify-cli starts a topic by itself', async (t) => {
  // It wraps the plugin, and so marks it for whoever registers it later.
  const mark = Symbol.for('skip-override')
  for (const plugin of [hello, params] as unknown as Record<symbol, boolean>[]) {
    const before = plugin[mark]!
    t.teardown(() => { plugin[mark] = before })
  }
  for (const [url, topic] of [['/', 'hello'], ['/user/alice', 'params']] as const) {
    const app = await build([join(root, 'plugins', topic, 'index.ts')], { skipOverride: true })
    t.teardown(() => app.close())
    t.equal((await app.inject(url)).statusCode, 200)
  }
})

t.test('@fastify/autoload registers a topic that stands in a folder', async (t) => {
  const source = (topic: string) => pathToFileURL(join(root, 'plugins', topic, 'index.ts')).href
  const dir = t.testdir({
    'hello.mjs': `export { default } from ${JSON.stringify(source('hello'))}`,
    area: { 'params.mjs': `export { default } from ${JSON.stringify(source('params'))}` }
  })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(autoload, { dir, options: passedOn })
  t.equal((await app.inject('/')).body, 'Hello World!')
  t.equal((await app.inject('/area/user/alice')).body, 'User alice')
})

t.test('what Fastify\'s own tools pass on is known, and a mistake is still told', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(hello, passedOn)
  await app.register(staticFiles, { ...passedOn, root: join(root, 'public') })
  await t.rejects(async () => await app.register(hello, { ...passedOn, skipOverrides: true } as object), {
    code: 'FST_QUICKSTART_HELLO_INVALID_OPTION',
    message: 'unknown option "skipOverrides"; expected one of path, message'
  })
})
