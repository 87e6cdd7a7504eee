import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

// Coverage counts a file once it is loaded. All are loaded here, so that one without a test does not go unseen.
t.test('each file whose coverage counts is loaded', async (t) => {
  const root = resolve(import.meta.dirname, '..')
  const files = ['plugins', 'lib', 'app'].flatMap((folder) => {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  }).filter((name) => name.endsWith('.ts'))
  t.ok(files.length > 100)
  await Promise.all(['app.ts', ...files].map(async (name) => await import(join(root, name))))
})
