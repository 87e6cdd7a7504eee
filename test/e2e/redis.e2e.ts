import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { freePort, type Instance, startInstance, startServer, until, usersFile } from './server.ts'

/** Starts a Redis that keeps nothing on disk, and stops it when the test ends. */
async function startRedis (t: Test, port: number): Promise<ChildProcess> {
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = once(redis, 'error').then(([error]: Error[]) => { throw new Error('There is no redis-server here. Install it (Debian: apt-get install redis-server).', { cause: error }) })
  t.teardown(() => redis.kill('SIGKILL'))
  let output = ''
  const ready = (async () => {
    for await (const chunk of redis.stdout) {
      output += String(chunk)
      if (output.includes('Ready to accept connections')) return
    }
    throw new Error(`Redis did not start:\n${output}`)
  })()
  await Promise.race([ready, failed])
  redis.stdout.resume()
  return redis
}

async function login (url: string, password: string): Promise<number> {
  const answer = await fetch(`${url}/secret`, { headers: { authorization: `Basic ${btoa(`admin:${password}`)}` } })
  await answer.text()
  return answer.status
}

t.test('two instances count failures together, and go on alone while Redis is away', async (t) => {
  const port = await freePort()
  const redis = await startRedis(t, port)
  const env = { QUICKSTART_REDIS_URL: `redis://127.0.0.1:${port}` }
  const one = await startServer(t, { env })
  const two = await startServer(t, { env })

  // Ten failures of a name from an address are let happen: five here, five there.
  for (let attempt = 0; attempt < 5; attempt++) {
    t.equal(await login(one.url, `wrong ${attempt}`), 401)
    t.equal(await login(two.url, `also wrong ${attempt}`), 401)
  }
  t.equal(await login(one.url, 'wrong again'), 429)
  t.equal(await login(two.url, 'wrong again'), 429)

  redis.kill('SIGKILL')
  await until(() => one.log().includes('Redis is away'), 'the log line for a Redis that went')
  t.equal(await login(one.url, 'secret'), 200, 'the memory has counted nothing yet')

  await startRedis(t, port)
  await until(() => one.log().includes('Redis is back'), 'the log line for a Redis that came back')
  t.equal(await login(one.url, 'secret'), 200)
})

t.test('two instances behind a proxy do what they promise while Redis hangs, and when it goes on', async (t) => {
  const port = await freePort()
  const redis = await startRedis(t, port)
  const folder = t.testdir({ users: usersFile })
  const env = { QUICKSTART_REDIS_URL: `redis://127.0.0.1:${port}`, QUICKSTART_LOG_LEVEL: 'info' }
  const [one, two] = [await startInstance(t, folder, env), await startInstance(t, folder, env)]
  const longest = new Map<string, number>()

  /** Logs in through the proxy, for which the test stands in, from a visitor's address. Answers the status. */
  async function ask ({ url }: Instance, address: string, password: string, state: string): Promise<number> {
    const headers = { authorization: `Basic ${btoa(`alice:${password}`)}`, 'x-forwarded-for': address }
    const startedAt = performance.now()
    const { status } = await fetch(`${url}/secret`, { headers })
    // A refusal is held back for a second.
    const took = performance.now() - startedAt - (status === 429 ? 1000 : 0)
    longest.set(state, Math.max(longest.get(state) ?? 0, took))
    return status
  }

  const [guesser, visitor] = ['192.0.2.1', '192.0.2.2']
  for (let attempt = 0; attempt < 5; attempt++) {
    t.equal(await ask(one, guesser, `wrong ${attempt}`, 'there'), 401)
    t.equal(await ask(two, guesser, `also wrong ${attempt}`, 'there'), 401)
  }
  for (const instance of [one, two]) {
    t.equal(await ask(instance, guesser, 'right', 'there'), 429, 'counted together')
    t.equal(await ask(instance, visitor, 'wrong', 'there'), 401, 'another visitor of the same proxy is not shut out')
  }

  redis.kill('SIGSTOP')
  t.teardown(() => redis.kill('SIGCONT'))
  // Many at once, and longer than the two seconds for which Redis is left alone.
  const hangsAt = performance.now()
  let others = 0
  while (performance.now() < hangsAt + 5000) {
    const statuses = await Promise.all([one, two].flatMap((instance) => [
      ask(instance, visitor, 'right', 'hanging'),
      ask(instance, `10.0.${++others >> 8}.${others & 255}`, 'wrong', 'hanging')
    ]))
    t.same(statuses, [200, 401, 200, 401])
  }
  for (const instance of [one, two]) {
    t.match(instance.log(), 'Redis is away (no answer in 500 ms); failed logins are counted in memory')
    for (let attempt = 0; attempt < 10; attempt++) t.equal(await ask(instance, '192.0.2.3', 'wrong', 'hanging'), 401)
    t.equal(await ask(instance, '192.0.2.3', 'wrong', 'hanging'), 429, 'counted by each alone')
    t.equal(await ask(instance, '192.0.2.3', 'right', 'hanging'), 429, 'the right password too')
    t.equal(await ask(instance, visitor, 'right', 'hanging'), 200, 'a login that is remembered for its address passes')
  }

  const three = await startInstance(t, folder, env)
  t.equal(await ask(three, '192.0.2.5', 'wrong', 'hanging'), 401, 'one that is started meanwhile counts alone too')

  redis.kill('SIGCONT')
  for (const instance of [one, two, three]) {
    await until(async () => {
      await ask(instance, '192.0.2.4', 'right', 'back')
      await ask(instance, '192.0.2.4', 'wrong', 'back')
      return instance.log().includes('Redis is back')
    }, 'the log line for a Redis that goes on')
    t.equal(await ask(instance, guesser, 'wrong', 'back'), 429, 'what was counted before holds again')
  }
  for (const [state, milliseconds] of longest) {
    t.comment(`longest login while Redis is ${state}: ${Math.round(milliseconds)} ms`)
    t.ok(milliseconds < 500 + 500, `${state}: half a second, and what a busy machine takes`)
  }
})
