// A client that is logged in and asks for one page, again and again on one connection, with a pause of 2 ms each time.
// Prints how long each answer took, in milliseconds, as JSON. Arguments: port, seconds, Authorization header.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const [port, seconds, authorization] = process.argv.slice(2)
const pause = 2
const end = 'Come in'

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
await once(socket, 'connect')
socket.setEncoding('latin1')

/** @type {number[]} */
const took = []
const until = performance.now() + Number(seconds) * 1000
while (performance.now() < until) {
  const started = performance.now()
  socket.write(`GET /guarded HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`)
  let answer = ''
  while (!answer.endsWith(end)) {
    const [piece] = await once(socket, 'data')
    answer += piece
    if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`the logged-in client was refused: ${answer.slice(0, 200)}`)
  }
  took.push(Number((performance.now() - started).toFixed(3)))
  await wait(pause)
}
socket.destroy()
process.stdout.write(JSON.stringify(took))
