import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Test } from 'tap'

interface Message {
  channel: string
  type?: 'init'
  keyPrefix: string
  opts: { keyPrefix: string, points: number, duration: number }
  func: 'get' | 'penalty' | 'block' | 'delete'
  promiseId: string
  data: { key: string, arg: number }
}

/** Answers what a worker of node:cluster asks its primary, as `new RateLimiterClusterMaster()` does there. */
export class FakePrimary {
  /** The operations it has been asked for, in order. */
  readonly asked: Array<{ func: Message['func'], key: string }> = []
  readonly limiters = new Map<string, RateLimiterMemory>()
  /** Whether it refuses to do what it is asked. */
  fails: (func: Message['func'], key: string) => boolean = () => false

  constructor (t: Test) {
    const { send } = process
    const before = process.listeners('message')
    process.send = (message: Message) => {
      setImmediate(() => { this.#receive(message).catch((error: Error) => t.fail(error.message)) })
      return true
    }
    t.teardown(() => {
      process.send = send
      for (const listener of process.listeners('message')) if (!before.includes(listener)) process.off('message', listener)
    })
  }

  async #receive ({ channel, type, keyPrefix, opts, func, promiseId, data }: Message): Promise<void> {
    if (type === 'init') {
      this.limiters.set(opts.keyPrefix, new RateLimiterMemory(opts))
      process.emit('message', { channel, type, keyPrefix: opts.keyPrefix }, undefined)
      return
    }
    this.asked.push({ func, key: data.key })
    const limiter = this.limiters.get(keyPrefix)!
    const answer = this.fails(func, data.key)
      ? { type: 'reject', data: {} }
      : { type: 'resolve', data: await limiter[func](data.key, data.arg as never) } // each takes its own second argument
    process.emit('message', { channel, keyPrefix, promiseId, ...answer }, undefined)
  }
}
