import t, { type Test } from 'tap'
import { setEnvironment } from '../../environment.ts'
import { authSource, routesFile } from '../command.ts'
import { runHere } from '../run-here.ts'

/** The rows of the table, with `|` between the columns. */
async function listRows (t: Test, args: string[] = [], env: Record<string, string> = {}): Promise<string[]> {
  setEnvironment(t, env)
  const { exitCode, stdout, stderr } = await runHere(t, ['routes', ...args])
  t.same([exitCode, stderr], [0, ''])
  const [head = '', ...lines] = stdout.trimEnd().split('\n')
  const columns = ['METHOD', 'PATH', 'NAME', 'ANSWERED BY', 'LOGIN'].map((title) => head.indexOf(title))
  return lines.map((line) => columns.map((from, column) => line.slice(from, columns[column + 1]).trim()).join('|'))
}

t.test('prints the routes: method, path, name, who answers, and login', async (t) => {
  t.chdir(t.testdir({ 'routes.mjs': routesFile(authSource), public: {}, views: { 'index.eta': 'index' } }))
  await t.test('as by default', async (t) => {
    t.same(await listRows(t), [
      'GET|/|index|templates|optional', 'GET|/health||app|', 'GET|/hello||hello|', 'GET|/logout|logout|auth|', 'GET|/path/*|path|params|',
      'GET|/post/:id|post|params|', 'GET|/search|search|params|', 'GET|/secret|secret|auth|needed',
      'GET, HEAD|/static/*|static|static|', 'POST, PUT, DELETE, PATCH|/static/*||static|',
      'GET, HEAD|/static/quickstart/*||static|', 'POST, PUT, DELETE, PATCH|/static/quickstart/*||static|',
      'POST|/user|createUser|params|', 'GET|/user/:username|user|params|'
    ])
  })
  await t.test('with flags and settings', async (t) => {
    const args = ['--', '--routes=./routes.mjs', '--params=false', '--static=false', '--templates=false']
    t.same(await listRows(t, args, { QUICKSTART_PROTECT: '/', QUICKSTART_HELLO: 'true' }), [
      'GET|/||hello|needed', 'GET|/health||app|', 'GET|/logout|logout|auth|', 'GET|/null||own|', 'HEAD|/only-head||own|', 'GET|/own|own|own|needed',
      'PUT, PATCH|/own||own|', 'GET|/reject||own|', 'GET|/secret|secret|auth|needed', 'GET|/text||own|', 'GET|/throw||own|'
    ])
  })
  await t.test('without the tutorial, but with what is asked for', async (t) => {
    t.same(await listRows(t, ['--tutorial=false', '--static=false', '--hello']), ['GET|/health||app|', 'GET|/hello||hello|'])
  })
  await t.test('with a page of each source where the views are the suite\'s', async (t) => {
    t.chdir(t.testdir({}))
    t.ok((await listRows(t)).includes('GET|/source/:topic||templates|optional'))
  })
})

t.test('prints a line for each method, host and path whose guards differ', async (t) => {
  const cases: [declares: string, rows: string[]][] = [
    ["app.get('/a', { onRequest: requiresAuth }, answer)", ['GET|/a||own|needed']],
    ["app.get('/a', { onRequest: requiresAuth, exposeHeadRoute: false }, answer); app.head('/a', answer)", ['GET|/a||own|needed', 'HEAD|/a||own|']],
    ["app.head('/a', answer); app.get('/a', { onRequest: requiresAuth }, answer)", ['GET|/a||own|needed', 'HEAD|/a||own|']],
    ["app.head('/a', { onRequest: requiresAuth }, answer); app.get('/a', answer)", ['GET|/a||own|', 'HEAD|/a||own|needed']],
    ["app.head('/a', { onRequest: optionalAuth }, answer); app.get('/a', { onRequest: requiresAuth }, answer)", ['GET|/a||own|needed', 'HEAD|/a||own|optional']],
    ["app.route({ method: ['GET', 'HEAD', 'POST'], url: '/a', handler: answer })", ['GET, HEAD, POST|/a||own|']],
    ["app.get('/a', answer); app.post('/a', { onRequest: requiresAuth }, answer)", ['GET|/a||own|', 'POST|/a||own|needed']],
    ["app.get('/a', { preHandler: requiresAuth }, answer)", ['GET|/a||own|needed']],
    ["app.get('/a', { preValidation: [requiresAuth] }, answer)", ['GET|/a||own|needed']],
    ["app.get('/a', { onRequest: requiresGroup('staff', 'admins') }, answer)", ['GET|/a||own|group staff or admins']],
    ["app.get('/a', { onRequest: [requiresAuth, requiresGroup('staff')] }, answer)", ['GET|/a||own|group staff']],
    ["app.addHook('onRequest', requiresAuth); app.get('/a', answer)", ['GET|/a||own|needed']],
    ["app.get('/a', answer); app.addHook('onRequest', requiresAuth)", ['GET|/a||own|needed']],
    ["app.addHook('preHandler', requiresGroup('staff')); app.get('/a', answer)", ['GET|/a||own|group staff']],
    ["app.register(async (app) => { app.get('/b', answer) }, { prefix: '/a' }); app.addHook('onRequest', requiresAuth)", ['GET|/a/b||own|needed']],
    ["app.register(async (app) => { app.addHook('onRequest', requiresAuth); app.get('/b', answer) }); app.get('/a', answer)", ['GET|/a||own|', 'GET|/b||own|needed']],
    ["app.register(async (app) => { app.get('/', { onRequest: requiresAuth }, answer) }, { prefix: '/a' })", ['GET|/a||own|needed']],
    ["app.get('/a', { constraints: { host: 'x.example' }, onRequest: requiresAuth }, answer); app.get('/a', answer)", ['GET|/a||own|', 'GET|/a (host x.example)||own|needed']],
    ["app.get('/a/:b?', answer)", ['GET|/a/:b?||own|']],
    ["app.get('/::a', answer)", ['GET|/::a||own|']],
    ["app.get('/a\\nb', answer)", ['GET|/a%0Ab||own|']],
    ["app.get('/a', { onRequest: async function requiresAuth () {} }, answer)", ['GET|/a||own|']]
  ]
  const wrong: unknown[] = []
  for (const [row, [declares, rows]] of cases.entries()) {
    const file = `import { optionalAuth, requiresAuth, requiresGroup } from '${authSource}'
      const answer = async () => ''
      export default async function routes (app) { ${declares} }`
    t.chdir(t.testdir({ [`routes-${row}.mjs`]: file, public: {}, views: { 'index.eta': 'index' } }))
    const args = ['--routes', `routes-${row}.mjs`, '--hello=false', '--params=false', '--static=false', '--templates=false']
    const found = (await listRows(t, args)).filter((row) => row.includes('|own|'))
    if (String(found) !== String(rows)) wrong.push([declares, found])
  }
  t.same(wrong, [])
})
