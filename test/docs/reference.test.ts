import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { settingsSchema } from '../../app/settings/settings.ts'
import { createReferencePages } from '../../docs/site/reference/pages.ts'
import { setEnvironment } from '../environment.ts'
import { root } from './pages.ts'

const read = (name: string): string => readFileSync(join(root, 'docs', 'reference', `${name}.md`), 'utf8')
const names = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name)

t.test('each page is as the sources are', async (t) => {
  setEnvironment(t)
  for (const [file, text] of await createReferencePages()) {
    // Elsewhere than on Linux a process has fewer metrics.
    if (file.includes('metrics') && process.platform !== 'linux') continue
    t.equal(readFileSync(join(root, file), 'utf8'), text, `${file}: else npm run docs:reference writes it anew`)
  }
})

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
