import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ending, login, serving, startWorkers, until } from './command.ts'
import { lacks } from '../system.ts'

t.setTimeout(900_000) // each test starts several processes

/** The processes that answered the server's own route /pid. */
async function pids (url: string): Promise<Set<string>> {
  const answers = Array.from({ length: 40 }, async () => {
    return await (await fetch(`${url}/pid`, { headers: { connection: 'close' } })).text()
  })
  return new Set(await Promise.all(answers))
}

/** The same, once there are that many. */
async function waitForPids (url: string, count: number): Promise<Set<string>> {
  let found = new Set<string>()
  await until(async () => {
    found = await pids(url)
    return found.size === count
  }, `the answers of ${count} workers`)
  return found
}

t.test('workers share the port; one that dies is replaced', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await startWorkers(t, '2')
  const before = await waitForPids(url, 2)
  const [victim = ''] = before
  process.kill(Number(victim), 'SIGKILL')
  await until(() => output.stderr.includes(`worker ${victim} ended (SIGKILL) and is replaced`), 'the death')
  t.notOk((await waitForPids(url, 2)).has(victim))

  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(output.stderr, 'stopping: all workers have stopped')
})

t.test('their primary reads .env too', { skip: lacks.signals }, async (t) => {
  const folder = t.testdir({ '.env': 'NODE_ENV=production\nQUICKSTART_AUTH=false\n', public: {} })
  const { output } = await serving(t, folder, ['--workers', '1'])
  await until(() => output.stderr.includes('1 workers listen'), 'what it logs in production')
})

t.test('workers count failed logins together; SIGHUP replaces all and loses no count and no request', { skip: lacks.signals }, async (t) => {
  const { url, child, output } = await startWorkers(t, '2')
  const before = await pids(url)
  for (const password of ['one', 'two', 'three']) t.equal((await login(url, password)).status, 401)
  t.equal((await login(url, 'secret')).status, 200, 'which forgives the three')
  for (let attempt = 0; attempt < 10; attempt++) t.equal((await login(url, `no ${attempt}`)).status, 401)
  const after = await Promise.all(Array.from({ length: 6 }, (_, attempt) => login(url, `none ${attempt}`)))
  t.same(after.map(({ status }) => status), [429, 429, 429, 429, 429, 429])

  let isOver = false
  const statuses = new Set<number | string>()
  const clients = Array.from({ length: 4 }, async () => {
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
    while (!isOver) statuses.add(await fetch(`${url}/health`).then((answer) => answer.status, (error) => String(error)))
  })
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP: the workers are replaced'), 'the beginning')
  child.kill('SIGHUP') // files may have changed once more
  await until(() => output.stderr.match(/SIGHUP: done/g)?.length === 2, 'both replacements')
  isOver = true
  await Promise.all(clients)
  t.same([...statuses], [200])
  for (const pid of await pids(url)) t.notOk(before.has(pid))
  t.equal((await login(url, 'no more')).status, 429)
  t.equal(output.stderr.match(/SIGHUP: the workers are replaced one by one/g)?.length, 2)
})

t.test('SIGHUP with files that are wrong changes nothing; a stop ends the replacement', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output, routes } = await startWorkers(t, '1')
  const before = await pids(url)
  const right = readFileSync(routes)
  writeFileSync(routes, 'a mistake of the operator')
  child.kill('SIGHUP')
  const failure = 'error: SIGHUP: the new worker could not start; the others stay as they are'
  await until(() => output.stderr.includes(failure), 'the end of the replacement')
  t.same(await pids(url), before)

  writeFileSync(routes, right)
  const told = output.stderr.length
  child.kill('SIGHUP')
  await until(() => output.stderr.slice(told).includes('SIGHUP: the workers are replaced'), 'the beginning')
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(output.stderr.slice(told), 'stopping: all workers have stopped')
  t.notMatch(output.stderr.slice(told), 'SIGHUP: done')
})

t.test('workers that die while all are replaced are not replaced twice', { skip: lacks.signals }, async (t) => {
  const { url, child, output } = await startWorkers(t, '3')
  for (let round = 0; round < 2; round++) {
    const before = [...await waitForPids(url, 3)].map(Number)
    const told = output.stderr.length
    child.kill('SIGHUP')
    await until(() => output.stderr.slice(told).includes('SIGHUP: the workers are replaced'), 'the beginning')
    for (const victim of before.slice(1)) process.kill(victim, 'SIGKILL')
    await until(() => output.stderr.slice(told).includes('SIGHUP: done'), 'the end of the replacement')
    for (const pid of before) t.notOk((await pids(url)).has(String(pid)))
  }
  await waitForPids(url, 3)
})

