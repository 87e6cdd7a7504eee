import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync, closeSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, statSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { answering, proxies, scratch, start } from './proxies.ts'
import { freePort, startInstance, until, usersFile } from './server.ts'
import { trees } from './trees.ts'

t.setTimeout(900_000)

const root = resolve(import.meta.dirname, '..', '..')
const deploy = join(root, 'deploy')
const isRoot = process.getuid?.() === 0
/** An account that owns nothing. */
const nobody = isRoot ? { uid: 65534, gid: 65534 } : {}

t.test('the unit is valid and hardened, on a port and on a socket', async (t) => {
  const folder = scratch(t)
  const unit = join(folder, 'quickstart@5001.service')
  copyFileSync(join(deploy, 'quickstart@.service'), unit)
  execFileSync('systemd-analyze', ['verify', unit], { stdio: 'inherit' })
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], { encoding: 'utf8' })
  const [, exposure] = /Overall exposure level .*: ([\d.]+)/.exec(report) ?? []
  t.ok(Number(exposure) < 3, `exposure ${exposure}`)

  mkdirSync(`${unit}.d`)
  copyFileSync(join(deploy, 'socket.conf'), join(`${unit}.d`, 'socket.conf'))
  t.equal(spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' }).stderr, '')
})

t.test('each alert fires where it should, and asks for metrics that there are', async (t) => {
  const rules = join(deploy, 'alerts.yml')
  execFileSync('promtool', ['check', 'rules', rules], { stdio: 'inherit' })
  execFileSync('promtool', ['test', 'rules', join(root, 'test', 'deploy', 'alerts.promtool.yml')], { stdio: 'inherit' })

  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), usersFile)
  const metrics = `127.0.0.1:${await freePort()}`
  const env = { QUICKSTART_METRICS: metrics, QUICKSTART_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
  const { url } = await startInstance(t, folder, env, { args: ['--workers', '2'] })
  await fetch(`${url}/secret`)
  await answering(`http://${metrics}/metrics`)
  const served = await (await fetch(`http://${metrics}/metrics`)).text()
  const { groups } = parse(readFileSync(rules, 'utf8')) as { groups: { rules: { alert: string, expr: string }[] }[] }
  const wrong = groups.flatMap((group) => group.rules).flatMap(({ alert, expr }) => {
    const names = expr.match(/\b(?:http|quickstart|nodejs|process)_\w+/g) ?? []
    return names.filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(served)).map((name) => `${alert}: ${name}`)
  })
  t.same(wrong, [])
})

t.test('logrotate empties a log that the app goes on writing', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), usersFile)
  const logs = join(folder, 'log')
  mkdirSync(logs)
  const log = openSync(join(logs, '5001.log'), 'a') // as systemd opens it for StandardError=append:
  t.teardown(() => closeSync(log))
  const port = await freePort()
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, join(root, 'dist', 'bin', 'fastify-quickstart.js')], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', PORT: String(port), QUICKSTART_USERS_FILE: 'users' },
    stdio: ['ignore', 'ignore', log]
  })
  t.teardown(() => child.kill('SIGKILL'))
  await answering(`http://127.0.0.1:${port}/health`)
  const lines = (name: string) => readFileSync(join(logs, name), 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as { path?: string })
  const ask = async (path: string) => {
    await fetch(`http://127.0.0.1:${port}${path}`)
    await until(() => lines('5001.log').some((line) => line.path === path), `the line of ${path}`)
  }
  await ask('/hello')
  const before = statSync(join(logs, '5001.log')).ino
  const conf = join(folder, 'logrotate.conf')
  writeFileSync(conf, readFileSync(join(deploy, 'logrotate.conf'), 'utf8').replace('/var/log/quickstart', logs))
  chmodSync(conf, 0o644)
  execFileSync('logrotate', ['--force', '--state', join(folder, 'state'), conf], { stdio: 'inherit' })

  await ask('/user/alice')
  t.same(readdirSync(logs).sort(), ['5001.log', '5001.log.1'])
  t.equal(statSync(join(logs, '5001.log')).ino, before)
  t.ok(lines('5001.log.1').some(({ path }) => path === '/hello'))
  t.notOk(lines('5001.log').some(({ path }) => path === '/hello'), 'from its beginning, without a gap of zeros')
})

