// Stand-ins for real models, for the tests. It has no tests of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** A command for MODEL_COMMAND: a process that answers as the question says; see fake-process.js. */
export const fakeCommand = `"${process.execPath}" "${here('fake-process.js')}"`

/** What is sent for a question of that name, and why the answer ends. */
const deltas = {
  think: [{ content: null, reasoning_content: 'Well, ' }, { reasoning_content: 'yes.' }, { content: 'Yes' }, 'stop'],
  reason: [{ role: 'assistant', content: '', reasoning: 'Well, yes.' }, { content: 'Yes', reasoning: null }, 'stop'],
  long: [{ content: 'Once upon' }, 'length'],
  filter: [{ content: 'I ' }, 'content_filter'],
  'say no': [{ refusal: 'I cannot ' }, { refusal: 'help.' }, 'stop'],
  tool: [{ tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' } }] }, 'tool_calls'],
  nothing: ['stop']
}

/** A server that speaks OpenAI's chat completions, and does what the last message says. */
export async function fakeCompletions (t) {
  const requests = []
  const server = createServer(async (request, response) => {
    const body = JSON.parse((await request.setEncoding('utf8').toArray()).join(''))
    const question = body.messages.at(-1).content
    requests.push({ url: request.url, authorization: request.headers.authorization, body, response })
    if (question === 'refuse') return response.writeHead(404).end('{"error":"model \'x\' not found"}')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (data) => response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    if (question === 'rubbish') send('<html>')
    if (question === 'fail') send({ error: { message: 'out of memory' } })
    if (question === 'endless') for (let times = 0; times < 30; times++) response.write('x'.repeat(100_000))
    if (question === 'slowly') {
      for (let times = 0; times < 20; times++) {
        send({ choices: [{ index: 0, delta: { content: 'word ' } }] })
        await setTimeout(20)
      }
      send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
      return response.end('data: [DONE]\n\n')
    }
    if (deltas[question] !== undefined) {
      for (const delta of deltas[question].slice(0, -1)) send({ choices: [{ index: 0, delta, finish_reason: null }] })
      send({ choices: [{ index: 0, delta: {}, finish_reason: deltas[question].at(-1) }], error: null })
      return response.end('data: [DONE]\n\n')
    }
    send({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
    for (const word of ['You ', 'said ', question]) send({ choices: [{ index: 0, delta: { content: word } }] })
    if (question === 'hang') return
    if (question === 'break') {
      await setTimeout(50)
      return response.destroy()
    }
    if (question === 'stop early') return response.end()
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    send({ choices: [], usage: { total_tokens: 3 } })
    send('[DONE]')
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${server.address().port}/v1`, requests }
}

/** Starts server.js with settings, and stops it when the test ends. */
export async function startServer (t, env = {}, { args = [], cwd, folder = here('..') } = {}) {
  const child = spawn(process.execPath, [join(folder, 'server.js'), ...args], {
    env: { PATH: process.env.PATH, _TAPJS_PROCESSINFO_COVERAGE_: '0', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd
  })
  const server = { child, output: '', url: undefined, ended: once(child, 'close') }
  t.after(async () => {
    child.kill('SIGKILL')
    await server.ended
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { server.output += chunk })
  // For a minute at most, on a busy machine.
  for (let tries = 0; tries < 3000 && child.exitCode === null && !server.output.includes('in a browser'); tries++) {
    await setTimeout(20)
  }
  server.url = /Open (\S+)\/ in a browser/.exec(server.output)?.[1]
  return server
}

/** Waits for a line in the log, which may arrive later than the answer. */
export async function logged (server, pattern) {
  for (let tries = 0; tries < 250 && !pattern.test(server.output); tries++) {
    await setTimeout(20)
  }
  assert.match(server.output, pattern)
}

export const admin = `Basic ${btoa('admin:secret')}`

/** Asks, as a program does. */
export function ask (server, question, { accept = 'text/event-stream', signal, body = { question } } = {}) {
  return fetch(`${server.url}/answer`, {
    method: 'POST',
    headers: { authorization: admin, accept, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal
  })
}

/** The events of a stream as `[event, data]`, comments left out. */
export async function eventsOf (response) {
  const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('event: '))
  return blocks.map((block) => {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block)
    return [event, JSON.parse(data)]
  })
}
