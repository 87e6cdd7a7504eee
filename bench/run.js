// Measures the suite beside its peers. Options:
//   --quick             the scenarios that say most, in one sitting: a few minutes
//   <name> …            these scenarios alone: hello, static-small, …, root-hello, …, flood, names, start,
//                       growth-auth, …; --scenario <name> does the same
//   --update            writes what these scenarios give into results.json, the plots and README.md; what was there of
//                       others stays
//   --check             starts the contenders and compares their answers, and measures nothing
//   --tables            measures nothing, and writes the plots and README.md anew from results.json
//   --contender <name>  against this one alone, several times if you like: limit, fastify, official,
//                       sirv, express, hono, whole-fastify, whole-express, whole-hono, nginx, flask
//   --sittings <number> how often each contender of which a target speaks is started anew and
//                       driven (default 4): more of them say more
//   --soak              instead of all that, ten minutes of an even load on the started app: soak.svg, and its lines
//                       in README.md
//   --minutes <number>  of the soak, from 2 on (default 10)
// A full run in which nothing failed writes results.json, the plots and the tables in README.md, as does --update; any
// run writes last-run.json.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { contenders, missing, versions } from './contenders.js'
import { serverCore } from './cores.js'
import { Fixtures } from './fixtures.js'
import { measureFlood } from './flood.js'
import { curves, measureGrowth } from './growth.js'
import { checkScenario, measureScenario } from './measure.js'
import { mergeResults } from './merge-results.js'
import { measureNames } from './names.js'
import { plotGrowth, plotRates, plotSoak } from './plot.js'
import { report } from './report.js'
import { scenarios } from './scenarios.js'
import { growth, measureSoak } from './soak.js'
import { measureStart } from './start.js'
import { insertSummary, summarize } from './summary.js'
import { judge } from './targets.js'
import { measureWorkers } from './workers.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    update: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    tables: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    scenario: { type: 'string', multiple: true },
    contender: { type: 'string', multiple: true },
    sittings: { type: 'string' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string' }
  }
})
const { quick, update, check, tables, contender: against, sittings: wanted, soak, minutes = '10' } = values
const named = [...positionals, ...values.scenario ?? []]
const chosen = named.length === 0 ? undefined : named
const here = import.meta.dirname
const resultsFile = join(here, 'results.json')
const names = [
  ...scenarios.map(({ name }) => name), 'flood', 'names', 'start', 'workers',
  ...curves.map(({ name }) => `growth-${name}`)
]
refuseUnknown('--scenario', chosen, names)
refuseUnknown('--contender', against, Object.keys(contenders))
if (wanted !== undefined && !/^[1-9]\d?$/.test(wanted)) {
  process.stderr.write(`--sittings takes a number from 1 to 99, not ${wanted}\n`)
  process.exit(1)
}

if (!/^[1-9]\d?$/.test(minutes) || minutes === '1') {
  process.stderr.write(`--minutes takes a number from 2 to 99, not ${minutes}\n`)
  process.exit(1)
}

if (update && (chosen === undefined || quick || against !== undefined)) {
  process.stderr.write('--update takes the names of scenarios, and neither --quick nor --contender\n')
  process.exit(1)
}

const sittings = Number(wanted ?? (quick ? 1 : 4))
const settings = { sittings, rounds: 10, milliseconds: 120 }
const isWhole = !quick && chosen === undefined && against === undefined
const only = against && ['quickstart', ...against]

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
if (soak) {
  await runSoak(Number(minutes))
  process.exit()
}
if (tables) {
  await writeResults(JSON.parse(await readFile(resultsFile, 'utf8')))
  process.exit()
}
const fixtures = await Fixtures.make()
if (check) {
  await checkAll()
  process.exit()
}
/** @type {any} */
let results = {
  date: new Date().toISOString().slice(0, 10),
  pinned: serverCore !== undefined,
  machine: { cpu: cpus()[0].model.trim(), cores: cpus().length, memory: Math.round(totalmem() / 2 ** 30), load: loadavg()[0], system: `${type()} ${release().split(/[-+]/)[0]}` },
  versions,
  settings,
  scenarios: {},
  growth: {}
}
for (const [id, why] of missing) note(`skipped: ${contenders[id].label} (${why})`)

/**
 * One part of the run. Where it fails, the others go on.
 *
 * @param {string} name
 * @param {boolean} isQuick whether it is part of a quick run
 * @param {() => Promise<void>} measure
 */
async function part (name, isQuick, measure) {
  if (chosen === undefined ? quick && !isQuick : !chosen.includes(name)) return
  note(name)
  await measure().catch((error) => {
    note(`  failed: ${error.message}`)
    process.exitCode = 1
  })
}

if (results.machine.load > 1) note(`the machine is busy (load ${results.machine.load.toFixed(1)}): what others take from it will show in the results`)

