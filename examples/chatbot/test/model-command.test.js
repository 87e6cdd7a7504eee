import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openCommand } from '../model-command.js'
import { fakeCommand } from '../fakes/fakes.js'

/** The model of a command, with what it logs. Closed when the test ends. */
function open (t, command = fakeCommand, own = {}) {
  const lines = []
  const note = (level) => (...args) => lines.push(`${level} ${args.at(-1)}`)
  const log = { info: note('info'), warn: note('warn'), error: note('error') }
  const settings = { MODEL_COMMAND: command, MODEL_SLOTS: 1, MODEL_LOAD_SECONDS: 60, ...own }
  const model = openCommand(settings, log)
  t.after(() => model.close())
  return { ...model, lines }
}

const noGroups = process.platform === 'win32' && 'Windows has no groups of processes'

/** Waits for the first line of the log. */
async function said ({ lines }) {
  for (let tries = 0; tries < 250 && lines.length === 0; tries++) await setTimeout(20)
}

/** A whole answer; or what came until it was stopped, after so many pieces. */
async function ask ({ answer }, content, { stopAfter = Infinity, controller = new AbortController() } = {}) {
  let text = ''
  let pieces = 0
  for await (const piece of answer([{ role: 'user', content }], { signal: controller.signal, user: 'ann' })) {
    if (piece === '' || piece.loading !== undefined) continue
    text += typeof piece === 'string' ? piece : JSON.stringify(piece)
    if (++pieces === stopAfter) break
  }
  return text
}

test('answers, one question after the other, from one process', async (t) => {
  const model = open(t)
  assert.equal(await ask(model, 'hello'), 'ann said hello')
  const pid = await ask(model, 'pid')
  assert.equal(await ask(model, 'pid'), pid)
})

test('has a process for each slot', async (t) => {
  const model = open(t, fakeCommand, { MODEL_SLOTS: 2 })
  const [one, other] = await Promise.all([ask(model, 'pid'), ask(model, 'pid')])
  assert.notEqual(one, other)
})

test('what the process writes to its standard error is logged', async (t) => {
  const model = open(t)
  await ask(model, 'complain')
  await said(model)
  assert.deepEqual(model.lines, ['info half of the memory is used'])
})

test('what it writes there without a line end is logged in pieces, not kept', async (t) => {
  const model = open(t)
  await ask(model, 'mutter')
  await said(model)
  assert.match(model.lines[0] ?? '', /^info x{10000}/)
  assert.ok(model.lines.every((line) => line.length < 100_000))
})

test('a bar of progress is a line each time it is drawn, and the last words need no line end', async (t) => {
  const model = open(t)
  await ask(model, 'progress')
  await model.close()
  assert.deepEqual(model.lines, ['info 50 %', 'info 100 %', 'info bye'])
})

test('a cancelled answer ends, and the process goes on', async (t) => {
  const model = open(t)
  const pid = await ask(model, 'pid')
  assert.equal(await ask(model, 'slow', { stopAfter: 2 }), 'tick tick ')
  assert.equal(await ask(model, 'pid'), pid)
  assert.deepEqual(model.lines, [])
})

test('a process that does not listen to a cancel is killed within a second, and started anew', async (t) => {
  const model = open(t)
  const pid = await ask(model, 'pid')
  const started = Date.now()
  await ask(model, 'deaf', { stopAfter: 1 })
  assert.notEqual(await ask(model, 'pid'), pid)
  assert.ok(Date.now() - started < 3000)
  assert.deepEqual(model.lines, ['warn the process of MODEL_COMMAND did not end a cancelled answer: it is killed'])
})

test('an abort while the process is silent frees it as well', async (t) => {
  const model = open(t)
  const pid = await ask(model, 'pid')
  const controller = new AbortController()
  const stopped = ask(model, 'silent', { controller })
  await said(model)
  controller.abort()
  await assert.rejects(stopped, /^Error: the process of MODEL_COMMAND ended: SIGKILL/)
  assert.notEqual(await ask(model, 'pid'), pid)
})

test('a process that may still load is not killed by the first cancel', async (t) => {
  const model = open(t, fakeCommand, { MODEL_LOAD_SECONDS: 2 })
  const controller = new AbortController()
  const started = Date.now()
  const stopped = ask(model, 'silent', { controller })
  await said(model)
  controller.abort()
  await assert.rejects(stopped, /SIGKILL/)
  assert.ok(Date.now() - started > 1500)
})

