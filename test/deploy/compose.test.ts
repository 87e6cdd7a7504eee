import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { readSettings } from '../../app/settings/settings.ts'
import { setEnvironment } from '../environment.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (...names: string[]): string => readFileSync(join(root, ...names), 'utf8')
const text = read('deploy', 'compose.yaml')
const dockerfile = read('deploy', 'Dockerfile')

interface Service {
  image?: string
  environment: Record<string, string>
  volumes: string[]
  networks: { default: { ipv4_address: string } }
  stop_grace_period: string
  read_only: boolean
}

const { services, networks } = parse(text, { merge: true }) as {
  services: Record<'caddy' | 'one' | 'two' | 'valkey', Service>
  networks: { default: { ipam: { config: { subnet: string }[] } } }
}
const instances = [services.one, services.two]

t.test('the users\' folder is mounted, not the file, which would stay the old one', async (t) => {
  for (const { volumes, environment: { QUICKSTART_USERS_FILE: file = '' } } of instances) {
    const [mount = '', ...others] = volumes
    t.same(others, [])
    const [source = '', target, mode] = mount.split(':')
    t.equal(target, posix.dirname(file))
    t.equal(mode, 'ro')
    // What the documentation writes the users into, and what neither git, npm nor the image take along.
    const folder = posix.join('deploy', source)
    t.match(read('docs', 'deployment.md'), `hash-password alice --file ${folder}/${posix.basename(file)}\n`)
    t.match(read('.gitignore'), `/${folder}/\n`)
    t.match(read('deploy', 'Dockerfile.dockerignore'), `\n${folder}\n`)
    t.ok((JSON.parse(read('package.json')) as { files: string[] }).files.includes(`!${folder}`))
  }
})

t.test('settings are those that the app knows', async (t) => {
  for (const { environment } of instances) {
    setEnvironment(t, { ...environment, QUICKSTART_USERS_FILE: join(t.testdir({ users: '' }), 'users') })
    const { redisUrl, trustProxy } = readSettings()
    t.ok(Object.hasOwn(services, new URL(redisUrl!).hostname), 'Redis is a service')
    t.same(trustProxy, [services.caddy.networks.default.ipv4_address], 'Caddy alone is believed')
  }
  const [{ subnet = '' } = {}] = networks.default.ipam.config
  t.equal(subnet.replace(/\.0\/24$/, ''), services.caddy.networks.default.ipv4_address.replace(/\.\d+$/, ''))
})

t.test('Caddy asks the instances where they listen', async (t) => {
  const [, port] = /^ENV .*\bPORT=(\d+)/m.exec(dockerfile) ?? []
  const { ONE, TWO } = services.caddy.environment
  t.same([ONE, TWO], [`one:${port}`, `two:${port}`])
  for (const name of ['SITE', 'ONE', 'TWO']) t.match(read('deploy', 'Caddyfile'), `{$${name}:`)
})

t.test('an instance has the time to stop that the app takes', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production' })
  const { graceSeconds } = readSettings().stop
  for (const { stop_grace_period: time } of instances) t.ok(Number.parseInt(time) > graceSeconds, time)
})
