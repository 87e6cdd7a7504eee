import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { answering, proxies, scratch } from './proxies.ts'
import { descriptors, freePort, startInstance, until, usersFile } from './server.ts'

t.setTimeout(900_000)

/** Requests for each of what happens to an instance. The documentation's figures are those of 30,000. */
const requests = Number(process.env.E2E_REQUESTS ?? 10_000)
const clients = 32

interface Result {
  sent: number
  bad: number
  /** When the last bad answer came, as performance.now() has it. */
  lastBad: number
}

/** Whether an answer is what was asked for. */
type IsGood = (path: string, answer: { status?: number, immutable: boolean, body: string }) => boolean

/**
 * Asks for one path after the other over keep-alive connections in a closed loop, until so many requests are answered
 * and `during` is over.
 */
async function load (
  port: number, paths: readonly string[], isGood: IsGood, during: () => Promise<unknown>
): Promise<Result> {
  const result = { sent: 0, bad: 0, lastBad: 0 }
  let isOver = false
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
    while (result.sent < requests || !isOver) {
      const path = paths[result.sent++ % paths.length]! // the remainder is an index
      const good = await new Promise<boolean>((resolve) => {
        get({ host: '127.0.0.1', port, path, agent }, (answer) => {
          let body = ''
          answer.on('data', (chunk: Buffer) => { body += chunk.toString('latin1') }).on('error', () => resolve(false))
          const immutable = answer.headers['cache-control']?.includes('immutable') ?? false
          answer.on('end', () => resolve(isGood(path, { status: answer.statusCode, immutable, body })))
        }).on('error', () => resolve(false))
      })
      if (good) continue
      result.bad++
      result.lastBad = performance.now()
    }
    agent.destroy()
  }
  await Promise.all([
    ...Array.from({ length: clients }, client),
    setTimeout(500).then(during).then(() => { isOver = true })
  ])
  return result
}

for (const [name, startProxy] of Object.entries(proxies)) {
  t.test(`behind ${name}, an instance that stops, is replaced or is killed costs nearly nothing`, async (t) => {
    const folder = scratch(t)
    writeFileSync(join(folder, 'users'), usersFile)
    mkdirSync(join(folder, 'public'))
    const [one, two] = [await freePort(), await freePort()]
    const instance = async (port: number) => await startInstance(t, folder, { PORT: String(port) })

    /** What is asked for: a page's script is added with each change of it, and its older URLs go on being asked for. */
    const paths = ['/hello']
    const scripts = new Map<string, string>()
    const writeScript = (text: string) => writeFileSync(join(folder, 'public', 'app.js'), text)
    const addScript = async (port: number, text: string): Promise<void> => {
      const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
      const [, path = ''] = /src="(\/static\/[^"]*app[^"]+)"/.exec(page) ?? []
      t.notOk(scripts.has(path), 'each change of the script has a URL of its own')
      scripts.set(path, text)
      paths.push(path)
    }
    // What a browser keeps for a year must be what that URL stood for.
    const isGood: IsGood = (path, { status, immutable, body }) =>
      status === 200 && (!immutable || body === scripts.get(path))

    writeScript('first')
    let first = await instance(one)
    let second = await instance(two)
    await addScript(one, 'first')
    const port = await freePort()
    startProxy(t, { folder, port, upstreams: [`127.0.0.1:${one}`, `127.0.0.1:${two}`] })
    await answering(`http://127.0.0.1:${port}/health`)

    async function stop ({ child }: { child: ChildProcess }): Promise<void> {
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit') as [number]
      t.equal(code, 0)
    }
    const stopped = await load(port, paths, isGood, async () => await stop(first))
    t.comment(`SIGTERM: ${stopped.bad} bad of ${stopped.sent}`)
    t.equal(stopped.bad, 0, 'SIGTERM of one')
    first = await instance(one)
    await setTimeout(5500) // until the proxy asks it again

    const rolled = await load(port, paths, isGood, async () => {
      writeScript('second')
      await stop(first)
      first = await instance(one)
      await addScript(one, 'second')
      await setTimeout(5500)
      await stop(second)
      second = await instance(two)
    })
    t.comment(`both replaced, with changed files: ${rolled.bad} bad of ${rolled.sent}`)
    t.equal(rolled.bad, 0, 'both are replaced, one after the other')
    await setTimeout(5500)

    let killedAt = 0
    const killed = await load(port, paths, isGood, async () => {
      second.child.kill('SIGKILL')
      killedAt = performance.now()
      await setTimeout(3000)
    })
    const seconds = killed.bad === 0 ? 0 : (killed.lastBad - killedAt) / 1000
    t.comment(`kill -9: ${killed.bad} bad of ${killed.sent}, the last after ${seconds} s`)
    t.ok(killed.bad <= clients, `kill -9 of one: ${killed.bad} bad answers`)
    t.ok(seconds < 2, `the last of them after ${seconds} s`)
  })
}

t.test('the limits of time are as documented', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), usersFile)
  mkdirSync(join(folder, 'public'))
  writeFileSync(join(folder, 'public', 'big.bin'), '')
  truncateSync(join(folder, 'public', 'big.bin'), 2 ** 30) // more than the system takes over for a slow client
  const { port } = await startInstance(t, folder)

  /** Asks for a file and reads nothing of it. Answers after how many seconds the server has given it up. */
  async function stall (): Promise<number> {
    const { child, port } = await startInstance(t, folder)
    const before = descriptors(child)
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    t.teardown(() => socket.destroy())
    socket.write('GET /static/big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => descriptors(child) > before + 1, 'the download') // a connection and a file
    const startedAt = performance.now()
    await until(() => descriptors(child) <= before, 'the end of a stalled download', 300)
    return (performance.now() - startedAt) / 1000
  }
  /** Sends a text and then nothing. Answers what came back, and after how many seconds the connection ended. */
  async function silence (text: string): Promise<[answer: string, seconds: number]> {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    const startedAt = performance.now()
    let answer = ''
    socket.on('data', (chunk: Buffer) => { answer += chunk.toString('latin1') })
    socket.write(text)
    await once(socket, 'close')
    return [answer, (performance.now() - startedAt) / 1000]
  }
  const head = 'POST /user HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n' +
    'Content-Type: application/x-www-form-urlencoded\r\n'
  const [stalled, headers, body, whole] = await Promise.all([
    stall(),
    silence(head),
    silence(`${head}\r\nusername`),
    silence('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
  ])
  t.ok(stalled >= 120 && stalled < 280, `stalled download: ${stalled} s`)
  t.match(headers[0], /^HTTP\/1\.1 408 /)
  t.ok(headers[1] >= 15 && headers[1] < 18, `half-sent headers: ${headers[1]} s`)
  t.match(body[0], /^HTTP\/1\.1 408 /)
  t.ok(body[1] >= 30 && body[1] < 33, `half-sent body: ${body[1]} s`)
  t.match(whole[0], /^HTTP\/1\.1 200 /)
  t.ok(whole[1] >= 149 && whole[1] < 156, `idle connection: ${whole[1]} s`)
})
