import { resolve } from 'node:path'
import t from 'tap'
import { readSettings, settingsSchema } from '../../../app/settings/settings.ts'
import { setEnvironment } from '../../environment.ts'
import { lacks } from '../../system.ts'

t.test('without any setting, every topic is on and the rest is the default', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  t.same(readSettings(), {
    switches: { hello: undefined, static: true, templates: true, params: true, auth: true },
    hasTutorial: true,
    publicDir: undefined,
    viewsDir: undefined,
    usersFile: undefined,
    groupsFile: undefined,
    hasLogout: undefined,
    realm: undefined,
    protect: [],
    redisUrl: undefined,
    loginTries: 10,
    loginWaitSeconds: 900,
    trustProxy: false,
    csp: 'strict',
    cspReportOnly: 'off',
    logLevel: undefined,
    metrics: undefined,
    stop: { drainSeconds: 0, graceSeconds: 10 },
    workers: { startSeconds: 15, blockedSeconds: 30 }
  })
})

t.test('reads every setting from the environment', async (t) => {
  t.chdir(t.testdir({ web: {}, pages: {}, users: 'alice:hash', groups: 'staff: alice' }))
  setEnvironment(t, {
    QUICKSTART_HELLO: 'false',
    QUICKSTART_STATIC: 'true',
    QUICKSTART_TEMPLATES: 'false',
    QUICKSTART_PARAMS: 'false',
    QUICKSTART_AUTH: 'false',
    QUICKSTART_TUTORIAL: 'false',
    QUICKSTART_PUBLIC_DIR: 'web',
    QUICKSTART_VIEWS_DIR: './pages/',
    QUICKSTART_USERS_FILE: resolve('users'),
    QUICKSTART_GROUPS_FILE: 'groups',
    QUICKSTART_LOGOUT: 'true',
    QUICKSTART_REALM: 'Staff only',
    QUICKSTART_PROTECT: '/, /static/*',
    QUICKSTART_REDIS_URL: 'redis://127.0.0.1:6379/1',
    QUICKSTART_LOGIN_TRIES: '3',
    QUICKSTART_LOGIN_WAIT_SECONDS: '60',
    QUICKSTART_TRUST_PROXY: '127.0.0.1, 10.0.0.0/8, loopback',
    QUICKSTART_CSP: "default-src 'self'",
    QUICKSTART_CSP_REPORT_ONLY: 'strict',
    QUICKSTART_LOG_LEVEL: 'debug',
    QUICKSTART_METRICS: '127.0.0.1:9464',
    QUICKSTART_DRAIN_SECONDS: '1.5',
    QUICKSTART_GRACE_SECONDS: '20',
    QUICKSTART_START_SECONDS: '60',
    QUICKSTART_BLOCKED_SECONDS: '0'
  })
  t.same(readSettings(), {
    switches: { hello: false, static: true, templates: false, params: false, auth: false },
    hasTutorial: false,
    publicDir: resolve('web'),
    viewsDir: resolve('pages'),
    usersFile: resolve('users'),
    groupsFile: resolve('groups'),
    hasLogout: true,
    realm: 'Staff only',
    protect: ['/', '/static/*'],
    redisUrl: 'redis://127.0.0.1:6379/1',
    loginTries: 3,
    loginWaitSeconds: 60,
    trustProxy: ['127.0.0.1', '10.0.0.0/8', 'loopback'],
    csp: "default-src 'self'",
    cspReportOnly: 'strict',
    logLevel: 'debug',
    metrics: { host: '127.0.0.1', port: 9464 },
    stop: { drainSeconds: 1.5, graceSeconds: 20 },
    workers: { startSeconds: 60, blockedSeconds: 0 }
  })
})

t.test('reads the ways to trust a proxy', async (t) => {
  t.chdir(t.testdir({}))
  for (const [value, expected] of [['true', true], ['false', false], ['::1', ['::1']]] as const) {
    setEnvironment(t, { QUICKSTART_TRUST_PROXY: value })
    t.same(readSettings().trustProxy, expected, value)
  }
})

