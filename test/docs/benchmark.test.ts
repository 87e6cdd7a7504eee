import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readPages, root } from './pages.ts'

interface Rates { median: number, rounds: number[] }
interface Run { date: string, machine: { cpu: string, load: number }, versions: Record<string, string> }
interface Results extends Run {
  scenarios: Record<string, { title: string, rates: Record<string, Rates> }>
  growth: Record<string, object>
  flood?: object
  later?: Array<Run & { parts: string[] }>
  targets: Array<{ says: string, met: boolean }>
}

// The types of the benchmarks are in their comments, which this project's TypeScript does not read.
const load = async (name: string) => await import(new URL(`../../bench/${name}.js`, import.meta.url).href) as unknown
const { report } = await load('report') as { report: (results: Results) => string }
const { judge } = await load('targets') as { judge: (results: Results) => Results['targets'] }
const { mergeResults } = await load('merge-results') as {
  mergeResults: (before: Results, run: Results, order: string[]) => Results
}
const { summarize, insertSummary, readSummary } = await load('summary') as {
  summarize: (results: Results) => string
  insertSummary: (readme: string, sentence: string) => string
  readSummary: (readme: string) => string
}

const results = JSON.parse(readFileSync(join(root, 'bench', 'results.json'), 'utf8')) as Results
const readme = readFileSync(join(root, 'README.md'), 'utf8')

t.test('the tables of bench/README.md are what results.json says', async (t) => {
  const text = readFileSync(join(root, 'bench', 'README.md'), 'utf8')
  const [, tables = ''] = /<!-- results -->\n([^]*)<!-- end of results -->/.exec(text) ?? []
  t.equal(tables.trim(), report(results).trim(), 'node bench/run.js --tables writes them anew')
})

t.test('the targets of results.json are those that there are', async (t) => {
  const short = (targets: Results['targets']) => targets.map(({ says, met }) => `${says}: ${met}`)
  t.same(short(results.targets), short(judge(results)), 'node bench/run.js --tables judges them anew')
})

t.test('the sentence of README.md on the whole app is what results.json says', async (t) => {
  t.equal(readSummary(readme), summarize(results), 'node bench/run.js --tables writes it anew')
})

t.test('no other sentence of README.md and docs/ says how many answers a second there are', async (t) => {
  const claim = /\d[\d,.]*\s+(?:(?:answers|requests)\s+a\s+second|times\s+(?:what|as\s+many))\b/g
  const others = readPages().flatMap(({ path, text }) => {
    const prose = path === 'README.md' ? insertSummary(text, '') : text
    return [...prose.matchAll(claim)].map(([found]) => `${path}: ${found}`)
  })
  t.same(others, [])
})

const pages = ['root-hello', 'root-static', 'root-page', 'root-params', 'root-login']

/** Results of scenarios in which the suite has these rates, half of it is Express', and two thirds Fastify's. */
function measured (rates: Record<string, number>, run: Partial<Results> = {}): Results {
  const scenario = ([name, rate]: [string, number]) => {
    const of = (share: number) => ({ median: rate * share, rounds: [rate * share, rate * share] })
    return [name, { title: name, rates: { quickstart: of(1), 'whole-express': of(1 / 2), 'whole-fastify': of(2 / 3) } }]
  }
  return {
    date: '2026-01-01',
    machine: { cpu: 'Core', load: 0 },
    versions: { node: '20.0.0' },
    scenarios: Object.fromEntries(Object.entries(rates).map(scenario)),
    growth: {},
    targets: [],
    ...run
  }
}

t.test('the sentence is the mean of the five pages, and has no place until each was measured', async (t) => {
  const all = measured({ ...Object.fromEntries(pages.map((name) => [name, 30_000])), 'root-page': 10_000 })
  const sentence = summarize(all)
  t.equal(sentence, 'The whole app answers 21,000 requests a second on one core of a Core, each of its five topics asked ' +
    'equally often: 2.0 times what Express does, and 1.5 times what Fastify does, with the usual plugins put together by hand.')
  const written = insertSummary(readme, sentence)
  t.equal(readSummary(written), sentence)
  t.ok(Math.max(...written.split('\n').filter((line) => sentence.includes(line)).map(({ length }) => length)) <= 120)
  t.equal(insertSummary(written, readSummary(readme)), readme)
  for (const name of pages) {
    const { [name]: _, ...scenarios } = all.scenarios
    t.equal(summarize({ ...all, scenarios }), '', `without ${name}`)
  }
})

t.test('a run of some scenarios takes the place of these, and keeps the others', async (t) => {
  const before = measured({ hello: 100, page: 200 }, { growth: { auth: { points: [1] } }, flood: { quiet: 1 } })
  const order = ['root-hello', 'hello', 'page', 'flood', 'growth-auth', 'growth-static']
  const first = mergeResults(before, measured({ page: 300, 'root-hello': 400 }, {
    date: '2026-02-02', versions: { node: '20.0.0', morgan: '1.0.0' }, growth: { static: { points: [2] } }
  }), order)
  t.equal(first.date, '2026-01-01')
  t.same(Object.entries(first.scenarios).map(([name, { rates }]) => [name, rates.quickstart?.median]), [['root-hello', 400], ['hello', 100], ['page', 300]])
  t.same(first.growth, { auth: { points: [1] }, static: { points: [2] } })
  t.same(first.flood, { quiet: 1 })
  t.match(first.later, [{ parts: ['page', 'root-hello', 'growth-static'], date: '2026-02-02', versions: { morgan: '1.0.0' } }])

  const second = mergeResults(first, measured({ page: 500 }, { date: '2026-03-03', flood: { quiet: 2 } }), order)
  t.equal(second.scenarios.page?.rates.quickstart?.median, 500)
  t.same(second.flood, { quiet: 2 })
  t.match(second.later, [
    { parts: ['root-hello', 'growth-static'], date: '2026-02-02' }, { parts: ['page', 'flood'], date: '2026-03-03' }
  ])
  const third = mergeResults(second, measured({ page: 1, 'root-hello': 1 }, { growth: { static: {} } }), order)
  t.match(third.later?.map(({ parts }) => parts), [['flood'], ['page', 'root-hello', 'growth-static']])
})
