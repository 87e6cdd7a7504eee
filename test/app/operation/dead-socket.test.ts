import { once } from 'node:events'
import { existsSync, linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { removeDeadSocket } from '../../../app/operation/dead-socket.ts'
import { lacks } from '../../system.ts'

t.test('removes the socket of a server that was killed, and nothing else', { skip: lacks.sockets }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-')) // a short path
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = (name: string) => join(folder, name)
  const living = createServer().listen(path('living'))
  await once(living, 'listening')
  t.teardown(() => living.close())
  // A server that closes removes its own file, and leaves this one.
  const killed = createServer().listen(path('killed'))
  await once(killed, 'listening')
  linkSync(path('killed'), path('dead'))
  killed.close()
  await once(killed, 'close')
  writeFileSync(path('file'), 'of somebody')
  symlinkSync('loop', path('loop'))

  const stays: [name: string, isThere: boolean][] = [['dead', false], ['living', true], ['file', true], ['missing', false]]
  const wrong: unknown[] = []
  for (const [name, isThere] of stays) {
    await removeDeadSocket(path(name))
    if (existsSync(path(name)) !== isThere) wrong.push(name)
  }
  t.same(wrong, [])
  await t.resolves(removeDeadSocket(path('loop')), 'which cannot be looked at')
})
