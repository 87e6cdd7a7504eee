import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { admin, ask, eventsOf, fakeCommand, fakeCompletions, logged, startServer } from '../fakes/fakes.js'

const login = { headers: { authorization: admin } }

const linesOf = (file) => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line))

test('with nothing set, the built-in model answers', async (t) => {
  const server = await startServer(t)
  const { answer } = await (await ask(server, 'I need a holiday.', { accept: 'application/json' })).json()
  assert.match(await (await fetch(server.url, login)).text(), /a small imitation of ELIZA, a program of 1966/)
  assert.equal(answer, 'Why do you need a holiday?')
  const honest = await (await ask(server, 'What are you?', { accept: 'application/json' })).json()
  assert.match(honest.answer, /I understand nothing/)
})

test('page and answers need a login, the health check does not', async (t) => {
  const server = await startServer(t)
  for (const [path, method] of [['/', 'GET'], ['/answer', 'POST']]) {
    const response = await fetch(server.url + path, { method })
    assert.equal(response.status, 401)
    assert.match(response.headers.get('www-authenticate'), /^Basic realm="Chatbot"/)
  }
  const page = await fetch(server.url, { headers: { accept: 'text/html' } })
  assert.match(await page.text(), /<p role="alert">Please log in first\.<\/p>/)
  const health = await fetch(`${server.url}/health`)
  assert.deepEqual([health.status, await health.json()], [200, { status: 'ok' }])
})

test('a program gets events, or one JSON answer, and a form a page', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const stream = await ask(server, 'hello', { accept: '*/*' })
  assert.equal(stream.headers.get('content-type'), 'text/event-stream')
  assert.equal(stream.headers.get('cache-control'), 'private, no-store')
  assert.equal(stream.headers.get('x-accel-buffering'), 'no')
  const token = ['token', { text: 'admin said hello' }]
  const events = await eventsOf(stream)
  assert.deepEqual(events.slice(0, 2), [['place', { place: 0 }], token])
  assert.match(events[2][1].id, /^[\da-f-]{36}$/)

  const json = await ask(server, 'hello', { accept: 'application/json' })
  const { answer, id, ...others } = await json.json()
  assert.deepEqual([answer, typeof id, others], ['admin said hello', 'string', {}])

  const form = new URLSearchParams({ question: '<b>1 & 2</b>' })
  for (const text of ['```\nx < y\n```', 'said "yes"']) form.append('history', text)
  const headers = { ...login.headers, accept: 'text/html,application/xml;q=0.9,*/*;q=0.8' }
  const page = await (await fetch(`${server.url}/answer`, { method: 'POST', headers, body: form })).text()
  assert.match(page, /<pre tabindex="0"><code>x &lt; y<\/code><\/pre>/)
  assert.match(page, /<p[^>]*>admin said &lt;b&gt;1 &amp; 2&lt;\/b&gt;<\/p>/)
  const [code, said, ...rest] = [...page.matchAll(/name="history" value="([^"]*)"/g)].map(([, value]) => value)
  assert.deepEqual([code, said], ['```\nx &lt; y\n```', 'said &quot;yes&quot;'])
  assert.deepEqual(rest, ['&lt;b&gt;1 &amp; 2&lt;/b&gt;', 'admin said &lt;b&gt;1 &amp; 2&lt;/b&gt;'])
})