/** Runs the steps of the Dockerfile in a folder, as building the image does, and gives it to nobody to read. */
function buildImage (folder: string): string[] {
  const dockerfile = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
  const steps = [...dockerfile.matchAll(/^RUN (.*)$/gm)].map(([, step = '']) => step)
  for (const step of steps) execFileSync('sh', ['-c', step], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  execFileSync('chmod', ['-R', 'a=rX', folder])
  const [, words = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
  return JSON.parse(words) as string[]
}

interface Service {
  environment: Record<string, string>
  volumes: string[]
  command: string[]
}

/** Asks for the secret page through a proxy. */
async function login (port: number, name: string, password: string): Promise<number> {
  const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` }
  const answer = await fetch(`http://127.0.0.1:${port}/secret`, { headers })
  await answer.text()
  return answer.status
}

for (const [from, fill] of Object.entries(trees)) {
  t.test(`what compose.yaml starts, with the image from ${from}, counts failed logins in Redis`, async (t) => {
    const folder = scratch(t)
    const image = join(folder, 'image')
    mkdirSync(image)
    fill(image)
    const [node = '', ...args] = buildImage(image)
    const modules = readdirSync(join(image, 'node_modules'))
    for (const name of ['typescript', 'tap', 'eslint', 'fastify-cli']) t.notOk(modules.includes(name), `no ${name}`)
    for (const name of ['fastify', 'ioredis', 'prom-client']) t.ok(modules.includes(name), name)

    const { services } = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true }) as
      { services: Record<'one' | 'two' | 'valkey' | 'caddy', Service> }
    const redis = await freePort()
    start(t, 'redis-server', ['--port', String(redis), '--bind', '127.0.0.1', ...services.valkey.command], folder)

    // The folder of the accounts is mounted where the setting looks for the file.
    const accounts = join(folder, 'accounts')
    mkdirSync(accounts)
    writeFileSync(join(accounts, 'users'), usersFile + usersFile.replace('alice', 'bob'))
    const [mount = ''] = services.one.volumes
    const [, inside = ''] = mount.split(':')
    const instances = await Promise.all([services.one, services.two].map(async ({ environment }) => {
      const port = await freePort()
      const { QUICKSTART_USERS_FILE: users = '', QUICKSTART_REDIS_URL: url = '' } = environment
      // Without NODE_OPTIONS, by which tap would have the process write where nobody may.
      const child = start(t, 'env', ['-u', 'NODE_OPTIONS', node, ...args], image, {
        ...environment,
        NODE_ENV: 'production',
        PORT: String(port),
        QUICKSTART_USERS_FILE: users.replace(inside, accounts),
        QUICKSTART_REDIS_URL: url.replace('valkey:6379', `127.0.0.1:${redis}`),
        QUICKSTART_TRUST_PROXY: '127.0.0.1'
      }, nobody)
      await answering(`http://127.0.0.1:${port}/health`)
      return { child, port }
    }))
    const proxy = await freePort()
    const [one, two] = instances.map(({ port }) => `127.0.0.1:${port}`) as [string, string]
    proxies.caddy!(t, { folder, port: proxy, upstreams: [one, two] })
    await answering(`http://127.0.0.1:${proxy}/health`)

    t.equal(await login(proxy, 'alice', 'right'), 200)
    t.equal(await login(proxy, 'bob', 'right'), 200)
    // Five at each, by their own ports, which count as the proxy's; both know of ten.
    for (let attempt = 0; attempt < 5; attempt++) {
      for (const { port } of instances) t.equal(await login(port, 'carol', `wrong ${attempt}`), 401)
    }
    for (const { port } of instances) t.equal(await login(port, 'carol', 'wrong'), 429)

    // The command writes another file of that name: a folder that is mounted shows it.
    const before = statSync(join(accounts, 'users')).ino
    execFileSync('npx', ['fastify-quickstart', 'hash-password', 'bob', '--file', join(accounts, 'users'), '--delete'], { cwd: root })
    t.not(statSync(join(accounts, 'users')).ino, before)
    for (const { port } of instances) {
      await until(async () => await login(port, 'bob', 'right') === 401, 'that bob is out')
      t.equal(await login(port, 'alice', 'right'), 200)
    }

    for (const { child } of instances) {
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit') as [number]
      t.equal(code, 0)
    }
  })
}
