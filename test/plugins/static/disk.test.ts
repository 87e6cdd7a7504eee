import { createHash } from 'node:crypto'
import { once, type EventEmitter } from 'node:events'
import fileSystem, { appendFileSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import fileSystemPromises, { open, type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { snapshotOf, stillHolds } from '../../../plugins/static/digest.js'
import { DiskFile } from '../../../plugins/static/disk-file.js'
import staticFiles from '../../../plugins/static/index.js'
import { rawRequest } from './raw-request.js'

/* Files that are served from the disk, and what may happen to them there meanwhile. */

const big = Buffer.alloc(3 * 1024 * 1024 + 7, 'every line of this file is the same as the one before\n')
const huge = 64 * 1024 * 1024

async function serve (t: Test, root: string, memory: false | { maxFileSize: number } = false): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

for (const memory of [false, { maxFileSize: 1000 }] as const) {
  t.test(`a big file goes out in parts, memory ${JSON.stringify(memory)}`, async (t) => {
    const app = await serve(t, t.testdir({ 'big.txt': big }), memory)
    const [whole, again] = await Promise.all([rawRequest(app, 'GET', '/static/big.txt'), rawRequest(app, 'GET', '/static/big.txt')])
    t.ok(whole.body.equals(big))
    t.ok(again.body.equals(big))
    t.equal(whole.fields['content-length'], String(big.length))
    t.equal(again.fields.etag, whole.fields.etag)

    const ranges: [range: string, first: number, last: number][] = [
      ['bytes=0-0', 0, 0], ['bytes=100-2000000', 100, 2_000_000], ['bytes=2000000-', 2_000_000, big.length - 1], ['bytes=-5', big.length - 5, big.length - 1]
    ]
    for (const [range, first, last] of ranges) {
      const part = await rawRequest(app, 'GET', '/static/big.txt', { range, 'if-range': whole.fields.etag! })
      t.equal(part.status, 206)
      t.equal(part.fields['content-range'], `bytes ${first}-${last}/${big.length}`)
      t.ok(part.body.equals(big.subarray(first, last + 1)), range)
    }
    const head = await rawRequest(app, 'HEAD', '/static/big.txt')
    t.equal(head.body.length, 0)
    t.same({ ...head.fields, date: '' }, { ...whole.fields, date: '' })
    t.equal((await rawRequest(app, 'GET', '/static/big.txt', { 'if-none-match': whole.fields.etag! })).status, 304)
    t.equal((await rawRequest(app, 'GET', '/static/big.txt', { 'if-match': '"a"' })).status, 412)
    t.equal((await rawRequest(app, 'GET', '/static/big.txt', { range: `bytes=${big.length}-` })).status, 416)
  })
}

t.test('the tag of a big file follows what is in it, whatever its times say', async (t) => {
  const root = t.testdir({ 'big.txt': big })
  const app = await serve(t, root)
  const long = new Date('2020-01-01')
  utimesSync(join(root, 'big.txt'), long, long)
  const before = await rawRequest(app, 'HEAD', '/static/big.txt')

  const changed = Buffer.from(big)
  changed[big.length - 1]! ^= 1
  writeFileSync(join(root, 'big.txt'), changed)
  utimesSync(join(root, 'big.txt'), long, long)
  const after = await rawRequest(app, 'GET', '/static/big.txt')
  t.not(after.fields.etag, before.fields.etag)
  t.ok(after.body.equals(changed))
})

t.test('a file that nobody has touched for long is read for its tag once', async (t) => {
  const root = t.testdir({ 'big.txt': big })
  let reads = 0
  const handle = await open(join(root, 'big.txt'))
  t.teardown(() => handle.close())
  const stat = await handle.stat({ bigint: true })
  const settled = {
    stat: async () => ({ ...stat, ctimeMs: 0n }),
    read: async (...args: [Buffer, number, number, number]) => {
      reads++
      return await handle.read(...args)
    }
  } as unknown as FileHandle // as much of one as is needed
  const snapshot = await snapshotOf(settled)
  const readOnce = reads
  t.ok(readOnce > 0)
  t.same(await snapshotOf(settled), snapshot)
  t.equal(await stillHolds(settled, snapshot), true)
  t.equal(reads, readOnce)
})

t.test('a file that shrinks while it is read for its tag ends there', async (t) => {
  const root = t.testdir({ 'big.txt': big })
  const handle = await open(join(root, 'big.txt'))
  t.teardown(() => handle.close())
  const stat = await handle.stat({ bigint: true })
  const shrunk = { stat: async () => ({ ...stat, size: stat.size * 2n }), read: handle.read.bind(handle) } as unknown as FileHandle
  t.same((await snapshotOf(shrunk)).digest, createHash('sha256').update(big).digest())
})

t.test('a file that shrinks while it is sent breaks the connection, not the length', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const app = await serve(t, root)
  const { socket, announced, received } = await readTheBeginning(app, '/static/huge.bin', 'keep-alive')
  t.equal(announced, huge)
  truncateSync(join(root, 'huge.bin'), 1000)

  socket.resume()
  await once(socket, 'close')
  t.ok(received() < huge, 'what came is short')
  t.equal((await rawRequest(app, 'GET', '/static/huge.bin')).body.length, 1000, 'and the server goes on')
})

t.test('a file that grows while it is sent ends where it was announced to', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const app = await serve(t, root)
  const { socket, received } = await readTheBeginning(app, '/static/huge.bin')
  appendFileSync(join(root, 'huge.bin'), 'more')

  socket.resume()
  await once(socket, 'close')
  t.equal(received(), huge)
  t.equal((await rawRequest(app, 'HEAD', '/static/huge.bin')).fields['content-length'], String(huge + 4))
})