test('the model gets the conversation, whichever way it comes', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand, MODEL_ANSWER_LENGTH: '100000' })
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [name, headers, body, expected] of [
    ['a question', json, { history: undefined }, ['user: messages']],
    ['a history', json, { history: ['Hi', 'Yes?'] }, ['user: Hi', 'assistant: Yes?', 'user: messages']],
    ['one that begins with an answer', json, { history: ['Yes?'] }, ['assistant: Yes?', 'user: messages']],
    ['colours in an answer', json, { history: ['\u001b[1m'] }, ['assistant: \u001b[1m', 'user: messages']],
    ['a form', form, 'history=Hi&history=', ['user: Hi', 'assistant: ', 'user: messages']],
    ['line breaks of a form', form, 'history=a%0D%0Ab&history=c', ['user: a\nb', 'assistant: c', 'user: messages']],
    ['a thousand messages', json, { history: Array(1000).fill('') }, 1001],
    ['more messages than a thousand', json, { history: Array(1001).fill('') }, /^The history has 1001 messages; /],
    ['no question', json, { question: undefined }, /^There is no question/],
    ['a blank question', json, { question: ' \n' }, /^There is no question/],
    ['something else for a question', json, { question: {} }, /^The question must be a text/],
    ['a number for a question', json, { question: 5 }, /^The question must be a text/],
    ['messages with roles', json, { history: [{ role: 'user', content: 'x' }] }, /^The history must be a list of text/],
    ['nothing in a history', json, { history: ['Hi', null] }, /^The history must be a list of texts/],
    ['numbers in a history', json, { history: [1, 2] }, /^The history must be a list of texts/],
    ['something else for a history', json, { history: {} }, /^The history must be a list of texts/],
    ['a field of another program', json, { messages: [] }, /^"messages" is not taken; expected question, history,/],
    ['an id that is none', json, { conversation: '../x' }, /^The conversation must be 1 to 64 of/],
    ['a list', json, [], /^A question is sent as JSON/],
    ['no body', {}, undefined, /^A question is sent as JSON/]
  ]) {
    const isForm = typeof body === 'string'
    const whole = Array.isArray(body) ? body : { question: 'messages', ...body }
    const sent = isForm ? `question=messages&${body}` : JSON.stringify(whole)
    const response = await fetch(`${server.url}/answer`, {
      method: 'POST', headers: { ...login.headers, accept: 'application/json', ...headers }, body: body && sent
    })
    const { answer, message } = await response.json()
    if (expected instanceof RegExp) {
      assert.equal(response.status, 400, name)
      assert.match(message, expected)
      continue
    }
    const messages = JSON.parse(answer)
    if (typeof expected === 'number') assert.equal(messages.length, expected, name)
    else assert.deepEqual(messages.map(({ role, content }) => `${role}: ${content}`), expected, name)
  }
})

test('a link may fill in the question', async (t) => {
  const server = await startServer(t)
  const page = await fetch(`${server.url}/?question=${encodeURIComponent('What is <this>?')}`, login)
  assert.match(await page.text(), />What is &lt;this&gt;\?<\/textarea>/)
})

test('past a limit there is a message, for programs and on the page', async (t) => {
  const limits = { MODEL_QUESTION_LENGTH: '5', MODEL_HISTORY_LENGTH: '8' }
  const server = await startServer(t, { ...limits, MODEL_COMMAND: fakeCommand })
  const message = 'The question has 6 characters; at most 5 are taken. Shorten it.'
  const refusal = await ask(server, '123456')
  assert.equal(refusal.status, 413)
  assert.deepEqual(await refusal.json(), { statusCode: 413, message })
  const onPage = await ask(server, '123456', { accept: 'text/html' })
  const page = await onPage.text()
  assert.match(page, new RegExp(`<p id="status" role="status" class="problem">${message}`))
  assert.match(page, />123456<\/textarea>/)
  const long = await ask(server, 'x', { body: { question: 'x', history: ['12345', '6789'] } })
  assert.match((await long.json()).message, /^The conversation has 9 characters; at most 8 are taken. Start a new one/)
})

test('an answer that is too long is cut, and says so', async (t) => {
  const server = await startServer(t, { MODEL_ANSWER_LENGTH: '5', MODEL_COMMAND: fakeCommand })
  const events = await eventsOf(await ask(server, 'hi'))
  assert.deepEqual(events.slice(1).map(([event, { id, ...data }]) => [event, data]), [
    ['token', { text: 'admin' }],
    ['done', { reason: 'length', message: 'The answer was cut after 5 characters.' }]
  ])
})

test('an answer that takes too long, and a model that is silent, end with an error event', async (t) => {
  const server = await startServer(t, { MODEL_ANSWER_SECONDS: '1', MODEL_COMMAND: fakeCommand })
  const slow = await eventsOf(await ask(server, 'slow'))
  const tooLong = 'The answer took longer than 1 seconds and was stopped.'
  assert.deepEqual(slow.at(-1), ['error', { statusCode: 504, message: tooLong }])

  const quiet = await startServer(t, { MODEL_SILENT_SECONDS: '2', MODEL_COMMAND: fakeCommand })
  await eventsOf(await ask(quiet, 'hello')) // it is loaded
  const silent = await eventsOf(await ask(quiet, 'silent'))
  const nothing = 'The model wrote nothing for 2 seconds and was stopped.'
  assert.deepEqual(silent.at(-1), ['error', { statusCode: 504, message: nothing }])
  await logged(quiet, /error: no answer: The model wrote nothing for 2 seconds .* user="admin" .* ended="failed"/)
  assert.equal((await eventsOf(await ask(quiet, 'hello'))).at(-1)[0], 'done')
})

