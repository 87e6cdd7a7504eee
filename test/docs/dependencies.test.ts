import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from './pages.ts'

const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
const page = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8')

/** The names in the first column of the table below a heading. */
function listed (heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name).sort()
}

t.test('docs/dependencies.md lists what the package installs', async (t) => {
  t.same(listed('What is installed'), Object.keys(dependencies ?? {}).sort())
})

t.test('docs/dependencies.md lists what the host brings', async (t) => {
  t.same(listed('What your app brings'), Object.keys(peerDependencies ?? {}).sort())
})

t.test('each package that would run a script at its installation is named in package.json', async (t) => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as
    { packages: Record<string, { hasInstallScript?: true }> }
  const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { allowScripts: object }
  const scripted = Object.keys(packages).filter((path) => packages[path]?.hasInstallScript)
  t.same(scripted.map((path) => path.replace(/^.*node_modules\//, '')).filter((name) => !(name in allowScripts)), [])
})

t.test('each has a purpose, what it stands in for, and a size', async (t) => {
  for (const row of page.match(/^\| `.*$/gm) ?? []) {
    t.match(row, /^\| `[^`]+` \| [^|]{10,} \| [^|]{3,} \| [\d,]+ kB \|$/)
  }
})
