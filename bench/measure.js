import { checkAnswer } from './check.js'
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

/** Fields that belong to one answer or one connection, and so are not copied. */
const ownFields = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])

/** Milliseconds that each contender is driven before anything counts. */
const warmUp = 1500

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
  const job = { ...await scenario.job(fixtures), path: scenario.path, folder: fixtures.folder }
  const body = await scenario.body(fixtures)
  const expected = { status: scenario.status ?? 200, body, read: scenario.read, headers: scenario.answerHeaders }
  /** @type {Record<string, string>} */
  const skipped = { ...scenario.absent }
  const refused = /** @type {Set<string>} */ (new Set())
  const measured = /** @type {Map<Entry, { isForeign: boolean, rounds: number[], times: number[] }>} */ (new Map())

  for (let sitting = 0; sitting < sittings; sitting++) {
    const running = /** @type {{ entry: Entry, started: ContenderProcess, load: Load }[]} */ ([])
    let copied
    try {
      for (const entry of scenario.entries) {
        const id = entry.as ?? entry.id
        // No target speaks of them, so once will do. The others' first rounds are the same as theirs.
        if (entry.extra && sitting > 0) continue
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
        if (scenario.conditional) {
          const { headers: { etag, 'last-modified': modified } } = await started.ask(scenario.path, headers)
          if (etag !== undefined) headers['if-none-match'] = etag
          else headers['if-modified-since'] = String(modified)
        }
        const answer = await started.ask(scenario.path, headers)
        try {
          checkAnswer(labelOf(entry), answer, { ...expected, lacks: entry.lacks })
        } catch (error) {
          if (copied === undefined) throw error
          refused.add(/** @type {Error} */ (error).message)
          await started.stop()
          continue
        }
        const { connections = 32 } = entry
        const load = new Load(started.port, scenario.path, { connections, headers, status: expected.status })
        running.push({ entry, started, load })
        // Fastify alone and the limit send what the suite sends.
        copied ??= { headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !ownFields.has(name))), body: answer.body.toString('base64') }
        if (!measured.has(entry)) measured.set(entry, { isForeign: started.took !== undefined, rounds: [], times: [] })
      }

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
      for (const { load } of running) load.close()
      await Promise.all(running.map(({ started }) => started.stop()))
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

/** @param {Entry} entry */
function labelOf (entry) {
  return entry.label ?? contenders[entry.as ?? entry.id].label
}
