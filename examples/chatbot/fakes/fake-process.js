// A model for MODEL_COMMAND that does what the question says.
import { createInterface } from 'node:readline'

let id
const say = (message) => console.log(JSON.stringify({ id, ...message }))
let timer
let deaf = false

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
  if (question === 'die') process.exit(3)
  if (question === 'rubbish') return console.log('Loading weights: 50 %')
  if (question === 'endless') return process.stdout.write('x'.repeat(2_000_000))
  if (question === 'fail') return say({ error: 'out of memory' })
  if (question === 'late') {
    for (const message of [{ error: 'out of memory' }, { token: `${user} asked late` }, { done: true }]) say(message)
    return
  }
  if (question === 'nameless') return console.log('{"token":"whose?"}')
  if (question === 'silent') return console.error('it says nothing')
  if (question === 'complain') console.error('half of the memory is used')
  if (question === 'stay') {
    process.on('SIGTERM', () => {})
    setTimeout(() => {}, 20_000)
    say({ token: String(process.pid) })
    return say({ done: true })
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
