import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { settingsSchema } from '../../app/settings/settings.ts'
import { createReferencePages } from '../../docs/site/reference/pages.ts'
import { setEnvironment } from '../environment.ts'
import { root } from './pages.ts'

setEnvironment(t)
const pages = await createReferencePages()

for (const [file, text] of pages) {
  // Elsewhere than on Linux a process has fewer metrics.
  t.test(`${file} is as the sources are`, { skip: file.includes('metrics') && process.platform !== 'linux' }, async (t) => {
    t.equal(readFileSync(join(root, file), 'utf8'), text, 'else npm run docs:reference writes it anew')
  })
}

const read = (name: string): string => pages.get(`docs/reference/${name}.md`)!
const names = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name)

t.test('each setting has its row, with what it is for, takes, and is without a value', async (t) => {
  const settings = names(read('settings'))
  t.same(settings, [...Object.keys(settingsSchema.properties), 'HOST', 'PORT', 'NODE_ENV'])
  for (const row of read('settings').match(/^\| `.*$/gm) ?? []) t.match(row, /^\| `\w+` \| [^|]{3,} \| [^|]{3,} \| [^|]+ \|$/)
})

t.test('each option, flag and metric has its row, with what it does', async (t) => {
  for (const [name, some] of [
    ['options', ['csp', 'root', 'memory.maxFileSize', 'multiline', 'absolute', 'throttle.redis', 'cache.ttl', 'app.urlFor', 'config.name']],
    ['command', ['routes', 'hash-password', '--workers', '--tutorial', '--from', '--verify']],
    ['metrics', ['quickstart_logins_total', 'quickstart_workers_replaced_total', 'process_resident_memory_bytes']]
  ] as const) {
    const there = names(read(name))
    for (const each of some) t.ok(there.includes(each), each)
    for (const row of read(name).match(/^\| [`(].*$/gm) ?? []) t.match(row, /\| \S[^|]{3,} \|$/)
  }
})
