import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const Overloaded = createError('FST_QUICKSTART_APP_OVERLOADED', 'The server is too busy to answer', 503)

/** Milliseconds between two looks at the event loop's clock. */
const resolution = 10
/** Milliseconds by which the event loop may be late, as the mean of a second. */
const maxDelay = 1000

/**
 * Refuses requests with 503 while the event loop is late, `GET /health` among them, so that those under way get done.
 *
 * Only the event loop is watched. Memory is not: to ask for it opens a file, which fails with no descriptor left, just
 * when many clients are connected.
 */
export function shedLoad (app: FastifyInstance): void {
  let isOverloaded = false
  const delay = monitorEventLoopDelay({ resolution })
  let timer: NodeJS.Timeout | undefined
  // A start may keep the event loop busy for long, and says nothing of the load.
  app.addHook('onReady', async () => {
    delay.enable()
    timer = setInterval(() => {
      // NaN for a second in which the clock was never looked at.
      isOverloaded = !(delay.mean / 1e6 - resolution <= maxDelay)
      delay.reset()
    }, 1000).unref()
  })
  app.addHook('onClose', async () => {
    clearInterval(timer)
    delay.disable()
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (!isOverloaded) {
      done()
      return
    }
    reply.header('retry-after', '5')
    done(new Overloaded())
  })
}
