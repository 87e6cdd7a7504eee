import { createClient } from '@libsql/client'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createProject } from '../../bin/commands/new.ts'
import { basic, cheap } from '../plugins/auth/logins.ts'
import { lacks } from '../system.ts'

t.setTimeout(120_000)

const root = resolve(import.meta.dirname, '..', '..')

/** Makes a project of the example own-app, with the users ada and bob. */
async function makeProject (t: Test): Promise<string> {
  const folder = join(t.testdir({}), 'birds')
  await createProject([folder, '--from', 'own-app', '--js'], new PassThrough(), new PassThrough())
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'fastify-quickstart'))
  writeFileSync(join(folder, 'users'), ['ada', 'bob'].map((name) => `${name}:${cheap.bcrypt('secret')}\n`).join(''))
  return folder
}

/** A file that may not grow stands in for a disk that is full. Without a listener, the signal would end the server. */
const fullDisk = { shell: 'ulimit -f 1024;', node: ['--import', 'data:text/javascript,process.on("SIGXFSZ", () => {})'] }

/** Starts the project's server in production, with flags for the command. */
async function startServer (t: Test, folder: string, flags: string[] = [], { shell, node } = { shell: '', node: [] as string[] }) {
  const command = [
    process.execPath, ...node, 'node_modules/fastify-quickstart/bin/run.js', '--routes', 'src/routes.js', '--tutorial=false', ...flags
  ]
  const server = spawn('sh', ['-c', `${shell} exec "$@"`, 'sh', ...command], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      NODE_ENV: 'production',
      QUICKSTART_USERS_FILE: 'users',
      QUICKSTART_LOG_LEVEL: 'info',
      QUICKSTART_DRAIN_SECONDS: '0'
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true // a group, which has the workers too
  })
  const ended = once(server, 'exit')
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => { log += chunk.toString() })
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) process.kill(-server.pid!, signal)
    await ended
  }
  t.teardown(() => stop('SIGKILL'))
  const findUrl = () => log.includes('fastify-quickstart listens') ? /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0] : undefined
  while (findUrl() === undefined && server.exitCode === null) await Promise.race([once(server.stderr, 'data'), ended])
  const url = findUrl()
  if (url === undefined) throw new Error(`the server did not start:\n${log}`)

  /** Sends the form. Returns the status, or 0 where there was no answer. */
  const post = async (species: string, note = '', user = 'bob'): Promise<number> => {
    const body = new URLSearchParams({ species, day: '2026-05-01', count: '1', place: 'wood', note })
    const answer = await fetch(`${url}/new`, {
      method: 'POST', body, headers: basic(user, 'secret'), redirect: 'manual'
    }).catch(() => undefined)
    await answer?.text().catch(() => {})
    return answer?.status ?? 0
  }

  /** Returns the species of all sightings, the newest first, page by page. */
  const list = async (): Promise<string[]> => {
    const all: { id: number, species: string }[] = []
    for (let size = 20; size === 20;) {
      const before = all.length > 0 ? `?before=${all.at(-1)!.id}` : ''
      const page = await (await fetch(`${url}/sightings.json${before}`)).json() as typeof all
      all.push(...page)
      size = page.length
    }
    return all.map(({ species }) => species)
  }

  const ask = async (path: string): Promise<number> => (await fetch(url + path)).status
  const errors = () => log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { level: number, msg: string, err?: { message: string, stack: string } })
    .filter(({ level }) => level >= 50)
  return { url, post, list, ask, errors, stop }
}

/** Opens the project's file beside the server. */
function openFile (t: Test, folder: string) {
  const client = createClient({ url: `file:${join(folder, 'sightings.db')}`, timeout: 1000 })
  t.teardown(() => client.close())
  return client
}

const refuse: RequestListener = (request, response) => { response.writeHead(401).end('no\nsuch token') }

t.test('a database that cannot be used is one line at the start, without what its address holds', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t)
  const ports = await Promise.all([refuse, () => {}].map(async (answer) => {
    const server = createServer(answer).listen(0, '127.0.0.1')
    t.teardown(() => { server.close().closeAllConnections() })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }))
  for (const [url, flags, reason] of [
    ['sightings.db', [], /^DATABASE_URL takes file:sightings\.db, or the address of a server/],
    ['postgres://ada:hidden@localhost/birds', [], /^DATABASE_URL takes file:/],
    ['file:/nowhere/sightings.db', [], /^the file of DATABASE_URL cannot be used: .*\/nowhere\/sightings\.db/],
    [`http://127.0.0.1:${ports[1]}`, [], /^the server of DATABASE_URL cannot be used: it does not answer$/],
    [`http://127.0.0.1:${ports[0]}/?authToken=hidden`, [], /^the server of DATABASE_URL cannot be used: .*HTTP status 401/],
    ['file:/nowhere/sightings.db', ['--workers', '2'], /^the file of DATABASE_URL cannot be used: /]
  ] as const) {
    const server = spawn(process.execPath, [
      'node_modules/fastify-quickstart/bin/run.js', '--routes', 'src/routes.js', '--tutorial=false', ...flags
    ], {
      cwd: folder,
      env: { PATH: process.env.PATH, PORT: '0', NODE_ENV: 'production', QUICKSTART_USERS_FILE: 'users', DATABASE_URL: url },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    let said = ''
    server.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
    const [code] = await once(server, 'close')
    t.equal(code, 1, url)
    const [line = '', ...others] = said.split('\n')
    t.match(line.replace('fastify-quickstart: ', ''), reason)
    t.same(others, [''], 'and nothing else')
    t.notMatch(said, /hidden/)
  }
})

