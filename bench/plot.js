import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

const panels = [
  { title: 'answers a second', value: (/** @type {any} */ point) => point.rate, format: 's' },
  { title: 'memory held, MB', value: (/** @type {any} */ point) => point.live / 1024 / 1024, format: 's' },
  { title: 'start until the first answer, ms', value: (/** @type {any} */ point) => point.start, format: 's' }
]
const colors = ['#0b62a4', '#1b9e77', '#d95f02', '#7570b3']
const width = 340
const height = 260
const legend = 28

/**
 * Draws a growth curve: rate, memory and start beside each other.
 *
 * @param {{ title: string, unit: string, points: any[] }} curve
 * @returns {string} SVG
 */
export function plotGrowth ({ title, unit, points }) {
  const labels = [...new Set(points.map(({ label }) => label))]
  const range = colors.slice(0, labels.length)
  const x = { type: 'log', label: unit, ticks: [...new Set(points.map(({ count }) => count))], tickFormat: '~s' }
  const drawn = panels.map(({ title, value, format }) => Plot.plot({
    ...panel(),
    x,
    y: { label: title, zero: true, grid: true, tickFormat: `~${format}`, nice: true },
    color: { domain: labels, range },
    marks: [
      Plot.ruleY([0]),
      Plot.lineY(points, { x: 'count', y: value, stroke: 'label', strokeWidth: 1.8 }),
      Plot.dot(points, { x: 'count', y: value, fill: 'label', r: 3 })
    ]
  }))
  const names = labels.map((label, index) => {
    const x = 12 + index * 200
    return `<circle cx="${x}" cy="14" r="5" fill="${range[index]}"/><text x="${x + 10}" y="18">${escape(label)}</text>`
  })
  return beside(title, names.join(''), drawn)
}

/**
 * Draws what a soak measured: memory and the event loop's delay beside each other, over time.
 *
 * @param {string} title
 * @param {import('./soak.js').Sample[]} samples
 * @returns {string} SVG
 */
export function plotSoak (title, samples) {
  const drawn = [
    { label: 'memory held, MB', value: (/** @type {any} */ { memory }) => memory / 1024 / 1024 },
    { label: 'delay of the event loop, ms', value: (/** @type {any} */ { delay }) => delay * 1000 }
  ].map(({ label, value }) => Plot.plot({
    ...panel(),
    x: { label: 'minutes', nice: true },
    y: { label, zero: true, grid: true, nice: true },
    marks: [
      Plot.ruleY([0]),
      Plot.lineY(samples, { x: ({ seconds }) => seconds / 60, y: value, stroke: colors[0], strokeWidth: 1.8 })
    ]
  }))
  return beside(title, `<text x="12" y="18">${escape(title)}</text>`, drawn)
}

/** What all panels have in common: each is in a document of its own. */
function panel () {
  const { document } = parseHTML('<!doctype html><body></body>')
  return { document, width, height, marginLeft: 48 }
}

/**
 * @param {string} title for those who do not see the picture
 * @param {string} head SVG of the line above the panels
 * @param {any[]} drawn
 */
function beside (title, head, drawn) {
  for (const [index, plot] of drawn.entries()) {
    plot.setAttribute('x', String(index * width))
    plot.setAttribute('y', String(legend))
  }
  const [w, h] = [drawn.length * width, height + legend]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}"><rect width="100%" height="100%" fill="white"/>${head}${drawn.map((plot) => plot.outerHTML).join('')}</svg>\n`
}

/** What the picture of the rates shows, in its order. */
const shown = {
  'root-hello': 'the whole app: one line of text',
  'root-static': 'the whole app: a small file',
  'root-page': 'the whole app: its index page',
  'root-params': 'the whole app: a parameter',
  'root-login': 'the whole app: a page behind a login',
  'root-log': 'the whole app with its log: a line of text',
  hello: 'one line of text',
  'static-small': 'a file of 1 kB',
  page: 'a page',
  params: 'a parameter',
  auth: 'a repeated login',
  'static-br': 'a compressed file'
}
const bar = { width: 580, left: 300, row: 21, columns: 2 }

/**
 * Draws how many answers a second each contender gives, a chart for each scenario.
 *
 * @param {Record<string, { rates: Record<string, { label: string, median: number }> }>} scenarios
 * @returns {string} SVG
 */
export function plotRates (scenarios) {
  const { document } = parseHTML('<!doctype html><body></body>')
  const charts = Object.entries(shown).filter(([name]) => name in scenarios).map(([name, what]) => {
    const bars = Object.entries(scenarios[name].rates)
      .map(([id, { label, median }]) => ({ label, median, isOwn: id.startsWith('quickstart') }))
      .toSorted((a, b) => b.median - a.median)
    const chart = Plot.plot({
      document,
      width: bar.width,
      height: bars.length * bar.row + 52,
      marginLeft: bar.left,
      marginRight: 60,
      marginTop: 32,
      marginBottom: 20,
      x: { label: null, grid: true, ticks: 4, tickFormat: '~s' },
      y: { label: null, domain: bars.map(({ label }) => label) },
      marks: [
        Plot.barX(bars, { x: 'median', y: 'label', fill: (/** @type {any} */ { isOwn }) => isOwn ? '#0b62a4' : '#b8c4ce' }),
        Plot.text(bars, { x: 'median', y: 'label', text: (/** @type {any} */ { median }) => Math.round(median).toLocaleString('en'), textAnchor: 'start', dx: 4 })
      ]
    })
    return { what, chart, height: bars.length * bar.row + 52 }
  })
  const rows = Array.from({ length: Math.ceil(charts.length / bar.columns) }, (_, row) =>
    Math.max(...charts.slice(row * bar.columns, (row + 1) * bar.columns).map(({ height }) => height)))
  const drawn = charts.map(({ what, chart }, index) => {
    const x = index % bar.columns * bar.width
    const y = rows.slice(0, Math.floor(index / bar.columns)).reduce((sum, height) => sum + height, 0)
    chart.setAttribute('x', String(x))
    chart.setAttribute('y', String(y))
    return `<text x="${x + 12}" y="${y + 20}" font-weight="600">${escape(what)}, answers a second</text>${chart.outerHTML}`
  })
  const [w, h] = [bar.columns * bar.width, rows.reduce((sum, height) => sum + height, 0)]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Answers a second"><rect width="100%" height="100%" fill="white"/>${drawn.join('')}</svg>\n`
}

/** @param {string} text */
function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
