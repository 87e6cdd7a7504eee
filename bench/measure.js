import { checkAnswer, checkCopy, copyAnswer } from './check.js'
import { ContenderProcess } from './contender-process.js'
import { contenders, missing } from './contenders.js'
import { Load } from './load.js'
import { median, summary } from './statistics.js'

/** @typedef {import('./scenarios.js').Scenario} Scenario */
/** @typedef {import('./scenarios.js').Entry} Entry */
/**
 * @typedef {{ label: string, rounds: number[], median: number, min: number, max: number, processorTime?: number }}
 * Rated
 */

/** Milliseconds that each contender is driven before anything counts. */
const warmUp = 1500

/**
 * @typedef {object} Sitting the contenders of a scenario, each with its load
 * @property {{ entry: Entry, started: ContenderProcess, load: Load }[]} running
 * @property {Record<string, string>} skipped why somebody is left out, by contender
 * @property {string[]} refused what was wrong with the answers of those who are left out for them
 */

/**
 * Starts all contenders of a scenario, makes sure that they answer alike, and drives them in turn, in short rounds.
 * Then all over again with new processes: how V8 happens to compile one of them stays with that process, for better
 * or worse.
 *
 * @param {Scenario} scenario
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ sittings: number, rounds: number, milliseconds: number, only?: string[] }} settings
 */
export async function measureScenario (scenario, fixtures, { sittings, rounds, milliseconds, only }) {
  /** @type {Record<string, string>} */
  const skipped = { ...scenario.absent }
  const refused = /** @type {Set<string>} */ (new Set())
  const measured = /** @type {Map<Entry, { isForeign: boolean, rounds: number[], times: number[] }>} */ (new Map())

  for (let sitting = 0; sitting < sittings; sitting++) {
    // No target speaks of the extra ones, so once will do. The others' first rounds are the same as theirs.
    const entries = scenario.entries.filter(({ extra }) => !extra || sitting === 0)
    const { running, ...left } = await sit(scenario, entries, fixtures, only)
    Object.assign(skipped, left.skipped)
    for (const why of left.refused) refused.add(why)
    for (const { entry, started } of running) {
      if (!measured.has(entry)) measured.set(entry, { isForeign: started.took !== undefined, rounds: [], times: [] })
    }
    try {
      for (const { load } of running) await load.drive(warmUp)
      for (let round = 0; round < rounds; round++) {
        // Every other round goes the other way, so that whoever comes later has no lasting luck.
        for (const { entry, started, load } of round % 2 === 0 ? running : running.toReversed()) {
          const own = /** @type {{ rounds: number[], times: number[] }} */ (measured.get(entry))
          const before = await started.processorTime()
          const { rate, answers } = await load.drive(milliseconds)
          own.rounds.push(rate)
          own.times.push((await started.processorTime() - before) / answers)
        }
      }
    } finally {
      await rise(running)
    }
  }

  /** @type {Record<string, Rated>} */
  const rates = Object.fromEntries(Array.from(measured, ([entry, { isForeign, rounds, times }]) => [entry.id, {
    label: labelOf(entry),
    rounds,
    ...summary(rounds),
    // In microseconds an answer.
    processorTime: isForeign ? undefined : median(times)
  }]))
  const reasons = Object.entries(skipped).map(([id, why]) => [contenders[id]?.label ?? id, why])
  return { title: scenario.title, rates, refused: [...refused], skipped: Object.fromEntries(reasons) }
}

/**
 * Starts all contenders of a scenario and looks at their answers, without measuring anything.
 *
 * @param {Scenario} scenario
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {string[]} [only]
 * @returns {Promise<{ answered: string[], refused: string[] }>}
 */
export async function checkScenario (scenario, fixtures, only) {
  const { running, refused } = await sit(scenario, scenario.entries, fixtures, only)
  await rise(running)
  return { answered: running.map(({ entry }) => labelOf(entry)), refused }
}

/**
 * Starts contenders, and leaves out those that cannot take part or answer otherwise than the suite, which is the first.
 *
 * @param {Scenario} scenario
 * @param {Entry[]} entries
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {string[]} [only]
 * @returns {Promise<Sitting>}
 */
async function sit (scenario, entries, fixtures, only) {
  const { path, status = 200, read = (body) => body, conditional, answerHeaders } = scenario
  const job = { ...await scenario.job(fixtures), path, folder: fixtures.folder }
  let body = await scenario.body?.(fixtures)
  const sitting = /** @type {Sitting} */ ({ running: [], skipped: {}, refused: [] })
  const { running, skipped, refused } = sitting
  let copied
  try {
    for (const entry of entries) {
      const id = entry.as ?? entry.id
      if (only !== undefined && !only.includes(id)) continue
      const lack = missing.get(id)
      if (lack !== undefined) {
        skipped[entry.id] = lack
        continue
      }
      const started = await ContenderProcess.start(
        contenders[id].file, { ...job, ...entry.job, copied }, fixtures.folder
      )
      const headers = { ...scenario.headers }
      if (conditional) {
        const { headers: { etag, 'last-modified': modified } } = await started.ask(path, headers)
        if (etag !== undefined) headers['if-none-match'] = etag
        else headers['if-modified-since'] = String(modified)
      }
      const answer = await started.ask(path, headers)
      body ??= read(answer.body)
      try {
        const expected = { status, body, read, headers: answerHeaders, lacks: entry.lacks }
        checkAnswer(labelOf(entry), answer, expected)
        if (entry.isCopy && copied !== undefined) checkCopy(labelOf(entry), answer, copied)
      } catch (error) {
        await started.stop()
        if (copied === undefined) throw error
        refused.push(/** @type {Error} */ (error).message)
        continue
      }
      const load = new Load(started.port, path, { connections: entry.connections ?? 32, headers, status })
      running.push({ entry, started, load })
      // Fastify alone and the limit send what the suite sends.
      copied ??= copyAnswer(answer)
    }
  } catch (error) {
    await rise(running)
    throw error
  }
  return sitting
}

/** Ends a sitting. @param {Sitting['running']} running */
async function rise (running) {
  for (const { load } of running) load.close()
  await Promise.all(running.map(({ started }) => started.stop()))
}

/** @param {Entry} entry */
function labelOf (entry) {
  return entry.label ?? contenders[entry.as ?? entry.id].label
}
