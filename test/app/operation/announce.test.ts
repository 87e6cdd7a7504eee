import Fastify from 'fastify'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import quickstart from '../../../app.ts'
import { setEnvironment } from '../../environment.ts'
import { lacks } from '../../system.ts'
import { captureLog, cheapUsers } from '../start.ts'

t.test('says where to look once it listens', async (t) => {
  setEnvironment(t)
  for (const host of ['127.0.0.1', '::1']) {
    const { lines, logger } = captureLog()
    const app = Fastify({ logger })
    t.teardown(() => app.close())
    await app.register(quickstart, { prefix: '/demo', auth: { users: cheapUsers } })
    const url = await app.listen({ port: 0, host })
    t.match(lines.at(-1), { msg: `Open ${url}/demo/ in a browser` })
  }
})

t.test('listens on a socket of the file system, which no browser opens', { skip: lacks.sockets }, async (t) => {
  setEnvironment(t)
  const { lines, logger } = captureLog()
  const app = Fastify({ logger })
  t.teardown(() => app.close())
  await app.register(quickstart, { auth: { users: cheapUsers } })
  // The path of a socket may have about a hundred characters, so it is not in the test's own folder.
  const folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await app.listen({ path: join(folder, 'socket') })
  t.match(lines.at(-1), { msg: `Listening on the socket ${join(folder, 'socket')}` })
})
