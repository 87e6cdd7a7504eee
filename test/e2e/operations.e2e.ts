import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync
} from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { descriptors, freePort, startInstance, until, usersFile } from './server.ts'

t.setTimeout(900_000)

const root = resolve(import.meta.dirname, '..', '..')
/** Requests for each of what happens to an instance. The documentation's figures are those of 30,000. */
const requests = Number(process.env.E2E_REQUESTS ?? 10_000)
const clients = 32

function scratch (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'operations-'))
  chmodSync(folder, 0o755) // others read it too
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a program, which is killed when the test ends. */
function start (t: Test, file: string, args: string[], cwd: string, env: Record<string, string> = {}): ChildProcess {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

async function answering (url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (await fetch(url).then(({ ok }) => ok, () => false)) return
    if (tries === 300) throw new Error(`${url} does not answer`)
    await setTimeout(100)
  }
}

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

const proxies: Record<string, (t: Test, folder: string, port: number, ports: number[]) => void> = {
  caddy (t, folder, port, [one, two]) {
    const options = '{\n\tadmin off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n'
    writeFileSync(join(folder, 'Caddyfile'), options + readFileSync(join(root, 'deploy', 'Caddyfile'), 'utf8'))
    start(t, 'caddy', ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'], folder, {
      SITE: `http://127.0.0.1:${port}`,
      ONE: `127.0.0.1:${one}`,
      TWO: `127.0.0.1:${two}`,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder
    })
  },
  nginx (t, folder, port, [one, two]) {
    // Without the certificate, which a test has not, and with ports that are free.
    const conf = readFileSync(join(root, 'deploy', 'nginx.conf'), 'utf8')
      .replace(/\nserver \{\n {4}listen 80;[^}]*\}\n/, '')
      .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
      .replace(/ {4}ssl_.*\n/g, '')
      .replace(':5001', `:${one}`)
      .replace(':5002', `:${two}`)
    writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/nginx.pid;
      error_log stderr crit; events {} http { access_log off; client_body_temp_path ${folder}/a;
      proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d;
      scgi_temp_path ${folder}/e;\n${conf}}`)
    start(t, 'nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], folder)
  }
}

for (const [name, startProxy] of Object.entries(proxies)) {
  t.test(`behind ${name}, an instance that stops, is replaced or is killed costs nearly nothing`, async (t) => {
    const folder = scratch(t)
    writeFileSync(join(folder, 'users'), usersFile)
    mkdirSync(join(folder, 'public'))
    const ports = [await freePort(), await freePort()]
    const [one = 0, two = 0] = ports
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
    startProxy(t, folder, port, ports)
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

t.test('the unit is valid and hardened', async (t) => {
  const unit = join(scratch(t), 'quickstart@5001.service')
  copyFileSync(join(root, 'deploy', 'quickstart@.service'), unit)
  execFileSync('systemd-analyze', ['verify', unit], { stdio: 'inherit' })
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], { encoding: 'utf8' })
  const [, exposure] = /Overall exposure level .*: ([\d.]+)/.exec(report) ?? []
  t.ok(Number(exposure) < 3, `exposure ${exposure}`)
})

t.test('the steps of the Dockerfile make a folder that nobody can run and nobody need write to', async (t) => {
  const folder = scratch(t)
  const archive = execFileSync('git', ['archive', 'HEAD'], { cwd: root, maxBuffer: 1e9 })
  execFileSync('tar', ['-x'], { cwd: folder, input: archive })
  const dockerfile = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')
  const steps = [...dockerfile.matchAll(/^RUN (.*)$/gm)].map(([, step = '']) => step)
  t.equal(steps.length, 3)
  for (const step of steps) execFileSync('sh', ['-c', step], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  for (const name of ['typescript', 'tap', 'eslint']) t.throws(() => readFileSync(join(folder, 'node_modules', name, 'package.json')))
  writeFileSync(join(folder, 'users'), usersFile)
  execFileSync('chmod', ['-R', 'a=rX', folder])

  const port = await freePort()
  const [, words = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
  const [node = '', ...args] = JSON.parse(words) as string[]
  // Without NODE_OPTIONS, by which tap would have the process write where nobody may.
  const server = spawn('env', ['-u', 'NODE_OPTIONS', node, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: String(port), QUICKSTART_USERS_FILE: 'users' },
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 })
  })
  t.teardown(() => server.kill('SIGKILL'))
  await answering(`http://127.0.0.1:${port}/health`)
  t.equal((await fetch(`http://127.0.0.1:${port}/secret`)).status, 401)
  server.kill('SIGTERM')
  const [code] = await once(server, 'exit') as [number]
  t.equal(code, 0)
})
