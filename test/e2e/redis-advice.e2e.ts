import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scratch } from './proxies.ts'
import { usersFile } from './server.ts'
import { trees } from './trees.ts'

t.setTimeout(900_000)

t.test('the advice for a missing ioredis is right where it is given', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'users'), usersFile)
  const env = { QUICKSTART_REDIS_URL: 'redis://127.0.0.1:1', QUICKSTART_USERS_FILE: join(folder, 'users') }
  function run (command: string, args: string[], cwd: string, more: Record<string, string> = {}) {
    const own = { ...process.env, NODE_OPTIONS: '', ...env, ...more }
    return spawnSync(command, args, { cwd, encoding: 'utf8', env: own })
  }
  const check = (cwd: string, command: string) => run(process.execPath, [command, 'check'], cwd, { NODE_ENV: 'production' })

  const clone = join(folder, 'clone')
  mkdirSync(clone)
  trees['a clone']!(clone)
  execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: clone })
  execFileSync('npm', ['run', 'build'], { cwd: clone })
  execFileSync('npm', ['prune', '--omit=dev', '--no-audit', '--no-fund'], { cwd: clone })

  const tarball = join(folder, 'tarball')
  mkdirSync(tarball)
  trees['the tarball']!(tarball)
  const [archive = ''] = readdirSync(tarball).filter((name) => name.endsWith('.tgz'))
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "devDependencies": { "ms": "*" } }')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(tarball, archive)], { cwd: project })
  execFileSync('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: tarball })

  const inProject = 'node_modules/fastify-quickstart/bin/run.js'
  const rows: [where: string, cwd: string, command: string, isServer: boolean, env: Record<string, string>][] = [
    ['a clone on a server', clone, 'bin/run.js', true, {}],
    ['a clone on a server, with NODE_ENV', clone, 'bin/run.js', false, { NODE_ENV: 'production' }],
    ['the tarball', tarball, 'bin/run.js', true, {}],
    ['a project', project, inProject, false, {}],
    ['a project on a server', project, inProject, true, {}],
    ['a project on a server, with NODE_ENV', project, inProject, false, { NODE_ENV: 'production' }]
  ]
  for (const [where, source, command, isServer, more] of rows) {
    const copy = join(folder, where.replaceAll(/\W/g, '-'))
    cpSync(source, copy, { recursive: true, verbatimSymlinks: true })
    const { stderr, status } = check(copy, command)
    t.equal(status, 1, where)
    const [, advice = '', flag = ''] = /ioredis: (npm install .*) \(on a server with (\S+)\)/.exec(stderr) ?? []
    const words = [...advice.split(' ').slice(1), ...isServer ? [flag] : [], '--no-audit', '--no-fund', '--prefer-offline']
    const modules = () => readdirSync(join(copy, 'node_modules'))
    const before = modules().length
    t.equal(run('npm', words, copy, more).status, 0, where)
    t.match(check(copy, command), { status: 0, stdout: /counted in Redis/ }, where)
    t.ok(modules().length < before + 20, `${where}: ${modules().length - before} more folders of modules, and none for development`)
    if (where === 'a project') t.ok(modules().includes('ms'), 'what was installed stays')
  }
})
