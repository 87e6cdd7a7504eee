// A model for MODEL_COMMAND that does what the question says. FAKE_LOAD is how many milliseconds it takes to load.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

let id
const say = (message) => console.log(JSON.stringify({ id, ...message }))
let timer
let deaf = false

/** What is written at once, line by line, for a question of that name. */
const lines = {
  both: [{ token: 'a word', done: true }],
  null: [{ token: 'a', error: null, thinking: null }, { token: null, done: true, error: null, reason: null }],
  think: [{ thinking: 'Well, ' }, { thinking: 'yes.' }, { token: 'Yes' }, { done: true, reason: 'stop' }],
  long: [{ token: 'a word' }, { done: true, reason: 'length' }],
  nothing: [{ done: true }],
  fail: [{ error: 'out of memory' }]
}

await wait(Number(process.env.FAKE_LOAD ?? 0))
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id: asked, messages, user, cancel } = JSON.parse(line)
  id = asked
  if (cancel) {
    if (deaf || timer === undefined) return
    clearInterval(timer)
    timer = undefined
    return say({ done: true })
  }
  const question = messages.at(-1).content
  deaf = question === 'deaf'
  if (lines[question] !== undefined) return lines[question].forEach(say)
  if (question === 'die') process.exit(3)
  if (question === 'rubbish') return console.log('Loading weights: 50 %')
  if (question === 'endless') return process.stdout.write('x'.repeat(2_000_000))
  if (question === 'late') {
    for (const message of [{ error: 'out of memory' }, { token: `${user} asked late` }, { done: true }]) say(message)
    return
  }
  if (question === 'nameless') return console.log('{"token":"whose?"}')
  if (question === 'silent') return console.error('it says nothing')
  if (question === 'mutter') process.stderr.write('x'.repeat(200_000))
  if (question === 'progress') process.stderr.write('50 %\r100 %\r\nbye')
  if (question === 'complain') console.error('half of the memory is used')
  if (question === 'stay') {
    process.on('SIGTERM', () => {})
    setTimeout(() => {}, 20_000)
    say({ token: String(process.pid) })
    return say({ done: true })
  }
  if (question === 'child') {
    const { pid } = spawn('sleep', ['100'], { stdio: 'inherit' })
    say({ token: `${process.pid} ${pid}` })
    return say({ done: true })
  }
  if (question === 'leave') {
    say({ token: String(process.pid) })
    say({ done: true })
    process.exit(0)
  }
  if (question === 'slow' || deaf) {
    timer = setInterval(() => say({ token: 'tick ' }), 50)
    return
  }
  if (question === 'messages') say({ token: JSON.stringify(messages) })
  else if (question === 'pid') say({ token: String(process.pid) })
  else say({ token: `${user} said ${question}` })
  say({ done: true })
})
