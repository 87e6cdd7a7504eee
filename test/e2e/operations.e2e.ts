import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freePort } from './server.js'

t.setTimeout(600_000)

const root = resolve(import.meta.dirname, '..', '..')
const command = join(root, 'dist', 'bin', 'fastify-quickstart.js')
const requests = 10_000
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

/** An instance in production, as the documentation starts it. */
async function instance (t: Test, port: number, folder: string): Promise<ChildProcess> {
  const child = start(t, process.execPath, [command], folder, {
    NODE_ENV: 'production',
    PORT: String(port),
    QUICKSTART_USERS_FILE: 'users',
    QUICKSTART_TRUST_PROXY: '127.0.0.1',
    QUICKSTART_LOG_LEVEL: 'warn'
  })
  await answering(`http://127.0.0.1:${port}/health`)
  return child
}

interface Result {
  bad: number
  /** Seconds after `since()` of the last bad answer. */
  lastBad: number
}

/** Sends requests over keep-alive connections in a closed loop, until so many are answered and `during` is over. */
async function load (port: number, during: () => Promise<unknown>): Promise<Result> {
  const result = { bad: 0, lastBad: 0 }
  let left = requests
  let isOver = false
  const startedAt = performance.now()
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    // eslint-disable-next-line no-unmodified-loop-condition -- it is, below, while these wait
    while (left-- > 0 || !isOver) {
      const status = await new Promise<number>((resolve) => {
        get({ host: '127.0.0.1', port, path: '/hello', agent }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0)).on('error', () => resolve(0))
        }).on('error', () => resolve(0))
      })
      if (status === 200) continue
      result.bad++
      result.lastBad = (performance.now() - startedAt) / 1000
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
    const options = '{\n\tadmin off\n}\n'
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
    writeFileSync(join(folder, 'users'), 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n')
    const ports = [await freePort(), await freePort()]
    const [one = 0, two = 0] = ports
    let first = await instance(t, one, folder)
    let second = await instance(t, two, folder)
    const port = await freePort()
    startProxy(t, folder, port, ports)
    await answering(`http://127.0.0.1:${port}/health`)

    async function stop (child: ChildProcess): Promise<void> {
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit') as [number]
      t.equal(code, 0)
    }
    const stopped = await load(port, async () => await stop(first))
    t.equal(stopped.bad, 0, 'SIGTERM of one')
    first = await instance(t, one, folder)
    await setTimeout(5500) // until the proxy asks it again

    const rolled = await load(port, async () => {
      await stop(first)
      first = await instance(t, one, folder)
      await setTimeout(5500)
      await stop(second)
      second = await instance(t, two, folder)
    })
    t.equal(rolled.bad, 0, 'both are replaced, one after the other')
    await setTimeout(5500)

    const killed = await load(port, async () => {
      second.kill('SIGKILL')
      await setTimeout(3000)
    })
    t.ok(killed.bad <= clients, `kill -9 of one: ${killed.bad} bad answers`)
    t.ok(killed.lastBad < 0.5 + 2, `the last of them ${killed.lastBad} s after the start`)
  })
}

t.test('the limits of time are as documented', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n')
  const port = await freePort()
  await instance(t, port, folder)

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
  const [headers, body, whole] = await Promise.all([
    silence(head),
    silence(`${head}\r\nusername`),
    silence('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
  ])
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
  writeFileSync(join(folder, 'users'), 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n')
  execFileSync('chmod', ['-R', 'a=rX', folder])

  const port = await freePort()
  const [, words = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
  const [node = '', ...args] = JSON.parse(words) as string[]
  const server = spawn(node, args, {
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