for (const [question, message] of [
  ['die', /^the process of MODEL_COMMAND ended: exit code 3$/],
  ['rubbish', /^the process of MODEL_COMMAND wrote "Loading weights: 50 %"; expected \{"id":1,"token":"…"\}/],
  ['nameless', /^the process of MODEL_COMMAND wrote "\{\\"token\\":\\"whose\?\\"\}"; expected \{"id":1,/],
  ['endless', /^the process of MODEL_COMMAND wrote "x{100}"; expected/],
  ['fail', /^the process of MODEL_COMMAND says: out of memory$/]
]) {
  test(`a process that answers with "${question}" fails that answer, and the next one works`, async (t) => {
    const model = open(t)
    await assert.rejects(ask(model, question), { message })
    assert.equal(await ask(model, 'hello'), 'ann said hello')
  })
}

test('what a process writes after the end of an answer is no part of the next one', async (t) => {
  const model = open(t)
  const pid = await ask(model, 'pid')
  for (let round = 0; round < 3; round++) {
    await assert.rejects(ask(model, 'late'), /says: out of memory/)
    assert.equal(await ask(model, 'hello'), 'ann said hello')
  }
  assert.equal(await ask(model, 'pid'), pid)
})

test('a process that is killed while it is idle is started anew', async (t) => {
  const model = open(t)
  process.kill(Number(await ask(model, 'pid')), 'SIGKILL')
  await said(model)
  assert.deepEqual(model.lines, ['error the process of MODEL_COMMAND ended: SIGKILL'])
  assert.equal(await ask(model, 'hello'), 'ann said hello')
})

test('a command that is not there is named in the log, and in the error of who asks', async (t) => {
  const model = open(t, 'no-such-command --flag')
  await said(model)
  assert.deepEqual(model.lines, ['error the process of MODEL_COMMAND ended: spawn no-such-command ENOENT'])
  const message = /ended: spawn no-such-command ENOENT$/
  for (let round = 0; round < 2; round++) await assert.rejects(ask(model, 'hello'), { message })
})

test('a process ends with the server, even if that does not wait for it', async () => {
  const program = `
    import { openCommand } from './model-command.js'
    const { answer } = openCommand(${JSON.stringify({ MODEL_COMMAND: fakeCommand, MODEL_SLOTS: 1 })})
    for await (const pid of answer([{ content: 'stay' }], new AbortController())) console.log(pid)
    process.exit()`
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const pid = Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd }))
  assert.ok(await ends(pid))
})

for (const [question, expected] of [
  ['both', 'a word'],
  ['null', 'a'],
  ['think', '{"thinking":"Well, "}{"thinking":"yes."}Yes{"reason":"stop"}'],
  ['long', 'a word{"reason":"length"}'],
  ['nothing', '']
]) {
  test(`what a process writes for "${question}" is taken as it is meant`, async (t) => {
    const model = open(t)
    assert.equal(await ask(model, question), expected)
    assert.equal(await ask(model, 'hello'), 'ann said hello')
  })
}

test('a process that ends after each answer is started anew, and no question fails', async (t) => {
  const model = open(t)
  const pids = new Set()
  for (let round = 0; round < 5; round++) pids.add(await ask(model, 'leave'))
  await setTimeout(300) // it is started before anybody asks
  pids.add(await ask(model, 'leave'))
  assert.equal(pids.size, 6)
  assert.deepEqual(model.lines, [])
})

test('a process that loads for long is waited for, and started once', async (t) => {
  process.env.FAKE_LOAD = '1500'
  t.after(() => delete process.env.FAKE_LOAD)
  const model = open(t)
  const pids = new Set()
  for (let round = 0; round < 4; round++) {
    const controller = new AbortController()
    const stopped = ask(model, 'pid', { controller }).then((pid) => pids.add(pid))
    if (round < 3) controller.abort() // somebody gives up
    await stopped
  }
  pids.delete('')
  assert.equal(pids.size, 1)
  assert.deepEqual(model.lines, [])
})

test('what a process has started ends with it: when it is closed, killed, or dies', { skip: noGroups }, async (t) => {
  for (const command of [fakeCommand, `sh -c '${fakeCommand}; true'`]) {
    const model = open(t, command)
    const [, killed] = (await ask(model, 'child')).split(' ').map(Number)
    await ask(model, 'deaf', { stopAfter: 1 })
    const [parent, lost] = (await ask(model, 'child')).split(' ').map(Number)
    assert.ok(await ends(killed), 'it is killed')
    process.kill(parent, 'SIGKILL')
    assert.ok(await ends(lost), 'its parent died')
    const pids = (await ask(model, 'child')).split(' ').map(Number)
    await model.close()
    for (const pid of pids) assert.ok(await ends(pid), 'it is closed')
  }
})

test('Ctrl-C is for the server alone', { skip: noGroups }, async (t) => {
  const model = open(t)
  const pid = Number(await ask(model, 'pid'))
  const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' })
  assert.equal(Number(group), pid)
})

/** Waits for the end of a process, for five seconds at most. */
async function ends (pid) {
  for (let tries = 0; tries < 250 && isAlive(pid); tries++) await setTimeout(20)
  return !isAlive(pid)
}

/** One that has ended may stay in the list until somebody asks how. */
function isAlive (pid) {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z]/.test(stdout)
}

function hasPython () {
  try {
    execFileSync('python3', ['-c', 'import pydoc_data.topics'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const skip = hasPython() ? false : 'python3 is not installed'
test('model.py answers, and listens to a cancel', { skip }, async (t) => {
  const model = open(t, `python3 "${fileURLToPath(new URL('../model.py', import.meta.url))}"`)
  assert.match(await ask(model, 'What is a generator function?'), /^(?:generator|function|What|is|a) (?:\S+ ){59}$/)
  assert.match(await ask(model, 'Again'), /^(?:\S+ ){60}$/)
  await ask(model, 'Stop this one', { stopAfter: 1 })
  assert.match(await ask(model, 'Last one'), /^(?:\S+ ){60}$/)
  assert.deepEqual(model.lines, [])
})