const began = performance.now()
for (const scenario of scenarios) {
  await part(scenario.name, scenario.quick, async () => {
    results.scenarios[scenario.name] = await measureScenario(scenario, fixtures, { ...settings, only })
    for (const why of results.scenarios[scenario.name].refused) {
      note(`  left out: ${why}`)
      process.exitCode = 1
    }
  })
}
await part('flood', false, async () => {
  results.flood = await measureFlood(fixtures, { quietSeconds: quick ? 2 : 4, floodSeconds: quick ? 3 : 6, only })
})
await part('names', false, async () => {
  results.names = await measureNames(fixtures, { tries: quick ? 20 : 80, only })
})
await part('start', false, async () => {
  results.start = await measureStart(fixtures, { times: quick ? 1 : 7, seconds: 2, only })
})
await part('workers', false, async () => {
  results.workers = await measureWorkers(fixtures, { rounds: 12 })
})
for (const curve of curves) {
  await part(`growth-${curve.name}`, false, async () => {
    results.growth[curve.name] = await measureGrowth(
      curve, fixtures, { rounds: quick ? 2 : 8, milliseconds: 120, only }
    )
  })
}
if (results.growth.static !== undefined) results.fileBytes = await compressedSize(await fixtures.manyFiles(10_000))
results.minutes = Number(((performance.now() - began) / 60_000).toFixed(1))
results = judged(results)

process.stdout.write(`\n${report(results)}\n`)
await writeFile(join(here, 'last-run.json'), stringify(results))
if (process.exitCode === undefined) {
  if (isWhole) await writeResults(results)
  if (update) await writeResults(mergeResults(JSON.parse(await readFile(resultsFile, 'utf8')), results, names))
}
note(`done in ${results.minutes} minutes`)

/**
 * Writes results.json, and what is made of it: the plots, the tables, and the sentence of the suite's README.md.
 *
 * @param {any} results
 */
async function writeResults (results) {
  results = judged(results)
  await writeFile(resultsFile, stringify(results))
  for (const [name, curve] of Object.entries(results.growth)) {
    await writeFile(join(here, `growth-${name}.svg`), plotGrowth(curve))
  }
  await writeFile(join(here, 'rates.svg'), plotRates(results.scenarios))
  await writeReadme('results', report(results))
  const readme = join(here, '..', 'README.md')
  await writeFile(readme, insertSummary(await readFile(readme, 'utf8'), summarize(results)))
}

/**
 * Judges results by the targets. They have the digits of results.json, so that the tables can be made from it again.
 *
 * @param {any} results
 */
function judged (results) {
  const rounded = JSON.parse(stringify(results))
  return JSON.parse(stringify({ ...rounded, targets: judge(rounded) }))
}

/** Says of each scenario who answers it as the suite does. */
async function checkAll () {
  for (const scenario of scenarios.filter(({ name }) => chosen === undefined || chosen.includes(name))) {
    note(scenario.name)
    const { answered, refused } = await checkScenario(scenario, fixtures, only)
      .catch((error) => ({ answered: [], refused: [error.message] }))
    for (const label of answered) note(`  ${label}`)
    for (const why of refused) {
      note(`  left out: ${why}`)
      process.exitCode = 1
    }
  }
}

/** @param {number} minutes */
async function runSoak (minutes) {
  note(`soak, ${minutes} minutes`)
  const date = new Date().toISOString().slice(0, 10)
  const load = loadavg()[0]
  const { samples, shed, wrong } = await measureSoak({ seconds: minutes * 60 })
  const { memory, delay } = growth(samples)
  const answers = samples.reduce((sum, { answers }) => sum + answers, 0)
  const title = `${minutes} minutes of all topics, ${answers.toLocaleString('en')} answers`
  const text = `Measured ${date}, load ${load.toFixed(1)} beforehand: ${title}; ${shed} more were shed, ${wrong.length} wrong. Of the last minute to the second half of the
first one: memory held ${memory.toFixed(3)}, delay of the event loop ${delay.toFixed(3)}.

![${title}](soak.svg)`
  process.stdout.write(`\n${text}\n`)
  await writeFile(join(here, 'soak.svg'), plotSoak(title, samples))
  await writeReadme('soak', text)
  if (wrong.length > 0 || memory > 1.05 || delay > 1.05) process.exitCode = 1
}

/**
 * Writes a text between the marks of its name.
 *
 * @param {string} name
 * @param {string} text
 */
async function writeReadme (name, text) {
  const readme = await readFile(join(here, 'README.md'), 'utf8')
  const [before] = readme.split(`<!-- ${name} -->`)
  const [, after] = readme.split(`<!-- end of ${name} -->`)
  await writeFile(join(here, 'README.md'), `${before}<!-- ${name} -->\n\n${text.trimEnd()}\n\n<!-- end of ${name} -->${after}`)
}

/**
 * The bytes of all files of a folder and of their compressed forms, as far as those are smaller: told from some of
 * them, which are all alike.
 *
 * @param {string} folder
 */
async function compressedSize (folder) {
  const names = await readdir(folder)
  const some = names.slice(0, 200)
  let bytes = 0
  for (const name of some) {
    const file = await readFile(join(folder, name))
    const forms = [brotliCompressSync(file), gzipSync(file)].filter(({ length }) => length < file.length)
    bytes += [file, ...forms].reduce((sum, { length }) => sum + length, 0)
  }
  return bytes / some.length * names.length
}

/** Four digits of everything: no measurement here has more. @param {object} value */
function stringify (value) {
  return JSON.stringify(value, (key, part) => typeof part === 'number' && !Number.isInteger(part) ? Number(part.toPrecision(4)) : part, 2) + '\n'
}

/**
 * @param {string} option
 * @param {string[] | undefined} given
 * @param {string[]} known
 */
function refuseUnknown (option, given, known) {
  for (const name of given ?? []) {
    if (known.includes(name)) continue
    process.stderr.write(`${option} ${name} is not known; it takes one of ${known.join(', ')}\n`)
    process.exit(1)
  }
}

/** @param {string} line */
function note (line) {
  process.stderr.write(`${line}\n`)
}
