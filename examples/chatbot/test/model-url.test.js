import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openUrl } from '../model-url.js'
import { fakeCompletions } from '../fakes/fakes.js'

/** A whole answer of a server; or what came until it was stopped, after so many pieces. */
async function ask (url, content, { name = '', key = '', signal, stopAfter = Infinity, own = {} } = {}) {
  const { answer } = openUrl({ MODEL_URL: url, MODEL_NAME: name, MODEL_API_KEY: key, ...own })
  const pieces = []
  for await (const piece of answer([{ role: 'user', content }], { signal })) {
    if (pieces.push(piece) === stopAfter) break
  }
  return pieces.every((piece) => typeof piece === 'string') ? pieces.join('') : pieces
}

test('asks for a streamed chat completion, with the name and the key', async (t) => {
  const { url, requests } = await fakeCompletions(t)
  assert.equal(await ask(url, 'hello', { name: 'llama3', key: 'sk-1' }), 'You said hello')
  assert.equal(await ask(`${url}/`, 'hello'), 'You said hello')
  assert.deepEqual(requests.map(({ url, authorization, body }) => [url, authorization, body.model]), [
    ['/v1/chat/completions', 'Bearer sk-1', 'llama3'],
    ['/v1/chat/completions', undefined, undefined]
  ])
  assert.deepEqual(requests[0].body.messages, [{ role: 'user', content: 'hello' }])
})

test('twenty answers that come at once, piece by piece, are whole', async (t) => {
  const { url } = await fakeCompletions(t)
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url, 'slowly')))
  assert.deepEqual(answers, Array(20).fill('word '.repeat(20)))
})

test('an event without an end is not read for ever', async (t) => {
  const { url } = await fakeCompletions(t)
  await assert.rejects(ask(url, 'endless'), /^Error: MODEL_URL broke off its answer: /)
})

test('sends temperature and length where they are set, and keeps a query behind the path', async (t) => {
  const { url, requests } = await fakeCompletions(t)
  const own = { MODEL_TEMPERATURE: '0.5', MODEL_MAX_TOKENS: '20' }
  await ask(`${url}/deployments/x/?api-version=2024`, 'hi', { own })
  const [{ url: path, body }] = requests
  assert.equal(path, '/v1/deployments/x/chat/completions?api-version=2024')
  assert.deepEqual([body.temperature, body.max_tokens, body.stream], [0.5, 20, true])
})

for (const [question, ...pieces] of [
  ['think', { thinking: 'Well, ' }, { thinking: 'yes.' }, 'Yes'],
  ['reason', { thinking: 'Well, yes.' }, 'Yes'],
  ['long', 'Once upon', { reason: 'length' }],
  ['filter', 'I ', { reason: 'refusal' }],
  ['say no', 'I cannot ', { reason: 'refusal' }, 'help.', { reason: 'refusal' }],
  ['tool', { reason: 'tools' }, { reason: 'tools' }]
]) {
  test(`what a server sends for "${question}" is taken as it is meant`, async (t) => {
    const { url } = await fakeCompletions(t)
    assert.deepEqual(await ask(url, question), pieces)
  })
}

test('a server may be silent for longer than fetch waits: for as long as the settings say', async (t) => {
  const { url } = await fakeCompletions(t)
  const { answer } = openUrl({ MODEL_URL: url })
  const pieces = answer([{ role: 'user', content: 'hang' }], {})
  await pieces.next()
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
  assert.deepEqual(sockets, [], 'no timer is set that ends it')
  await pieces.return()
})

for (const [question, message] of [
  ['refuse', /^MODEL_URL answers 404: ".*model 'x' not found.*"$/],
  ['rubbish', /^MODEL_URL sent "<html>"; expected a chat completion chunk in JSON$/],
  ['fail', /^MODEL_URL says: \{"message":"out of memory"\}$/],
  ['stop early', /^MODEL_URL ended its answer early/],
  ['break', /^MODEL_URL broke off its answer: /]
]) {
  test(`a server that answers "${question}" fails that answer`, async (t) => {
    const { url } = await fakeCompletions(t)
    await assert.rejects(ask(url, question), { message })
    assert.equal(await ask(url, 'hello'), 'You said hello')
  })
}

test('a server that is not there is an error that says so', async () => {
  await assert.rejects(ask('http://127.0.0.1:9/v1', 'hello'), { message: /^MODEL_URL does not answer: .*(?:ECONNREFUSED|bad port)/ })
})

test('a stop ends the request', async (t) => {
  const { url, requests } = await fakeCompletions(t)
  const controller = new AbortController()
  const stopped = ask(url, 'hang', { signal: controller.signal })
  for (let tries = 0; tries < 500 && requests.length === 0; tries++) await setTimeout(10)
  controller.abort()
  await assert.rejects(stopped)
  if (!requests[0].response.closed) await once(requests[0].response, 'close')
})

test('an answer that is cut ends the request', async (t) => {
  const { url, requests } = await fakeCompletions(t)
  await ask(url, 'hang', { stopAfter: 1 })
  if (!requests[0].response.closed) await once(requests[0].response, 'close')
})
