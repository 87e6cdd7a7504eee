import { availableParallelism, loadavg } from 'node:os'
import t from 'tap'

t.setTimeout(600_000)

type Sample = Record<string, number>

interface Soak {
  measureSoak: (settings: { seconds: number }) => Promise<{ samples: Sample[], shed: number, wrong: string[] }>
  growth: (samples: Sample[]) => { memory: number, delay: number }
}
// The types of the benchmarks are in their comments, which this project's TypeScript does not read.
const { measureSoak, growth } = await import(new URL('../../bench/soak.js', import.meta.url).href) as Soak

t.test('two minutes of all topics leave memory and the event loop as they were', async (t) => {
  const { samples, shed, wrong } = await measureSoak({ seconds: 120 })
  for (const { seconds, memory = 0, delay = 0, answers } of samples) {
    t.comment(`${seconds} s: ${(memory / 2 ** 20).toFixed(2)} MiB, ${(delay * 1000).toFixed(2)} ms, ${answers} answers`)
  }
  t.comment(`${shed} answers were shed`)
  const grown = growth(samples)
  t.same(wrong, [], 'each answer is what was asked for')
  t.ok(grown.memory <= 1.05, `memory of the last minute to that of the second half-minute: ${grown.memory}`)
  // On a machine that others keep busy, the delay says more about them.
  const [load = 0] = loadavg()
  const skip = load > availableParallelism() && `the machine's load is ${load}`
  t.ok(grown.delay <= 1.05, `delay of the event loop likewise: ${grown.delay}`, { skip })
})
