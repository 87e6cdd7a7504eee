import { once } from 'node:events'
import { accessSync, constants, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer, Server } from 'node:net'
import { join, resolve } from 'node:path'
import t from 'tap'
import { main } from '../../bin/main.ts'
import { setEnvironment } from '../environment.ts'
import { lacks } from '../system.ts'
import { runHere } from './run-here.ts'

t.test('says how to use it, and its version', async (t) => {
  const cases: [args: string[], stdout: RegExp][] = [
    [['--help'], /fastify-quickstart hash-password/],
    [['-p', '80', '-h'], /fastify-quickstart routes/],
    [['routes', '--help'], /Flags/],
    [['-v'], /^\d+\.\d+\.\d+(?:-[\w.]+)?\n$/],
    [['check', '--version'], /^\d+\.\d+\.\d+(?:-[\w.]+)?\n$/]
  ]
  for (const [args, stdout] of cases) t.match(await runHere(t, args), { exitCode: 0, stdout, stderr: '' }, args.join(' '))
})

t.test('refuses wrong words with one line, which lists the right ones and names the nearest', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  const commands = 'the commands are routes, check, dev, new, hash-password, and without one the server starts'
  const flags = 'there are --hello, --static, --templates, --params, --auth, --tutorial, --routes, --csp, --log-level'
  const wrong: [args: string[], says: string | RegExp][] = [
    [['nwe'], `Unexpected argument 'nwe' (did you mean new?); ${commands}`],
    [['rotes'], `Unexpected argument 'rotes' (did you mean routes?); ${commands}`],
    [['chekc', '--hello=false'], `Unexpected argument 'chekc' (did you mean check?); ${commands}`],
    [['hashpassword'], `Unexpected argument 'hashpassword' (did you mean hash-password?); ${commands}`],
    [['NEW'], `Unexpected argument 'NEW'; ${commands}`],
    [['serve'], `Unexpected argument 'serve'; ${commands}`],
    [['start'], `Unexpected argument 'start'; ${commands}`],
    [['--port', '0', 'routes'], /^Unexpected argument 'routes'/],
    [['--prt', '80'], `Unknown option '--prt' (did you mean --port?); ${flags}, --port, --address, --socket, --workers, --reload`],
    [['--prot=80'], `Unknown option '--prot' (did you mean --port?); ${flags}, --port, --address, --socket, --workers, --reload`],
    [['--woker', '2'], /^Unknown option '--woker' \(did you mean --workers\?\); there are /],
    [['--daemonize'], /^Unknown option '--daemonize'; there are /],
    [['-x'], /^Unknown option '-x'; there are /],
    [['routes', '--port', '80'], `Unknown option '--port'; ${flags}`],
    [['check', '--temlpates=false'], `Unknown option '--temlpates' (did you mean --templates?); ${flags}, --port, --address, --socket`],
    [['routes', 'all'], /^Unexpected argument 'all'/],
    [['new', 'app', '--form', 'minimal'], "Unknown option '--form' (did you mean --from?); there are --from, --ts, --js"],
    [['new', 'app', '--from', 'minmal'], /^there is no example "minmal" \(did you mean minimal\?\); --from takes one of all-five, /],
    [['--port', '--auth=false'], /^Option '(?:-p, )?--port(?: <value>)?' argument is ambiguous\. Did you forget/],
    [['--port', 'http'], '--port is "http"; it takes a number from 0 to 65535'],
    [['--port', ''], '--port is ""; it takes a number from 0 to 65535'],
    [['--port', '99999'], '--port is "99999"; it takes a number from 0 to 65535'],
    [['--address', ''], '--address takes a name or an address of this machine'],
    [['--socket', ''], '--socket takes a path of 1 to 103 bytes'],
    [['--socket', 'x'.repeat(104)], '--socket takes a path of 1 to 103 bytes'],
    [['--socket', 'x', '--port', '1'], '--socket and --port or --address exclude each other'],
    [['--socket', 'x', '--address', '::1'], '--socket and --port or --address exclude each other'],
    [['--workers', 'many'], '--workers is "many"; it takes a number from 1 to 999, or auto for one for each core'],
    [['--workers', '0'], '--workers is "0"; it takes a number from 1 to 999, or auto for one for each core'],
    [['--log-level', 'loud'], /^--log-level is "loud"; it takes one of silent, fatal, /],
    [['routes', '--log-level', 'loud'], /^--log-level is "loud"; it takes one of silent, fatal, /],
    [['--routes', 'nowhere.js'], '--routes nowhere.js does not exist'],
    [['--routes='], '--routes takes the path of a file'],
    [['routes', '--csp=self'], /^"csp" is "self", where "self" is not a directive \(--csp as a flag\); /],
    [['--auth=maybe'], /^"auth" is "maybe"/],
    [['--auth', 'maybe'], /^"auth" is "maybe"/],
    [['--tutorial=maybe'], '"tutorial" is "maybe" (--tutorial as a flag); it takes true or false'],
    [['--tutorials=false'], /^Unknown option '--tutorials' \(did you mean --tutorial\?\); there are /],
    [['--tutorial', '--hello', 'more'], /^"hello" is "more"/]
  ]
  const found: unknown[] = []
  for (const [args, says] of wrong) {
    const { exitCode, stdout, stderr } = await runHere(t, args)
    const line = /^fastify-quickstart: ([^\n]*)\n$/.exec(stderr)?.[1] ?? `not one line: ${stderr}`
    const isRight = typeof says === 'string' ? line === says : says.test(line)
    if (exitCode !== 1 || stdout !== '' || !isRight) found.push([args.join(' '), exitCode, stdout, line])
  }
  t.same(found, [])
})

