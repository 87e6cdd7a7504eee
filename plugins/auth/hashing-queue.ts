/** How much hashing goes on at once, and how much may wait. */
export interface HashingLimits {
  parallel: number
  queue: number
}

/** Thrown when a job would be one too many to wait. */
export class QueueFull extends Error {}

/**
 * Runs hashing jobs, a few at a time: each takes a core and, with argon2id, 19 MiB for tens of milliseconds.
 * The returned function rejects with `QueueFull` instead of letting more than `queue` jobs wait.
 */
export function createHashingQueue ({ parallel, queue }: HashingLimits): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting: Array<() => void> = []
  let running = 0

  return async function run (job) {
    if (running >= parallel) {
      if (waiting.length >= queue) throw new QueueFull()
      // Whoever ends a job hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running++
    }
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
