import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { AnswerError, FairQueue } from '../queue.js'

const settings = {
  MODEL_SLOTS: 1,
  MODEL_WAITING: 3,
  MODEL_ANSWER_LENGTH: 10,
  MODEL_ANSWER_SECONDS: 60,
  MODEL_SILENT_SECONDS: 60
}

/** Asks in the name of a user. The answer lasts until `end` is called. */
function ask (queue, user) {
  const controller = new AbortController()
  const question = { user, places: [], text: '', runs: false, controller, end: undefined, error: undefined }
  const ended = new Promise((resolve) => { question.end = resolve })
  const steps = queue.answer(user, controller, async function * () {
    question.runs = true
    yield 'a word'
    await ended
  })
  question.over = (async () => {
    for await (const { event, place, text } of steps) {
      if (event === 'place') question.places.push(place)
      if (event === 'token') question.text += text
    }
  })().catch((error) => { question.error = error })
  return question
}

/** Ends the answers one after the other, and returns whose they were. */
async function drain (questions) {
  const order = []
  for (;;) {
    await setTimeout()
    const running = questions.filter(({ runs }) => runs)
    if (running.length === 0) return order
    for (const question of running) {
      order.push(question.user)
      question.runs = false
      question.end()
      await question.over
    }
  }
}

test('users take turns, however much one of them asks', async () => {
  const queue = new FairQueue(settings)
  const questions = ['ann', 'ann', 'ann', 'ann', 'bob', 'bob', 'cid'].map((user) => ask(queue, user))
  assert.deepEqual(await drain(questions), ['ann', 'bob', 'cid', 'ann', 'bob', 'ann', 'ann'])
})

test('who waits is told the place, and that it moves', async () => {
  const queue = new FairQueue(settings)
  const questions = ['ann', 'ann', 'bob', 'cid'].map((user) => ask(queue, user))
  await drain(questions)
  assert.deepEqual(questions.map(({ places }) => places), [[0], [1, 3, 2, 1, 0], [1, 0], [2, 1, 0]])
})

test('a user has one answer at a time, whatever is free', async () => {
  const queue = new FairQueue({ ...settings, MODEL_SLOTS: 2 })
  const [first, second, other] = ['ann', 'ann', 'bob'].map((user) => ask(queue, user))
  await setTimeout()
  assert.deepEqual([first.runs, second.runs, other.runs], [true, false, true])
  await drain([first, second, other])
})

test('a fourth question that waits is refused, others are not', async () => {
  const queue = new FairQueue(settings)
  const questions = ['ann', 'ann', 'ann', 'ann'].map((user) => ask(queue, user))
  const refusal = { statusCode: 429, retryAfter: 5, message: /^Too many questions at once: 3 of yours/ }
  assert.throws(() => ask(queue, 'ann'), refusal)
  questions.push(ask(queue, 'bob'))
  questions[1].controller.abort(new AnswerError(499, 'gone'))
  questions.push(ask(queue, 'ann'))
  assert.deepEqual(await drain(questions), ['ann', 'bob', 'ann', 'ann', 'ann'])
})

test('who leaves makes room, while waiting and while being answered', async () => {
  const queue = new FairQueue(settings)
  const [first, second, third] = ['ann', 'bob', 'cid'].map((user) => ask(queue, user))
  await setTimeout()
  second.controller.abort(new AnswerError(499, 'gone'))
  await second.over
  assert.deepEqual([second.runs, second.error.message, third.places], [false, 'gone', [2, 1]])
  first.controller.abort(new AnswerError(499, 'gone')) // its model does not listen
  await first.over
  await setTimeout()
  assert.equal(third.runs, true)
  await drain([third])
})

test('who leaves gives up one slot alone, whenever its model ends', async () => {
  const queue = new FairQueue(settings)
  const [first, second, third] = ['ann', 'ann', 'ann'].map((user) => ask(queue, user))
  await setTimeout()
  first.controller.abort(new AnswerError(499, 'gone'))
  await first.over
  await setTimeout()
  assert.deepEqual([second.runs, third.runs], [true, false])
  await drain([second, third])
})

test('a question that is dropped before it is read out gives its slot back', async () => {
  const queue = new FairQueue(settings)
  const controller = new AbortController()
  queue.answer('ann', controller, () => assert.fail('nobody waits'))
  controller.abort()
  const next = ask(queue, 'bob')
  await setTimeout()
  assert.equal(next.runs, true)
  await drain([next])
})

test('between users who all wait, the numbers of answers differ by one at most', async () => {
  const queue = new FairQueue({ ...settings, MODEL_SLOTS: 2 })
  const answers = { ann: 0, bob: 0, cid: 0, dan: 0 }
  // ann has three clients, the others two.
  const clients = ['ann', 'ann', 'ann', 'bob', 'bob', 'cid', 'cid', 'dan', 'dan']
  await Promise.all(clients.map(async (user) => {
    for (let round = 0; round < 25; round++) {
      const steps = queue.answer(user, new AbortController(), async function * () { yield '' })
      for await (const step of steps) if (step.event === 'done') answers[user]++
      const counts = Object.values(answers)
      // Towards the end, not all wait any more.
      if (Math.min(...counts) < 40) assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, JSON.stringify(answers))
    }
  }))
  assert.deepEqual(answers, { ann: 75, bob: 50, cid: 50, dan: 50 })
})

/** The steps of an answer, and how it ended. */
async function answerOf (run, own = {}) {
  const queue = new FairQueue({ ...settings, ...own })
  const steps = []
  try {
    for await (const step of queue.answer('ann', new AbortController(), run)) steps.push(step)
  } catch (error) {
    return { steps, error, queue }
  }
  return { steps, queue }
}

test('a long answer is cut, and the model told', async () => {
  let isOver = false
  const { steps } = await answerOf(async function * () {
    try {
      for (;;) yield '1234'
    } finally {
      isOver = true
    }
  })
  assert.deepEqual(steps.map(({ text }) => text), [undefined, '1234', '1234', '12', undefined])
  assert.deepEqual(steps.at(-1), { event: 'done', message: 'The answer was cut after 10 characters.' })
  await setTimeout()
  assert.equal(isOver, true)
})

const endless = () => new Promise(() => {})
async function * ticking () {
  for (;;) {
    yield ''
    await setTimeout(5)
  }
}

for (const [name, run, own, statusCode, message] of [
  ['fails', async function * () { yield 'a'; throw new Error('inner') }, {}, 502, /^The model failed to answer/],
  ['yields a number', async function * () { yield 7 }, {}, 502, /^The model failed/],
  ['is no generator', () => 'text', {}, 502, /^The model failed/],
  ['is silent', async function * () { yield await endless() }, { MODEL_SILENT_SECONDS: 0.05 }, 504, /wrote nothing/],
  ['takes too long', ticking, { MODEL_ANSWER_SECONDS: 0.05 }, 504, /longer than/]
]) {
  test(`a model that ${name} ends the answer, not the queue`, async () => {
    const { error, queue } = await answerOf(run, own)
    assert.equal(error.statusCode, statusCode)
    assert.match(error.message, message)
    const next = ask(queue, 'ann')
    await setTimeout()
    assert.equal(next.runs, true)
    await drain([next])
  })
}

test('what a model throws is kept for the log alone', async () => {
  const { error } = await answerOf(async function * () { yield ''; throw new Error('/srv/secret.js') })
  assert.equal(error.cause.message, '/srv/secret.js')
  assert.doesNotMatch(error.message, /secret/)
})
