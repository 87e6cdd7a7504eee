import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { toJavaScript } from './to-javascript.ts'

const examples = resolve(import.meta.dirname, '..', '..', 'examples')

t.test('each TypeScript file of an example has its JavaScript beside it', async (t) => {
  const sources = readdirSync(examples, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/node_modules|dist/.test(file)).map((file) => join(examples, file))
  t.equal(sources.length, 8)
  for (const source of sources) {
    const expected = toJavaScript(readFileSync(source, 'utf8'))
    const twin = source.replace(/\.ts$/, '.js')
    // Write them anew with: npx tap --snapshot test/examples/languages.process.ts
    if (process.env.TAP_SNAPSHOT === '1') writeFileSync(twin, expected)
    t.equal(readFileSync(twin, 'utf8'), expected, twin)
  }
})
