import { createHash } from 'node:crypto'
import { once, type EventEmitter } from 'node:events'
import fileSystem, { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import fileSystemPromises, { open, type FileHandle } from 'node:fs/promises'
import { connect as http2Connect, constants } from 'node:http2'
import { syncBuiltinESMExports } from 'node:module'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import staticFiles from '../../../plugins/static/index.ts'
import { rawRequest } from './raw-request.ts'
import { lacks } from '../../system.ts'
import { until } from '../../until.ts'

/* Files that are served from the disk, and what may happen to them there meanwhile. */

const big = Buffer.alloc(3 * 1024 * 1024 + 7, 'every line of this file is the same as the one before\n')
const huge = 64 * 1024 * 1024

async function serve (
  t: Test, root: string, memory: boolean | { maxFileSize: number } = false
): Promise<FastifyInstance> {
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

t.test('a file that nobody has touched for a while is read for its tag once', async (t) => {
  const root = t.testdir({ 'big.txt': big })
  const app = await serve(t, root)
  const { now } = Date
  t.intercept(Date, 'now', { value: () => now() + 3000 }) // some file systems count in whole seconds
  const { open: openAsEver } = fileSystemPromises
  let reads = 0
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    const read = handle.read.bind(handle)
    return Object.assign(handle, {
      read: async (...given: [Buffer, number, number, number]) => {
        reads++
        return await read(...given)
      }
    })
  })
  const first = await rawRequest(app, 'HEAD', '/static/big.txt')
  t.ok(reads > 0)
  reads = 0
  t.equal((await rawRequest(app, 'HEAD', '/static/big.txt')).fields.etag, first.fields.etag)
  t.equal(reads, 0)
  t.ok((await rawRequest(app, 'GET', '/static/big.txt')).body.equals(big))
  t.equal(reads, Math.ceil(big.length / 262_144), 'and once to be sent')
})

t.test('a file that shrinks while it is read for its tag does not go out as a whole one', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const app = await serve(t, root)
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    const read = handle.read.bind(handle)
    return Object.assign(handle, {
      read: async (...given: [Buffer, number, number, number]) => {
        if (given[3] === huge / 2) truncateSync(join(root, 'huge.bin'), huge / 2)
        return await read(...given)
      }
    })
  })
  t.ok((await rawRequest(app, 'GET', '/static/huge.bin')).body.length < huge)
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

t.test('clients that read slowly hold a few chunks each, however big the file is', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const app = await serve(t, root)
  await setTimeout(100) // a file of this very moment is read through for each request
  await rawRequest(app, 'HEAD', '/static/huge.bin')
  let read = 0
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    const readAsEver = handle.read.bind(handle)
    handle.read = (async (...args: Parameters<typeof readAsEver>) => {
      const part = await readAsEver(...args)
      read += part.bytesRead
      return part
    }) as FileHandle['read']
    return handle
  })
  const sockets: Socket[] = []
  app.server.on('connection', (socket: Socket) => sockets.push(socket))
  const clients = await Promise.all(Array.from({ length: 20 }, async () => await readTheBeginning(app, '/static/huge.bin')))
  const sent = () => sockets.reduce((sum, socket) => sum + socket.bytesWritten - socket.writableLength, 0)
  let before
  do { // until the system takes no more from the server
    before = [read, sent()].join()
    await setTimeout(200)
  } while (before !== [read, sent()].join())
  t.ok(sent() > 20 * 1024 && read >= sent() - 20 * 1024, `${read} bytes were read, and ${sent()} sent with their heads`)
  const held = (read - sent()) / clients.length
  t.ok(held <= 1024 * 1024, `${Math.round(held / 1024)} KiB for a client`)
  for (const { socket } of clients) socket.destroy()
})

t.test('a form that the system does not let the server read is no reason to refuse the file', async (t) => {
  const app = await serve(t, t.testdir({ 'big.txt': big, 'big.txt.gz': gzipSync(big) }), { maxFileSize: 1000 })
  const get = async () => await rawRequest(app, 'GET', '/static/big.txt', { 'accept-encoding': 'gzip' })
  t.equal((await get()).fields['content-encoding'], 'gzip')
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (...args) => {
    if (String(args[0]).endsWith('.gz')) throw Object.assign(new Error('no'), { code: 'EACCES' })
    return await openAsEver(...args)
  })
  const answer = await get()
  t.equal(answer.fields['content-encoding'], undefined)
  t.ok(answer.body.equals(big))
})

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

