import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import { rawConnection } from './raw-requests.ts'
import { descriptors, liveMemory, measuredInstance, until, usersFile } from './server.ts'

t.setTimeout(600_000)

/** How many requests are sent. The documentation's figures are those of 100,000. */
const requests = Number(process.env.E2E_RAW_REQUESTS ?? 100_000)
/** What the requests are made of. */
const seed = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000)
const clients = 32
/** Milliseconds without a byte after which a client leaves: the server may wait for the rest of a body. */
const patience = 300

/** Statuses of the server's faults. 503 is one unless it is load shedding, which says when to come again. */
const faults = /HTTP\/1\.1 (?!501|505|503 [^]*\r\nretry-after: 5\r\n)5\d\d [^]{0,300}/i

/** Sends what makes up a connection, leaves it, and answers what came back. */
async function send (port: number, { pieces, leaves }: ReturnType<typeof rawConnection>): Promise<string> {
  let answers = ''
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('data', (chunk: Buffer) => { answers += chunk.toString('latin1') })
  socket.setTimeout(patience, () => socket.destroy())
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await setImmediate()
  }
  if (leaves === 'ends') socket.end()
  if (leaves === 'destroys') socket.destroy()
  if (leaves === 'resets') socket.resetAndDestroy()
  await closed
  return answers
}

t.test(`${requests} raw requests with seed ${seed} do the server and its other clients no harm`, async (t) => {
  const folder = t.testdir({ users: usersFile })
  const instance = await measuredInstance(t, folder)
  const { child, port } = instance
  let connections = 0
  let sent = 0
  const statuses = new Map<string, number>()
  const wrong: object[] = []

  /** Sends so many requests, several connections at a time. */
  async function sendMany (count: number): Promise<void> {
    const end = sent + count
    await Promise.all(Array.from({ length: clients }, async () => {
      while (sent < end && child.exitCode === null) {
        const connection = rawConnection(seed + connections++)
        sent += connection.requests
        const answers = await send(port, connection)
        for (const [, status = ''] of answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
        const fault = faults.exec(answers)
        if (fault !== null) wrong.push({ ...connection, answer: fault[0] })
      }
    }))
  }

  await liveMemory(instance)
  const descriptorsBefore = descriptors(child)
  // What is made once, such as compiled code, is there before the memory is looked at.
  await sendMany(Math.min(5000, requests))
  const memoryBefore = await liveMemory(instance)

  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  /** `shed`: told to come again, which on a busy machine is an answer too. */
  const good = { answers: 0, shed: 0, bad: 0, slowest: 0 }
  let isOver = false
  const goodClient = (async () => {
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while this waits
    while (!isOver) {
      const startedAt = performance.now()
      const said = await new Promise<string>((resolve) => {
        get({ host: '127.0.0.1', port, path: '/user/alice', agent }, (answer) => {
          const isShed = answer.statusCode === 503 && answer.headers['retry-after'] === '5'
          answer.toArray().then(
            (chunks) => resolve(isShed ? 'shed' : Buffer.concat(chunks).toString()),
            () => resolve('cut')
          )
        }).on('error', (error) => resolve(error.message))
      })
      good.answers++
      if (said === 'shed') good.shed++
      else if (said !== 'User alice') good.bad++
      good.slowest = Math.max(good.slowest, performance.now() - startedAt)
      await setTimeout(10)
    }
  })()
  const startedAt = performance.now()
  await sendMany(requests)
  const seconds = (performance.now() - startedAt) / 1000
  isOver = true
  await goodClient
  agent.destroy()

  t.comment(`${requests} requests over ${connections} connections in ${seconds.toFixed(1)} s; statuses:`, statuses)
  t.comment('the good client:', good)
  t.equal(child.exitCode, null, 'it did not crash')
  t.same(wrong.slice(0, 3), [], `nothing is answered with 5xx (seed ${seed})`)
  const errors = instance.log().split('\n').filter((line) => /"level":(?:50|60)/.test(line) && !line.includes('_OVERLOADED'))
  t.same(errors.slice(0, 3), [], 'nothing else is logged as an error')
  t.equal(good.bad, 0, `the good client was answered each time (seed ${seed})`)
  t.ok(good.slowest < 10_000, `its slowest answer took ${Math.round(good.slowest)} ms`)
  for (const status of ['200', '400', '404', '413', '414', '431']) {
    t.ok(statuses.has(status), `${status} is among the answers`)
  }
  await until(() => descriptors(child) <= descriptorsBefore, 'the end of all connections')
  const grown = (await liveMemory(instance) - memoryBefore) / 2 ** 20
  t.ok(grown < 20, `memory has grown by ${grown.toFixed(1)} MiB (seed ${seed})`)
})