for (const question of ['die', 'rubbish', 'fail']) {
  test(`a model that answers with "${question}" is an error event and a line in the log, and no more`, async (t) => {
    const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
    const events = await eventsOf(await ask(server, question))
    assert.deepEqual(events.at(-1), ['error', { statusCode: 502, message: 'The model failed to answer.' }])
    assert.equal((await ask(server, question, { accept: 'application/json' })).status, 502)
    assert.equal((await eventsOf(await ask(server, 'hello'))).at(-1)[0], 'done')
    await logged(server, /(error: no answer: the process of MODEL_COMMAND[^]*){2}/)
    assert.equal(server.output.match(/ error: /g).length, 2)
  })
}

test('a server behind MODEL_URL answers', async (t) => {
  const { url } = await fakeCompletions(t)
  const server = await startServer(t, { MODEL_URL: url })
  const events = await eventsOf(await ask(server, 'hello'))
  assert.equal(events.map(([, { text }]) => text).join(''), 'You said hello')
})

test('neither a command nor an address that is not there stops the server', async (t) => {
  for (const [env, reason] of [
    [{ MODEL_COMMAND: 'no-such-command' }, /spawn no-such-command ENOENT/],
    [{ MODEL_URL: 'http://127.0.0.1:9' }, /MODEL_URL does not answer/]
  ]) {
    const server = await startServer(t, env)
    assert.equal((await eventsOf(await ask(server, 'hello'))).at(-1)[0], 'error')
    await logged(server, reason)
    assert.equal((await fetch(server.url, login)).status, 200)
  }
})

test('a wrong setting stops the start with one line', async (t) => {
  const dangling = join(mkdtempSync(join(tmpdir(), 'chatbot-')), 'link')
  t.after(() => rmSync(dirname(dangling), { recursive: true }))
  symlinkSync(fileURLToPath(new URL('../public/feedback.jsonl', import.meta.url)), dangling)
  for (const [env, line] of [
    [{ MODEL_SLOT: '2' }, /^chatbot: MODEL_SLOT is not a setting; known settings: MODEL_COMMAND, MODEL_URL, .*\n$/],
    [{ MODEL_SLOTS: '0' }, /^chatbot: MODEL_SLOTS does not fit; expected a whole number from 1 to 999999\n$/],
    [{ MODEL_SLOTS: '1e1' }, /^chatbot: MODEL_SLOTS does not fit; expected/],
    [{ MODEL_ANSWER_SECONDS: '1000000' }, /^chatbot: MODEL_ANSWER_SECONDS does not fit; expected/],
    [{ MODEL_COMMAND: ' ' }, /^chatbot: MODEL_COMMAND does not fit; .* as python3 model.py, with each quote closed\n$/],
    [{ MODEL_COMMAND: '"" model.py' }, /^chatbot: MODEL_COMMAND does not fit; expected a command such as/],
    [{ MODEL_COMMAND: 'python3 "model.py' }, /^chatbot: MODEL_COMMAND does not fit; .*, with each quote closed\n$/],
    [{ MODEL_COMMAND: 'x', MODEL_URL: 'http://x' }, /^chatbot: both MODEL_COMMAND and MODEL_URL are set; expected one/],
    [{ MODEL_TEMPERATURE: '1' }, /^chatbot: MODEL_TEMPERATURE is set, which goes to a server; expected MODEL_URL/],
    [{ MODEL_SYSTEM: '@no-such-file' }, /^chatbot: MODEL_SYSTEM: no-such-file cannot be read as UTF-8 text \(E/],
    [{ FEEDBACK_FILE: 'public/feedback.jsonl' }, /^chatbot: FEEDBACK_FILE: .* is in the folder of public files; /],
    [{ FEEDBACK_FILE: dangling }, /^chatbot: FEEDBACK_FILE: .* is a link to a file that is not there; choose/],
    [{ FEEDBACK_FILE: join(dirname(dangling), 'x'.repeat(252)) }, /^chatbot: .* needs a lock beside it: x+.lock \(E/],
    [{ FEEDBACK_FILE: 'package.json' }, /^chatbot: FEEDBACK_FILE: .* has something else than JSON lines; choose/],
    [{ FEEDBACK_FILE: 'no/such/folder' }, /^chatbot: FEEDBACK_FILE: .* cannot be written \(ENOENT\)\n$/],
    [{ TRANSCRIPT_FILE: 'server.js' }, /^chatbot: TRANSCRIPT_FILE: .* has something else than JSON lines; choose/],
    [{ PORT: 'abc' }, /^fastify-quickstart: PORT is "abc"; it takes a number from 0 to 65535\n$/],
    [{ USERS_FILE: 'no-users' }, /^fastify-quickstart: QUICKSTART_USERS_FILE is "no-users", which does not exist; /],
    [{ NODE_ENV: 'production' }, /^fastify-quickstart: .*no users are configured; set QUICKSTART_USERS_FILE, .*\n$/],
    [{ MODEL_URL: 'localhost:11434' }, /^chatbot: MODEL_URL does not fit; expected an address such as http:/],
    [{ MODEL_URL: 'http://127.0.0.1:99999/v1' }, /^chatbot: MODEL_URL does not fit; expected an address such as http:/],
    [{ MODEL_URL: 'http://ann:hunter2@x/v1' }, /^chatbot: MODEL_URL does not fit; (?!.*hunter2)/],
    [{ MODEL_URL: 'http://x', MODEL_API_KEY: 'hunter\n2' }, /^chatbot: MODEL_API_KEY does not fit; (?!.*hunter)/]
  ]) {
    const server = await startServer(t, env)
    await server.ended
    assert.equal(server.child.exitCode, 1)
    assert.match(server.output.replace(/^.* warn: .*no users are configured, so anybody.*\n/, ''), line)
  }
})

/** Asks something that takes for ever, and waits for its first words. */
async function askSlowly (server, controller) {
  const response = await ask(server, 'slow', { signal: controller?.signal })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let text = ''; !text.includes('tick');) {
    const { done, value } = await reader.read()
    assert.equal(done, false, text)
    text += value
  }
  return reader
}

test('a client that goes away stops its answer, and the next one has the model within a second', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const controller = new AbortController()
  await askSlowly(server, controller)
  const next = await ask(server, 'hello')
  controller.abort()
  const started = Date.now()
  assert.equal((await eventsOf(next)).at(-1)[0], 'done')
  assert.ok(Date.now() - started < 2000) // a second, and the time a busy machine takes
})

