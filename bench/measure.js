import { setTimeout as wait } from 'node:timers/promises'
import { checkAnswer } from './check.js'
import { ContenderProcess } from './contender-process.js'
import { contenders, missing } from './contenders.js'
import { rate } from './load.js'
import { median, summary } from './statistics.js'

/** @typedef {import('./scenarios.js').Scenario} Scenario */
/** @typedef {import('./scenarios.js').Entry} Entry */
/** @typedef {{ label: string, rounds: number[], median: number, min: number, max: number, processorTime?: number }} Rated */

/** Fields that belong to one answer or one connection, and so are not copied. */
const ownFields = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])

/**
 * Starts all contenders of a scenario, makes sure that they answer alike, and drives them in turn, in short rounds.
 *
 * @param {Scenario} scenario
 * @param {import('./fixtures.js').Fixtures} fixtures
 * @param {{ rounds: number, extraRounds: number, extraWarmUp: boolean, seconds: number, only?: string[] }} settings
 */
export async function measureScenario (scenario, fixtures, { rounds, extraRounds, extraWarmUp, seconds, only }) {
  const job = { ...await scenario.job(fixtures), path: scenario.path, folder: fixtures.folder }
  const body = await scenario.body(fixtures)
  const expected = { status: scenario.status ?? 200, body, read: scenario.read, headers: scenario.answerHeaders }
  const running = /** @type {{ entry: Entry, started: ContenderProcess, headers: Record<string, string>, rounds: number[], times: number[] }[]} */ ([])
  /** @type {Record<string, string>} */
  const skipped = { ...scenario.absent }
  const refused = /** @type {string[]} */ ([])
  let copied

  try {
    for (const entry of scenario.entries) {
      const id = entry.as ?? entry.id
      if (only !== undefined && !only.includes(id)) continue
      const lack = missing.get(id)
      if (lack !== undefined) {
        skipped[entry.id] = lack
        continue
      }
      const started = await ContenderProcess.start(contenders[id].file, { ...job, ...entry.job, copied }, fixtures.folder)
      const headers = { ...scenario.headers }
      running.push({ entry, started, headers, rounds: [], times: [] })

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
        refused.push(/** @type {Error} */ (error).message)
        running.pop()
        await started.stop()
        continue
      }
      // Fastify alone and the limit send what the suite sends.
      copied ??= { headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !ownFields.has(name))), body: answer.body.toString('base64') }
    }

    for (let round = -1; round < rounds; round++) {
      // Every other round goes the other way, so that whoever comes later has no lasting luck.
      for (const contender of round % 2 === 0 ? running : running.toReversed()) {
        if (contender.entry.extra && (round >= extraRounds || (round < 0 && !extraWarmUp))) continue
        const { entry, started, headers } = contender
        const { connections = 32 } = entry
        // Whoever takes long over each answer is not sped up by more of them.
        if (round < 0 && connections === 1) continue
        const before = await started.processorTime()
        const { rate: measured, answers } = await rate(`http://127.0.0.1:${started.port}${scenario.path}`, { seconds, connections, headers })
        if (round >= 0) {
          contender.rounds.push(measured)
          contender.times.push((await started.processorTime() - before) / answers)
        }
        if (connections === 1) await wait(300)
      }
    }
  } finally {
    await Promise.all(running.map(({ started }) => started.stop()))
  }

  /** @type {Record<string, Rated>} */
  const rates = Object.fromEntries(running.map(({ entry, started, rounds, times }) => [entry.id, {
    label: labelOf(entry),
    rounds,
    ...summary(rounds),
    // In microseconds an answer.
    processorTime: started.took === undefined ? median(times) : undefined
  }]))
  return { title: scenario.title, rates, refused, skipped: Object.fromEntries(Object.entries(skipped).map(([id, why]) => [contenders[id]?.label ?? id, why])) }
}

/** @param {Entry} entry */
function labelOf (entry) {
  return entry.label ?? contenders[entry.as ?? entry.id].label
}