t.test('a worker that dies after new code could not start does not end the others', { skip: lacks.signals }, async (t) => {
  const { url, child, output, routes } = await startWorkers(t, '2')
  const right = readFileSync(routes)
  writeFileSync(routes, 'a mistake of the operator')
  const [victim, other] = await waitForPids(url, 2)
  process.kill(Number(victim), 'SIGKILL')
  const failures = () => output.stderr.split(/--routes \S+ cannot be loaded/).length - 1
  await until(() => failures() > 3, 'several attempts')
  t.same([...await pids(url)], [other])
  writeFileSync(routes, right)
  await waitForPids(url, 2)
  t.equal(child.exitCode, null)
})

t.test('a new worker that hangs at its start is ended, and blocks no later reload', { skip: lacks.signals }, async (t) => {
  const { url, child, output, routes } = await startWorkers(t, '1', { QUICKSTART_START_SECONDS: '10' })
  const before = await pids(url)
  const right = readFileSync(routes)
  writeFileSync(routes, 'for (;;) {}')
  child.kill('SIGHUP')
  const told = 'does not listen after 10 s and is ended; QUICKSTART_START_SECONDS sets another limit'
  await until(() => output.stderr.includes(told), 'the end of the new worker')
  t.same(await pids(url), before)
  writeFileSync(routes, right)
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('SIGHUP: done'), 'the replacement')
  for (const pid of await pids(url)) t.notOk(before.has(pid))
})

t.test('a worker that is blocked is replaced, and counted', { skip: lacks.signals }, async (t) => {
  const env = { QUICKSTART_BLOCKED_SECONDS: '5', QUICKSTART_METRICS: '127.0.0.1:0' }
  const { url, output } = await startWorkers(t, '2', env) // with one alone, port 0 would be another after its end
  const before = await waitForPids(url, 2)
  await fetch(`${url}/block`).catch(() => {})
  const told = /error: worker (\d+) has been blocked for 5 s and is replaced/
  await until(() => told.test(output.stderr), 'the end')
  const victim = String(told.exec(output.stderr)?.[1])
  t.ok(before.has(victim))
  t.notOk((await waitForPids(url, 2)).has(victim))
  const place = /metrics for Prometheus are served at (\S+)/.exec(output.stderr)?.[1] ?? ''
  t.match(await (await fetch(place)).text(), 'quickstart_workers_replaced_total{reason="blocked"} 1')
})

t.test('what a worker has accepted is answered, also when all stop while it is replaced', { skip: lacks.signals }, async (t) => {
  const { url, child, exited, output } = await startWorkers(t, '1')
  const slow = fetch(`${url}/slow`).then((answer) => answer.text())
  await until(async () => (await (await fetch(`${url}/slow-count`)).text()) === '1', 'the request')
  child.kill('SIGHUP')
  await until(() => output.stderr.includes('draining'), 'the end of the old worker')
  child.kill('SIGTERM')
  t.equal(await slow, 'slow')
  t.same(await exited, [0, null])
})

t.test('a second signal ends all workers at once', { skip: lacks.signals }, async (t) => {
  const env = { QUICKSTART_DRAIN_SECONDS: '60', QUICKSTART_GRACE_SECONDS: '90' }
  const { child, exited, output } = await startWorkers(t, '1', env)
  child.kill('SIGTERM')
  await until(() => output.stderr.includes('draining for 60 s'), 'the drain')
  child.kill('SIGINT')
  t.same(await exited, [1, null])
  t.match(output.stderr, 'error: second SIGINT, exiting')
})

t.test('gives up when workers end again and again', async (t) => {
  const folder = t.testdir({
    // What the first worker leaves ends all others before they begin, as where there is no memory for them.
    'one-worker.mjs': `import cluster from 'node:cluster'
      import { writeFileSync } from 'node:fs'
      try {
        if (cluster.isWorker) writeFileSync(new URL('first', import.meta.url), '', { flag: 'wx' })
      } catch {
        process.exit(1)
      }`
  })
  const env = { PORT: '0', NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'one-worker.mjs'))}` }
  const { exitCode, stdout, stderr } = await ending(folder, ['--workers', '4'], env)
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(stderr, /fatal: \d+ workers ended within a minute: the server gives up\n$/)
})

t.test('workers that cannot start are told of once', async (t) => {
  const folder = t.testdir({})
  const cases: [args: string[], says: RegExp][] = [
    [['--workers', 'many'], /^fastify-quickstart: --workers is "many"; it takes a number from 1 to 999, or auto/],
    [['--workers', '2', '--log-level', 'loud'], /^fastify-quickstart: --log-level is "loud"/],
    [['--workers', 'auto', '--csp', 'none such'], /^fastify-quickstart: "csp" is [^\n]*\n$/]
  ]
  for (const [args, says] of cases) {
    const { exitCode, stdout, stderr } = await ending(folder, args, { QUICKSTART_METRICS: '127.0.0.1:0' })
    t.equal(exitCode, 1)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})