for (const accept of ['text/event-stream', 'application/json', 'text/html']) {
  test(`so does one that waits for ${accept}, while the model says nothing`, async (t) => {
    const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
    await eventsOf(await ask(server, 'hello')) // the model is loaded
    const controller = new AbortController()
    const gone = ask(server, 'silent', { accept, signal: controller.signal }).then((response) => response.text())
    gone.catch(() => {})
    await logged(server, /it says nothing/)
    const next = await ask(server, 'hello')
    controller.abort()
    const started = Date.now()
    assert.deepEqual((await eventsOf(next)).map(([event]) => event), ['place', 'place', 'token', 'done'])
    assert.ok(Date.now() - started < 3000) // a second, the start of another process, and a busy machine
  })
}

test('one user has three questions waiting at most', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const controller = new AbortController()
  const { signal } = controller
  await askSlowly(server, controller)
  await Promise.all([1, 2, 3].map(() => ask(server, 'slow', { signal })))
  const refusal = await ask(server, 'hello')
  assert.deepEqual([refusal.status, refusal.headers.get('retry-after')], [429, '5'])
  assert.match((await refusal.json()).message, /^Too many questions at once/)
  controller.abort()
})

test('a port in use, and workers, are refused with one line', async (t) => {
  const { url } = await startServer(t)
  for (const [env, args, line] of [
    [{ PORT: new URL(url).port }, [], /^fastify-quickstart: 127.0.0.1:\d+ is in use; choose another port with PORT/m],
    [{}, ['--workers', '2'], /^chatbot: it is one process, whose queue is in memory; set MODEL_SLOTS, not --workers$/m]
  ]) {
    const server = await startServer(t, env, { args })
    await server.ended
    assert.equal(server.child.exitCode, 1)
    assert.match(server.output, line)
    assert.doesNotMatch(server.output, /\n {4}at /)
  }
})

