import t from 'tap'
import { ending, login, startWorkers, until } from './command.js'
import { lacks } from '../system.js'

t.setTimeout(300_000) // each test starts several processes

/** The processes that answered the server's own route /pid. */
async function pids (url: string): Promise<Set<string>> {
  const answers = Array.from({ length: 40 }, async () => {
    return await (await fetch(`${url}/pid`, { headers: { connection: 'close' } })).text()
  })
  return new Set(await Promise.all(answers))
}

t.test('workers share the port and count failed logins together; one that dies is replaced', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await startWorkers(t, '2')
  const before = await pids(url)
  t.equal(before.size, 2)
  for (let attempt = 0; attempt < 10; attempt++) t.equal((await login(url, `no ${attempt}`)).status, 401)
  const after = await Promise.all(Array.from({ length: 6 }, (_, attempt) => login(url, `none ${attempt}`)))
  t.same(after.map(({ status }) => status), [429, 429, 429, 429, 429, 429])

  const [victim = ''] = before
  process.kill(Number(victim), 'SIGKILL')
  await until(() => output.stderr.includes(`worker ${victim} ended (SIGKILL) and is replaced`), 'the death')
  await until(async () => (await pids(url)).size === 2, 'the replacement')
  t.notOk((await pids(url)).has(victim))

  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(output.stderr, 'stopping: all workers have stopped')
})

t.test('SIGHUP replaces all workers and loses no request', { skip: lacks.signals }, async (t) => {
  const { url, child, output } = await startWorkers(t, '2')
  const before = await pids(url)
  let isOver = false
  const statuses = new Set<number | string>()
  const clients = Array.from({ length: 4 }, async () => {
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
    while (!isOver) statuses.add(await fetch(`${url}/health`).then((answer) => answer.status, (error) => String(error)))
  })
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP: done'), 'the replacement')
  isOver = true
  await Promise.all(clients)
  t.same([...statuses], [200])
  for (const pid of await pids(url)) t.notOk(before.has(pid))
})

t.test('workers that cannot start are told of once', async (t) => {
  const folder = t.testdir({})
  const cases: [args: string[], says: RegExp][] = [
    [['--workers', 'many'], /^fastify-quickstart: --workers is "many"; it takes a number from 1 to 999, or auto/],
    [['--workers', '2', '--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"/],
    [['--workers', 'auto', '--csp', 'none such'], /^fastify-quickstart: "csp" is [^\n]*\n$/]
  ]
  for (const [args, says] of cases) {
    const { exitCode, stdout, stderr } = await ending(folder, args)
    t.equal(exitCode, 1)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})
