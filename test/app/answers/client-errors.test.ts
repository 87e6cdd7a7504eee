import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { until } from '../../bin/command.ts'
import { captureLog, start } from '../start.ts'

t.test('a client that is gone in the middle of a request is neither answered nor logged', async (t) => {
  const { lines, logger } = captureLog()
  const app = await start(t, {}, {}, { logger })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1') // it listens on a port
  client.write('GET /hello HTTP/1.1\r\nHost: loc')
  const [connection] = await once(app.server, 'connection')
  await until(() => connection.bytesRead > 0, 'the beginning of the request')
  const refused = once(app.server, 'clientError')
  client.resetAndDestroy()
  const [error] = await refused
  t.equal(error.code, 'ECONNRESET')
  t.notOk(lines.some(({ msg }) => msg === 'not a request'))
  t.equal((await fetch(`${url}/hello`, { headers: { connection: 'close' } })).status, 200)
})
