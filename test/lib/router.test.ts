import Fastify, { type FastifyServerOptions } from 'fastify'
import t from 'tap'
import { listAnsweredPaths, anyParameter, readBasePath, toComparableSegments, createPathEndPattern, readRouterSettings } from '../../lib/router.ts'

const p = anyParameter

t.test('knows which paths a route answers', async (t) => {
  const ignoreTrailingSlash = { routerOptions: { ignoreTrailingSlash: true } }
  const rows: [declared: string, answered: string[][], prefix?: string, server?: FastifyServerOptions][] = [
    ['/', [['']]],
    ['/a/b', [['a', 'b']]],
    ['/a/b/', [['a', 'b', '']]],
    ['/a//B', [['a', 'b']], '', { routerOptions: { ignoreDuplicateSlashes: true, caseSensitive: false } }],
    ['/a::b', [['a:b']]],
    ['/a::', [['a:']]],
    ['/:a', [[p]]],
    ['/:a:b', [[p]]],
    ['/:a-:b.png', [[`${p}-${p}.png`]]],
    ['/:a-x::y', [[`${p}-x:y`]]],
    ['/v:a(\\d+)', [[`v${p}`]]],
    ['/:a(^(?:1|\\)|/)$)', [[p]]],
    ['/:a(\\d+):b', [[p + p]]],
    ['/a/:b?', [['a', p], ['a']]],
    ['/a/:b?/', [['a', p, ''], ['a', '']]],
    ['/:a?', [[p], ['']]],
    ['/a/*', [['a', '*']]],
    ['*', [['*']]],
    ['/a', [['a', '']], '/a'],
    ['/:t', [[p, '']], '/:t'],
    ['/a', [['a', '']], '', ignoreTrailingSlash],
    ['/a/:b?', [['a', p, ''], ['a', '']], '', ignoreTrailingSlash],
    ['/a/*', [['a', '*']], '', ignoreTrailingSlash]
  ]
  const wrong: unknown[] = []
  for (const [declared, answered, prefix = '', server = {}] of rows) {
    const app = Fastify(server)
    t.teardown(() => app.close())
    const settings = readRouterSettings(app)
    await app.register(async (context) => {
      context.get(declared.slice(prefix.length) || '/', async (request) => request.routeOptions.url!)
    }, { prefix })
    const found = listAnsweredPaths(declared, prefix, settings)
    const urls = found.map((segments) => `/${segments.join('/')}`.replaceAll(anyParameter, '1').replaceAll('*', 'x/y'))
    const statuses = await Promise.all(urls.map(async (url) => (await app.inject(url)).statusCode))
    if (JSON.stringify(found) !== JSON.stringify(answered)) wrong.push({ declared, found })
    if (statuses.some((status) => status !== 200)) wrong.push({ declared, urls, statuses })
  }
  t.strictSame(wrong, [])
})

t.test('reads a path whose pattern does not end', async (t) => {
  t.strictSame(toComparableSegments('/a/:b(^(x$/c'), ['a', p])
})

t.test('knows where a path ends, and what a context\'s routes begin with', async (t) => {
  const rows: [server: object, path: string][] = [
    [{}, '/a;b'],
    [{ useSemicolonDelimiter: true }, '/a'],
    [{ routerOptions: { useSemicolonDelimiter: true } }, '/a']
  ]
  for (const [server, path] of rows) {
    const app = Fastify(server)
    t.teardown(() => app.close())
    const url = '/a;b?c#d'
    t.equal(url.slice(0, url.search(createPathEndPattern(readRouterSettings(app)))), path)
    t.equal(readBasePath(app), '')
    await app.register(async (context) => { t.equal(readBasePath(context), '/x') }, { prefix: '/x/' })
  }
})
