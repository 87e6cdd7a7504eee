import { ratio } from './statistics.js'

const pages = ['root-hello', 'root-static', 'root-page', 'root-params', 'root-login']
const heading = '## How fast it is\n\n'

/**
 * Says in one sentence how fast the whole app is: its five pages asked equally often, one after the other.
 *
 * @param {any} results
 * @returns {string} empty where they were not all measured
 */
export function summarize ({ scenarios, machine, later = [] }) {
  const rates = pages.map((name) => scenarios[name]?.rates)
  if (rates.some((rate) => rate?.quickstart === undefined)) return ''
  const { cpu } = later.find((/** @type {any} */ { parts }) => parts.includes(pages[0]))?.machine ?? machine
  const own = rates.map(({ quickstart }) => 1 / quickstart.median)
  const times = (/** @type {string} */ peer) => {
    // A ratio is taken round by round: what others did on the machine is in both.
    const others = rates.map((rate, index) => own[index] * ratio(rate.quickstart.rounds, rate[peer].rounds).median)
    return `${(sum(others) / sum(own)).toFixed(1)} times`
  }
  const perSecond = Number((own.length / sum(own)).toPrecision(2)).toLocaleString('en')
  return `The whole app answers ${perSecond} requests a second on one core of ${articleOf(cpu)} ${cpu}, each of its five topics asked equally often: ` +
    `${times('whole-express')} what Express does, and ${times('whole-fastify')} what Fastify does, with the usual plugins put together by hand.`
}

/**
 * Puts the sentence below its heading in README.md, in the place of the one that was there.
 *
 * @param {string} readme
 * @param {string} sentence
 */
export function insertSummary (readme, sentence) {
  const [start, end] = findSummary(readme)
  return `${readme.slice(0, start)}${sentence && `${wrap(sentence)}\n\n`}${readme.slice(end)}`
}

/**
 * Reads the sentence that README.md has.
 *
 * @param {string} readme
 */
export function readSummary (readme) {
  return readme.slice(...findSummary(readme)).trim().replaceAll('\n', ' ')
}

/** Where the sentence is: between its heading and the picture. @param {string} readme @returns {[number, number]} */
function findSummary (readme) {
  const start = readme.indexOf(heading)
  const end = readme.indexOf('![', start)
  if (start === -1 || end === -1) throw new Error(`README.md has no picture below ${heading.trim()}`)
  return [start + heading.length, end]
}

/** @param {string} text */
function wrap (text) {
  return text.replace(/(.{1,120})(?: |$)/g, '$1\n').trimEnd()
}

/** @param {number[]} values */
function sum (values) {
  return values.reduce((total, value) => total + value, 0)
}

/** @param {string} noun */
function articleOf (noun) {
  return /^[AEIOU]/i.test(noun) ? 'an' : 'a'
}
