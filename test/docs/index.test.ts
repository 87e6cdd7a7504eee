import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readPages, root } from './pages.ts'

const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8')

t.test('the index of docs/ leads to each page', async (t) => {
  const names = readPages().map(({ path }) => path).filter((path) => /^docs\/(?!README)/.test(path))
  t.ok(names.length > 10)
  for (const path of names) t.ok(index.includes(`](${path.slice('docs/'.length)})`), path)
})
