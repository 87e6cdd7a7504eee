/** The description of a run of everything. */
const described = ['date', 'pinned', 'machine', 'settings']

/**
 * Puts what a run measured in the place of what was measured before, and keeps the rest. What the later run says of
 * itself is in `later`, with the names of the parts that are still its own.
 *
 * @param {any} before as results.json has it
 * @param {any} run of some parts
 * @param {string[]} order the names of all parts, in which the tables are to show them
 * @returns {any}
 */
export function mergeResults (before, run, order) {
  const names = listParts(run)
  const later = (before.later ?? []).map((/** @type {any} */ other) => ({
    ...other, parts: other.parts.filter((/** @type {string} */ name) => !names.includes(name))
  })).filter((/** @type {any} */ { parts }) => parts.length > 0)
  const versions = Object.entries(run.versions).filter(([name, version]) => before.versions[name] !== version)
  later.push({
    parts: names,
    ...Object.fromEntries(described.map((name) => [name, run[name]])),
    versions: Object.fromEntries(versions)
  })

  const { scenarios, growth, targets, minutes, later: _, date, pinned, machine, settings, ...others } = run
  return {
    ...before,
    ...others,
    versions: before.versions,
    scenarios: sortBy(order, { ...before.scenarios, ...scenarios }),
    growth: { ...before.growth, ...growth },
    later
  }
}

/** @param {any} results */
function listParts ({ scenarios, growth, ...results }) {
  return [
    ...Object.keys(scenarios),
    ...['flood', 'names', 'start', 'workers'].filter((name) => name in results),
    ...Object.keys(growth).map((name) => `growth-${name}`)
  ]
}

/**
 * @param {string[]} order
 * @param {Record<string, unknown>} values
 */
function sortBy (order, values) {
  return Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b)))
}
