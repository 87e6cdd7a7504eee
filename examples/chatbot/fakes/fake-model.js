// A model in JavaScript, in the place of model.js, that does what the question says.
import { setTimeout as wait } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'

export const name = 'Fake'
export const about = 'It does what you say.'

export async function * answer (messages, { signal, user }) {
  const { content: question } = messages.at(-1)
  if (question === 'throw') throw new Error('out of memory')
  // eslint-disable-next-line no-throw-literal -- a model may throw anything
  if (question === 'throw text') throw 'just a text'
  if (question === 'rejection') Promise.reject(new Error('nobody catches this'))
  if (question === 'callback') setTimeout(() => { throw new Error('in a callback') })
  if (question === 'exit') process.exit(4)
  if (question === 'busy') for (;;);
  if (question === 'function') yield () => {}
  if (question === 'slow') for (;; await wait(20)) yield signal.aborted ? 'never' : 'tick '
  if (question === 'rejection' || question === 'callback') await wait(10_000, undefined, { signal })
  if (question === 'think') yield { thinking: 'Well, yes.' }
  if (question === 'thread') yield String(threadId)
  else yield `${user} said ${question}`
}
