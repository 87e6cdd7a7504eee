import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { createDevelopmentLog } from '../../../app/development/development-log.ts'
import { asAdmin, start } from '../start.ts'

/** The text that a request brings along. */
const sent = ({ headers }: FastifyRequest) => decodeURIComponent(String(headers['x-text'] ?? ''))

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
      app.get('/fault', async (request) => { throw new Error(sent(request) || 'a fault') })
      app.get('/refused', async (request) => { throw Object.assign(new Error(sent(request)), { statusCode: 400 }) })
      app.get('/said', async (request) => {
        request.log.info(sent(request))
        return ''
      })
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
    ['/secret', ['401 GET /secret: A login is required']],
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
  t.match(fault, /^error: the request failed\n {2}Error: a fault\n {6}at .*development-log\.test/s)
  t.equal(completed, '500 GET /fault N ms')
  t.same(others, [])
})

t.test('no text forges a line or moves the cursor', async (t) => {
  const { app, taken } = await logged(t)
  taken()
  const forged = '\u001b[2J\u009b1A\r12:00:00 200 GET / 1 ms\n12:00:00 200 GET /forged 1 ms\u202e\ttext'
  const shown = '\\u001b[2J\\u009b1A\\u000d12:00:00 200 GET / 1 ms\n  12:00:00 200 GET /forged 1 ms\\u202e\ttext'
  for (const [url, line] of [
    ['/fault', `error: the request failed\n  Error: ${shown}\n      at `],
    ['/refused', `400 GET /refused: ${shown}`],
    ['/said', `${shown}\n`]
  ] as const) {
    await app.inject({ url, headers: { 'x-text': encodeURIComponent(forged) } })
    t.equal(`${taken()[0]}\n`.slice(0, line.length), line)
  }
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
