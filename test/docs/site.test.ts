import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { documents, linkRepository, placeOnSite, readText, relink } from '../../docs/site/pages.ts'
import { splitIntoSections } from '../../docs/site/search.ts'
import { root } from './pages.ts'

/** Every document of the book: those beside package.json, and those of these folders. */
function listDocuments (): string[] {
  const folders = ['docs', 'examples', 'bench'].flatMap((folder) => {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  })
  return [...readdirSync(root), ...folders]
    .filter((name) => name.endsWith('.md') && !/node_modules|^docs[\\/]site[\\/]/.test(name))
    .map((name) => name.replaceAll('\\', '/'))
}

t.test('each document is a page of the site, in one group', async (t) => {
  t.same([...documents].sort(), listDocuments().sort())
  const places = documents.map(placeOnSite)
  t.equal(new Set(places).size, places.length, 'no two have one place')
})

for (const [file, text, expected] of [
  ['README.md', '[x](docs/auth.md#users) [y](LICENSE)', '[x](/auth.md#users) [y](/source/LICENSE.md)'],
  ['docs/auth.md', '[x](../README.md) [y](deployment.md)', '[x](/index.md) [y](/deployment.md)'],
  ['docs/auth.md', '[x](../examples) [y](../deploy/)', '[x](/examples/index.md) [y](/source/deploy.md)'],
  ['docs/auth.md', '[x](#users) [y](https://fastify.dev/a.md)', '[x](#users) [y](https://fastify.dev/a.md)'],
  ['README.md', '![x](docs/page.png)', '![x](docs/page.png)'],
  ['README.md', '```ts\na[0](docs/auth.md)\n```\n[x](docs/auth.md)', '```ts\na[0](docs/auth.md)\n```\n[x](/auth.md)']
] as const) {
  t.test(`a link of ${file}: ${JSON.stringify(text)}`, async (t) => {
    t.equal(relink(file, text), expected)
  })
}

t.test('the search finds headings, and rows that have a name, with what is above them', async (t) => {
  const sections = splitIntoSections(`<h1 id="auth" tabindex="-1">auth <a class="header-anchor" href="#auth">.</a></h1><p>Who</p>
    <h2 id="options" tabindex="-1">Options &amp; more <a class="header-anchor" href="#options">.</a></h2>
    <table><tr><td id="realm"><code>realm</code></td><td>a name &lt;here&gt;</td></tr><tr><td>no name</td><td>x</td></tr></table>`)
  t.same(sections, [
    { anchor: 'auth', titles: ['auth'], text: 'Who' },
    { anchor: 'options', titles: ['auth', 'Options & more'], text: 'realm a name <here> no name x' },
    { anchor: 'realm', titles: ['auth', 'Options & more', 'realm'], text: 'a name <here>' }
  ])
})

t.test('links to the sources and to edit a page are there once a release names the repository', async (t) => {
  t.same(linkRepository({ description: '' }), { nav: [] })
  t.same(linkRepository({ description: '', repository: { url: 'git+https://git.example/a/b.git' } }), {
    nav: [{ text: 'Source', link: 'https://git.example/a/b' }],
    editLink: { pattern: 'https://git.example/a/b/edit/main/:path', text: 'Edit this page' }
  })
})

t.test('the package has none of the site', async (t) => {
  t.ok(existsSync(join(root, 'docs', 'site', 'pages.ts')), 'it is there')
  const { files, dependencies } = JSON.parse(readText('package.json')) as
    { files: string[], dependencies: Record<string, string> }
  t.ok(files.indexOf('!docs/site') > files.indexOf('docs'))
  t.notOk('vitepress' in dependencies)
})
