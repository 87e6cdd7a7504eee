import { Readable } from 'node:stream'
import t from 'tap'
import { createDevelopmentLog } from '../../../app/development/development-log.ts'
import { until } from '../../bin/command.ts'
import { asAdmin, start } from '../start.ts'

/** The app with this log, and its lines without the time. */
async function logged (t: Parameters<typeof start>[0], omit?: RegExp) {
  const lines: string[] = []
  const output = { write: (text: string) => lines.push(text) }
  const app = await start(t, {
    auth: true,
    routes: async (app) => {
      app.get('/log', async (request) => {
        request.log.info({ model: 'small', took: 3 }, 'a line of a route')
        request.log.debug('not at this level')
        return ''
      })
      app.get('/fault', async () => { throw new Error('a fault') })
      app.get('/endless', async () => new Readable({ read () { this.push(Buffer.alloc(65_536)) } }))
      app.get('/odd', async (request) => {
        request.log.error({ err: 'no stack' }, 'odd')
        request.log.info({ res: { statusCode: 1 } })
        // pino gives the logger a method for each level of its own, which FastifyBaseLogger does not have.
        const log = request.log.child({}, { customLevels: { audit: 35 } }) as unknown as Record<'audit', (text: string) => void>
        log.audit('a level of its own')
        return ''
      })
    }
  }, {}, { logger: { level: 'info', ...createDevelopmentLog(output, omit) } })
  const taken = () => lines.splice(0).map((line) => {
    t.match(line, /^\d\d:\d\d:\d\d .*\n$/s)
    return line.slice(9, -1).replace(/\d+ ms$/, 'N ms')
  })
  return { app, taken }
}

t.test('a request is one line, and the files of a page are none', async (t) => {
  const { app, taken } = await logged(t)
  t.match(taken(), [/^warn: fastify-quickstart\/auth: no users are configured/])
  const cases: [url: string, lines: string[]][] = [
    ['/', ['200 GET / N ms']],
    ['/user/alice?a=1', ['200 GET /user/alice?a=1 N ms']],
    ['/static/app.js', []],
    ['/static/none.js', ['404 GET /static/none.js N ms']],
    ['/nowhere', ['404 GET /nowhere N ms']],
    ['/post/nine', ['400 GET /post/nine: path parameter "id" must be a whole number from -9007199254740991 to 9007199254740991']],
    ['/%zz', ['400 GET /%zz: The path of the address must be percent-encoded UTF-8.']],
    ['/secret', ['401 GET /secret: Please log in first.']],
    ['/log', ['a line of a route model="small" took=3', '200 GET /log N ms']],
    ['/odd', ['error: odd', ' res={"statusCode":1,"isAsset":false}', '35: a level of its own', '200 GET /odd N ms']]
  ]
  for (const [url, lines] of cases) {
    await app.inject(url)
    t.same(taken(), lines, url)
  }
  await app.inject({ url: '/secret', headers: asAdmin })
  t.same(taken(), ['200 GET /secret N ms'])
})

t.test('a fault shows its stack', async (t) => {
  const { app, taken } = await logged(t)
  taken()
  await app.inject('/fault')
  const [fault, completed, ...others] = taken()
  t.match(fault, /^error: GET \/fault: the request failed\n {2}Error: a fault\n {6}at .*development-log\.test/s)
  t.equal(completed, '500 GET /fault N ms')
  t.same(others, [])
})

t.test('nothing that is logged changes the terminal or looks like another line', async (t) => {
  const { app, taken } = await logged(t)
  taken()
  const hostile = 'a\u001b[2Jb\u009b31mc\u202ed\u2028e\r\n12:00:00 200 GET /forged 3 ms'
  const shown = 'a\\u{1b}[2Jb\\u{9b}31mc\\u{202e}d\\u{2028}e\\u{d}'
  const cases: [name: string, write: () => void][] = [
    ['message', () => app.log.info(hostile)],
    ['field', () => app.log.info({ hostile }, 'a line')],
    ['error', () => app.log.error(new Error(hostile))],
    ['cause', () => app.log.error(new Error('a', { cause: new Error(hostile) }))],
    ['refusal', () => app.log.info({ req: { method: 'GET', url: '/', headers: {} }, reason: hostile }, 'the request was refused')]
  ]
  const wrong: unknown[] = []
  for (const [name, write] of cases) {
    write()
    const text = taken().join('\n')
    const ownLines = text.split('\n').filter((line) => !line.startsWith('  '))
    const isShown = text.includes(shown) || name === 'field'
    // eslint-disable-next-line no-control-regex -- what must not be there
    if (!isShown || /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/.test(text) || ownLines.length !== 1) wrong.push({ name, text })
  }
  t.same(wrong, [])
})

t.test('a download that is cut is a line', async (t) => {
  const { app, taken } = await logged(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  taken()
  const leaving = new AbortController()
  await fetch(`${url}/endless`, { signal: leaving.signal })
  leaving.abort()
  const lines: string[] = []
  await until(() => lines.push(...taken()) > 0, 'the line')
  t.same(lines, ['200 GET /endless: not sent whole'])
})

t.test('a crowd of refusals by the router is forgotten', async (t) => {
  const { app, taken } = await logged(t)
  taken()
  for (let request = 0; request < 1100; request++) await app.inject('/%zz')
  t.equal(taken().length, 1100)
})

t.test('where it listens is said once', async (t) => {
  for (const omit of [undefined, /^(?:Server listening at|Open) /]) {
    const { app, taken } = await logged(t, omit)
    taken()
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    t.same(taken(), omit === undefined ? [`Open ${url}/ in a browser`] : [])
  }
})
