import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { root } from './pages.ts'

const topics = ['app', 'hello', 'static', 'templates', 'params', 'auth'] as const

/** Every source file of the package, one after the other. */
const sources = ['app.ts', ...['app', 'bin', 'lib', 'plugins'].flatMap((folder) => {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
})].map((path) => readFileSync(join(root, path), 'utf8')).join('\n')

const read = (page: string): string => readFileSync(join(root, 'docs', page), 'utf8')
const codesIn = (text: string): string[] => [...new Set(text.match(/FST_QUICKSTART_[A-Z]+(?:_[A-Z]+)+/g))].sort()

/** The fragments of a page's headings, as GitHub makes them. */
function headingsOf (path: string): string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/^```[^]*?^```/gm, '')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
    return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
  })
}

// checkOptions makes a topic's …_INVALID_OPTION from the topic's name.
const made = [...new Set([
  ...[...sources.matchAll(/createError(?:<[^(]*>)?\(\s*'(FST_QUICKSTART_\w+)'/g)].map(([, code = '']) => code),
  ...[...sources.matchAll(/checkOptions(?:<\w+>)?\(\s*'(\w+)'/g)].map(([, topic = '']) => `FST_QUICKSTART_${topic.toUpperCase()}_INVALID_OPTION`)
])].sort()

t.test('the sources name no code that they do not make', async (t) => {
  t.same(codesIn(sources).filter((code) => !made.includes(code)), [])
  t.ok(made.length >= 20)
})

t.test('docs/errors.md lists each code there is, and no other', async (t) => {
  t.same(codesIn(read('errors.md')), made)
})

t.test('docs/errors.md links each code to a heading of the book', async (t) => {
  for (const code of made) {
    const [, path = '', fragment = ''] = new RegExp(`^\\| \\[\`${code}\`\\]\\(([^#)]*)#([^)]+)\\) \\|`, 'm').exec(read('errors.md')) ?? []
    t.ok(headingsOf(resolve(root, 'docs', path || 'errors.md')).includes(fragment), `${code}: ${path}#${fragment}`)
  }
})

for (const topic of topics.slice(1)) {
  t.test(`docs/${topic}.md lists the codes of ${topic}`, async (t) => {
    const prefix = `FST_QUICKSTART_${topic.toUpperCase()}_`
    t.same(codesIn(read(`${topic}.md`)).filter((code) => code.startsWith(prefix)), made.filter((code) => code.startsWith(prefix)))
    t.ok(made.includes(`${prefix}INVALID_OPTION`))
  })
}

t.test('no page names a code that there is not', async (t) => {
  for (const page of readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))) {
    t.same(codesIn(read(page)).filter((code) => !made.includes(code)), [], page)
  }
})
