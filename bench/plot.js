import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

const panels = [
  { title: 'answers a second', value: (/** @type {any} */ point) => point.rate, format: 's' },
  { title: 'memory held, MB', value: (/** @type {any} */ point) => point.live / 1024 / 1024, format: 's' },
  { title: 'start until the first answer, ms', value: (/** @type {any} */ point) => point.start, format: 's' }
]
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
  const { document } = parseHTML('<!doctype html><body></body>')
  const labels = [...new Set(points.map(({ label }) => label))]
  const colors = ['#0b62a4', '#1b9e77', '#d95f02', '#7570b3'].slice(0, labels.length)

  const drawn = panels.map(({ title, value, format }, index) => {
    const plot = Plot.plot({
      document,
      width,
      height,
      marginLeft: 48,
      x: { type: 'log', label: unit, ticks: [...new Set(points.map(({ count }) => count))], tickFormat: '~s' },
      y: { label: title, zero: true, grid: true, tickFormat: `~${format}`, nice: true },
      color: { domain: labels, range: colors },
      marks: [
        Plot.ruleY([0]),
        Plot.lineY(points, { x: 'count', y: value, stroke: 'label', strokeWidth: 1.8 }),
        Plot.dot(points, { x: 'count', y: value, fill: 'label', r: 3 })
      ]
    })
    plot.setAttribute('x', String(index * width))
    plot.setAttribute('y', String(legend))
    return plot.outerHTML
  })

  const names = labels.map((label, index) => {
    const x = 12 + index * 200
    return `<circle cx="${x}" cy="14" r="5" fill="${colors[index]}"/><text x="${x + 10}" y="18">${escape(label)}</text>`
  })
  const [w, h] = [panels.length * width, height + legend]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}"><rect width="100%" height="100%" fill="white"/>${names.join('')}${drawn.join('')}</svg>\n`
}

/** @param {string} text */
function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