t.test('a start that fails is one line that says what is wrong', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo // it listens on a port
  t.chdir(t.testdir({ 'taken.mjs': 'export default async (app) => { app.get("/hello", async () => "mine") }' }))
  const wrong: [args: string[], variables: Record<string, string>, says: string | RegExp][] = [
    [[], { QUICKSTART_AUTH: 'maybe' }, 'QUICKSTART_AUTH is "maybe"; it takes true or false'],
    [[], { QUICKSTART_PROTECT: '/nowhere' }, /^QUICKSTART_PROTECT: .*"\/nowhere"/],
    [[], { PORT: '0x50' }, 'PORT is "0x50"; it takes a number from 0 to 65535'],
    [['--port', String(port)], {}, `127.0.0.1:${port} is in use; choose another port with PORT or --port`],
    [['--address', '192.0.2.1'], {}, '192.0.2.1 is not an address of this machine; choose another with HOST or --address'],
    [[], { HOST: 'nohost.invalid' }, 'nohost.invalid is not a name or an address of this machine; choose another with HOST or --address'],
    [['--socket', 'no/folder/socket'], {}, '--socket no/folder/socket cannot be listened on: the folder no/folder does not exist'],
    [['--routes', 'taken.mjs'], {}, /'GET'.*'\/hello'.*; choose another path, or switch off the topic that has this one$/],
    [[], { NODE_ENV: 'production' }, /QUICKSTART_USERS_FILE/]
  ]
  const found: unknown[] = []
  for (const [args, variables, says] of wrong) {
    setEnvironment(t, { PORT: '0', HOST: undefined, ...variables })
    const { exitCode, stdout, stderr } = await runHere(t, [...args, '--log-level', 'fatal'])
    const line = /^fastify-quickstart: ([^\n]*)\n$/.exec(stderr)?.[1] ?? `not one line: ${stderr}`
    const isRight = typeof says === 'string' ? line === says : says.test(line)
    if (exitCode !== 1 || stdout !== '' || !isRight) found.push([args.join(' '), variables, exitCode, stdout, line])
  }
  t.same(found, [])
})

t.test('a folder that cannot be looked at is one line', { skip: lacks.links }, async (t) => {
  setEnvironment(t)
  const folder = t.testdir({})
  symlinkSync('views', join(folder, 'views'))
  t.chdir(folder)
  const stderr = 'fastify-quickstart: views/ of the current folder cannot be read (ELOOP)\n'
  t.match(await runHere(t, []), { exitCode: 1, stdout: '', stderr })
})

t.test('a fault of the program is not hidden', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  t.intercept(Server.prototype, 'listen', { value: () => { throw new TypeError('a fault') } })
  await t.rejects(main(['--port', '0', '--log-level', 'fatal']), { message: 'a fault' })
})

t.test('leaves one listener behind, however often it starts', async (t) => {
  setEnvironment(t, { QUICKSTART_AUTH: 'maybe' })
  await runHere(t, [])
  const before = [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'))
  await runHere(t, [])
  t.same([process.stdout, process.stderr].map((stream) => stream.listenerCount('error')), before)
})

t.test('npm links a file of the repository, which keeps its run bit', async (t) => {
  const link = resolve(import.meta.dirname, '..', '..', 'bin', 'run.js')
  t.doesNotThrow(() => accessSync(link, constants.X_OK))
})
