import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AnswerError } from '../limits.js'
import { FairQueue } from '../queue.js'

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
async function drain (questions, pause = 0) {
  const order = []
  for (;;) {
    await setTimeout(pause)
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

test('who waits is told the place, and that it moves, twice a second at most', async () => {
  const queue = new FairQueue(settings)
  const questions = ['ann', 'ann', 'bob', 'cid'].map((user) => ask(queue, user))
  await drain(questions, 800)
  assert.deepEqual(questions.map(({ places }) => places), [[0], [3, 2, 1, 0], [1, 0], [2, 1, 0]])
  const started = performance.now()
  const quick = Array.from({ length: 40 }, (_, index) => ask(queue, `user ${index}`))
  await drain(quick, 10)
  const most = 3 + (performance.now() - started) / 500
  for (const { places } of quick) assert.ok(places.length <= most, places.join())
  assert.deepEqual(quick.map(({ places }) => places.at(-1)), Array(40).fill(0))
})

test('who waits is told about how long, once it is known', async () => {
  const queue = new FairQueue(settings)
  const first = ask(queue, 'ann')
  await setTimeout(1500)
  first.end()
  await first.over
  const steps = ['bob', 'cid', 'dan'].map((user) => queue.answer(user, new AbortController(), async function * () {
    await setTimeout(600)
  }))
  const [, second, third] = await Promise.all(steps.map(async (told) => {
    const places = []
    for await (const { event, place, seconds } of told) if (event === 'place') places.push([place, seconds])
    return places
  }))
  assert.deepEqual([second[0][0], third[0][0]], [1, 2])
  assert.ok(second[0][1] >= 2 && third[0][1] > second[0][1], `${second[0]}; ${third[0]}`)
})

test('a question costs the same, however many wait', async () => {
  const queue = new FairQueue(settings)
  const rounds = 5000
  let answered = 0
  const started = performance.now()
  await Promise.all(Array.from({ length: rounds }, async (_, index) => {
    const steps = queue.answer(`user ${index}`, new AbortController(), async function * () { yield '' })
    for await (const { event } of steps) {
      if (event === 'done') answered++
    }
  }))
  assert.equal(answered, rounds)
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`) // 51 s for 500 before
  assert.deepEqual(queue.now, { answering: 0, waiting: 0 })
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
  assert.deepEqual([second.runs, second.error.message], [false, 'gone'])
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
  const message = 'The answer was cut after 10 characters.'
  assert.deepEqual(steps.at(-1), { event: 'done', reason: 'length', message })
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

for (const [name, pieces, events] of [
  ['thinks', [{ thinking: 'Well' }, 'Yes'], [['thinking', 'Well'], ['token', 'Yes'], ['done']]],
  ['thinks for long', [{ thinking: '123456' }, { thinking: '123456' }, { thinking: '1' }, 'Yes'],
    [['thinking', '123456'], ['thinking', '1234'], ['token', 'Yes'], ['done']]],
  ['is cut', ['Once', { reason: 'length' }], [['token', 'Once'], ['done', 'length', /reached its limit/]]],
  ['refuses', [{ reason: 'refusal' }], [['done', 'refusal', /refused/]]],
  ['wants a tool', [{ reason: 'tools' }], [['done', 'tools', /asked for a tool/]]],
  ['says nothing', ['', { thinking: '' }], [['done', 'empty', /answered nothing/]]],
  ['stops as usual', ['Yes', { reason: 'stop' }], [['token', 'Yes'], ['done']]]
]) {
  test(`a model that ${name} is told of as it is`, async () => {
    const { steps } = await answerOf(async function * () { yield * pieces })
    const told = steps.slice(1).map(({ event, text, reason, message }) => [event, text ?? reason, message])
    assert.deepEqual(told.map(([event, text]) => [event, text]), events.map(([event, text]) => [event, text]))
    assert.match(told.at(-1)[2] ?? '', events.at(-1)[2] ?? /^$/)
  })
}

test('what the model thinks counts as life, and so does the time to load', async () => {
  const { steps } = await answerOf(async function * () {
    yield { loading: 1 }
    await setTimeout(200)
    for (let times = 0; times < 5; times++) {
      yield { thinking: '.' }
      await setTimeout(30)
    }
    yield 'Yes'
  }, { MODEL_SILENT_SECONDS: 0.1, MODEL_ANSWER_SECONDS: 0.3 })
  assert.equal(steps.at(-1).event, 'done')
  const { error } = await answerOf(async function * () {
    yield { loading: 0.05 }
    await endless()
  })
  assert.match(error.message, /^The model did not load within 0.05 seconds/)
})

test('a queue that is closed tells all of it, and takes no more', async () => {
  const queue = new FairQueue(settings)
  const questions = ['ann', 'bob'].map((user) => ask(queue, user))
  await setTimeout()
  queue.close(new AnswerError(503, 'over'))
  for (const { over } of questions) await over
  assert.deepEqual(questions.map(({ error }) => error.message), ['over', 'over'])
  assert.throws(() => ask(queue, 'cid'), { statusCode: 503 })
})

test('the line is in order whatever users do, and nothing is left of them', async () => {
  const queue = new FairQueue({ ...settings, MODEL_SLOTS: 3, MODEL_WAITING: 5 })
  const open = []
  const refusals = new Set()
  for (let step = 0; step < 2000; step++) {
    const user = `user ${Math.floor(Math.random() * 12)}`
    try {
      if (Math.random() < 0.6) open.push(ask(queue, user))
    } catch ({ statusCode }) {
      refusals.add(statusCode)
    }
    const index = Math.floor(Math.random() * open.length)
    if (Math.random() < 0.3 && open.length > 0) open.splice(index, 1)[0].controller.abort(new AnswerError(499, 'gone'))
    if (Math.random() < 0.3) {
      await setTimeout()
      open.find(({ runs }) => runs)?.end()
    }
  }
  for (const question of open) question.end()
  await Promise.all(open.map(({ over }) => over))
  assert.deepEqual(queue.now, { answering: 0, waiting: 0 })
  assert.deepEqual([...refusals], [429])
  assert.deepEqual(open.map(({ error }) => error).filter(Boolean), [])
})

test('a model that thinks without end takes no more memory the longer it thinks', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const heapUsed = () => {
    collect()
    return process.memoryUsage().heapUsed / 1e6
  }
  const queue = new FairQueue(settings)
  const controller = new AbortController()
  let pieces = 0
  let before
  const steps = queue.answer('ann', controller, async function * () {
    for (;;) {
      if (++pieces === 1000) before = heapUsed()
      if (pieces === 200_000) {
        assert.ok(heapUsed() - before < 10, 'it grew by less than 10 MB')
        return
      }
      yield { thinking: 'Hm. ' }
    }
  })
  for await (const { event, reason } of steps) if (event === 'done') assert.equal(reason, 'empty')
  assert.equal(pieces, 200_000)
})
