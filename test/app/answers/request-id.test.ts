import Fastify from 'fastify'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createRequestId } from '../../../app/answers/request-id.ts'
import { lacks } from '../../system.ts'

const own = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

t.test('takes the id of a trusted proxy alone', async (t) => {
  const cases: [trustProxy: boolean | string[], address: string, given: string | undefined, isTaken: boolean][] = [
    [true, '192.0.2.1', 'a1', true],
    [true, '192.0.2.1', undefined, false],
    [true, '192.0.2.1', 'a 1', false],
    [true, '192.0.2.1', 'a'.repeat(129), false],
    [false, '127.0.0.1', 'a1', false],
    [['192.0.2.0/24'], '192.0.2.1', 'a1', true],
    [['192.0.2.0/24'], '198.51.100.1', 'a1', false]
  ]
  for (const [trustProxy, address, given, isTaken] of cases) {
    const app = Fastify({ genReqId: createRequestId(trustProxy) })
    app.get('/', async ({ id }) => id)
    const headers = given === undefined ? {} : { 'x-request-id': given }
    const { body } = await app.inject({ url: '/', remoteAddress: address, headers })
    t.match(body, isTaken ? given : own, JSON.stringify([trustProxy, address, given]))
  }
})

t.test('over a Unix socket, where nobody has an address, only true trusts', { skip: lacks.sockets }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [trustProxy, id] of [[true, 'a1'], [['127.0.0.1'], own], [false, own]] as const) {
    const app = Fastify({ genReqId: createRequestId(typeof trustProxy === 'boolean' ? trustProxy : [...trustProxy]) })
    t.teardown(() => app.close())
    app.get('/', async ({ id }) => id)
    const socketPath = join(folder, String(trustProxy))
    await app.listen({ path: socketPath })
    const [answer] = await once(request({ socketPath, agent: false, headers: { 'x-request-id': 'a1' } }).end(), 'response')
    t.match((await answer.toArray()).join(''), id, String(trustProxy))
  }
})
