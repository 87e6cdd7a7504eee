import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freePort, startServer } from './server.js'

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

async function until (happens: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !happens(); tries++) {
    if (tries === 200) throw new Error(`${what} did not happen`)
    await setTimeout(50)
  }
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
