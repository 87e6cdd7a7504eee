import { register } from 'node:module'
import t from 'tap'
import { superviseWorkers } from '../../../bin/workers.ts'
import { describeStartFailure } from '../../../app/operation/start-failure.ts'
import { setEnvironment } from '../../environment.ts'
import { start } from '../start.ts'

/** A module that makes Node find no package prom-client while the first number is 1: other tests run here after. */
const hooks = `
  let isMissing
  export const initialize = (data) => { isMissing = data }
  export const resolve = async (name, context, next) => {
    if (name === 'prom-client' && isMissing[0] === 1) throw new Error('Cannot find package')
    return await next(name, context)
  }`
const isMissing = new Int32Array(new SharedArrayBuffer(4))
register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: isMissing })

const advice = 'QUICKSTART_METRICS needs the package prom-client: npm install prom-client --save-prod ' +
  '(on a server with --omit=dev)'

t.test('without the package prom-client', async (t) => {
  isMissing[0] = 1
  t.teardown(() => { isMissing[0] = 0 })

  await t.test('metrics stop the start, and say how to install it', async (t) => {
    const error = await start(t, {}, { QUICKSTART_METRICS: '127.0.0.1:0' }).catch((error: unknown) => error)
    t.match(error, { code: 'FST_QUICKSTART_APP_PROM_CLIENT_MISSING', message: advice })
    t.equal(describeStartFailure(error), advice, 'the operator reads this one line')
  })

  await t.test('no worker is started', async (t) => {
    setEnvironment(t, { QUICKSTART_METRICS: '127.0.0.1:0' })
    await t.rejects(superviseWorkers(2, undefined), { code: 'FST_QUICKSTART_APP_PROM_CLIENT_MISSING' })
  })

  await t.test('an app without metrics starts', async (t) => {
    const app = await start(t)
    t.equal((await app.inject('/health')).statusCode, 200)
  })
})
