import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { install, newFolder, pack, root, runToEnd, startServer, startServers, withRange } from './project.ts'

const { tarball } = await pack(t)
const folder = await newFolder(t)
await install(folder, tarball, await withRange('fastify'), await withRange('@types/node'))
await cp(join(root, 'test', 'package', 'consumers'), folder, { recursive: true })

/** Type-checks one program alone, declarations of its libraries included, and builds it. */
async function compile (t: Test, name: string): Promise<string> {
  const config = `tsconfig.${name}.json`
  await writeFile(join(folder, config), JSON.stringify({ extends: './tsconfig.json', files: [`${name}.ts`] }))
  const { code, output } = await runToEnd(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], folder)
  t.equal(output, '', `${name}.ts passes the strict check`)
  t.equal(code, 0)
  return join('built', `${name}.js`)
}

/** What TypeScript finds wrong with a program under these settings. */
async function problemsOf (settings: string[], where = folder): Promise<string> {
  const { output } = await runToEnd(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...settings], where)
  return output
}

async function ask (url: string, init: RequestInit = {}): Promise<{ status: number, headers: Headers, body: string }> {
  const answer = await fetch(url, { redirect: 'manual', ...init })
  return { status: answer.status, headers: answer.headers, body: await answer.text() }
}

function login (name: string, password: string): RequestInit {
  return { headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } }
}

t.test('under each setting that a project may have', async (t) => {
  const strict = ['--noEmit', '--strict', '--target', 'es2023']
  const bundled = ['--module', 'esnext', '--moduleResolution', 'bundler']
  await cp(join(folder, 'modules', 'every.mts'), join(folder, 'modules', 'every.ts'))
  const rows = [
    ['every.mts', '--module', 'node16'],
    ['every.mts', '--module', 'nodenext'],
    ['every.mts', '--module', 'nodenext', '--exactOptionalPropertyTypes'],
    ['every.cts', '--module', 'node20'],
    ['every.cts', '--module', 'nodenext'],
    ['every.ts', ...bundled],
    ['every.js', '--module', 'nodenext', '--allowJs', '--checkJs']
  ] as const
  await Promise.all(rows.map(async ([file, ...settings]) => {
    t.equal(await problemsOf([...strict, '--types', 'node', ...settings, join('modules', file)]), '', `${file} ${settings.join(' ')}`)
  }))
})

t.test('without the types of Node, where declarations of libraries are not checked', async (t) => {
  const bare = await newFolder(t)
  await install(bare, tarball, await withRange('fastify'))
  t.notOk(existsSync(join(bare, 'node_modules', '@types', 'node')))
  await cp(join(folder, 'modules', 'every.cts'), join(bare, 'every.cts'))
  const program = await readFile(join(bare, 'every.cts'), 'utf8')
  // These two are Node's own names.
  await writeFile(join(bare, 'every.cts'), program.replaceAll('__dirname', "'/srv'").replace(/\.catch\(console.error\)/, ''))
  t.equal(await problemsOf(['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--module', 'nodenext', 'every.cts'], bare), '')
})

t.test('hello alone', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'hello')], folder)
  t.equal((await ask(`${url}/greeting`)).body, 'Hello from a consumer!')
  t.equal((await ask(`${url}/again/`)).body, 'Hello World!')
})

t.test('static alone', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'static')], folder, { NODE_ENV: 'production' })
  const page = JSON.parse((await ask(url)).body) as { url: string }
  t.match(page.url, /^\/files\/plot\..+\.svg$/)
  const file = await ask(url + page.url)
  t.equal(file.status, 200)
  t.match(file.headers.get('cache-control'), 'immutable')
  t.equal(file.headers.get('content-type'), 'image/svg+xml')
})

t.test('templates alone', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'templates')], folder)
  const page = await ask(url)
  t.equal(page.body, '<ul><li>a</li><li>&lt;b&gt;</li></ul>\n')
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(page.headers.get('x-found'), 'true')
})

t.test('params alone', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'params')], folder)
  t.same(JSON.parse((await ask(url)).body), { url: '/user/a%20b?tag=x&tag=y', home: '/' })
  t.equal((await ask(`${url}/user/a%20b`)).body, 'User a b')
  t.equal((await ask(`${url}/post/x`)).status, 400)
})

t.test('auth alone', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'auth')], folder, { NODE_ENV: 'production' })
  t.equal((await ask(url)).body, '{"user":null}')
  const refused = await ask(`${url}/results`)
  t.equal(refused.status, 401)
  t.equal(refused.headers.get('www-authenticate'), 'Basic realm="Laboratory", charset="UTF-8"')
  t.equal((await ask(`${url}/results`, login('alice', 'wrong'))).status, 401)
  t.equal((await ask(`${url}/results`, login('alice', 'correct horse'))).body, '{"name":"alice"}')
})

