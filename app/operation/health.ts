import createError from '@fastify/error'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { inspect } from 'node:util'
import { isLeaving } from './stopping.ts'

/** A check of something that the app needs, such as a database: it fails where it throws or rejects. */
export type HealthCheck = () => unknown

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Adds a check to `GET /health`, which is 503 `{ "status": "failing" }` while the check throws, rejects or takes
     * longer than 2 seconds. The log has one line when that begins, with the reason, and one when it is over.
     * Decorator of the root app.
     *
     * ```ts
     * app.addHealthCheck('database', () => database.execute('SELECT 1'))
     * ```
     *
     * It runs when `/health` is asked, and never twice at once: requests that come meanwhile share its outcome.
     *
     * @param name what the log calls it
     * @throws `FST_QUICKSTART_APP_INVALID_HEALTH_CHECK` for a name that is empty or taken, or a check that is not a
     * function
     */
    addHealthCheck: (name: string, check: HealthCheck) => void
  }
}

const InvalidHealthCheck = createError('FST_QUICKSTART_APP_INVALID_HEALTH_CHECK', '%s', 500, TypeError)

/** Seconds after which a check counts as failed. */
const maxSeconds = 2

/**
 * Answers `GET /health`: 503 while the app stops or one of its checks fails, else 200. It needs no login, as a load
 * balancer has none.
 */
export function answerHealth (app: FastifyInstance): void {
  const checks = new Map<string, () => Promise<boolean>>()
  app.decorate('addHealthCheck', (name, check) => {
    if (typeof name !== 'string' || name === '') {
      throw new InvalidHealthCheck(`the name of a health check is ${describe(name)}; it takes a text`)
    }
    if (typeof check !== 'function') {
      throw new InvalidHealthCheck(`the health check "${name}" is ${describe(check)}; it takes a function`)
    }
    if (checks.has(name)) throw new InvalidHealthCheck(`there is a health check "${name}" already`)
    checks.set(name, watch(name, check, app.log))
  })

  async function findStatus (): Promise<'ok' | 'failing' | 'stopping'> {
    if (isLeaving(app)) return 'stopping'
    const outcomes = await Promise.all([...checks.values()].map((isWell) => isWell()))
    return outcomes.includes(false) ? 'failing' : 'ok'
  }

  app.get('/health', { config: { auth: false, answeredBy: 'app' } }, async (request, reply) => {
    const status = await findStatus()
    if (status !== 'ok') reply.code(503)
    return { status }
  })
}

/** Returns a function that runs a check unless it is running, and logs when its outcome changes. */
function watch (name: string, check: HealthCheck, log: FastifyBaseLogger): () => Promise<boolean> {
  let wasWell = true
  let outcome: Promise<boolean> | undefined

  function tell (isWell: boolean, error?: unknown): boolean {
    if (wasWell && !isWell) log.error({ err: toError(error) }, `the health check "${name}" fails`)
    if (!wasWell && isWell) log.info(`the health check "${name}" is well again`)
    wasWell = isWell
    return isWell
  }

  return () => {
    if (outcome === undefined) {
      const run = Promise.resolve().then(check)
      outcome = limitTime(run).then(() => tell(true), (error: unknown) => tell(false, error))
      // A check that is late has failed until it comes to its end: another beside it would wait as long.
      const forget = () => { outcome = undefined }
      Promise.allSettled([run, outcome]).then(forget, forget)
    }
    return outcome
  }
}

async function limitTime (run: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no outcome within ${maxSeconds} s`)), maxSeconds * 1000)
  })
  await Promise.race([run, late]).finally(() => clearTimeout(timer))
}

/** Logs show errors alone with their stack, and a check may throw anything. */
function toError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(inspect(thrown))
}

function describe (value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity })
}
