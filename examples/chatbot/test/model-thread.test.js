import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openThread } from '../model-thread.js'

/** The model of fake-model.js, with what is logged. Closed when the test ends. */
async function open (t, settings = {}, file = '../fakes/fake-model.js') {
  const lines = []
  const note = (level) => (...args) => lines.push(`${level} ${args.at(-1)}`)
  const log = { info: note('info'), warn: note('warn'), error: note('error') }
  const model = await openThread(settings, log, new URL(file, import.meta.url))
  t.after(() => model.close())
  return Object.assign(model, { lines })
}

/** A whole answer; or what came until it was stopped, after so many pieces. */
async function ask ({ answer }, content, { stopAfter = Infinity, signal = new AbortController().signal } = {}) {
  const pieces = []
  for await (const piece of answer([{ role: 'user', content }], { signal, user: 'ann' })) {
    if (pieces.push(piece) === stopAfter) break
  }
  return pieces
}

test('answers, with what it calls itself', async (t) => {
  const model = await open(t)
  assert.deepEqual(await ask(model, 'think'), [{ thinking: 'Well, yes.' }, 'ann said think'])
  assert.deepEqual([model.name, model.about], ['Fake', 'It does what you say.'])
  for (const [settings, file, name] of [[{ MODEL_NAME: 'mine' }, undefined, 'mine'], [{}, '../model.js', 'ELIZA']]) {
    const other = await open(t, settings, file)
    await ask(other, 'hello') // it is loaded, on a busy machine too
    assert.equal(other.name, name)
  }
})

for (const [question, message] of [
  ['throw', /^out of memory$/],
  ['rejection', /^nobody catches this$/],
  ['callback', /^in a callback$/],
  ['exit', /^its thread ended: exit code 4$/],
  ['function', /could not be cloned/]
]) {
  test(`a model with "${question}" fails that answer, and the next one works`, async (t) => {
    const model = await open(t)
    await assert.rejects(ask(model, question), { message })
    assert.deepEqual(await ask(model, 'hello'), ['ann said hello'])
  })
}

test('a text that is thrown stays as it is', async (t) => {
  const model = await open(t)
  await assert.rejects(ask(model, 'throw text'), (thrown) => thrown === 'just a text')
})

test('several answers come at once, and who leaves stops its own alone', async (t) => {
  const model = await open(t)
  const [, slow, hello] = await Promise.all([
    ask(model, 'slow', { stopAfter: 2 }),
    ask(model, 'slow', { stopAfter: 20 }),
    ask(model, 'hello')
  ])
  assert.deepEqual(slow, Array(20).fill('tick '))
  assert.deepEqual(hello, ['ann said hello'])
  assert.deepEqual(model.lines, [])
})

test('an abort ends an answer at once, and a thread that computes for ever within a second', async (t) => {
  const model = await open(t)
  const [thread] = await ask(model, 'thread')
  const started = performance.now()
  assert.deepEqual(await ask(model, 'busy', { signal: AbortSignal.timeout(100) }), [])
  assert.ok(performance.now() - started < 5000)
  const [other] = await ask(model, 'thread').catch(() => ask(model, 'thread')) // it may still be ending
  assert.notEqual(other, thread)
  assert.match(model.lines[0], /^warn model.js computes without a pause/)
})

test('a file that does not load stops the start', async (t) => {
  await assert.rejects(open(t, {}, '../no-model.js'), /no-model.js/)
})
