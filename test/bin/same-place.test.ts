import t from 'tap'
import { isSamePlace } from '../../bin/same-place.ts'

t.test('two servers cannot both listen in one place, however it is written', async (t) => {
  const rows: [one: string, other: string, isSame: boolean][] = [
    ['127.0.0.1', '127.0.0.1', true],
    ['localhost', '127.0.0.1', true],
    ['localhost', '::1', true],
    ['LocalHost', '127.0.0.1', true],
    ['localhost.', '127.0.0.1', true],
    ['localhost', 'localhost', true],
    ['localhost', '0.0.0.0', true],
    ['localhost', '::', true],
    ['127.1', '127.0.0.1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['0:0:0:0:0:0:0:1', '::1', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['0.0.0.0', '192.0.2.1', true],
    ['0.0.0.0', '0.0.0.0', true],
    ['0.0.0.0', '::', true],
    ['::', '127.0.0.1', true],
    ['::', '::1', true],
    ['::', '2001:db8::1', true],
    ['0:0::0', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['127.0.0.1', '::1', false],
    ['127.0.0.1', '192.0.2.1', false],
    ['0.0.0.0', '::1', false],
    ['localhost', '192.0.2.1', false],
    ['localhost', '127.0.0.2', false],
    ['nohost.invalid', '127.0.0.1', false]
  ]
  const wrong: unknown[] = []
  for (const [one, other, isSame] of rows) {
    for (const [host, otherHost] of [[one, other], [other, one]] as const) {
      const found = await isSamePlace({ host, port: 5001 }, { host: otherHost, port: 5001 })
      if (found !== isSame) wrong.push([host, otherHost, found])
    }
  }
  t.same(wrong, [])
  t.notOk(await isSamePlace({ host: '127.0.0.1', port: 5001 }, { host: '127.0.0.1', port: 5002 }))
  t.notOk(await isSamePlace({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port: 0 }), 'each gets a port of its own')
})
