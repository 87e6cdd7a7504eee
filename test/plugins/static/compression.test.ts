import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t from 'tap'
import { compress } from '../../../plugins/static/compression.js'
import staticFiles from '../../../plugins/static/index.js'
import { MemoryFile } from '../../../plugins/static/memory-file.js'

const text = Buffer.from('a line that comes again and again\n'.repeat(1000))

function files (count: number): MemoryFile[] {
  return Array.from({ length: count }, (_, index) => new MemoryFile(`${index}.txt`, text, 0))
}

t.test('a start need not wait for the compressed forms', async (t) => {
  const some = files(50)
  const compression = compress(some, Infinity)
  t.teardown(() => compression.stop())
  await compression.within(0)
  t.notOk(some.every(({ br }) => br !== undefined), 'not all are there')
  t.equal(some.at(-1)!.identity.bytes, text, 'and plain bytes are')
  await compression.within(60_000)
  t.ok(some.every(({ br, gzip }) => br !== undefined && gzip !== undefined))
  t.equal(String(gunzipSync(some[0]!.gzip!.bytes)), String(text))
})

t.test('stops with what is under way', async (t) => {
  const some = files(1000)
  await compress(some, Infinity).stop()
  t.ok(some.filter(({ br }) => br !== undefined).length < 10)
  t.equal(some.at(-1)!.br, undefined)
})

t.test('stops when the app is closed', async (t) => {
  const app = Fastify()
  await app.register(staticFiles, { root: t.testdir({ 'a.txt': text }), memory: true })
  await app.close()
  t.pass('which waits for no more than is under way')
})

t.test('keeps what is compressed in as little memory as it takes', async (t) => {
  const some = files(1)
  await compress(some, Infinity).within(60_000)
  const { br, gzip } = some[0]!
  for (const form of [br, gzip]) t.ok(form!.bytes.buffer.byteLength <= Math.max(Buffer.poolSize, form!.bytes.length), 'no work buffer hangs on to it')
})
