import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join, resolve } from 'node:path'
import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { answering, proxies, scratch, start } from './proxies.ts'
import { freePort, startInstance, until, usersFile } from './server.ts'

t.setTimeout(300_000)

const root = resolve(import.meta.dirname, '..', '..')

/** Routes that say who they think asks, and streams whose second part waits until it is asked for. */
const routes = `
  import { Readable } from 'node:stream'
  let go = () => {}
  async function * twice (part) {
    yield part(1)
    await new Promise((resolve) => { go = resolve })
    yield part(2)
  }
  export default async (app) => {
    app.get('/who', async ({ id, ip, host, protocol }) => ({ id, ip, host, protocol }))
    app.post('/go', async () => { go(); return 'gone' })
    app.get('/json', async () => ({ numbers: Array.from({ length: 500 }, (none, index) => index) }))
    app.get('/events', (request, reply) => reply.type('text/event-stream').send(
      Readable.from(twice((n) => 'data: ' + n + '\\n\\n'))))
    app.get('/lines', (request, reply) => reply.type('text/plain').send(
      Readable.from(twice((n) => ('line ' + n + '\\n').repeat(200)))))
    app.get('/part', (request, reply) => reply.code(206).type('text/csv').headers({
      'content-range': 'bytes 0-2999/6000', etag: '"whole"' }).send('a,b\\n'.repeat(750)))
  }`

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

/** Asks with exactly these headers; nothing is decompressed. */
async function ask (port: number, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await open(port, path, headers)
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return { status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) } // an answer has one
}

async function open (port: number, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const request = get({ host: '127.0.0.1', port, path, headers, agent: false })
  const [answer] = await once(request, 'response') as [IncomingMessage]
  return answer
}

async function startBehind (t: Test, name: string): Promise<{ direct: number, port: number }> {
  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), usersFile)
  writeFileSync(join(folder, 'routes.mjs'), routes)
  mkdirSync(join(folder, 'public'))
  writeFileSync(join(folder, 'public', 'app.js'), 'let a = 1\n'.repeat(500))
  writeFileSync(join(folder, 'public', 'page.html'), '<p>Hello</p>\n'.repeat(500))
  writeFileSync(join(folder, 'public', 'big.csv'), 'a,b,c\n'.repeat(1_500_000)) // more than is held in memory
  const { port: direct } = await startInstance(t, folder, {}, { args: ['--routes', './routes.mjs'] })
  const port = await freePort()
  proxies[name]!(t, { folder, port, upstreams: [`127.0.0.1:${direct}`, `127.0.0.1:${direct}`] })
  await answering(`http://127.0.0.1:${port}/health`)
  return { direct, port }
}

for (const name of Object.keys(proxies)) {
  t.test(`${name} compresses what the app does not, and leaves the rest as it is`, async (t) => {
    const { direct, port } = await startBehind(t, name)

    for (const path of ['/', '/json', '/none-of-this-name']) {
      const headers = { accept: 'text/html, application/json;q=0.9', 'accept-encoding': 'gzip' }
      const [plain, proxied] = [await ask(direct, path, headers), await ask(port, path, headers)]
      t.equal(plain.headers['content-encoding'], undefined, `${path}: the app does not compress it`)
      t.equal(proxied.headers['content-encoding'], 'gzip', path)
      t.match(proxied.headers.vary, /accept-encoding/i, path)
      t.ok(proxied.body.length < plain.body.length * 0.6, `${path}: ${plain.body.length} → ${proxied.body.length} bytes`)
      t.equal(gunzipSync(proxied.body).length, plain.body.length, path)
      t.equal(proxied.status, plain.status)
      t.equal((await ask(port, path, { accept: headers.accept })).headers['content-encoding'], undefined)
    }

    const wrong: string[] = []
    for (const path of ['/static/app.js', '/static/page.html', '/static/big.csv', '/part']) {
      for (const encoding of ['gzip', 'br', 'br, gzip, zstd', 'identity']) {
        const conditions: Record<string, string>[] = [{}, { range: 'bytes=10-99' }, { 'if-none-match': '"other"' }]
        for (const condition of conditions) {
          const headers = { 'accept-encoding': encoding, ...condition }
          const [own, proxied] = [await ask(direct, path, headers), await ask(port, path, headers)]
          const again = await ask(port, path, { 'accept-encoding': encoding, 'if-none-match': own.headers.etag! })
          const same = ['etag', 'content-encoding', 'content-range', 'cache-control', 'content-type']
            .every((field) => own.headers[field] === proxied.headers[field])
          if (same && own.status === proxied.status && own.body.equals(proxied.body) &&
            (again.status === 304 || path === '/part')) continue
          wrong.push(`${path} ${JSON.stringify(headers)}: ${proxied.status} ${JSON.stringify(proxied.headers)}`)
        }
      }
    }
    t.same(wrong, [])
    const { headers: { etag, 'content-encoding': encoding }, body } = await ask(port, '/static/app.js', { 'accept-encoding': 'br' })
    t.match(etag, /^"/, 'a strong ETag')
    t.equal(encoding, 'br')
    t.equal(brotliDecompressSync(body).length, 5000)
  })

  t.test(`${name} passes each part of a stream on as it comes`, async (t) => {
    const { port } = await startBehind(t, name)
    for (const [path, first] of [['/events', 'data: 1\n\n'], ['/lines', 'line 1\n'.repeat(200)]] as const) {
      for (const encoding of ['gzip', 'gzip, br, zstd', 'identity']) {
        const stream = await open(port, path, { 'accept-encoding': encoding })
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        const ended = once(stream, 'end')
        const read = (): string => {
          const bytes = Buffer.concat(chunks)
          if (stream.headers['content-encoding'] === undefined || bytes.length === 0) return String(bytes)
          return String(gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })) // as far as it has come
        }
        await until(() => read() === first, `the first part of ${path} (${encoding})`)
        await fetch(`http://127.0.0.1:${port}/go`, { method: 'POST' })
        await ended
        t.equal(read(), first + first.replaceAll('1', '2'), `${path} ${encoding}`)
      }
    }
  })

  t.test(`${name} lets a visitor choose neither id, address, name nor scheme`, async (t) => {
    const { port } = await startBehind(t, name)
    const spoofed = {
      host: 'quick.test',
      'x-request-id': 'evil',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.test',
      forwarded: 'for=192.0.2.1;host=evil.test;proto=https'
    }
    const ids = new Set<string>()
    for (let times = 0; times < 3; times++) {
      const { headers, body } = await ask(port, '/who', spoofed)
      const { id, ...others } = JSON.parse(String(body)) as Record<string, string>
      t.same(others, { ip: '127.0.0.1', host: 'quick.test', protocol: 'http' })
      t.match(id, /^[\da-f-]{32,36}$/, 'the id is the proxy\'s')
      t.equal(headers['x-request-id'], id)
      ids.add(id!)
    }
    t.equal(ids.size, 3)
  })
}

