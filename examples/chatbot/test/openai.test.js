import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { admin, fakeCommand, startServer } from '../fakes/fakes.js'

const apiKey = 'admin:secret'

/** OpenAI's own client, and a server for it. */
async function open (t, { key = apiKey, env = {} } = {}) {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand, MODEL_NAME: 'fake', ...env })
  return { server, client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: key, maxRetries: 0 }) }
}

const asks = (content, more) => ({ model: 'fake', messages: [{ role: 'user', content }], ...more })

/** Sends a body as it is. */
async function post ({ url }, body, authorization = admin) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body)
  })
  return [response.status, await response.json()]
}

test("OpenAI's client gets an answer, whole and as a stream", async (t) => {
  const { client } = await open(t)
  const { choices: [whole], model } = await client.chat.completions.create(asks('hello'))
  assert.deepEqual([whole.message.content, whole.finish_reason, model], ['admin said hello', 'stop', 'fake'])
  const chunks = []
  for await (const chunk of await client.chat.completions.create(asks('think', { stream: true }))) chunks.push(chunk)
  const deltas = chunks.map(({ choices: [{ delta }] }) => delta)
  assert.deepEqual(deltas.map(({ content = '' }) => content).join(''), 'Yes')
  assert.deepEqual(deltas.map(({ reasoning_content: text = '' }) => text).join(''), 'Well, yes.')
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop')
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)

  const helper = client.chat.completions.stream(asks('long'))
  const { choices: [cut] } = await helper.finalChatCompletion()
  assert.deepEqual([cut.message.content, cut.finish_reason], ['a word', 'length'])
  assert.deepEqual((await client.models.list()).data.map(({ id }) => id), ['fake'])
})

test('the model gets the messages, with their roles and parts', async (t) => {
  const { client } = await open(t)
  const { choices: [{ message }] } = await client.chat.completions.create({
    model: 'x',
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: [{ type: 'text', text: 'mess' }, { type: 'text', text: 'ages' }] }
    ]
  })
  assert.deepEqual(JSON.parse(message.content).map(({ role, content }) => `${role}: ${content}`), [
    'system: Be brief.', 'user: Hi', 'assistant: Yes?', 'user: messages'
  ])
})

test('errors are in the form that the client knows', async (t) => {
  const { client, server } = await open(t, { env: { MODEL_QUESTION_LENGTH: '10' } })
  const refuse = async (body) => {
    const error = await client.chat.completions.create(body).catch((error) => error)
    return [error.constructor, error.status, error.param]
  }
  assert.deepEqual(await refuse(asks('x'.repeat(11))), [OpenAI.APIError, 413, null])
  assert.deepEqual(await refuse(asks('hi', { n: 2 })), [OpenAI.BadRequestError, 400, 'n'])
  assert.deepEqual(await refuse(asks('fail')), [OpenAI.InternalServerError, 502, null])
  const stream = await client.chat.completions.create(asks('fail', { stream: true }))
  await assert.rejects(async () => { for await (const chunk of stream) assert.ok(chunk) }, /The model failed to answer/)

  const wrong = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'admin:wrong', maxRetries: 0 })
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError)
  const none = await fetch(`${server.url}/v1/models`)
  assert.deepEqual([none.status, (await none.json()).error.type], [401, 'authentication_error'])
  const nowhere = await fetch(`${server.url}/v1/embeddings`, { headers: { authorization: `Bearer ${apiKey}` } })
  assert.deepEqual([nowhere.status, (await nowhere.json()).error.type], [404, 'invalid_request_error'])
})

test('a body that does not fit is 400, and says which field', async (t) => {
  const { server } = await open(t)
  for (const [body, param, message] of [
    [[], null, /^The body must be JSON/],
    [{}, 'messages', /^messages must be a list/],
    [{ messages: [] }, 'messages', /^messages must be a list/],
    [{ messages: Array(1001).fill({ role: 'user', content: 'x' }) }, 'messages', /1001 entries; at most 1000/],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role', /must be one of system, developer, user/],
    [{ messages: [{ role: { toString: 1 }, content: 'x' }] }, 'messages[0].role', /must be one of/],
    [{ messages: [{ role: ['user'], content: 'x' }] }, 'messages[0].role', /must be one of/],
    [{ messages: [null] }, 'messages[0].role', /must be one of/],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', /must be text/],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content', /must be text/],
    [asks('hi', { stream: 'yes' }), 'stream', /must be true or false/],
    [asks('hi', { tools: [{}] }), 'tools', /tools are not taken/],
    [asks(' '), null, /^There is no question/]
  ]) {
    const [status, { error }] = await post(server, body)
    assert.deepEqual([status, error.param, error.type], [400, param, 'invalid_request_error'], JSON.stringify(body))
    assert.match(error.message, message)
  }
})

test('its questions wait in the same queue, and end with the server in the same way', async (t) => {
  const { client, server } = await open(t)
  const slow = await client.chat.completions.create(asks('slow', { stream: true }))
  const pieces = slow[Symbol.asyncIterator]()
  await pieces.next()
  const waiting = client.chat.completions.create(asks('hello'))
  const refused = Promise.all(Array.from({ length: 4 }, () => client.chat.completions.create(asks('hello'))))
  await assert.rejects(refused, OpenAI.RateLimitError)
  slow.controller.abort()
  assert.equal((await waiting).choices[0].message.content, 'admin said hello')
  server.child.kill('SIGTERM')
  await server.ended
  assert.equal(server.child.exitCode, 0)
})