t.test('a stop drains in production, for less than its grace', async (t) => {
  t.chdir(t.testdir({}))
  const cases: [env: Record<string, string>, drainSeconds: number][] = [
    [{}, 0],
    [{ NODE_ENV: 'production' }, 2.5],
    [{ NODE_ENV: 'production', QUICKSTART_GRACE_SECONDS: '2' }, 1],
    [{ NODE_ENV: 'production', QUICKSTART_DRAIN_SECONDS: '0' }, 0]
  ]
  for (const [env, drainSeconds] of cases) {
    setEnvironment(t, env)
    t.equal(readSettings().stop.drainSeconds, drainSeconds, JSON.stringify(env))
  }
})

t.test('metrics may be served at an IPv6 address, and at the first free port of a range', async (t) => {
  t.chdir(t.testdir({}))
  const cases: [value: string, place: object][] = [
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['127.0.0.1:9464-9471', { host: '127.0.0.1', port: 9464, lastPort: 9471 }],
    ['[::1]:9464-9464', { host: '::1', port: 9464, lastPort: 9464 }]
  ]
  for (const [value, place] of cases) {
    setEnvironment(t, { QUICKSTART_METRICS: value })
    t.same(readSettings().metrics, place, value)
  }
})

t.test('reads .env, and the environment wins over it', async (t) => {
  t.chdir(t.testdir({ '.env': 'QUICKSTART_AUTH=false\nQUICKSTART_REALM=From the file\nPORT=80\n' }))
  setEnvironment(t, { QUICKSTART_REALM: 'From the environment' })
  const settings = readSettings()
  t.equal(settings.switches.auth, false)
  t.equal(settings.realm, 'From the environment')
})

