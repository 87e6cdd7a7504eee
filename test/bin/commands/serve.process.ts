import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { authOfCommand, command, environment, routesFile, serving } from '../command.ts'
import { lacks } from '../../system.ts'

t.test('takes a file of routes of one\'s own', async (t) => {
  const { url } = await serving(t, t.testdir({ 'routes.mjs': routesFile(authOfCommand) }), ['--routes', './routes.mjs'])
  t.equal((await fetch(`${url}/own`)).status, 401)
  t.equal(await (await fetch(`${url}/own`, { method: 'PUT' })).text(), 'put')
})

t.test('an uncaught error is logged with its stack, and ends the server with exit code 1', async (t) => {
  const folder = t.testdir({ 'routes.mjs': routesFile(authOfCommand) })
  const cases: [path: string, env: Record<string, string>, log: RegExp][] = [
    ['/throw', {}, /fatal: an uncaught error ends the server\n {2}Error: thrown at large\n {6}at .*routes\.mjs/],
    ['/reject', {}, /fatal: an uncaught error ends the server\n {2}Error: rejected at large\n {6}at .*routes\.mjs/],
    ['/null', {}, /fatal: an uncaught error ends the server\n {2}Error: thrown: null\n/],
    ['/text', { NODE_ENV: 'production', QUICKSTART_AUTH: 'true', QUICKSTART_USERS_FILE: 'users' }, /"level":60,.*"err":\{.*thrown: 'a text'.*"stack":/]
  ]
  for (const [path, env, log] of cases) {
    await t.test(path, async (t) => {
      const users = t.testdir({ users: 'alice:$2b$04$EPXwvS2yDIYnKNTtpBRNuOJTbyJqGFCtbSQwhmDtNJwBmZvXmHVBq\n' })
      if (env.QUICKSTART_USERS_FILE !== undefined) env.QUICKSTART_USERS_FILE = join(users, 'users')
      const { url, exited, output } = await serving(t, folder, ['--routes', join(folder, 'routes.mjs')], env)
      await fetch(url + path).catch(() => {}) // the end of the server may be faster than the answer
      t.same(await exited, [1, null])
      t.match(output.stderr, log)
    })
  }
})

t.test('goes on when nobody reads the log any more', async (t) => {
  const { url, child, output } = await serving(t, t.testdir({}), ['--log-level', 'info'])
  await fetch(`${url}/before`)
  for (let wait = 0; wait < 100 && !output.stderr.includes('/before'); wait++) await setTimeout(20)
  t.match(output.stderr, '404 GET /before')
  child.stderr?.destroy()
  child.stdout?.destroy()
  for (let request = 0; request < 5; request++) {
    t.equal((await fetch(`${url}/after`)).status, 404)
    await setTimeout(20)
  }
  t.equal(child.exitCode, null)
})

t.test('outlives a crowd that leaves no file descriptor, and answers again', { skip: lacks.limits }, async (t) => {
  // The shell lowers the limit for the server alone.
  const folder = t.testdir({})
  const args = ['-c', 'ulimit -n 300 && exec "$0" "$@"', process.execPath, ...command, '--port', '0']
  const child = spawn('/bin/sh', args, { cwd: folder, env: environment() })
  const exited = once(child, 'close')
  t.teardown(async () => { child.kill('SIGTERM'); await exited })
  const [line] = await once(child.stdout, 'data') as [Buffer]
  const [, port] = /:(\d+)\//.exec(line.toString()) ?? []
  const url = `http://127.0.0.1:${port}`
  t.equal((await fetch(`${url}/health`, { headers: { connection: 'close' } })).status, 200)

  const crowd: Socket[] = []
  t.teardown(() => { for (const socket of crowd) socket.destroy() })
  for (let visitor = 0; visitor < 400; visitor++) {
    crowd.push(connect(Number(port), '127.0.0.1').on('error', () => {}))
  }
  await setTimeout(3500) // the load is looked at each second
  t.equal(child.exitCode, null)
  for (const socket of crowd) socket.destroy()
  let status = 0
  for (let wait = 0; wait < 50 && status !== 200; wait++) {
    await setTimeout(100)
    status = await fetch(`${url}/`).then((answer) => answer.status, () => 0)
  }
  t.equal(status, 200)
})