for (const flags of [[], ['--workers', '2']]) {
  t.test(`kill -9 loses nothing that was answered ${flags.join(' ')}`, { skip: lacks.links }, async (t) => {
    const folder = await makeProject(t)
    const first = await startServer(t, folder, flags)
    t.equal(await first.post('Wren'), 303) // so that the server knows the login
    const written = ['Wren']
    let killed: Promise<void> | undefined
    await Promise.all(Array.from({ length: 200 }, async (none, index) => {
      const species = `Bird ${index}`
      if (await first.post(species) === 303) written.push(species)
      if (written.length === 60) killed ??= first.stop('SIGKILL')
    }))
    await killed
    t.comment(`${written.length - 1} of 200 were answered`)
    t.ok(killed !== undefined && written.length < 201, 'it was killed in the middle')
    const second = await startServer(t, folder, flags)
    const found = await second.list()
    t.same(written.filter((species) => !found.includes(species)), [])
    t.equal(new Set(found).size, found.length, 'each is there once')
    t.equal(await second.post('Robin'), 303)
    await second.stop('SIGTERM')
    t.same(second.errors(), [])
  })
}

t.test('two workers share the file', { skip: lacks.links }, async (t) => {
  const server = await startServer(t, await makeProject(t), ['--workers', '2'])
  t.equal(await server.post('Wren'), 303)
  const species = Array.from({ length: 100 }, (none, index) => `Bird ${index}`)
  // Each twice at once: of the two, one is written down, whichever worker it meets.
  const answers = await Promise.all([...species, ...species].map((name) => server.post(name)))
  t.same(answers.filter((status) => status === 303).length, 100)
  t.same(answers.filter((status) => status === 400).length, 100)
  t.same((await server.list()).sort(), ['Wren', ...species].sort())
  t.same(server.errors(), [])
})

t.test('while the file is locked, a write is 503 and one line in the log', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t)
  const server = await startServer(t, folder)
  t.equal(await server.post('Wren'), 303)
  const lock = await openFile(t, folder).transaction('write')
  const refused = server.post('Robin')
  const begin = performance.now()
  t.equal(await server.ask('/'), 200)
  t.ok(performance.now() - begin < 500, 'others are answered while a write waits')
  t.equal(await refused, 503)
  t.match(server.errors(), [{ msg: 'the request failed', err: { stack: /The database cannot be used now.*SQLITE_BUSY/s } }])
  t.equal(server.errors().length, 1)
  t.same([await server.ask('/'), await server.ask('/health')], [200, 200], 'it can be read')
  const many = Promise.all(Array.from({ length: 20 }, (none, index) => server.post(`Bird ${index}`)))
  t.same(new Set(await many), new Set([503]))
  t.ok(performance.now() - begin < 10_000, 'they wait at the same time')
  t.equal(server.errors().length, 21)

  const waiting = server.post('Robin')
  await lock.rollback()
  t.equal(await waiting, 303, 'it waits for a short lock')
  t.same(await server.list(), ['Robin', 'Wren'])
})

t.test('while the database cannot be read, the health is 503', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t)
  const server = await startServer(t, folder)
  t.equal(await server.ask('/health'), 200)
  await openFile(t, folder).execute('ALTER TABLE sightings RENAME TO elsewhere')
  t.same([await server.ask('/health'), await server.ask('/health')], [503, 503])
  t.match(server.errors(), [{ msg: 'the health check "database" fails' }])
  t.equal(server.errors().length, 1)
  await openFile(t, folder).execute('ALTER TABLE elsewhere RENAME TO sightings')
  t.equal(await server.ask('/health'), 200)
})

t.test('a full disk is 503 and one line for each write, and nothing is lost', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t)
  const server = await startServer(t, folder, [], fullDisk)
  const written = []
  let status = 303
  for (let count = 0; status === 303 && count < 500; count++) {
    status = await server.post(`Bird ${count}`, 'x'.repeat(1000))
    if (status === 303) written.unshift(`Bird ${count}`)
  }
  t.equal(status, 503)
  t.ok(written.length > 10, `${written.length} were written before`)
  t.equal(server.errors().length, 1)
  t.equal(await server.ask('/health'), 200, 'it can be read')
  t.same(await server.list(), written)
  await server.stop('SIGTERM')
  const next = await startServer(t, folder)
  t.same(await next.list(), written)
  t.equal(await next.post('Wren'), 303)
})

t.test('a backup that is made while people write is restored as the README says', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t)
  const server = await startServer(t, folder)
  for (const species of ['Wren', 'Robin', 'Heron']) await server.post(species)
  const [, code = ''] = /^node -e "(.*VACUUM INTO.*)"$/m.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
  const backup = spawn(process.execPath, ['-e', code], { cwd: folder, stdio: 'inherit' })
  const writing = Promise.all(Array.from({ length: 20 }, (none, index) => server.post(`Bird ${index}`)))
  t.same(await once(backup, 'exit'), [0, null])
  t.same(new Set(await writing), new Set([303]))
  await server.stop('SIGTERM')

  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `sightings.db${end}`), { force: true })
  copyFileSync(join(folder, 'backup.db'), join(folder, 'sightings.db'))
  const restored = await startServer(t, folder)
  t.same((await restored.list()).slice(-3), ['Heron', 'Robin', 'Wren'])
  t.equal(await restored.post('Stork'), 303)
  t.equal((await restored.list())[0], 'Stork')
})