t.test('a wrong setting is one line that names it and says what it takes', { skip: lacks.links }, async (t) => {
  t.chdir(t.testdir({ folder: {}, file: '', loop: t.fixture('symlink', 'loop') }))
  const list = 'it takes true, false, or the addresses of the proxies separated by commas'
  const policy = 'it takes strict, off, or the text of a policy, such as default-src'
  const wrong: [name: string, value: string, says: string][] = [
    ['QUICKSTART_AUTH', 'ture', 'QUICKSTART_AUTH is "ture"; it takes true or false'],
    ['QUICKSTART_AUTH', '', 'QUICKSTART_AUTH is ""; it takes true or false'],
    ['QUICKSTART_HELLO', '2', 'QUICKSTART_HELLO is "2"; it takes true or false'],
    ['QUICKSTART_LOGOUT', '/out', 'QUICKSTART_LOGOUT is "/out"; it takes true or false'],
    ['QUICKSTART_PUBLIC_DIR', 'nowhere', 'QUICKSTART_PUBLIC_DIR is "nowhere", which does not exist; it takes a folder of static files'],
    ['QUICKSTART_PUBLIC_DIR', 'file', 'QUICKSTART_PUBLIC_DIR is "file", which is not a folder; it takes a folder of static files'],
    ['QUICKSTART_VIEWS_DIR', '', 'QUICKSTART_VIEWS_DIR is ""; it takes a folder of Eta templates'],
    ['QUICKSTART_USERS_FILE', 'folder', 'QUICKSTART_USERS_FILE is "folder", which is not a file; it takes a readable htpasswd file'],
    ['QUICKSTART_REALM', 'a\nb', 'QUICKSTART_REALM is "a\\nb"; it takes printable ASCII text'],
    ['QUICKSTART_REALM', 'Büro', 'QUICKSTART_REALM is "Büro"; it takes printable ASCII text'],
    ['QUICKSTART_PROTECT', 'secret', 'QUICKSTART_PROTECT is "secret"; it takes route paths that need a login, separated by commas, such as /,/static/*'],
    ['QUICKSTART_PROTECT', '/,,/a', 'QUICKSTART_PROTECT is "/,,/a"; it takes route paths that need a login, separated by commas, such as /,/static/*'],
    ['QUICKSTART_REDIS_URL', 'http://me:secret@redis', 'QUICKSTART_REDIS_URL does not fit; it takes an address such as redis://127.0.0.1:6379'],
    ['QUICKSTART_TRUST_PROXY', '127.0.0.1,nobody', 'QUICKSTART_TRUST_PROXY is "127.0.0.1,nobody"; it takes true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8'],
    ['QUICKSTART_TRUST_PROXY', '1', 'QUICKSTART_TRUST_PROXY is "1"; it takes true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8'],
    ['QUICKSTART_PUBLIC_DIR', 'loop', 'QUICKSTART_PUBLIC_DIR is "loop", which cannot be read (ELOOP); it takes a folder'],
    ...['0.0.0.0/0', '::/0', '10.0.0.0/00', '10.0.0.0/33', '127.0.0.1,0.0.0.0/0', '10.0.0.0/x', '10.0/8', '/8', ','].map(
      (value): [string, string, string] => ['QUICKSTART_TRUST_PROXY', value, `QUICKSTART_TRUST_PROXY is "${value}"; ${list}`]
    ),
    ...['0', '-1', '1.5', 'ten', '', 'Infinity', '1e300'].map((value): [string, string, string] => [
      'QUICKSTART_LOGIN_TRIES', value, `QUICKSTART_LOGIN_TRIES is "${value}"; it takes a whole number of 1 or more`
    ]),
    ...['0', '-1', '0.5', 'soon', '', '2147484', 'Infinity'].map((value): [string, string, string] => [
      'QUICKSTART_LOGIN_WAIT_SECONDS', value,
      `QUICKSTART_LOGIN_WAIT_SECONDS is "${value}"; it takes a whole number of seconds from 1 to 2147483`
    ]),
    ...['QUICKSTART_CSP', 'QUICKSTART_CSP_REPORT_ONLY'].flatMap((name): [string, string, string][] => [
      [name, '', `${name} is ""; ${policy}`],
      [name, 'stricts', `${name} is "stricts", where "stricts" is not a directive; ${policy}`],
      [name, ' ; ', `${name} is " ; ", which names no directive; ${policy}`],
      [name, 'img-src *\nx: y', `${name} is "img-src *\\nx: y", which a header cannot hold; ${policy}`],
      [name, 'img-src *; IMG-SRC a.example', 'which names img-src twice'],
      [name, 'script-src self', "where self needs single quotes: 'self'"],
      [name, 'script-src nonce-abc', "where nonce-abc needs single quotes: 'nonce-abc'"]
    ]),
    ['QUICKSTART_LOG_LEVEL', 'loud', 'QUICKSTART_LOG_LEVEL is "loud"; it takes one of silent, fatal,'],
    ...[
      '9464', 'localhost', '127.0.0.1:', '127.0.0.1:99999', '::1:9464', 'a b:1', '127.0.0.1:9-8', '127.0.0.1:0-9', '127.0.0.1:9-',
      '127.0.0.1:9-99999', '127.0.0.1:9-10-11'
    ].map(
      (value): [string, string, string] => ['QUICKSTART_METRICS', value, `QUICKSTART_METRICS is "${value}"; it takes host:port`]
    ),
    ['QUICKSTART_DRAIN_SECONDS', '9.5', 'QUICKSTART_DRAIN_SECONDS is "9.5"; it takes seconds from 0 to 600, fewer than'],
    ['QUICKSTART_DRAIN_SECONDS', '-1', 'QUICKSTART_DRAIN_SECONDS is "-1"; it takes seconds'],
    ['QUICKSTART_DRAIN_SECONDS', '-Infinity', 'QUICKSTART_DRAIN_SECONDS is "-Infinity"; it takes seconds from 0'],
    ['QUICKSTART_GRACE_SECONDS', 'Infinity', 'QUICKSTART_GRACE_SECONDS is "Infinity"; it takes seconds from 1 to 3600'],
    ['QUICKSTART_GRACE_SECONDS', '-Infinity', 'QUICKSTART_GRACE_SECONDS is "-Infinity"; it takes seconds from 1'],
    ['QUICKSTART_GRACE_SECONDS', 'long', 'QUICKSTART_GRACE_SECONDS is "long"; it takes seconds from 1 to 3600'],
    ...['-1', '3601', 'soon', 'Infinity'].flatMap((value): [string, string, string][] => [
      ['QUICKSTART_START_SECONDS', value, `QUICKSTART_START_SECONDS is "${value}"; it takes seconds from 0 to 3600, where 0 is for no limit`],
      ['QUICKSTART_BLOCKED_SECONDS', value, `QUICKSTART_BLOCKED_SECONDS is "${value}"; it takes seconds from 0 to 3600, where 0 is for never`]
    ]),
    ...['QUICKSTART_AUHT', 'quickstart_auth', 'Quickstart_Protect'].map((name): [string, string, string] => [
      name, 'false', `${name} is not a setting; known settings: ${Object.keys(settingsSchema.properties).join(', ')}`
    ])
  ]
  for (const [name, value, says] of wrong) {
    setEnvironment(t, { [name]: value })
    t.throws(() => readSettings(), { code: 'FST_QUICKSTART_APP_INVALID_SETTING', message: says }, `${name}=${value}`)
  }
})