t.test('over Unix sockets, as the group of the app and nobody else', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const folder = scratch(t)
  const [app, proxy, stranger] = [{ uid: 65534, gid: 64001 }, { uid: 64002, gid: 64001 }, { uid: 64003, gid: 64003 }]
  const settings = readFileSync(join(root, 'deploy', 'socket.conf'), 'utf8')
  const [, mask = ''] = /^UMask=(\d+)$/m.exec(settings) ?? []
  const [, args = ''] = /^ExecStart=\/usr\/bin\/node bin\/run\.js (.+)$/m.exec(settings) ?? []
  writeFileSync(join(folder, 'users'), usersFile)
  writeFileSync(join(folder, 'routes.mjs'), routes)

  const sockets = ['5001', '5002'].map((instance) => {
    mkdirSync(join(folder, instance), { mode: 0o755 }) // RuntimeDirectory
    chownSync(join(folder, instance), app.uid, app.gid)
    const words = args.replace('/run/quickstart/%i', join(folder, instance)).split(' ')
    const command = join(root, 'dist', 'bin', 'fastify-quickstart.js')
    start(t, 'sh', ['-c', `umask ${mask}; exec env -u NODE_OPTIONS "$@"`, 'sh', process.execPath, command,
      ...words, '--routes', './routes.mjs'], folder, {
      NODE_ENV: 'production',
      QUICKSTART_USERS_FILE: 'users',
      QUICKSTART_TRUST_PROXY: 'true'
    }, app)
    return words.at(-1)!
  })
  for (const socket of sockets) {
    await until(() => statSync(socket, { throwIfNoEntry: false }) !== undefined, 'the socket')
    t.equal((statSync(socket).mode & 0o777).toString(8), '770')
  }

  const work = join(folder, 'nginx')
  mkdirSync(work)
  chownSync(work, proxy.uid, proxy.gid)
  const port = await freePort()
  const [one = '', two = ''] = sockets
  proxies.nginx!(t, { folder: work, port, upstreams: [`unix:${one}`, `unix:${two}`], account: proxy })
  await answering(`http://127.0.0.1:${port}/health`)
  const who = JSON.parse(String((await ask(port, '/who', { host: 'quick.test' })).body)) as Record<string, string>
  t.match(who, { ip: '127.0.0.1', host: 'quick.test', protocol: 'http' }, 'the visitor, as the proxy says')
  t.equal((await ask(port, '/secret')).status, 401)

  const tries = start(t, process.execPath, ['--eval', `require('node:net').connect(${JSON.stringify(one)})
    .on('connect', () => process.exit(0)).on('error', ({ code }) => process.exit(code === 'EACCES' ? 13 : 1))`],
  '/', { NODE_OPTIONS: '' }, stranger)
  const [code] = await once(tries, 'exit') as [number]
  t.equal(code, 13, 'another account is refused')
})
