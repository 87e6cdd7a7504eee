import type { FastifyInstance } from 'fastify'
import cluster from 'node:cluster'
import { leaveQuietly } from '../app/operation/stopping.ts'
import { closeGently } from './signals.ts'

/** The messages between a worker and the primary of `--workers`. */
export interface Messages {
  /** The worker listens, at a place that begins a sentence; or, each second, it is not blocked. */
  fromWorker: { listening?: string, isAlive?: true }
  /** The worker shall stop: all of them stop, or another has taken its place. */
  toWorker: 'stop' | 'replaced'
}

/** Milliseconds between two signs of life. */
const heartbeat = 1000

/** Whether this process is a worker of `--workers`. */
export function isWorker (): boolean {
  return cluster.isWorker
}

/**
 * Serves until the primary says otherwise. A signal may come besides: a terminal and a supervisor send it to all
 * processes of a group. The primary alone decides what a second one means.
 */
export function workUntilTold (app: FastifyInstance, where: string): void {
  const { close } = closeGently(app, ['SIGHUP', 'SIGINT', 'SIGTERM'])
  let isLeaving = false
  function leave (): void {
    if (!isLeaving) close()
    isLeaving = true
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  process.on('SIGHUP', () => {}) // the primary has it too, and replaces the workers one by one
  process.on('message', (message: Messages['toWorker']) => {
    if (message === 'replaced') leaveQuietly(app)
    if (message === 'replaced' || message === 'stop') leave()
  })
  tell({ listening: where })
  setInterval(() => tell({ isAlive: true }), heartbeat).unref()
}

/** A primary that is gone needs to know nothing: Node ends its workers. */
function tell (message: Messages['fromWorker']): void {
  process.send!(message, () => {}) // a worker has a channel to its primary
}
