import Fastify from 'fastify'
import { EventEmitter } from 'node:events'
import promClient, { Counter, Registry } from 'prom-client'
import t from 'tap'
import { serveMetrics } from '../../../app/operation/metrics-server.ts'
import { type Channel, tellPrimary, WorkersMetrics } from '../../../app/operation/worker-metrics.ts'
import { captureLog } from '../start.ts'

/** A worker, as its primary sees it, with a counter; and the ends of its channel. */
function createWorker (pid: number) {
  const registry = new Registry()
  const requests = new Counter({ name: 'requests_total', help: 'requests', registers: [registry] })
  const worker = Object.assign(new EventEmitter(), {
    process: { pid },
    isBlocked: false,
    send (message: object, done: () => void) {
      if (!this.isBlocked) setImmediate(() => { primary.emit('message', message); done() })
    }
  })
  const primary = Object.assign(new EventEmitter(), {
    send: (message: object, done: () => void) => {
      setImmediate(() => { worker.emit('message', structuredClone(message)); done() })
    }
  })
  return { worker, requests, end: tellPrimary(primary, registry) }
}

t.test('the metrics of workers are those of all, and one that is blocked counts with what it told last', async (t) => {
  const { lines, logger } = captureLog()
  const one = createWorker(1)
  const two = createWorker(2)
  const workers = [one.worker, two.worker]
  const metrics = new WorkersMetrics(promClient, () => workers, Fastify({ logger }).log)
  one.requests.inc(3)
  two.requests.inc(4)
  t.match(metrics.contentType, 'text/plain')
  t.match(await metrics.render(), '\nrequests_total 7\n')

  const late = createWorker(3)
  late.worker.isBlocked = true
  workers.push(late.worker)
  two.worker.isBlocked = true
  one.requests.inc()
  two.requests.inc(100)
  t.match(await metrics.render(), '\nrequests_total 8\n')
  await metrics.render()
  const told = lines.map(({ msg }) => msg)
  t.same(told, [2, 3].map((pid) => `worker ${pid} has told no metrics within 2 s; it counts with those that it told last`), 'once each')
  two.worker.isBlocked = false
  late.worker.isBlocked = false
  t.match(await metrics.render(), '\nrequests_total 108\n')
  two.worker.isBlocked = true
  await metrics.render()
  t.equal(lines.length, 3, 'blocked anew, it is told anew')
})

t.test('the metrics of workers are served as those of one process', async (t) => {
  const { worker, requests } = createWorker(1)
  requests.inc(5)
  const { lines, logger } = captureLog()
  const { log } = Fastify({ logger })
  const server = await serveMetrics({ host: '127.0.0.1', port: 0 }, new WorkersMetrics(promClient, () => [worker], log), log)
  t.teardown(() => server.close())
  const answer = await fetch(String(/served at (\S+)/.exec(String(lines[0]?.msg))?.[1]))
  t.equal(answer.status, 200)
  t.match(await answer.text(), '\nrequests_total 5\n')
})

t.test('a worker that ends while it is asked holds nothing up', async (t) => {
  const { worker } = createWorker(1)
  worker.isBlocked = true
  const { lines, logger } = captureLog()
  const metrics = new WorkersMetrics(promClient, () => [worker], Fastify({ logger }).log)
  const text = metrics.render()
  await new Promise(setImmediate)
  worker.emit('exit')
  t.match(await text, 'quickstart_workers_replaced_total')
  t.same(lines, [])
  t.equal(worker.listenerCount('message') + worker.listenerCount('exit'), 0)
})

t.test('counts the workers that were replaced, by reason', async (t) => {
  const metrics = new WorkersMetrics(promClient, () => [], Fastify().log)
  const counts = async () => [...(await metrics.render()).matchAll(/^quickstart_workers_replaced_total\{reason="(\w+)"\} (\d+)$/gm)].map(([, ...words]) => words.join(' '))
  t.same(await counts(), ['ended 0', 'blocked 0', 'reload 0'])
  for (const reason of ['ended', 'blocked', 'blocked', 'reload'] as const) metrics.countReplacement(reason)
  t.same(await counts(), ['ended 1', 'blocked 2', 'reload 1'])
})

t.test('a worker answers questions for metrics alone, until it is closed', async (t) => {
  const told: object[] = []
  const primary: Channel = Object.assign(new EventEmitter(), { send: (message: object) => { told.push(message) } })
  const end = tellPrimary(primary, new Registry())
  primary.emit('message', 'stop')
  primary.emit('message', { askMetrics: 7 })
  await new Promise(setImmediate)
  t.same(told, [{ tellMetrics: 7, metrics: [] }])
  end()
  t.equal(primary.listenerCount('message'), 0)
})
