import Fastify from 'fastify'
import quickstart from '../../../app.ts'
import { loadPromClient } from '../../../app/operation/prom-client.ts'
import { WorkersMetrics } from '../../../app/operation/worker-metrics.ts'
import { createTable, type Row } from './table.ts'

interface Metric {
  name: string
  type: string
  help: string
  /** The label and its values, where there are any from the start. */
  labels: string
}

/** Asks a running app for its metrics, and the primary of workers for its own. */
export async function writeMetricsPage (): Promise<string> {
  const metrics = readMetrics(await askApp())
  const known = new Set(metrics.map(({ name }) => name))
  const { log } = Fastify()
  const primary = new WorkersMetrics(await loadPromClient(), () => [], log)
  const workers = readMetrics(await primary.render()).filter(({ name }) => !known.has(name))
  const isOwn = ({ name }: Metric) => /^(?:http|quickstart)_/.test(name)
  const own = [...metrics, ...workers].filter(isOwn).map(({ name, type, labels, help }): Row => {
    return [`\`${name}\``, type, labels, help]
  })
  const ofProcess = metrics.filter((metric) => !isOwn(metric)).map(({ name, type, help }): Row => {
    return [`\`${name}\``, type, help]
  })
  return `# Metrics

What \`QUICKSTART_METRICS\` serves for Prometheus. [Deployment](../deployment.md#seeing-what-it-does) tells how to ask
for them, and has a dashboard and alerts.

${createTable(['name', 'type', 'labels', 'what it is'], own)}
\`quickstart_workers_replaced_total\` is there with \`--workers\`.

## Of the process

These come from the library, and are those that dashboards for Node ask for. They are the names on Linux; on other
systems some are missing.

${createTable(['name', 'type', 'what it is'], ofProcess)}`
}

async function askApp (): Promise<string> {
  const before = process.env.QUICKSTART_METRICS
  process.env.QUICKSTART_METRICS = '127.0.0.1:0'
  let place: string | undefined
  const log = { write (line: string) { place ??= /http:\S+\/metrics/.exec(line)?.[0] } }
  const app = Fastify({ logger: { level: 'info', stream: log } })
  try {
    await app.register(quickstart)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    await fetch(`${url}/health`) // so that there is a duration to count
    return await (await fetch(place!)).text() // the app has said where
  } finally {
    await app.close()
    if (before === undefined) delete process.env.QUICKSTART_METRICS
    else process.env.QUICKSTART_METRICS = before
  }
}

/** Reads the text format of Prometheus. */
function readMetrics (text: string): Metric[] {
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(([, name = '', help = '', type = '']) => {
    const samples = [...text.matchAll(new RegExp(`^${name}(?:_count)?\\{(.*)\\}`, 'gm'))]
    const labels = samples.flatMap(([, sample = '']) => [...sample.matchAll(/(\w+)="/g)])
    const names = [...new Set(labels.map(([, label]) => `\`${label}\``))]
    return { name, help, type, labels: names.join(', ') }
  })
}