t.test('the root app', async (t) => {
  const url = await startServer(t, process.execPath, [await compile(t, 'root')], folder)
  t.equal((await ask(`${url}/hello`)).body, 'Hello from all five!')
  t.match((await ask(url, { headers: { accept: 'text/html' } })).body, '<h1>A HTML File from templates/</h1>')
  t.equal((await ask(`${url}/user/alice`)).status, 404)
  t.equal((await ask(`${url}/secret`, login('admin', 'secret'))).status, 200)
})

t.test('all five beside routes of an app\'s own', async (t) => {
  const [alone = '', ...beside] = await startServers(t, 3, process.execPath, [await compile(t, 'beside')], folder)
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const requests: [path: string, init?: RequestInit][] = [
    ['/'],
    ['/', { method: 'HEAD' }],
    ['/', { method: 'OPTIONS' }],
    ['/', { method: 'POST' }],
    ['/', login('admin', 'wrong')],
    ['/html'],
    ['/cached'],
    ['/cached', { headers: { 'if-none-match': '"own"' } }],
    ['/fails'],
    ['/teapot'],
    ['/none'],
    ['/none', { method: 'POST', headers: form, body: 'a=1' }],
    ['/user/alice'],
    ['/user/'],
    ['/user/%00'],
    ['/user/%zz'],
    [`/user/${'a'.repeat(200)}`],
    ['/number/5'],
    ['/number/1.0'],
    ['/number/x'],
    ['/query?a=1&a=2&b=%zz&__proto__=x'],
    ['/coerced'],
    ['/coerced?n=7'],
    ['/coerced?n=x'],
    ['/files/a%2Fb/../c'],
    ['/files/'],
    ['/secret'],
    ['/static/app.js'],
    ['/echo', { method: 'POST', headers: json, body: '{"a":1}' }],
    ['/echo', { method: 'POST', headers: json, body: '{"a":' }],
    ['/echo', { method: 'POST', headers: json, body: '' }],
    ['/echo', { method: 'POST', headers: form, body: 'a=1' }],
    ['/echo', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' }],
    ['/echo', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'text' }],
    ['/echo', { method: 'POST', headers: { 'content-type': 'x/unknown' }, body: 'x' }],
    ['/echo', { method: 'POST', headers: json, body: JSON.stringify('x'.repeat(100_000)) }],
    ['/echo', { method: 'PUT', headers: json, body: '{}' }]
  ]

  t.test('those routes answer as they did', async (t) => {
    for (const [path, init] of requests) {
      const expected = comparable(await ask(alone + path, init))
      for (const [index, url] of beside.entries()) {
        t.same(comparable(await ask(url + path, init)), expected, `${init?.method ?? 'GET'} ${path.slice(0, 40)}, ${['plugins on the app', 'plugins in a context'][index]}`)
      }
    }
  })

  t.test('and the plugins answer below their prefix', async (t) => {
    for (const url of beside) {
      t.equal((await ask(`${url}/demo/`)).body, 'Hello World!')
      t.equal((await ask(`${url}/demo/static/app.js`)).body, 'alert("demo")\n')
      t.equal((await ask(`${url}/demo/page`)).body, '<script src="/demo/static/app.js"></script><a href="/demo/user/a%20b">\n')
      t.equal((await ask(`${url}/demo/user/a%20b`)).body, 'User a b')
      t.equal((await ask(`${url}/demo/user`, { method: 'POST', headers: form, body: 'username=a+b' })).headers.get('location'), '/demo/user/a%20b')
      t.equal((await ask(`${url}/demo/secret`, login('admin', 'secret'))).status, 200)
    }
  })

  t.test('with refusals and missing files in the app\'s own words', async (t) => {
    for (const url of beside) {
      for (const [path, status, header] of [
        ['/demo/secret', 401, 'error handler'],
        ['/demo/post/x', 400, 'error handler'],
        ['/demo/static/none.js', 404, 'not found'],
        ['/demo/none', 404, 'not found']
      ] as const) {
        const answer = await ask(url + path)
        t.equal(answer.status, status, path)
        t.equal(answer.headers.get('x-own'), header, path)
      }
    }
  })
})

/** All of an answer but what differs between two of the same. */
function comparable ({ status, headers, body }: Awaited<ReturnType<typeof ask>>): object {
  return { status, headers: [...headers].filter(([name]) => name !== 'date'), body }
}
