import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { answering, scratch } from './proxies.ts'
import { freePort, until } from './server.ts'

t.setTimeout(900_000)

const root = resolve(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'deployment.md'), 'utf8')
const skip = process.getuid?.() !== 0 && 'the steps are those of root'

/** The block of commands of this name in docs/deployment.md, without its indentation. */
function readBlock (name: string): string {
  const [, code] = new RegExp(`^ *\`\`\`sh ${name}\\n(.*?)^ *\`\`\`$`, 'ms').exec(page) ?? []
  if (code === undefined) throw new Error(`docs/deployment.md has no block ${name}`)
  return code
}

/** A machine of its own below a folder: the documentation's paths, account and ports, with others in their place. */
class Machine {
  readonly folder: string
  readonly ports: [string, string]
  readonly #env: Record<string, string>

  constructor (t: Test, ports: [number, number]) {
    this.folder = scratch(t)
    this.ports = [String(ports[0]), String(ports[1])]
    const bin = join(this.folder, 'bin')
    mkdirSync(bin)
    mkdirSync(join(this.folder, 'units'))
    mkdirSync(join(this.folder, 'srv'))
    mkdirSync(join(this.folder, 'etc'))
    const stub = join(root, 'test', 'e2e', 'systemctl.js')
    writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\nexec '${process.execPath}' '${stub}' "$@"\n`, { mode: 0o755 })
    writeFileSync(join(bin, 'useradd'), '#!/bin/sh\n', { mode: 0o755 }) // nobody is there already
    this.#env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: this.folder,
      npm_config_cache: process.env.npm_config_cache ?? execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim(),
      UNITS: join(this.folder, 'units'),
      STATE: join(this.folder, 'state'),
      ACCOUNT: '65534:65534'
    }
    t.teardown(() => this.run('systemctl stop quickstart@5001 quickstart@5002'))
  }

  /** The documentation's text with this machine's names. */
  translate (text: string): string {
    return text
      .replaceAll(/\/srv\/quickstart|\/etc\/quickstart|\/etc\/systemd\/system/g, (path) => join(this.folder, this.#names[path]!))
      .replaceAll('/usr/bin/node', process.execPath)
      .replaceAll(/-u quickstart\b/g, '-u nobody')
      .replaceAll(/(-g |root:|chgrp )quickstart\b/g, '$1nogroup')
      .replaceAll('5001', this.ports[0])
      .replaceAll('5002', this.ports[1])
  }

  readonly #names: Record<string, string> = {
    '/srv/quickstart': 'srv/quickstart',
    '/etc/quickstart': 'etc/quickstart',
    '/etc/systemd/system': 'units'
  }

  /** Runs commands of the documentation as root with the strictest mask. Returns the exit code and what was said. */
  run (commands: string, input = ''): { status: number | null, output: string } {
    const script = `umask 077; set -e\n${this.translate(commands)}`
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: '/', env: this.#env, input, encoding: 'utf8' })
    return { status, output: stdout + stderr }
  }

  /** Makes a release as the docs do, from a clone or the tarball, and gives the unit this machine's names. */
  release (t: Test, number: number, from: string): string {
    const renumber = (name: string) => readBlock(name).replaceAll('releases/1', `releases/${number}`)
    const [repository, tarball] = [join(this.folder, 'repository'), join(this.folder, 'package.tgz')]
    if (!existsSync(repository)) {
      execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, repository])
      const packing = ['pack', '--ignore-scripts', '--silent', '--pack-destination', this.folder]
      const name = execFileSync('npm', packing, { cwd: root, encoding: 'utf8' }).trim()
      execFileSync('mv', [join(this.folder, name), tarball])
    }
    const steps = renumber(from).replace('REPOSITORY', repository).replace('TARBALL', tarball)
    this.expect(t, steps)
    const folder = join(this.folder, 'srv', 'quickstart', 'releases', String(number))
    for (const name of readdirSync(join(folder, 'deploy'))) {
      if (!/\.service$|^settings$/.test(name)) continue
      writeFileSync(join(folder, 'deploy', name), this.translate(readFileSync(join(folder, 'deploy', name), 'utf8')))
    }
    this.expect(t, renumber('modes'))
    return folder
  }

  expect (t: Test, commands: string, input?: string): void {
    const { status, output } = this.run(commands, input)
    t.equal(status, 0, commands)
    if (status !== 0) t.comment(output)
  }
}

/** The instances are replaced while this process waits for commands, so no connection is kept. */
const closing = { connection: 'close' }

async function readText (port: string, path: string): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: closing })).text()
}

async function readVersion (port: string): Promise<string> {
  return await readText(port, '/static/version.txt')
}

async function login (port: string, name: string): Promise<number> {
  const headers = { ...closing, authorization: `Basic ${btoa(`${name}:right`)}` }
  const answer = await fetch(`http://127.0.0.1:${port}/secret`, { headers })
  await answer.text()
  return answer.status
}

for (const from of ['from-a-clone', 'from-the-tarball']) {
  t.test(`deployment.md's steps, ${from}, with a mask of 077`, { skip }, async (t) => {
    const machine = new Machine(t, [await freePort(), await freePort()])
    machine.expect(t, readBlock('accounts'))
    const first = machine.release(t, 1, from)
    writeFileSync(join(first, 'public', 'version.txt'), 'one')
    chmodSync(join(first, 'public', 'version.txt'), 0o644)
    machine.expect(t, readBlock('settings'), 'right\n')

    t.match(machine.run(readBlock('check')), { status: 0, output: /^ready\n/ })
    const broken: [what: string, before: string, after: string][] = [
      ['the users', 'chmod 600 /etc/quickstart/users', 'chmod 640 /etc/quickstart/users'],
      ['the settings', 'chmod 600 /etc/quickstart/settings', 'chmod 640 /etc/quickstart/settings'],
      ['the code', 'chmod 700 /srv/quickstart/releases/1', 'chmod 750 /srv/quickstart/releases/1'],
      ['a module', 'chmod 700 /srv/quickstart/releases/1/node_modules/fastify', 'chmod 750 /srv/quickstart/releases/1/node_modules/fastify']
    ]
    for (const [what, before, after] of broken) {
      machine.expect(t, before)
      t.not(machine.run(readBlock('check')).status, 0, `the account cannot read ${what}`)
      machine.expect(t, after)
    }

    machine.expect(t, readBlock('start'))
    const [one] = machine.ports
    for (const port of machine.ports) {
      await answering(`http://127.0.0.1:${port}/health`)
      t.equal(await login(port, 'alice'), 200)
      t.equal(await login(port, 'bob'), 401)
    }

    // A user who comes, and one who goes, while they run.
    machine.expect(t, 'cd /srv/quickstart/current\nnode bin/run.js hash-password bob --file /etc/quickstart/users', 'right\n')
    for (const port of machine.ports) await until(async () => await login(port, 'bob') === 200, 'that bob is in')
    machine.expect(t, 'cd /srv/quickstart/current\nnode bin/run.js hash-password alice --file /etc/quickstart/users --delete')
    for (const port of machine.ports) await until(async () => await login(port, 'alice') === 401, 'that alice is out')

    const second = machine.release(t, 2, from)
    writeFileSync(join(second, 'public', 'version.txt'), 'two')
    chmodSync(join(second, 'public', 'version.txt'), 0o644)
    t.match(machine.run(readBlock('check-the-new-one')), { status: 0, output: /^ready\n/ }, 'while the old one runs')
    t.equal(await readVersion(one), 'one')
    machine.expect(t, readBlock('switch'))
    for (const port of machine.ports) t.equal(await readVersion(port), 'two')
    machine.expect(t, readBlock('back'))
    for (const port of machine.ports) t.equal(await readVersion(port), 'one')

    // One that does not start is not let take the other's place.
    appendFileSync(join(second, 'views', 'index.eta'), '<% broken(')
    t.not(machine.run(readBlock('check-the-new-one')).status, 0)
    machine.run(readBlock('switch'))
    t.equal(await readVersion(machine.ports[1]), 'one', 'the other serves')
    machine.expect(t, readBlock('back'))
    for (const port of machine.ports) t.equal(await readVersion(port), 'one')
  })
}

t.test('with workers, a reload follows the link', { skip }, async (t) => {
  const machine = new Machine(t, [await freePort(), await freePort()])
  machine.expect(t, readBlock('accounts'))
  const folders = [machine.release(t, 1, 'from-the-tarball'), machine.release(t, 2, 'from-the-tarball')]
  for (const [index, folder] of folders.entries()) {
    writeFileSync(join(folder, 'public', 'version.txt'), ['one', 'two'][index]!)
    chmodSync(join(folder, 'public', 'version.txt'), 0o644)
    // The code is another one, too.
    const built = join(folder, 'dist', 'plugins', 'hello', 'index.js')
    writeFileSync(built, readFileSync(built, 'utf8').replaceAll('Hello World!', `Hello ${['one', 'two'][index]!}!`))
  }
  machine.expect(t, readBlock('settings'), 'right\n')
  machine.expect(t, 'ln -s releases/1 /srv/quickstart/current\ncp /srv/quickstart/current/deploy/quickstart@.service /etc/systemd/system/')
  mkdirSync(join(machine.folder, 'units', 'quickstart@.service.d'))
  writeFileSync(join(machine.folder, 'units', 'quickstart@.service.d', 'workers.conf'),
    machine.translate('[Service]\nExecStart=\nExecStart=/usr/bin/node bin/run.js --workers 2\n'))
  machine.expect(t, 'systemctl enable --now quickstart@5001')
  const [port] = machine.ports
  const readAll = async () => `${await readVersion(port)}, ${await readText(port, '/hello')}`
  await answering(`http://127.0.0.1:${port}/health`)
  t.equal(await readAll(), 'one, Hello one!')

  for (const [number, expected] of [[2, 'two, Hello two!'], [1, 'one, Hello one!']] as const) {
    const log = () => readFileSync(join(machine.folder, 'state', `quickstart@${port}.log`), 'utf8').split('SIGHUP: done').length
    const before = log()
    machine.expect(t, `ln -s releases/${number} /srv/quickstart/next && mv -T /srv/quickstart/next /srv/quickstart/current`)
    machine.expect(t, readBlock('reload'))
    await until(() => log() > before, 'the end of the reload', 60)
    t.equal(await readAll(), expected)
  }

  // A link that leads nowhere, or a folder that is gone: those that serve stay.
  machine.expect(t, 'ln -s releases/3 /srv/quickstart/next && mv -T /srv/quickstart/next /srv/quickstart/current')
  machine.expect(t, readBlock('reload'))
  await until(() => readFileSync(join(machine.folder, 'state', `quickstart@${port}.log`), 'utf8').includes('could not start'), 'the line')
  t.equal(await readAll(), 'one, Hello one!')
})
