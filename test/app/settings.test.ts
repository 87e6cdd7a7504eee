import { resolve } from 'node:path'
import t from 'tap'
import { readSettings, settingsSchema } from '../../app/settings.js'
import { setEnvironment } from '../environment.js'

t.test('without any setting, every topic is on and the rest is the default', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({}))
  t.same(readSettings(), {
    switches: { hello: true, static: true, templates: true, params: true, auth: true },
    publicDir: undefined,
    viewsDir: undefined,
    usersFile: undefined,
    realm: undefined,
    protect: [],
    redisUrl: undefined,
    trustProxy: false
  })
})

t.test('reads every setting from the environment', async (t) => {
  t.chdir(t.testdir({ web: {}, pages: {}, users: 'alice:hash' }))
  setEnvironment(t, {
    QUICKSTART_HELLO: 'false',
    QUICKSTART_STATIC: 'true',
    QUICKSTART_TEMPLATES: 'false',
    QUICKSTART_PARAMS: 'false',
    QUICKSTART_AUTH: 'false',
    QUICKSTART_PUBLIC_DIR: 'web',
    QUICKSTART_VIEWS_DIR: './pages/',
    QUICKSTART_USERS_FILE: resolve('users'),
    QUICKSTART_REALM: 'Staff only',
    QUICKSTART_PROTECT: '/, /static/*',
    QUICKSTART_REDIS_URL: 'redis://127.0.0.1:6379/1',
    QUICKSTART_TRUST_PROXY: '127.0.0.1, 10.0.0.0/8, loopback'
  })
  t.same(readSettings(), {
    switches: { hello: false, static: true, templates: false, params: false, auth: false },
    publicDir: resolve('web'),
    viewsDir: resolve('pages'),
    usersFile: resolve('users'),
    realm: 'Staff only',
    protect: ['/', '/static/*'],
    redisUrl: 'redis://127.0.0.1:6379/1',
    trustProxy: ['127.0.0.1', '10.0.0.0/8', 'loopback']
  })
})

t.test('reads the ways to trust a proxy', async (t) => {
  t.chdir(t.testdir({}))
  for (const [value, expected] of [['true', true], ['false', false], ['::1', ['::1']]] as const) {
    setEnvironment(t, { QUICKSTART_TRUST_PROXY: value })
    t.same(readSettings().trustProxy, expected, value)
  }
})

t.test('reads .env, and the environment wins over it', async (t) => {
  t.chdir(t.testdir({ '.env': 'QUICKSTART_AUTH=false\nQUICKSTART_REALM=From the file\nPORT=80\n' }))
  setEnvironment(t, { QUICKSTART_REALM: 'From the environment' })
  const settings = readSettings()
  t.equal(settings.switches.auth, false)
  t.equal(settings.realm, 'From the environment')
})

t.test('a wrong setting is one line that names it and says what it takes', async (t) => {
  t.chdir(t.testdir({ folder: {}, file: '' }))
  const wrong: [name: string, value: string, says: string][] = [
    ['QUICKSTART_AUTH', 'ture', 'QUICKSTART_AUTH is "ture"; it takes true or false'],
    ['QUICKSTART_AUTH', '', 'QUICKSTART_AUTH is ""; it takes true or false'],
    ['QUICKSTART_HELLO', '2', 'QUICKSTART_HELLO is "2"; it takes true or false'],
    ['QUICKSTART_PUBLIC_DIR', 'nowhere', 'QUICKSTART_PUBLIC_DIR is "nowhere", which does not exist; it takes a folder of static files'],
    ['QUICKSTART_PUBLIC_DIR', 'file', 'QUICKSTART_PUBLIC_DIR is "file", which is no folder; it takes a folder of static files'],
    ['QUICKSTART_VIEWS_DIR', '', 'QUICKSTART_VIEWS_DIR is ""; it takes a folder of Eta templates'],
    ['QUICKSTART_USERS_FILE', 'folder', 'QUICKSTART_USERS_FILE is "folder", which is no file; it takes a readable htpasswd file'],
    ['QUICKSTART_REALM', 'a\nb', 'QUICKSTART_REALM is "a\\nb"; it takes printable ASCII text'],
    ['QUICKSTART_REALM', 'Büro', 'QUICKSTART_REALM is "Büro"; it takes printable ASCII text'],
    ['QUICKSTART_PROTECT', 'secret', 'QUICKSTART_PROTECT is "secret"; it takes route paths that need a login, separated by commas, such as /,/static/*'],
    ['QUICKSTART_PROTECT', '/,,/a', 'QUICKSTART_PROTECT is "/,,/a"; it takes route paths that need a login, separated by commas, such as /,/static/*'],
    ['QUICKSTART_REDIS_URL', 'http://me:secret@redis', 'QUICKSTART_REDIS_URL does not fit; it takes an address such as redis://127.0.0.1:6379'],
    ['QUICKSTART_TRUST_PROXY', '127.0.0.1,nobody', 'QUICKSTART_TRUST_PROXY is "127.0.0.1,nobody"; it takes true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8'],
    ['QUICKSTART_TRUST_PROXY', '1', 'QUICKSTART_TRUST_PROXY is "1"; it takes true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8'],
    ['QUICKSTART_AUHT', 'false', `QUICKSTART_AUHT is no setting; there are ${Object.keys(settingsSchema.properties).join(', ')}`]
  ]
  for (const [name, value, says] of wrong) {
    setEnvironment(t, { [name]: value })
    t.throws(() => readSettings(), { code: 'FST_QUICKSTART_APP_INVALID_SETTING', message: says }, `${name}=${value}`)
  }
})

t.test('a wrong setting in .env is named as well', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({ '.env': 'QUICKSTART_AUTH=maybe\n' }))
  t.throws(() => readSettings(), { message: 'QUICKSTART_AUTH does not fit; it takes true or false' })
})

t.test('a .env that cannot be read is named', async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({ '.env': {} }))
  t.throws(() => readSettings(), { code: 'FST_QUICKSTART_APP_INVALID_SETTING', message: /^\.env cannot be read: / })
})