t.test('a file that becomes another one while it is sent breaks the connection before its end', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  for (const [memory, written] of [[false, 'x'], [{ maxFileSize: 0 }, 'y']] as const) {
    const app = await serve(t, root, memory)
    const { socket, received } = await readTheBeginning(app, app.asset('huge.bin'), 'keep-alive')
    const file = await open(join(root, 'huge.bin'), 'r+')
    await file.write(written, huge - 10)
    await file.close()
    socket.resume()
    await once(socket, 'close')
    t.ok(received() < huge, 'the client can tell')
    t.equal((await rawRequest(app, 'GET', '/static/huge.bin', { range: 'bytes=-10' })).body.toString('latin1', 0, 1), written, 'and the server goes on')
  }
})

t.test('the tag of a file that grows all the time is that of the bytes that are sent', async (t) => {
  const root = t.testdir({ 'log.txt': big })
  const app = await serve(t, root)
  const growing = setInterval(() => appendFileSync(join(root, 'log.txt'), 'one more line of the log\n'), 1)
  for (let times = 0; times < 20; times++) {
    const { body, fields } = await rawRequest(app, 'GET', '/static/log.txt')
    t.equal(body.length, Number(fields['content-length']))
    t.equal(fields.etag, `"${createHash('sha256').update(body).digest().toString('base64url', 0, 16)}"`)
  }
  clearInterval(growing)
})

t.test('a hook of the host that fails or sends something else leaves no file open', async (t) => {
  const opened: FileHandle[] = []
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onSend', async (request) => {
    if (request.headers.fail !== undefined) throw new Error('no')
    return 'something else'
  })
  app.addHook('onSend', async (request, reply) => { reply.removeHeader('content-length') })
  await app.register(staticFiles, { root: t.testdir({ 'big.txt': big }), memory: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    opened.push(handle)
    return handle
  })
  const requests: Record<string, string>[] = [{}, { fail: 'yes' }]
  for (const headers of requests) {
    await rawRequest(app, 'GET', '/static/big.txt', headers)
    const handle = opened.pop()!
    if (handle.fd !== -1) await closing(handle)
    t.equal(handle.fd, -1)
  }
})

t.test('a client that goes away leaves no file open', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const opened: FileHandle[] = []
  const app = await serve(t, root)
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    opened.push(handle)
    return handle
  })
  const { socket } = await readTheBeginning(app, '/static/huge.bin')
  t.equal(opened.length, 1)
  const isClosed = closing(opened[0]!)
  socket.destroy()
  await isClosed
})

t.test('no answer leaves a file open', async (t) => {
  const root = t.testdir({ 'app.js': 'app', 'big.txt': big })
  const opened: FileHandle[] = []
  const app = await serve(t, root)
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    opened.push(handle)
    return handle
  })
  for (const target of ['/static/app.js', '/static/big.txt']) {
    const requests: Record<string, string>[] = [{}, { 'if-none-match': '*' }, { 'if-match': '"a"' }, { range: 'bytes=-1' }, { range: `bytes=${big.length}-` }, { 'accept-encoding': 'identity;q=0' }]
    for (const fields of requests) {
      for (const method of ['GET', 'HEAD']) {
        await rawRequest(app, method, target, fields)
        const handle = opened.pop()!
        if (handle.fd !== -1) await closing(handle)
        t.equal(handle.fd, -1, `${method} ${target} ${JSON.stringify(fields)}`)
      }
    }
  }
})

/** A FileHandle tells when it is closed; its types do not say so. */
async function closing (handle: FileHandle): Promise<void> {
  await once(handle as unknown as EventEmitter, 'close')
}

/** Lets the server open files by another function for the rest of the test. */
function openWith (t: Test, another: typeof open): void {
  const { open } = fileSystemPromises
  t.teardown(() => {
    fileSystemPromises.open = open
    syncBuiltinESMExports()
  })
  fileSystemPromises.open = another
  syncBuiltinESMExports()
}

/** Asks for a file and stops reading after the head of the answer, so that the server is in the middle of the file. */
async function readTheBeginning (app: FastifyInstance, target: string, connection = 'close'): Promise<{ socket: Socket, announced: number, received: () => number }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(`GET ${target} HTTP/1.1\r\nhost: test\r\nconnection: ${connection}\r\n\r\n`)
  const [head] = await once(socket, 'data') as [Buffer]
  socket.pause()
  const end = head.indexOf('\r\n\r\n') + 4
  let received = head.length - end
  socket.on('data', (chunk: Buffer) => { received += chunk.length })
  socket.pause()
  const announced = Number(/content-length: (\d+)/.exec(head.toString('latin1'))?.[1])
  return { socket, announced, received: () => received }
}

