import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { parseHtpasswd } from '../../../plugins/auth/internal.ts'
import { basic, cheap } from '../../plugins/auth/logins.ts'
import { command, ending, environment, until } from '../command.ts'

/** Runs the command `hash-password` to its end, as this account. */
async function hashPassword (args: string[], password = ''): Promise<{ exitCode: number, stdout: string, stderr: string }> {
  const child = spawn(process.execPath, [...command, 'hash-password', ...args], { env: environment() })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString() })
  child.stdin.end(`${password}\n`)
  const [exitCode] = await once(child, 'close')
  return { exitCode, ...output }
}

/** Starts the server as another account. Returns its URL and what it logs. */
async function serveAs (t: Test, account: number, folder: string, env: Record<string, string>) {
  const words = command.filter((word) => !word.includes('@tapjs/processinfo')) // it takes notes in this account's folder
  const child = spawn(process.execPath, [...words, '--port', '0'], {
    cwd: folder, uid: account, gid: account, env: { ...environment(), NODE_ENV: 'production', ...env }
  })
  let output = ''
  const closed = once(child, 'close')
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await closed
  })
  const place = () => /Server listening at (http:[^\s"]+)/.exec(output)?.[1]
  const metrics = () => /served at (http:[^\s"]+)/.exec(output)?.[1]
  await until(() => child.exitCode !== null || (place() !== undefined && metrics() !== undefined), 'the start')
  if (place() === undefined) throw new Error(output)
  return { url: place()!, metrics: metrics()!, log: () => output }
}

const lacksRoot = process.getuid?.() !== 0 && 'only root gives a file to another account'

t.test('what the command changes, an app of another account reads', { skip: lacksRoot }, async (t) => {
  const account = 4711
  const file = join(t.testdir({ users: `alice:${cheap.bcrypt('a')}\nbob:${cheap.bcrypt('b')}\n` }), 'users')
  chownSync(file, 0, account)
  chmodSync(file, 0o640)
  // As this account first: the other may not write into the cache of what is compiled for the tests.
  t.equal((await ending(tmpdir(), ['check'])).exitCode, 0)
  const { url, metrics, log } = await serveAs(t, account, dirname(file), { QUICKSTART_USERS_FILE: file, QUICKSTART_METRICS: '127.0.0.1:0' })
  const status = async (name: string, password: string): Promise<number> => {
    const answer = await fetch(`${url}/secret`, { headers: basic(name, password) })
    await answer.arrayBuffer()
    return answer.status
  }
  const isUnreadable = async () => /^quickstart_users_unreadable (\d)$/m.exec(await (await fetch(metrics)).text())?.[1]

  t.same([await status('alice', 'a'), await status('bob', 'b')], [200, 200])
  t.match(await hashPassword(['alice', '--file', file, '--delete']), { exitCode: 0, stdout: `${file}: alice is deleted\n`, stderr: '' })
  t.equal(await status('alice', 'a'), 401, 'who is deleted is out')
  t.match(await hashPassword(['bob', '--file', file], 'new'), { exitCode: 0, stderr: '' })
  t.same([await status('bob', 'b'), await status('bob', 'new')], [401, 200])
  t.match(await hashPassword(['carol', '--file', file], 'c'), { exitCode: 0, stderr: '' })
  t.equal(await status('carol', 'c'), 200)
  const { uid, gid, mode } = statSync(file)
  t.same([uid, gid, mode & 0o777], [0, account, 0o640])
  t.notMatch(log(), 'EACCES')
  t.equal(await isUnreadable(), '0')

  chmodSync(file, 0o600)
  t.equal(await status('bob', 'new'), 200, 'what was read before stays in force')
  await until(() => /"level":50[^\n]*EACCES[^\n]*stays in force/.test(log()), 'the line in the log')
  t.equal(await isUnreadable(), '1')
  chmodSync(file, 0o640)
  t.equal(await isUnreadable(), '0')
})

t.test('ten commands at once lose no line, and a lock of one that was killed holds nobody up', async (t) => {
  const dir = t.testdir({ users: `bob:${cheap.bcrypt('b')}\n` })
  const file = join(dir, 'users')
  const { pid } = spawnSync(process.execPath, ['--version']) // has ended
  writeFileSync(`${file}.lock`, `fastify-quickstart hash-password ${pid}\n`)
  const names = Array.from({ length: 10 }, (_, index) => `user${index}`)
  const ends = await Promise.all(names.map(async (name) => await hashPassword([name, '--file', file], 'p')))
  t.same(ends.map(({ exitCode, stderr }) => [exitCode, stderr]), names.map(() => [0, '']))
  t.same([...parseHtpasswd(readFileSync(file, 'utf8')).keys()].sort(), ['bob', ...names])
  t.same(readdirSync(dir), ['users'])
})
