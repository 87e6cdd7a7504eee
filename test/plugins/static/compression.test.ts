import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t from 'tap'
import { compress } from '../../../plugins/static/files/compression.ts'
import staticFiles from '../../../plugins/static/index.ts'

const text = Buffer.from('a line that comes again and again\n'.repeat(1000))

const neverAborted = new AbortController().signal

class Text {
  readonly isCompressible = true
  readonly identity = { body: text }
  br: Buffer | undefined = undefined
  gzip: Buffer | undefined = undefined

  add (coding: 'br' | 'gzip', bytes: Buffer): void {
    this[coding] = bytes
  }
}

function files (count: number): Text[] {
  return Array.from({ length: count }, () => new Text())
}

t.test('a start need not wait for the compressed forms', async (t) => {
  const some = files(50)
  const compression = compress(some, Infinity, neverAborted)
  await setImmediate()
  t.notOk(some.every(({ br }) => br !== undefined), 'not all are there')
  await compression
  t.ok(some.every(({ br, gzip }) => br !== undefined && gzip !== undefined))
  t.equal(String(gunzipSync(some[0]!.gzip!)), String(text))
})

t.test('stops with what is under way', async (t) => {
  const some = files(1000)
  const closing = new AbortController()
  const compression = compress(some, Infinity, closing.signal)
  closing.abort()
  await compression
  t.ok(some.filter(({ br }) => br !== undefined).length < 10)
  t.equal(some.at(-1)!.br, undefined)
})

t.test('the app waits for it neither when it starts nor when it closes', async (t) => {
  let signal: AbortSignal | undefined
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.ts')>('../../../plugins/static/index.ts', {
    '../../../plugins/static/files/compression.ts': {
      decodesTo: async () => true,
      compress: async (files: unknown, room: unknown, given: AbortSignal) => {
        signal = given
        await new Promise(() => {})
      }
    }
  })
  const app = Fastify()
  await app.register(mocked, { root: t.testdir({ 'a.txt': text }), memory: true })
  t.equal((await app.inject('/static/a.txt')).body, String(text))
  t.equal(signal?.aborted, false)
  await app.close()
  t.equal(signal?.aborted, true)
})

t.test('begins nothing in an app that does not start', async (t) => {
  let isBegun = false
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.ts')>('../../../plugins/static/index.ts', {
    '../../../plugins/static/files/compression.ts': { decodesTo: async () => true, compress: async () => { isBegun = true } }
  })
  const app = Fastify()
  await app.register(mocked, { root: t.testdir({ 'a.txt': text }), memory: true })
  app.register(async () => { throw new Error('no') })
  await t.rejects(async () => await app.ready(), { message: 'no' })
  t.equal(isBegun, false)
})

t.test('compresses a large file that is half noise', async (t) => {
  const noise = randomBytes(15_000).toString('hex')
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root: t.testdir({ 'large.txt': noise }), memory: true })
  const { rawPayload } = await app.inject({ url: '/static/large.txt', headers: { 'accept-encoding': 'gzip' } })
  t.ok(rawPayload.length < noise.length)
  t.equal(String(gunzipSync(rawPayload)), noise)
})
