import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t from 'tap'
import { compress } from '../../../plugins/static/compression.js'
import { MemoryFile } from '../../../plugins/static/memory-file.js'
import { Packer, unpack } from '../../../plugins/static/packed-bytes.js'

const text = Buffer.from('a line that comes again and again\n'.repeat(1000))

const neverAborted = new AbortController().signal

function files (count: number): MemoryFile[] {
  return Array.from({ length: count }, (_, index) => new MemoryFile(`${index}.txt`, text, 0))
}

t.test('a start need not wait for the compressed forms', async (t) => {
  const some = files(50)
  const compression = compress(some, Infinity, neverAborted)
  await setImmediate()
  t.notOk(some.every(({ br }) => br !== undefined), 'not all are there')
  t.strictSame(some.at(-1)!.bytes, text, 'and plain bytes are')
  await compression
  t.ok(some.every(({ br, gzip }) => br !== undefined && gzip !== undefined))
  t.equal(String(gunzipSync(unpack(some[0]!.gzip!))), String(text))
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
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.js')>('../../../plugins/static/index.js', {
    '../../../plugins/static/compression.js': {
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
  const { default: mocked } = await t.mockImport<typeof import('../../../plugins/static/index.js')>('../../../plugins/static/index.js', {
    '../../../plugins/static/compression.js': { compress: async () => { isBegun = true } }
  })
  const app = Fastify()
  await app.register(mocked, { root: t.testdir({ 'a.txt': text }), memory: true })
  app.register(async () => { throw new Error('no') })
  await t.rejects(async () => await app.ready(), { message: 'no' })
  t.equal(isBegun, false)
})

t.test('keeps many small files, and what is compressed of them, in little more memory than they take', async (t) => {
  const packer = new Packer()
  const small = Array.from({ length: 1000 }, (_, index) => new MemoryFile(`${index}.txt`, Buffer.from(`${index} `.repeat(100)), 0, false, packer))
  await compress(small, Infinity, neverAborted)
  const forms = small.flatMap(({ identity, br, gzip }) => [identity, br!, gzip!])
  t.equal(forms.length, 3000)
  const bytes = forms.reduce((sum, { length }) => sum + length, 0)
  const buffers = new Set(forms.map(({ block }) => block.buffer))
  const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  t.ok(held < bytes * 1.1 + 65_536, `${held} bytes are held for ${bytes}`)
  t.equal(String(gunzipSync(unpack(small[999]!.gzip!))), '999 '.repeat(100))
})

t.test('keeps no work buffer for a large one', async (t) => {
  const noise = randomBytes(15_000).toString('hex')
  const large = new MemoryFile('large.txt', Buffer.from(noise), 0)
  await compress([large], Infinity, neverAborted)
  for (const form of [large.br!, large.gzip!]) t.equal(form.block.buffer.byteLength, form.length)
  t.equal(String(gunzipSync(unpack(large.gzip!))), noise)
})
