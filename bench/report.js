import { guessers } from './content.js'
import { ratio } from './statistics.js'

/**
 * Everything that was measured, as Markdown: what the terminal shows and what README.md holds.
 *
 * @param {any} results
 */
export function report (results) {
  const { machine, versions, targets, later = [] } = results
  const { scenarios, flood, names, start, workers, growth } = results
  const parts = [
    `Measured ${describeRun(results)}`,
    `Versions: ${listVersions(versions)}.`,
    ...later.map((/** @type {any} */ run) => {
      const others = listVersions(run.versions)
      return `Measured in a run of their own: ${run.parts.join(', ')}, ${describeRun(run)}${others && ` Other versions: ${others}.`}`
    })
  ]

  if (targets.length > 0) {
    const met = targets.filter((/** @type {any} */ target) => target.met).length
    parts.push('### Targets', `${met} of ${targets.length} are met. A ratio is that of this suite to the other one.`, table(
      ['topic', 'target', 'asked', 'measured', ''],
      targets.map((/** @type {any} */ { topic, says, asked, measured, unit, met }) => [topic, says, asked, `${number(measured)}${unit && ` ${unit}`}`, met ? 'met' : '**not met**'])
    ))
  }

  for (const [name, { title, rates, skipped }] of Object.entries(scenarios)) {
    const lines = Object.entries(rates).toSorted(([, a], [, b]) => b.median - a.median).map((
      [id, { label, rounds, median, min, max, processorTime }]
    ) => {
      const own = id.startsWith('quickstart')
      return [own ? `**${label}**` : label, rateOf(median), `${rateOf(min)}–${rateOf(max)}`, processorTime === undefined ? '' : `${number(processorTime)} µs`, rates.limit ? number(ratio(rounds, rates.limit.rounds).median) : '', number(ratio(rates.quickstart.rounds, rounds).median)]
    })
    parts.push(`### ${name}: ${title}`, table(['contender', 'answers a second', 'lowest–highest', 'processor time each', 'to the limit', 'fastify-quickstart to it'], lines))
    const absent = Object.entries(skipped)
    if (absent.length > 0) parts.push(`Skipped: ${absent.map(([label, why]) => `${label} (${why})`).join(', ')}.`)
  }

  if (flood !== undefined) {
    parts.push(
      '### flood: a logged-in client while others guess passwords',
      `${guessers} connections guess as fast as they can, half of them for a name that exists. The client that is logged in asks every few milliseconds; what it waits, in milliseconds:`,
      table(
        ['server', 'quiet: median', 'p99', 'flooded: median', 'p99', 'p99 to quiet', 'answers to guesses', 'memory held before → after'],
        Object.values(flood).map(({ label, quiet, flooded, p99Ratio, guesses, memoryBefore, memoryAfter }) => [
          label, number(quiet.median), number(quiet.p99), number(flooded.median), number(flooded.p99), number(p99Ratio),
          Object.entries(guesses).map(([status, count]) => `${count} × ${status}`).join(', '),
          `${megabytes(memoryBefore.live)} → ${megabytes(memoryAfter.live)}`
        ])
      )
    )
  }

  if (names !== undefined) {
    parts.push(
      '### names: a wrong password for a name that exists, and for one that does not',
      'Milliseconds, 10th percentile / median / 90th percentile. Last column: how often the answer for a known name is the slower one of two; 0.5 is a coin’s toss, 1 gives away who has an account.',
      table(['server', 'known name', 'unknown name', 'known is slower'], Object.values(names).map(({ label, known, unknown, knownIsSlower }) => [
        label, ...[known, unknown].map(({ p10, median, p90 }) => `${number(p10)} / ${number(median)} / ${number(p90)}`), number(knownIsSlower)
      ]))
    )
  }

  if (start !== undefined) {
    parts.push(
      '### start: until the first answer, and memory',
      'From starting the process to its first answer. Resident is the whole process; held is what its code keeps after a garbage collection.',
      table(
        ['contender', 'start, median', 'lowest–highest', 'resident, started', 'after load', 'held, started', 'after load'],
        Object.entries(start).map(([id, { label, milliseconds: { median, min, max }, memory }]) => [
          id === 'quickstart' || id === 'app' ? `**${label}**` : label, `${Math.round(median)} ms`, `${Math.round(min)}–${Math.round(max)} ms`,
          megabytes(memory.start.resident), megabytes(memory.load.resident),
          megabytes(memory.start.live), megabytes(memory.load.live)
        ])
      )
    )
  }

  if (workers !== undefined) {
    parts.push(
      '### workers: the command with one worker and with two',
      `A page with a loop of 3,000 values, so that the server and not the driver is at its limit, on ${machine.cores} cores, which the driver shares; the servers are not pinned. ` +
      `Two workers answer ${number(workers.ratio)} times as much as one.`,
      table(['workers', 'answers a second'], Object.entries(workers.rates).map(([count, { median }]) => [count, rateOf(median)]))
    )
  }

  for (const [name, { title, unit, points }] of Object.entries(growth)) {
    const labels = [...new Set(points.map((/** @type {any} */ { label }) => label))]
    const counts = [...new Set(points.map((/** @type {any} */ { count }) => count))]
    const cell = (/** @type {any} */ count, /** @type {any} */ label) => {
      const point = points.find((/** @type {any} */ other) => other.count === count && other.label === label)
      return `${rateOf(point.rate)} · ${megabytes(point.live)} · ${Math.round(point.start)} ms`
    }
    parts.push(`### growth-${name}: ${title}`, 'Answers a second · memory held · start until the first answer.', `![${title}](growth-${name}.svg)`, table([unit, ...labels], counts.map((count) => [count.toLocaleString('en'), ...labels.map((label) => cell(count, label))])))
  }
  return parts.join('\n\n') + '\n'
}

/** @param {any} run */
function describeRun ({ date, pinned, machine, settings }) {
  return `${date} on ${machine.cpu}, ${machine.cores} cores, ${machine.memory} GB, ${machine.system}, load ${machine.load.toFixed(1)} beforehand. ` +
    `Contenders ${pinned ? 'pinned to one core, driver to another' : 'and driver not pinned'}; ` +
    `${settings.sittings === 1 ? 'one sitting' : `${settings.sittings} sittings`} of ${settings.rounds} rounds, in turn, ${settings.milliseconds} ms at a time; one sitting for peers of which no target speaks.`
}

/** @param {Record<string, string>} versions */
function listVersions (versions) {
  return Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')
}

/**
 * @param {any[]} heads
 * @param {any[][]} rows
 */
function table (heads, rows) {
  return [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** @param {number} value */
function number (value) {
  if (!Number.isFinite(value)) return '–'
  return value < 0.995 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

/** @param {number} value */
function rateOf (value) {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

/** @param {number | null} bytes */
function megabytes (bytes) {
  return bytes === null ? '–' : `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