for (const failing of ['looking', 'opening', 'reading']) {
  t.test(`what the system does not let the server read is an error without a path, when ${failing}`, async (t) => {
    const root = t.testdir({ 'app.js': 'app', 'big.txt': big })
    const app = await serve(t, root)
    const denied = (): never => { throw Object.assign(new Error(`EACCES: permission denied, open '${root}/app.js'`), { code: 'EACCES' }) }
    const { open: openAsEver } = fileSystemPromises
    if (failing === 'looking') {
      const { native } = fileSystem.realpathSync
      t.teardown(() => { fileSystem.realpathSync.native = native })
      fileSystem.realpathSync.native = denied
    }
    if (failing === 'opening') openWith(t, async () => denied())
    if (failing === 'reading') openWith(t, async (...args) => Object.assign(await openAsEver(...args), { read: async () => denied() }))

    for (const target of ['/static/app.js', '/static/big.txt']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await rawRequest(app, method, target)
        t.equal(answer.status, 500, `${method} ${target}`)
        t.notMatch(String(answer.body), root)
        t.notOk(answer.fields.etag)
        if (method === 'GET') t.match(JSON.parse(String(answer.body)), { code: 'FST_QUICKSTART_STATIC_UNREADABLE', message: 'The file cannot be read' })
      }
    }
  })
}

t.test('a file that goes away between the look-up and the opening is missing', async (t) => {
  const root = t.testdir({ 'app.js': 'app', folder: {} })
  const app = Fastify()
  t.teardown(() => app.close())
  const rows: [name: string, path: string][] = [['gone.js', join(root, 'gone.js')], ['folder', join(root, 'folder')], ['link.js', join(root, 'link.js')]]
  symlinkSync('app.js', join(root, 'link.js'))
  for (const [name, path] of rows) app.get(`/${name}`, async (request, reply) => await new DiskFile(name, path).send(request, reply, 'no-cache'))
  for (const [name] of rows) t.equal((await app.inject(`/${name}`)).statusCode, 404, name)
})

t.test('a file that goes away during the start is asked for on the disk', async (t) => {
  const root = t.testdir({ 'a.js': 'a', 'b.js': 'b' })
  symlinkSync('nowhere', join(root, 'broken'))
  let warnings = 0
  // The broken link is found after a.js, by name, and before a.js is read.
  const app = Fastify({
    logger: {
      level: 'warn',
      stream: {
        write: () => {
          warnings++
          if (warnings === 1) rmSync(join(root, 'a.js'))
        }
      }
    }
  })
  t.teardown(() => app.close())
  await app.register(staticFiles, { root, memory: true })
  t.equal(warnings, 2)
  t.throws(() => app.asset('a.js'), { code: 'FST_QUICKSTART_STATIC_MISSING_ASSET' })
  t.equal((await app.inject('/static/a.js')).statusCode, 404)
  t.equal((await app.inject('/static/b.js')).body, 'b')
  writeFileSync(join(root, 'a.js'), 'back')
  t.equal(app.asset('a.js'), '/static/a.js')
  t.equal((await app.inject('/static/a.js')).body, 'back')
})

t.test('a big file has a fingerprint once it has been read, one that takes too long has none', async (t) => {
  const root = t.testdir({ 'data.bin': '', 'film.mp4': '' })
  // No bytes on the disk: they are all holes.
  truncateSync(join(root, 'data.bin'), 65 * 1024 ** 2)
  truncateSync(join(root, 'film.mp4'), 1024 ** 3)
  const app = Fastify()
  await app.register(staticFiles, { root, memory: true })
  t.equal(app.asset('data.bin'), '/static/data.bin', 'the start does not wait for it')
  await app.ready()
  while (app.asset('data.bin') === '/static/data.bin') await setTimeout(10)
  const { headers } = await app.inject({ method: 'HEAD', url: app.asset('data.bin') })
  t.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
  t.equal(app.asset('film.mp4'), '/static/film.mp4')
  await app.close()
})

t.test('reads no more big files once the app is closed', async (t) => {
  const root = t.testdir({ 'data.bin': '', 'more.bin': '' })
  for (const name of ['data.bin', 'more.bin']) truncateSync(join(root, name), 65 * 1024 ** 2)
  const app = Fastify()
  await app.register(staticFiles, { root, memory: true })
  const ready = app.ready()
  await app.close()
  await ready
  t.equal(['data.bin', 'more.bin'].filter((name) => app.asset(name) === `/static/${name}`).length > 0, true)
})

t.test('a root that is moved away is empty until it is back', async (t) => {
  const root = join(t.testdir({ root: { 'app.js': 'app' } }), 'root')
  const app = await serve(t, root)
  renameSync(root, `${root}-away`)
  t.equal((await rawRequest(app, 'GET', '/static/app.js')).status, 404)
  renameSync(`${root}-away`, root)
  t.equal((await rawRequest(app, 'GET', '/static/app.js')).status, 200)
})
