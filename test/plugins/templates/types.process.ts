import { join } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'

// A compiler takes its time on a busy machine.
t.setTimeout(300_000)

const repository = join(import.meta.dirname, '../../..')

const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile).config, ts.sys, repository)
// The libraries are parsed once for all programs.
const parsed = new Map<string, ts.SourceFile | undefined>()
const compiler = ts.createCompilerHost(options)
const { getSourceFile } = compiler
compiler.getSourceFile = (file, ...rest) => {
  if (!parsed.has(file) || file.endsWith('host.ts')) parsed.set(file, getSourceFile(file, ...rest))
  return parsed.get(file)
}

/** Type-checks a host's program, and lists the lines that are refused. */
function check (t: Test, program: string): number[] {
  const folder = t.testdir({ 'host.ts': program })
  const host = ts.createProgram([join(folder, 'host.ts')], {
    ...options,
    noEmit: true,
    paths: { 'fastify-quickstart/templates': [join(repository, 'plugins/templates/index.ts')] }
  }, compiler)
  const source = host.getSourceFile(join(folder, 'host.ts'))!
  return [
    ...host.getSyntacticDiagnostics(source), ...host.getSemanticDiagnostics(source)
  ].map(({ start }) => source.getLineAndCharacterOfPosition(start!).line + 1)
}

/** The lines of a program that say they are wrong. */
function wrong (program: string): number[] {
  return program.split('\n').flatMap((line, index) => line.endsWith('// wrong') ? [index + 1] : [])
}

const start = `import Fastify from 'fastify'
import templates, { type ViewScope } from 'fastify-quickstart/templates'
const app = Fastify()
`

t.test('accepts any view and any object, until the host says which there are', async (t) => {
  const program = `${start}
await app.register(templates, { root: '/views' })
await app.register(templates, { root: new URL('./views', import.meta.url), extension: '.html', context: { site: 'x' } })
await app.register(templates, { root: '/views', context: async (request) => ({ url: request.url }) })
await app.register(templates, { root: '/views', prefix: '/pages', index: { view: 'index', path: '/home', data: { a: 1 } } })
await app.register(templates, { root: '/views', index: { view: 'index', data: (request) => ({ url: request.url }) } })
await app.register(templates, { root: '/views', index: { view: 'index' } })
await app.register(templates, { root: '/views', index: false })
await app.register(templates, { root: 5 }) // wrong
await app.register(templates, { root: '/views', context: 'site' }) // wrong
await app.register(templates, { root: '/views', index: true }) // wrong
await app.register(templates, { root: '/views', index: { path: '/' } }) // wrong
await app.register(templates, {}) // wrong
app.get('/a', async (request, reply) => reply.render('index'))
app.get('/b', (request, reply) => reply.render('any/view', { a: 1, b: [] }).code(200))
app.get('/c', async (request, reply) => reply.render('index', 'text')) // wrong
app.get('/d', async (request, reply) => reply.render()) // wrong
app.get('/e', async (request, reply) => reply.view('index', { a: 1 }))
const known: boolean = app.hasView('index')
const scope = (it: ViewScope<'index'>): string => it.asset('app.js') + it.urlFor('user', { name: 'x' }) + String(it.user) + known
export { scope }
`
  t.strictSame(check(t, program), wrong(program))
})

t.test('accepts the views and the data that the host declares, and no others', async (t) => {
  const program = `${start}
declare module 'fastify-quickstart/templates' {
  interface Views {
    index: { title: string, count?: number }
    'admin/users': { users: string[] }
    about: {}
    search: { q?: string }
  }
  interface ViewContext {
    site: string
  }
}
app.get('/1', async (request, reply) => reply.render('index', { title: 'x' }))
app.get('/2', async (request, reply) => reply.render('index', { title: 'x', count: 1 }))
app.get('/3', async (request, reply) => reply.render('admin/users', { users: ['x'] }))
app.get('/4', async (request, reply) => reply.render('about'))
app.get('/5', async (request, reply) => reply.render('search'))
app.get('/6', async (request, reply) => reply.render('search', { q: 'x' }))
app.get('/a', async (request, reply) => reply.render('indx', { title: 'x' })) // wrong
app.get('/b', async (request, reply) => reply.render('index')) // wrong
app.get('/c', async (request, reply) => reply.render('index', {})) // wrong
app.get('/d', async (request, reply) => reply.render('index', { title: 5 })) // wrong
app.get('/e', async (request, reply) => reply.render('index', { title: 'x', titel: 'x' })) // wrong
app.get('/f', async (request, reply) => reply.render('admin/users', { users: 'x' })) // wrong
app.get('/g', async (request, reply) => reply.render('search', { q: 1 })) // wrong
app.get('/h', async (request, reply) => reply.render('admin/users', { title: 'x' })) // wrong
await app.register(templates, { root: '/views', context: { site: 'x' }, index: { view: 'index', data: { title: 'x' } } })
await app.register(templates, { root: '/views', context: async () => ({ site: 'x' }), index: { view: 'about' } })
await app.register(templates, { root: '/views', index: { view: 'index', data: async (request) => ({ title: request.url }) } })
await app.register(templates, { root: '/views', context: {} }) // wrong
await app.register(templates, { root: '/views', context: () => ({ sit: 'x' }) }) // wrong
await app.register(templates, { root: '/views', index: { view: 'index' } }) // wrong
await app.register(templates, { root: '/views', index: { view: 'none' } }) // wrong
await app.register(templates, { root: '/views', index: { view: 'index', data: { title: 5 } } }) // wrong
const scope = (it: ViewScope<'index'>): string => it.title + it.site + it.asset('x')
const other = (it: ViewScope<'admin/users'>): string => it.title // wrong
export { scope, other }
`
  t.strictSame(check(t, program), wrong(program))
})
