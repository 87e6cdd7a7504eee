import { readdirSync } from 'node:fs'
import t from 'tap'
import { apply, compile, makeProject, run } from './guided-project.ts'
import { type Block, readPages } from './pages.ts'
import { lacks } from '../system.ts'

t.setTimeout(300_000) // it compiles and tests the app after each step, which takes long on a busy machine

const page = readPages().find(({ path }) => path === 'docs/an-app-of-your-own.md')!
const steps = page.text.split(/^## /m).slice(1).map((text) => text.split('\n', 1)[0]!)

/** The blocks of each step that are files, or changes of one. */
function blocksOf (step: number): Block[] {
  const lines = page.text.split('\n')
  const from = lines.indexOf(`## ${steps[step]}`)
  const to = step + 1 < steps.length ? lines.indexOf(`## ${steps[step + 1]}`) : lines.length
  return page.blocks.filter(({ file, place }) => {
    const line = Number(place.split(':')[1])
    return file !== undefined && line > from && line <= to
  })
}

t.test('each step of the page on an app of one\'s own gives an app that passes its tests', { skip: lacks.links }, async (t) => {
  const folder = await makeProject(t, 'guestbook')
  let applied = 0
  for (const [index, step] of steps.entries()) {
    const blocks = blocksOf(index)
    applied += blocks.length
    if (index > 0 && blocks.length === 0) continue
    for (const block of blocks) t.doesNotThrow(() => apply(folder, block), block.place)
    t.match(await compile(folder), { code: 0, output: /^$/ }, `${step}: compiles`)
    const tests = readdirSync(folder).filter((name) => name.endsWith('.test.js'))
    const { code, output } = await run(folder, '--test', ...tests)
    t.equal(code, 0, `${step}: passes its tests`, code === 0 ? {} : { output })
  }
  t.equal(applied, page.blocks.filter(({ file }) => file !== undefined).length, 'each block belongs to a step')
})
