import { EventEmitter } from 'node:events'
import t from 'tap'
import { crashSignals, dieOfCrashes, surviveHangup } from '../../../app/operation/process-signals.ts'
import { captureLog } from '../start.ts'
import Fastify from 'fastify'

t.test('a fault of native code ends the process: nobody listens to its signal', async (t) => {
  const process = Object.assign(new EventEmitter(), { stdout: {} })
  for (const signal of [...crashSignals, 'SIGTERM']) process.on(signal, () => {})
  dieOfCrashes(process)
  t.same(process.eventNames(), ['SIGTERM'])
})

t.test('SIGHUP is a line in the log, and on a terminal it says that this is gone', async (t) => {
  for (const isTTY of [undefined, false, true]) {
    const { lines, logger } = captureLog()
    const { log } = Fastify({ logger })
    const process = Object.assign(new EventEmitter(), { stdout: { isTTY: isTTY === true } })
    let ended = 0
    process.on('SIGHUP', () => { ended++ })
    surviveHangup(process, log)
    process.emit('SIGHUP')
    const isOnTerminal = isTTY === true
    t.equal(ended, isOnTerminal ? 1 : 0)
    t.equal(lines.some(({ msg }) => msg.startsWith('SIGHUP: changed files of users and groups hold')), !isOnTerminal)
  }
})