t.test('a file that goes away between the look-up and the opening is missing', { skip: lacks.links }, async (t) => {
  const root = t.testdir({ 'gone.js': '1', 'folder.js': '1', 'link.js': '1', 'other.js': 'other' })
  const app = await serve(t, root)
  const change: Record<string, (path: string) => void> = {
    'gone.js': () => {},
    'folder.js': (path) => mkdirSync(path),
    'link.js': (path) => symlinkSync('other.js', path)
  }
  const { open: openAsEver } = fileSystemPromises
  openWith(t, async (path, ...args) => {
    rmSync(String(path))
    change[basename(String(path))]!(String(path))
    return await openAsEver(path, ...args)
  })
  for (const name of Object.keys(change)) t.equal((await rawRequest(app, 'GET', `/static/${name}`)).status, 404, name)
})

for (const system of ['Linux', 'another system']) {
  for (const memory of [false, { maxFileSize: 0 }] as const) {
    t.test(`a folder that becomes a link while it is read lets nothing out on ${system}, memory ${JSON.stringify(memory)}`, { skip: lacks.links }, async (t) => {
      const outside = t.testdir({ root: { sub: { 'x.txt': 'inside' }, sub2: { 'x.txt': 'inside' } }, other: { 'x.txt': 'secret' } })
      const root = join(outside, 'root')
      if (system === 'another system') {
        const { readlinkSync } = fileSystem
        t.teardown(() => {
          fileSystem.readlinkSync = readlinkSync
          syncBuiltinESMExports()
        })
        fileSystem.readlinkSync = () => { throw Object.assign(new Error('no'), { code: 'ENOENT' }) }
        syncBuiltinESMExports()
      }
      const app = await serve(t, root, memory)
      t.equal(String((await rawRequest(app, 'GET', '/static/sub/x.txt')).body), 'inside')

      const { open: openAsEver } = fileSystemPromises
      const opened: FileHandle[] = []
      let changeBack = false
      openWith(t, async (...args) => {
        renameSync(join(root, 'sub'), join(root, 'away'))
        symlinkSync('../other', join(root, 'sub'))
        const handle = await openAsEver(...args)
        opened.push(handle)
        if (changeBack) {
          rmSync(join(root, 'sub'))
          renameSync(join(root, 'away'), join(root, 'sub'))
        }
        return handle
      })
      for (changeBack of [true, false]) {
        const answer = await rawRequest(app, 'GET', '/static/sub/x.txt')
        t.equal(answer.status, 404, changeBack ? 'for a moment' : 'for good')
        t.notMatch(String(answer.body), 'secret')
        t.equal(opened.pop()!.fd, -1, 'and it is closed')
      }
    })
  }
}

t.test('a folder that becomes a link during the start lets nothing into memory', { skip: lacks.links }, async (t) => {
  const outside = t.testdir({ root: { sub: { 'x.txt': 'inside' } }, other: { 'x.txt': 'secret' } })
  const root = join(outside, 'root')
  const { openSync } = fileSystem
  t.teardown(() => {
    fileSystem.openSync = openSync
    syncBuiltinESMExports()
  })
  fileSystem.openSync = (...args) => {
    if (String(args[0]).endsWith('x.txt')) {
      renameSync(join(root, 'sub'), join(root, 'away'))
      symlinkSync('../other', join(root, 'sub'))
    }
    return openSync(...args)
  }
  syncBuiltinESMExports()
  const app = await serve(t, root, { maxFileSize: 1000 })
  const answer = await rawRequest(app, 'GET', '/static/sub/x.txt')
  t.equal(answer.status, 404)
})

t.test('an error while it is told where a file lies leaves no file open', async (t) => {
  const root = t.testdir({ 'app.js': 'app' })
  const app = await serve(t, root)
  const { open: openAsEver } = fileSystemPromises
  const opened: FileHandle[] = []
  openWith(t, async (...args) => {
    const handle = await openAsEver(...args)
    opened.push(handle)
    return Object.assign(handle, { stat: async () => { throw Object.assign(new Error('EIO'), { code: 'EIO' }) } })
  })
  t.equal((await rawRequest(app, 'GET', '/static/app.js')).status, 500)
  t.equal(opened[0]!.fd, -1)
})