test('it starts from any folder, with the users and the .env beside it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chatbot-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const server = await startServer(t, {}, { cwd: folder })
  assert.equal((await fetch(server.url, login)).status, 200)
  assert.equal((await fetch(`${server.url}/static/chat.js`)).status, 200)

  const example = join(import.meta.dirname, '..')
  const copy = mkdtempSync(join(example, 'copy-')) // other tests run beside this one
  t.after(() => rmSync(copy, { recursive: true }))
  for (const name of readdirSync(example)) {
    if (!/^(?:node_modules|copy-)/.test(name)) cpSync(join(example, name), join(copy, name), { recursive: true })
  }
  writeFileSync(join(copy, '.env'), 'USERS_FILE=no-such-users\n')
  const refused = await startServer(t, {}, { cwd: folder, folder: copy })
  await refused.ended
  assert.match(refused.output, /^fastify-quickstart: QUICKSTART_USERS_FILE is "no-such-users", which does not exist/)
})

test('under the command itself, users are named by its own setting', () => {
  const require = createRequire(import.meta.url)
  const command = join(require.resolve('fastify-quickstart/package.json'), '../bin/run.js')
  const words = [command, 'check', '--routes', 'server.js', '--tutorial=false']
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: join(import.meta.dirname, '..'),
    env: { PATH: process.env.PATH, USERS_FILE: 'users' },
    encoding: 'utf8'
  })
  assert.equal(status, 1)
  assert.match(stderr, /^chatbot: USERS_FILE is for node server.js alone; set QUICKSTART_USERS_FILE$/m)
})

test('the page comes with the headers of the whole app', async (t) => {
  const server = await startServer(t)
  const { headers } = await fetch(server.url, login)
  assert.match(headers.get('content-security-policy'), /frame-ancestors 'self'.*script-src 'self'/)
  const cross = { ...login.headers, 'sec-fetch-site': 'cross-site' }
  assert.equal((await fetch(`${server.url}/answer`, { method: 'POST', headers: cross })).status, 403)
})

test('each answer is a line in the log, without its text, and counts on the page for researchers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chatbot-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'groups'), 'researchers: admin\n')
  const env = { MODEL_COMMAND: fakeCommand, MODEL_NAME: 'fake', QUICKSTART_GROUPS_FILE: join(folder, 'groups') }
  const server = await startServer(t, env)
  for (const question of ['hello', 'fail', 'long']) await eventsOf(await ask(server, question))
  const controller = new AbortController()
  await askSlowly(server, controller)
  controller.abort()
  await logged(server, / answer user="admin" model="fake" waited=[\d.]+ answered=[\d.]+ characters=16 ended="whole"/)
  await logged(server, / error: no answer: the process of MODEL_COMMAND says: out of memory user="admin" .*d="failed"/)
  await logged(server, / answer user="admin" .* characters=6 ended="length"/)
  await logged(server, / answer user="admin" .* ended="stopped"/)
  assert.doesNotMatch(server.output, /said hello/)

  const usage = await fetch(`${server.url}/usage`, { headers: { ...login.headers, accept: 'text/html' } })
  assert.match(await usage.text(), /Now 0 being answered, 0 waiting[^]*<td>[\d-]{10}<\/td><td>admin<\/td><td>4<\/td>/)
  const other = await startServer(t)
  assert.equal((await fetch(`${other.url}/usage`, login)).status, 403)
})

test('feedback and all answers are kept in files for their owner alone, where these are set', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chatbot-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [feedbackFile, transcriptFile] = ['feedback.jsonl', 'answers.jsonl'].map((name) => join(folder, name))
  const server = await startServer(t, {
    MODEL_COMMAND: fakeCommand, FEEDBACK_FILE: feedbackFile, TRANSCRIPT_FILE: transcriptFile
  })
  const done = (await eventsOf(await ask(server, 'think', { body: { question: 'think', conversation: 'c-1' } }))).at(-1)
  const post = (body) => fetch(`${server.url}/feedback`, {
    method: 'POST', headers: { ...login.headers, 'content-type': 'application/json' }, body: JSON.stringify(body)
  })
  const { id } = done[1]
  const good = { conversation: 'c-1', id, question: 'think', answer: 'Yes', verdict: 'up', remark: 'a\u2028b' }
  assert.equal((await post(good)).status, 204)
  for (const [wrong, message] of [
    [{ verdict: 'ok' }, /verdict must be up or down/],
    [{ conversation: 'a b' }, /conversation must be/],
    [{ id: 1 }, /id must be/],
    [{ answer: 'x'.repeat(40_001) }, /answer must be a text of at most 40000/],
    [{ remark: 'x'.repeat(2001) }, /remark must be a text of at most 2000/]
  ]) {
    const refusal = await post({ ...good, ...wrong })
    assert.equal(refusal.status, 400)
    assert.match((await refusal.json()).message, message)
  }
  await logged(server, / answer user=/)
  const [given] = linesOf(feedbackFile)
  assert.deepEqual({ ...good, user: 'admin', time: given.time }, given)
  const [{ time, waited, answered, ...written }] = linesOf(transcriptFile)
  assert.deepEqual(written, {
    user: 'admin',
    conversation: 'c-1',
    id,
    question: 'think',
    answer: 'Yes',
    thinking: 'Well, yes.',
    model: 'fake-process.js',
    ended: 'whole'
  })
  for (const file of [feedbackFile, transcriptFile]) assert.equal(statSync(file).mode & 0o777, 0o600)

  const without = await startServer(t)
  const { status } = await fetch(`${without.url}/feedback`, { method: 'POST', ...login })
  assert.equal(status, 404)
})