t.test('a wrong setting in .env is named as well', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({ '.env': 'QUICKSTART_AUTH=maybe\n' }))
  t.throws(() => readSettings(), { message: 'QUICKSTART_AUTH is "maybe"; it takes true or false' })
})

t.test('takes the usual ways to write a policy', async (t) => {
  t.chdir(t.testdir({}))
  for (const value of ['strict', 'off', "default-src 'self' https://cdn.example.org;", 'sandbox allow-scripts', 'upgrade-insecure-requests']) {
    setEnvironment(t, { QUICKSTART_CSP: value })
    t.equal(readSettings().csp, value)
  }
})

t.test('an address of Redis that does not fit is refused without a word of its password', async (t) => {
  t.chdir(t.testdir({}))
  const wrong = [
    'redis://:s3cret/x@127.0.0.1:6379', 'redis://:s3cret#x@127.0.0.1:6379', 'redis://:s3cret?x@127.0.0.1:6379',
    'redis://:s3cret%@127.0.0.1:6379', 'redis://:s3cret%zz@127.0.0.1:6379', 'redis://s3cret%E9@127.0.0.1:6379',
    'redis://me:1/s3cret@127.0.0.1', 'redis://me:1#s3cret@127.0.0.1', 'redis://me:1?s3cret@127.0.0.1',
    'redis://:s3cret@127.0.0.1:99999', 'redis://:s3cret@127.0.0.1:6379/main', 'redis://:s3cret@127.0.0.1/1/2',
    'redis://:s3cret@127.0.0.1/-1', 'redis://:s3cret@127.0.0.1/0#a', 'redis://:s3cret@', 'redis://:s3cret@a b', 'redis:s3cret'
  ]
  for (const value of wrong) {
    setEnvironment(t, { QUICKSTART_REDIS_URL: value })
    let message = ''
    try {
      readSettings()
    } catch (error) {
      message = (error as Error).message
    }
    t.match(message, /^QUICKSTART_REDIS_URL does not fit; it takes an address such as redis:.* percent-encoded$/, value)
    t.notMatch(message, 's3cret')
  }
  for (const value of ['redis://me:p%2Fa%23b%25@127.0.0.1:6379/2', 'rediss://[::1]:6380', 'redis://redis/', 'redis://redis?family=6']) {
    setEnvironment(t, { QUICKSTART_REDIS_URL: value })
    t.equal(readSettings().redisUrl, value)
  }
})
