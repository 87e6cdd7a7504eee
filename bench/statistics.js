/** @param {number[]} values */
export function median (values) {
  return quantile(values, 0.5)
}

/**
 * @param {number[]} values
 * @param {number} share from 0 to 1
 */
export function quantile (values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)]
  return below + (sorted[Math.ceil(position)] - below) * (position % 1)
}

/** @param {number[]} values */
export function summary (values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * How a rate stands to another one. What slows down the machine slows down both rounds of a pair, so the ratio is
 * taken pair by pair, and then the median.
 *
 * @param {number[]} rates
 * @param {number[]} others of the same rounds
 */
export function ratio (rates, others) {
  const ratios = rates.slice(0, others.length).map((rate, round) => rate / others[round])
  return summary(ratios)
}

/**
 * How often a value of the one lot is above a value of the other: 0.5 when nobody can tell the lots apart by it.
 *
 * @param {number[]} values
 * @param {number[]} others
 */
export function shareAbove (values, others) {
  let above = 0
  for (const value of values) {
    for (const other of others) above += value > other ? 1 : value === other ? 0.5 : 0
  }
  return above / (values.length * others.length)
}