for (const memory of [false, { maxFileSize: 1000 }, true] as const) {
  for (const size of [9 * 1024 * 1024, 1000 * 1024]) {
    t.test(`requests that wait for their turn hold no file and little memory, ${size} bytes, memory ${JSON.stringify(memory)}`, async (t) => {
      const root = t.testdir({ 'film.mp4': '' })
      truncateSync(join(root, 'film.mp4'), size)
      const app = await serve(t, root, memory)
      const { open: openAsEver } = fileSystemPromises
      const opened: FileHandle[] = []
      openWith(t, async (...args) => {
        const handle = await openAsEver(...args)
        opened.push(handle)
        return handle
      })
      const before = process.memoryUsage.rss()
      const requests = { all: 1500, seen: 0 }
      app.server.on('request', () => { requests.seen++ })
      const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      socket.on('error', () => {}).pause()
      socket.write('GET /static/film.mp4 HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(requests.all))
      await until(() => requests.seen >= 100, 'a hundred requests')
      await setTimeout(100) // for what else it might read
      t.ok(process.memoryUsage.rss() - before < 100e6, `${process.memoryUsage.rss() - before} bytes more`)
      t.ok(opened.filter(({ fd }) => fd !== -1).length <= 1, 'one file is open at most')
      socket.resetAndDestroy()
      await until(() => opened.every(({ fd }) => fd === -1), 'the end of all files after a reset')
    })
  }
}

t.test('pipelined requests are answered in their order', async (t) => {
  const root = t.testdir({ 'big.txt': big, 'small.txt': 'small' })
  const app = await serve(t, root)
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const request = (name: string, connection: string): string => `GET /static/${name} HTTP/1.1\r\nhost: test\r\nconnection: ${connection}\r\n\r\n`
  socket.write(request('big.txt', 'keep-alive') + request('small.txt', 'keep-alive') + request('missing.txt', 'keep-alive') + request('big.txt', 'close'))
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  const received = Buffer.concat(chunks).toString('latin1')
  t.same(received.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
  t.ok(received.endsWith(big.toString('latin1')))
})

t.test('a client that is gone before its file is open leaves none open', async (t) => {
  const root = t.testdir({ 'app.js': 'app' })
  const app = await serve(t, root)
  const { open: openAsEver } = fileSystemPromises
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let isOpen: (handle: FileHandle) => void
  const opening = new Promise<FileHandle>((resolve) => { isOpen = resolve })
  openWith(t, async (...args) => {
    socket.destroy()
    await setTimeout(50)
    const handle = await openAsEver(...args)
    isOpen(handle)
    return handle
  })
  socket.write('GET /static/app.js HTTP/1.1\r\nhost: test\r\n\r\n')
  const handle = await opening
  if (handle.fd !== -1) await closing(handle)
  t.equal(handle.fd, -1)
})

t.test('over HTTP/2 a file that shrinks while it is sent ends in a reset', async (t) => {
  const root = t.testdir({ 'huge.bin': '' })
  truncateSync(join(root, 'huge.bin'), huge)
  const app = Fastify({ http2: true })
  await app.register(staticFiles, { root, memory: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = http2Connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.teardown(async () => {
    client.destroy()
    await app.close()
  })
  const stream = client.request({ ':path': '/static/huge.bin' })
  let failure: Error | undefined
  stream.on('error', (error) => { failure = error })
  const [headers] = await once(stream, 'response')
  t.equal(headers['content-length'], String(huge))
  truncateSync(join(root, 'huge.bin'), 1000)
  stream.resume()
  await new Promise((resolve) => stream.once('close', resolve))
  t.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
  t.match(failure, { code: 'ERR_HTTP2_STREAM_ERROR' })

  const again = client.request({ ':path': '/static/huge.bin' })
  let length = 0
  again.on('data', (chunk: Buffer) => { length += chunk.length })
  await once(again, 'end')
  t.equal(length, 1000, 'and the server goes on')
})

t.test('a file that goes away during the start is asked for on the disk', { skip: lacks.links }, async (t) => {
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
  await until(() => app.asset('data.bin') !== '/static/data.bin', 'a fingerprint')
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