test('a connection that breaks stops all its answers, also those that wait behind the first', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const { hostname: host, port } = new URL(server.url)
  const socket = connect({ host, port })
  const request = ['POST /answer HTTP/1.1', `Host: ${host}`, `Authorization: ${admin}`,
    'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 13', '', 'question=slow'].join('\r\n')
  socket.write(request + request)
  for await (const text of socket.setEncoding('utf8')) if (text.includes('event:')) break // which destroys it
  const next = await ask(server, 'hello', { signal: AbortSignal.timeout(10_000) })
  assert.equal((await eventsOf(next)).at(-1)[0], 'done')
})

const noGroups = process.platform === 'win32' && 'Windows has no groups of processes'

test('a server that is killed leaves no model behind', { skip: noGroups }, async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const { answer } = await (await ask(server, 'stay', { accept: 'application/json' })).json()
  const lives = () => spawnSync('kill', ['-0', answer]).status === 0
  assert.equal(lives(), true)
  server.child.kill('SIGKILL')
  for (let tries = 0; tries < 250 && lives(); tries++) await wait(20)
  assert.equal(lives(), false)
})

test('the longest answer, and the longest question, may be given a thumb', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chatbot-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'feedback.jsonl')
  const lengths = { MODEL_QUESTION_LENGTH: '50000', MODEL_HISTORY_LENGTH: '1000', MODEL_ANSWER_LENGTH: '200000' }
  const server = await startServer(t, { FEEDBACK_FILE: file, ...lengths })
  const question = 'x'.repeat(50_000)
  const answer = '\x01'.repeat(200_000) // six bytes each, in JSON
  const { status } = await fetch(`${server.url}/feedback`, {
    method: 'POST',
    headers: { ...login.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ conversation: 'c-1', question, answer, verdict: 'up' })
  })
  assert.equal(status, 204)
  const [given] = linesOf(file)
  assert.deepEqual([given.question, given.answer], [question, answer])
})

test('what the model thinks, and why it ended, is told to programs and pages alike', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand, MODEL_SYSTEM: 'Be brief.' })
  const told = (await eventsOf(await ask(server, 'think'))).map(([event, { text }]) => [event, text])
  assert.deepEqual(told.slice(1, -1), [['thinking', 'Well, '], ['thinking', 'yes.'], ['token', 'Yes']])
  const json = async (question) => await (await ask(server, question, { accept: 'application/json' })).json()
  assert.deepEqual({ ...await json('think'), id: '' }, { answer: 'Yes', thinking: 'Well, yes.', id: '' })
  const { reason, notice } = await json('nothing')
  assert.deepEqual([reason, notice], ['empty', 'The model answered nothing.'])
  assert.equal((await json('long')).reason, 'length')
  const messages = JSON.parse((await json('messages')).answer)
  assert.deepEqual(messages, [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'messages' }])
})

test('SIGTERM tells each open stream, and ends the server', async (t) => {
  const server = await startServer(t, { MODEL_COMMAND: fakeCommand })
  const reader = await askSlowly(server)
  const waiting = await ask(server, 'hello')
  const started = Date.now()
  server.child.kill('SIGTERM')
  let text = ''
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
  const message = 'The server is shutting down. Try again in a moment.'
  assert.match(text, new RegExp(`event: error\ndata: {"statusCode":503,"message":"${message}"}\n\n$`))
  assert.deepEqual((await eventsOf(waiting)).at(-1), ['error', { statusCode: 503, message }])
  if (server.child.exitCode === null) await once(server.child, 'exit')
  assert.equal(server.child.exitCode, 0)
  assert.ok(Date.now() - started < 5000, `${Date.now() - started} ms`)
})
