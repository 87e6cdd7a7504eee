import { EventEmitter } from 'node:events'
import t from 'tap'
import { CannotStart, describeListenFailure, isFastifyStart, reportStartFailure } from '../../../app/operation/start-failure.ts'
import { setEnvironment } from '../../environment.ts'

/** A stand-in for `process` that notes what is written and whether it would have ended. */
function fakeProcess () {
  const written: string[] = []
  const exitCodes: number[] = []
  const process = Object.assign(new EventEmitter(), {
    stderr: { write: (text: string) => written.push(text) },
    exit: (code: number) => { exitCodes.push(code) }
  })
  return { process, written, exitCodes }
}

t.test('what the operator can do something about is one line and exit code 1', async (t) => {
  setEnvironment(t, { FASTIFY_SOCKET: '/run/app.sock' })
  const failures: [error: object, line: string][] = [
    [{ code: 'EADDRINUSE', address: '127.0.0.1', port: 5001 }, '127.0.0.1:5001 is in use; choose another port with PORT or --port'],
    [{ code: 'EACCES', address: '127.0.0.1', port: 80 }, '127.0.0.1:80 may not be used by this account; choose a port above 1023 with PORT or --port'],
    [{ code: 'EADDRNOTAVAIL', address: '192.0.2.1', port: 80 }, '192.0.2.1:80 is not an address of this machine; choose another with HOST or --address'],
    ...['ENOTFOUND', 'EAI_AGAIN'].map((code): [object, string] => [
      { code, syscall: 'getaddrinfo', hostname: 'nohost.invalid' },
      'nohost.invalid is not a name or an address of this machine; choose another with HOST or --address'
    ]),
    [{ code: 'EADDRINUSE', syscall: 'listen', address: '::1', port: 80 }, '[::1]:80 is in use; choose another port with PORT or --port'],
    ...['EAFNOSUPPORT', 'EINVAL'].map((code): [object, string] => [
      { code, syscall: 'listen', address: 'fe80::1', port: 80 },
      '[fe80::1]:80 is not an address of this machine; choose another with HOST or --address'
    ]),
    [{ code: 'EADDRINUSE', syscall: 'listen', address: '/run/app.sock', port: -1 }, 'FASTIFY_SOCKET /run/app.sock cannot be listened on (EADDRINUSE); choose another one'],
    [{ code: 'EACCES', syscall: 'listen', address: '/x.sock', port: -1 }, '--socket /x.sock cannot be listened on (EACCES); choose another one'],
    ...['EACCES', 'ENOENT'].map((code): [object, string] => [
      { code, syscall: 'listen', address: '/nowhere/dir/x.sock', port: -1 },
      '--socket /nowhere/dir/x.sock cannot be listened on: the folder /nowhere/dir does not exist'
    ]),
    [{ code: 'EACCES', syscall: 'listen', address: 'nowhere/x.sock', port: -1 }, '--socket nowhere/x.sock cannot be listened on: the folder nowhere does not exist'],
    [
      { code: 'FST_ERR_DUPLICATED_ROUTE', message: "Method 'GET' already declared for route '/hello'" },
      "Method 'GET' already declared for route '/hello'; choose another path, or switch off the topic that has this one"
    ],
    [{ code: 'ERR_SOCKET_BAD_PORT' }, 'PORT or --port takes a number from 0 to 65535'],
    [
      { message: "Not found handler already set for Fastify instance with prefix: '/'" },
      'setNotFoundHandler is called twice for one prefix; one handler answers what no route does'
    ],
    [new CannotStart('MODEL_URL is not set'), 'MODEL_URL is not set'],
    [{ code: 'FST_QUICKSTART_APP_INVALID_SETTING', message: 'QUICKSTART_AUTH is "x"' }, 'QUICKSTART_AUTH is "x"'],
    [{ code: 'FST_QUICKSTART_AUTH_PROTECT_NOTHING', message: 'fastify-quickstart/auth: protect names "/x"' }, 'QUICKSTART_PROTECT: auth: protect names "/x"']
  ]
  const wrong: unknown[] = []
  for (const [error, line] of failures) {
    const { process, written, exitCodes } = fakeProcess()
    const reason = Object.assign(new Error(''), error)
    const server = new EventEmitter().once('error', () => {}) // as Fastify listens
    reportStartFailure(process, server)
    if (!('message' in error)) server.emit('error', reason)
    process.emit('unhandledRejection', reason)
    const wanted = [`fastify-quickstart: ${line}\n`, 1]
    if (String([...written, ...exitCodes]) !== String(wanted)) wrong.push([error, ...written, ...exitCodes])
  }
  t.same(wrong, [])
})

t.test("a failure of the command's own listening is told also where a worker failed, whose primary binds for it", async (t) => {
  const error = Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE', syscall: 'bind', address: '127.0.0.1', port: 80 })
  t.equal(describeListenFailure(error), '127.0.0.1:80 is in use; choose another port with PORT or --port')
  t.equal(describeListenFailure(new TypeError('a fault')), undefined)
})

t.test('a fault of the program still ends the process with its stack', async (t) => {
  const ofRoutes = [
    { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'db.invalid' },
    { code: 'ENOTFOUND', syscall: 'getaddrinfo' },
    { code: 'EACCES', syscall: 'open' },
    { code: 'EADDRINUSE', syscall: 'bind' },
    { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 80 },
    { code: 'ECONNREFUSED', syscall: 'connect' },
    { code: 'EMFILE', syscall: 'listen' }
  ].map((fields) => Object.assign(new Error('of the routes'), fields))
  for (const fault of [new TypeError('x is not a function'), undefined, ...ofRoutes]) {
    const { process, written, exitCodes } = fakeProcess()
    reportStartFailure(process, new EventEmitter())
    let thrown: unknown = 'nothing'
    try {
      process.emit('unhandledRejection', fault)
    } catch (error) {
      thrown = error
    }
    t.equal(thrown, fault)
    t.same([written, exitCodes], [[], []])
  }
})

t.test('a fault of the program is left to another listener where there is one', async (t) => {
  const { process, exitCodes } = fakeProcess()
  const heard: unknown[] = []
  process.on('unhandledRejection', (reason) => heard.push(reason))
  reportStartFailure(process, new EventEmitter())
  process.emit('unhandledRejection', 'a fault')
  t.same(heard, ['a fault'])
  t.same(exitCodes, [])
})

t.test('hears nothing more once the server listens', async (t) => {
  const { process } = fakeProcess()
  const server = new EventEmitter()
  reportStartFailure(process, server)()
  t.equal(process.listenerCount('unhandledRejection'), 0)
  t.same(server.eventNames(), [])
})

t.test('knows fastify start when it sees it', async (t) => {
  const scripts: [script: string, isOurs: boolean][] = [
    ['/project/node_modules/.bin/fastify', true],
    ['/project/node_modules/fastify-cli/cli.js', true],
    ['C:\\project\\node_modules\\fastify-cli\\start.js', true],
    ['/project/node_modules/fastify-cli/lib/watch/fork.js', true], // --watch
    ['C:\\project\\node_modules\\fastify-cli\\lib\\watch\\fork.js', true],
    ['/project/lib/watch/fork.js', false],
    ['/project/dist/bin/fastify-quickstart.js', false],
    ['/project/server.js', false],
    ['/fastify/server.js', false],
    ['', false]
  ]
  for (const [script, isOurs] of scripts) t.equal(isFastifyStart(script), isOurs, script)
  t.equal(isFastifyStart(), false)
})
