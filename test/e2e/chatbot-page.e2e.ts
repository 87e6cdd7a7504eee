import { AxeBuilder } from '@axe-core/playwright'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import auth, { requiresAuth } from '../../plugins/auth/index.ts'
import params from '../../plugins/params/index.ts'
import files from '../../plugins/static/index.ts'
import templates from '../../plugins/templates/index.ts'
import { openPage, startBrowser } from './browser.ts'

t.setTimeout(600_000) // a browser, on a busy machine

const example = resolve(import.meta.dirname, '..', '..', 'examples', 'chatbot')
const { blocksOf } = await import(pathToFileURL(join(example, 'public', 'blocks.js')).href) as {
  blocksOf: (text: string) => { isCode: boolean, text: string }[]
}

/** An event of an answer, a pause in milliseconds, or the connection's end before the answer's. */
type Step = [event: string, data: object] | number | 'break'

interface Question { question: string, history: string[], conversation?: string }

interface Fake {
  url: string
  /** What has been asked, and what has been said of answers. */
  asked: Question[]
  feedback: object[]
  /** What the browser refused to do. */
  reports: unknown[]
  /** Paths that were asked for besides the page's own. */
  strange: string[]
}

/** A server with the example's page, whose model says for each question what a test has written. */
async function startFake (
  t: Test, answers: Record<string, Step[] | string>, context: object = {}
): Promise<Fake> {
  const app: FastifyInstance = Fastify({ forceCloseConnections: true })
  const seen = { asked: [] as Question[], feedback: [] as object[], reports: [] as unknown[], strange: [] as string[] }
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', "default-src 'self'; report-uri /csp-reports")
  })
  app.addContentTypeParser('application/csp-report', { parseAs: 'string' }, (request, body, done) => { done(null, body) })
  await app.register(params, { routes: false })
  await app.register(auth, { path: false, users: { ann: 'of ann', bob: 'of bob', 'ann b': 'of ann b' } })
  await app.register(files, { root: join(example, 'public') })
  for (const name of ['markdown-it/browser', 'eventsource-parser/stream']) {
    await app.register(files, { root: new URL('.', import.meta.resolve(name)), prefix: `/${name.split('/')[0]}/` })
  }
  await app.register(templates, { root: join(example, 'views'), context: { blocksOf, model: 'Parrot 1', ...context } })
  await app.register(formbody)
  app.get<{ Querystring: { question?: string } }>('/', { config: { name: 'chat' }, onRequest: requiresAuth }, async (request, reply) => {
    return await reply.render('chat', { history: [], question: request.query.question ?? '' } as never)
  })
  app.get('/usage', { config: { name: 'usage' } }, async () => 'usage')
  app.post<{ Body: Question }>('/answer', { config: { name: 'answer' }, onRequest: requiresAuth }, async (request, reply) => {
    const { question, history = [] } = request.body
    const given = answers[question] ?? `You said: ${question}`
    if (request.headers.accept !== 'text/event-stream') {
      const texts = [...[history].flat(), question, String(given)]
      return await reply.render('chat', { history: texts, question: '' } as never)
    }
    seen.asked.push(request.body)
    const steps: Step[] = typeof given === 'string' ? [['place', { place: 0 }], ['token', { text: given }], ['done', { id: `id of ${question}` }]] : given
    const stream = Readable.from((async function * () {
      yield ': a comment\n\n'
      for (const step of steps) {
        if (step === 'break') reply.raw.destroy()
        else if (typeof step === 'number') await setTimeout(step)
        else yield `event: ${step[0]}\ndata: ${JSON.stringify(step[1])}\n\n`
      }
    })())
    return await reply.type('text/event-stream').send(stream)
  })
  app.post('/feedback', { config: { name: 'feedback' }, onRequest: requiresAuth }, async (request, reply) => {
    seen.feedback.push(request.body as object)
    return await reply.code(204).send()
  })
  app.post('/csp-reports', async (request) => { seen.reports.push(request.body) })
  app.setNotFoundHandler(async (request, reply) => {
    if (request.url !== '/favicon.ico') seen.strange.push(request.url)
    return await reply.code(404).send('')
  })
  t.teardown(() => app.close())
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), ...seen }
}

const ann = { username: 'ann', password: 'of ann' }
const onPhone = { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true }

async function openChat (
  t: Test, browser: Browser, { url }: Fake, options: Parameters<Browser['newContext']>[0] = {}
): ReturnType<typeof openPage> {
  const opened = await openPage(t, browser, url, { httpCredentials: ann, ...options })
  await opened.page.goto(url)
  return opened
}

async function ask (page: Page, question: string): Promise<void> {
  await page.getByLabel('Your question').fill(question)
  await page.keyboard.press('Enter')
}

/** Asks, and waits for the end of the answer. */
async function askAndWait (page: Page, question: string): Promise<void> {
  await ask(page, question)
  await wholeAnswer(page)
}

async function wholeAnswer (page: Page): Promise<void> {
  await page.locator('article[aria-busy]').waitFor({ state: 'detached' })
}

const lastAnswer = (page: Page): ReturnType<Page['locator']> => page.locator('article.assistant').last()

/** A text in pieces of a few characters, as a model sends it. */
const inPieces = (text: string, length = 3): Step[] => {
  return text.match(new RegExp(`[^]{1,${length}}`, 'g'))!.map((piece): Step => ['token', { text: piece }])
}

const browser = await startBrowser(t)

const torture = `# A heading

Some *emphasis*, **strong**, ~~gone~~, \`code <b>\` and [a link](https://example.org/a?b=c). A bare https://example.org/x_y.
A line break.
\`\`\`print(1)\`\`\` prints one.

### A list

1. one
2. two
   - nested *a*
   - nested b

     with a paragraph
3. three

| Name | Number | Note |
|:-----|-------:|:----:|
| a    | 1      | \`x\`  |
| a long name in a cell | 20,000 | centred |

> A quotation
> of two lines

\`\`\`python
def answer(messages):
    yield "a line of code that goes on and on " + messages[-1]["content"] + " until it is past the edge of the page"
\`\`\`

Math: $a_1 * b_1 = c_1 * d_1$, and \\(x_2\\) costs $5 to *$7*.

$$
\\sum_{i=1}^n x_i
- y_i
$$

![a cat](https://example.org/cat.png) separated by\u2028one character.

---

[1]: https://example.org/source

\`\`\`
never closed, <b> & *c*`

t.test('shows Markdown while it is written', async (t) => {
  const fake = await startFake(t, { torture: [['place', { place: 0 }], ...inPieces(torture), ['done', {}]] })
  const { page, seen } = await openChat(t, browser, fake)
  await askAndWait(page, 'torture')
  const answer = lastAnswer(page)
  for (const [selector, expected] of [
    ['h3', ['A heading', 'A list']],
    ['em', ['emphasis', 'a', '$7']],
    ['strong', ['strong']],
    ['s', ['gone']],
    ['p > code', ['code <b>', 'print(1)']],
    ['a', ['a link', 'https://example.org/x_y', '[picture: a cat]', 'https://example.org/source']],
    ['ol > li > ul > li', ['nested a', 'nested bwith a paragraph']],
    ['thead th', ['Name', 'Number', 'Note']],
    ['td', ['a', '1', 'x', 'a long name in a cell', '20,000', 'centred']],
    ['blockquote', ['A quotation\nof two lines']],
    ['pre code', [
      'def answer(messages):\n    yield "a line of code that goes on and on " + messages[-1]["content"] + " until it is past the edge of the page"',
      'never closed, <b> & *c*'
    ]],
    ['.code span', ['python', '']],
    ['hr', ['']],
    ['.markdown > p', [
      'Some emphasis, strong, gone, code <b> and a link. A bare https://example.org/x_y.\nA line break.\nprint(1) prints one.',
      'Math: $a_1 * b_1 = c_1 * d_1$, and \\(x_2\\) costs $5 to $7.',
      '$$\n\\sum_{i=1}^n x_i\n- y_i\n$$',
      '[picture: a cat] separated by\u2028one character.',
      '[1]: https://example.org/source'
    ]],
    ['img', []]
  ] as const) t.same(await answer.locator(selector).allTextContents(), expected, selector)
  t.equal(await page.evaluate('getComputedStyle(document.querySelectorAll("td")[1]).textAlign'), 'right')
  for (const link of await answer.getByRole('link').all()) {
    t.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow')
  }
  t.same(seen, { dialogs: [], consoleErrors: [], foreignRequests: [] })
  t.same(fake.reports, [])
})

/** Runs in the page: texts made by chance, shown piece by piece, must look as if they had been shown at once. */
const comparePieces = String.raw`(async () => {
  const { createMarkdownView } = await import('/static/markdown.js')
  const words = [
    'a', 'b c', ' ', '  ', '    ', '\n', '\n', '\n\n', '\n\n', '# ', '#', '- ', '-', '* ', '1. ', '2) ', '> ',
    '\x60\x60\x60', '\x60\x60\x60\x60', '\x60', '\x60\x60', '|', '|-|-|', 'a|b', '-|-', '---', '===', '=', '*', '**', '_', '~~',
    '$', '$$', '\n$$\n', '\n\\[\n', '\n\\]\n', '\\(', '\\)', '\\', '[x](http://a.b)', '![y](http://c.d)',
    '[x]: http://e.f', 'http://g.h', '<b>', '&amp;', '\t', '\r\n', '\u2028', 'שלום'
  ]
  let seed = 1
  const random = (below) => (seed = seed * 48271 % 2147483647) % below
  for (let round = 0; round < 2000; round++) {
    const piecewise = document.createElement('div')
    const show = createMarkdownView(piecewise)
    let text = ''
    for (let pieces = 2 + random(30); pieces > 0; pieces--) {
      show(text += words[random(words.length)])
      const atOnce = document.createElement('div')
      createMarkdownView(atOnce)(text)
      if (atOnce.innerHTML !== piecewise.innerHTML) return [text, atOnce.innerHTML, piecewise.innerHTML]
    }
  }
  return 'the same'
})()`

t.test('shows the same whatever the pieces are', async (t) => {
  const { page } = await openChat(t, browser, await startFake(t, {}))
  t.equal(await page.evaluate(comparePieces), 'the same')
})

t.test('keeps a selection while the answer goes on', async (t) => {
  const fake = await startFake(t, {
    long: [['token', { text: 'first\n\nsecond\n\n- third and' }], 1500, ...inPieces(' more\n\n'.repeat(20)), 500, ['done', {}]]
  })
  const { page } = await openChat(t, browser, fake)
  await ask(page, 'long')
  await page.getByText('third and').waitFor()
  await page.evaluate(`{
    const [first, third] = ['p', 'li'].map((name) => document.querySelector('.assistant ' + name).firstChild)
    getSelection().setBaseAndExtent(first, 0, third, 5)
  }`)
  const selected = await page.evaluate('getSelection().toString()')
  t.match(selected, /^first\s+second\s+third$/)
  await wholeAnswer(page)
  t.equal(await page.evaluate('getSelection().toString()'), selected)
})

const allowed = {
  elements: ['A', 'BLOCKQUOTE', 'BR', 'BUTTON', 'CODE', 'DIV', 'EM', 'H3', 'HR', 'LI', 'OL', 'P', 'PRE', 'S', 'SPAN', 'STRONG', 'TABLE', 'TBODY', 'TD', 'TH', 'THEAD', 'TR', 'UL'],
  attributes: ['aria-label', 'class', 'dir', 'href', 'rel', 'role', 'start', 'tabindex', 'target', 'title', 'type']
}

const hostile: Record<string, string> = {
  'a script': '<script>alert(1)</script>\n\n<SCRIPT SRC=/strange></SCRIPT>',
  'a picture with a handler': '<img src=x onerror=alert(1)>\n\ntext <img src="/strange" onerror="alert(1)">',
  'a picture': '![a](https://elsewhere.test/a.png) ![b](/strange) ![c](data:image/svg+xml,<svg/onload=alert(1)>) ![d][e]\n\n[e]: https://elsewhere.test/d',
  'a picture in a link': '[![a](https://elsewhere.test/a.png)](https://elsewhere.test/b)',
  'a style': '<style>@import "/strange";*{display:none}</style><p style="background:url(/strange)">a</p>',
  'a style in a table': '| a |\n|:-:|\n| <td style="background:url(/strange)"> |',
  'a form': '<form action=/strange><input name=a autofocus onfocus=alert(1)><button>Send</button></form>',
  'a frame': '<iframe src=/strange></iframe><object data=/strange></object><embed src=/strange>',
  'a base and a redirect': '<base href=//elsewhere.test><meta http-equiv=refresh content="0;url=/strange"><link rel=stylesheet href=/strange>',
  vectors: '<svg onload=alert(1)><use href=/strange /></svg><math><mtext><a xlink:href=javascript:alert(1)>x</a></mtext></math>',
  'links that are scripts': '[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](&#106;avascript:alert(1)) [d](java\\\nscript:alert(1)) [e](vbscript:x) [f](<javascript:alert(1)>) <javascript:alert(1)>',
  'links that are data': '[a](data:text/html,<script>alert(1)</script>) [b](data:image/png;base64,AAAA) <data:text/html,x> [c](blob:x) [d](file:///etc/passwd)',
  'links to this server': '[a](/answer) [b](//elsewhere.test) [c](?question=x) [d](#x) [e](\\\\elsewhere.test) [f](\u0001javascript:alert(1))',
  'links of other schemes': '[a](ftp://elsewhere.test) [b](ms-word:x) <tel:1> <x:y> [c](view-source:https://elsewhere.test) ftp://elsewhere.test //elsewhere.test',
  'a title that breaks out': '[a](https://elsewhere.test "x\\" onmouseover=alert(1) \\"") [b](https://elsewhere.test/"onclick=alert(1))',
  'a fence with a name that breaks out': '```"><img src=x onerror=alert(1)>\ncode\n```',
  'a heading with markup': '# <img src=x onerror=alert(1)>\n\n<h1 id=log>x</h1>',
  entities: '&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;',
  'a comment and a CDATA section': '<!-- --><script>alert(1)</script><![CDATA[<script>alert(1)</script>]]><?x ?>',
  'a template': '<template><script>alert(1)</script></template><%= 1 %>{{constructor.constructor("alert(1)")()}}',
  'names of the page': '<div id=ask name=question class=asks data-feedback=/strange>x</div>',
  depth: '> '.repeat(3000) + 'x',
  brackets: '['.repeat(5000) + ']('.repeat(2000),
  stars: '*a **b '.repeat(2000),
  'a null and odd characters': '\0a\ud800b\u202ec\ufeffd\u2029e'
}

t.test('takes nothing that a model sends for markup', async (t) => {
  const answers = Object.entries(hostile).map(([name, text]): [string, Step[]] => [name, [...inPieces(text, 50), ['done', {}]]])
  const fake = await startFake(t, Object.fromEntries(answers))
  const { page, seen } = await openChat(t, browser, fake)
  const requests: string[] = []
  page.on('request', (request) => requests.push(`${request.method()} ${request.url().slice(fake.url.length)}`))
  const countOwn = (): Promise<number> => page.evaluate('document.querySelectorAll("script, style, form, iframe, img, link, base, meta").length')
  const own = await countOwn()
  for (const name of Object.keys(hostile)) {
    await page.goto(fake.url)
    requests.length = 0
    await askAndWait(page, name)
    t.same(await page.evaluate(`[...document.querySelectorAll('.markdown *')].flatMap((element) => [
      ...${JSON.stringify(allowed.elements)}.includes(element.tagName) ? [] : [element.tagName],
      ...element.getAttributeNames().filter((name) => !${JSON.stringify(allowed.attributes)}.includes(name))
    ])`), [], `${name}: no other elements and attributes`)
    for (const link of await lastAnswer(page).locator('a').all()) {
      t.match(await link.getAttribute('href'), /^https?:\/\/[\w.]+(?:[/?#]|$)/, name)
      await link.hover()
    }
    t.equal(await countOwn(), own, `${name}: nothing besides what the page itself has`)
    t.same(requests.filter((request) => request !== 'GET /static/icon.svg'), ['POST /answer'], name)
    t.same({ ...seen, reports: fake.reports, strange: fake.strange }, {
      dialogs: [], consoleErrors: [], foreignRequests: [], reports: [], strange: []
    }, name)
  }
})

t.test('draws a long answer in short frames', async (t) => {
  const shapes = {
    prose: 'Some words, *emphasis* and `code`, as a model writes them. '.repeat(6) + '\n\n- one\n- two\n\n',
    paragraph: 'words **and** words ',
    list: '- an item with `code`\n',
    code: 'let x = 1\n'
  }
  const answers = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => {
    const text = (name === 'code' ? '```js\n' : '') + shape.repeat(Math.ceil(19_000 / shape.length)).slice(0, 19_000)
    return [name, [...inPieces(text, 10).flatMap((step, index) => index % 10 === 0 ? [1, step] : [step]), ['done', {}]] as Step[]]
  }))
  const fake = await startFake(t, answers)
  for (const shape of Object.keys(shapes)) {
    const { page, context } = await openChat(t, browser, fake)
    await browser.startTracing(page, { categories: ['toplevel'] })
    await askAndWait(page, shape)
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
    const pageThreads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    // A frame is one task. Its time on the processor is the page's own doing, whatever else the machine does meanwhile.
    const isOfPage = ({ pid, tid }: TraceEvent) => pageThreads.some((one) => one.pid === pid && one.tid === tid)
    const times = traceEvents.filter(isOfPage).map(({ tdur = 0 }) => tdur / 1000)
    const longest = Math.max(...times)
    t.ok(times.length > 100, 'the page has been watched')
    t.ok(longest < 100, `${shape}: the longest frame took ${longest.toFixed()} ms`)
    t.comment(`${shape}: the longest frame took ${longest.toFixed()} ms`)
    t.ok((await lastAnswer(page).locator('.markdown').last().innerText()).length > 10_000)
    await context.close()
  }
})

/** What Chromium notes of a task: its thread, and microseconds of the processor. */
interface TraceEvent { name: string, pid: number, tid: number, tdur?: number, args: { name?: string } }

const place = (place: number, seconds?: number): Step => ['place', { place, ...(seconds !== undefined && { seconds }) }]
const token = (text: string): Step => ['token', { text }]
const thinking = (text: string): Step => ['thinking', { text }]
const done = (data: object = {}): Step => ['done', data]

/** What the page shows, from top to bottom: each question and answer without its heading and buttons. */
async function shown (page: Page): Promise<string[]> {
  const texts: string[] = []
  for (const article of await page.locator('article').all()) {
    const parts = await article.locator(':scope > p:visible, .markdown:visible').allInnerTexts()
    texts.push(parts.map((part) => part.trim()).filter((part) => part !== '').join('|'))
  }
  return texts
}

t.test('greets by name, and tells who answers', async (t) => {
  const { page } = await openChat(t, browser, await startFake(t, {}, { about: 'It repeats.' }))
  await page.getByText('Hello, ann. What would you like to ask Parrot 1?').waitFor()
  await page.getByText('It repeats.').waitFor()
  await askAndWait(page, 'Hi')
  t.equal(await page.getByText('Hello, ann').isVisible(), false)
  t.same(await page.locator('article h2').allTextContents(), ['You', 'Parrot 1'])
})

t.test('says in the answer\'s place how long one waits', async (t) => {
  const fake = await startFake(t, {
    wait: [place(12, 140), 800, place(3, 38.6), 800, place(2), 800, place(0), 800, thinking('Hm.'), 800, token('Yes.'), 800, done()]
  })
  const { page } = await openChat(t, browser, fake)
  await ask(page, 'wait')
  const waiting = lastAnswer(page).locator('.waiting')
  const status = page.getByRole('status').first()
  for (const [text, told] of [
    ['Place 12 in the queue, about 2 minutes', 'You are number 12 in the queue.'],
    ['Place 3 in the queue, about 39 seconds', 'You are number 3 in the queue.'],
    ['Place 2 in the queue', 'You are number 2 in the queue.'],
    ['The model is at work …', 'It is your turn.'],
    ['The model is thinking …', 'It is your turn.']
  ] as const) {
    await waiting.getByText(text, { exact: true }).waitFor()
    t.equal(await status.textContent(), told)
  }
  await page.getByText('Yes.').waitFor()
  t.equal(await waiting.count(), 0)
  t.equal(await page.getByRole('log').locator('article[aria-busy]').count(), 1, 'a screen reader waits for the end')
  await wholeAnswer(page)
  t.equal(await status.textContent(), '')
})

t.test('says how an answer ended', async (t) => {
  const cut = 'The answer was cut: it reached the most that is allowed.'
  const cases: Record<string, [steps: Step[], shown: string, buttons: string[], kind?: string]> = {
    well: [[token('Yes.'), done()], 'Yes.', ['Copy', 'Regenerate']],
    length: [[token('Yes'), done({ reason: 'length' })], `Yes|${cut}`, ['Copy', 'Regenerate', 'Continue'], 'notice'],
    message: [[token('Yes'), done({ reason: 'length', message: 'Cut after 3.' })], 'Yes|Cut after 3.', ['Copy', 'Regenerate', 'Continue'], 'notice'],
    older: [[token('Yes'), done({ message: 'Cut after 3.' })], 'Yes|Cut after 3.', ['Copy', 'Regenerate'], 'notice'],
    refusal: [[done({ reason: 'refusal' })], 'The model declined to answer.', ['Try again'], 'notice'],
    refused: [[token('I cannot.'), done({ reason: 'refusal' })], 'I cannot.|The model declined to answer.', ['Copy', 'Regenerate'], 'notice'],
    tools: [[done({ reason: 'tools' })], 'The model asked for tools, which it does not have here.', ['Try again'], 'notice'],
    empty: [[done({ reason: 'empty' })], 'The model answered nothing.', ['Try again'], 'notice'],
    nothing: [[place(0), done()], 'The model answered nothing.', ['Try again'], 'notice'],
    error: [[token('Ye'), ['error', { statusCode: 502, message: 'The model failed to answer.' }]], 'Ye|The model failed to answer.', ['Copy', 'Try again'], 'problem'],
    broken: [[token('Ye'), 300, 'break'], 'Ye|The connection ended before the answer did.', ['Copy', 'Try again'], 'problem'],
    over: [[token('Ye')], 'Ye|The connection ended before the answer did.', ['Copy', 'Try again'], 'problem']
  }
  const fake = await startFake(t, Object.fromEntries(Object.entries(cases).map(([name, [steps]]) => [name, steps])))
  const { page } = await openChat(t, browser, fake)
  for (const [name, [, text, buttons, kind]] of Object.entries(cases)) {
    await askAndWait(page, name)
    t.equal((await shown(page)).at(-1), text, name)
    t.same(await lastAnswer(page).getByRole('button').allTextContents(), buttons, name)
    const classes = await lastAnswer(page).locator('.notice, .problem').evaluateAll((found) => found.map(({ className }) => className))
    t.same(classes, kind === undefined ? [] : [kind], name)
  }
  t.same(fake.asked.at(-1)?.history, [
    'well', 'Yes.', 'length', 'Yes', 'message', 'Yes', 'older', 'Yes', 'refused', 'I cannot.', 'error', 'Ye', 'broken', 'Ye'
  ], 'questions without an answer are left out')
  t.same((await shown(page)).filter((text) => text.includes('does not get this')), [
    'refusal|Not answered: the model does not get this.', 'tools|Not answered: the model does not get this.',
    'empty|Not answered: the model does not get this.', 'nothing|Not answered: the model does not get this.'
  ], 'and say so')
})

t.test('gives the model what is shown, after Stop, Continue, and Try again of an older question', async (t) => {
  const fake = await startFake(t, {
    endless: [place(0), token('I go on and on'), 60_000],
    long: [token('The first half'), done({ reason: 'length' })]
  })
  const { page, seen } = await openChat(t, browser, fake)
  await ask(page, 'endless')
  await page.getByText('I go on and on').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await wholeAnswer(page)
  t.same(await shown(page), ['endless', 'I go on and on|Stopped.'])
  t.equal(await page.locator('.problem').count(), 0, 'which is no error')

  await askAndWait(page, 'long')
  t.same(fake.asked.at(-1)?.history, ['endless', 'I go on and on'])
  await page.getByRole('button', { name: 'Continue' }).click()
  await wholeAnswer(page)
  t.same(fake.asked.at(-1), {
    question: 'Continue where you stopped.',
    history: ['endless', 'I go on and on', 'long', 'The first half'],
    conversation: fake.asked[0]?.conversation
  })
  t.match(fake.asked[0]?.conversation, /^[A-Za-z0-9-]{8,64}$/)

  await page.getByRole('button', { name: 'Regenerate' }).first().click()
  await wholeAnswer(page)
  t.same(seen.dialogs, ['Ask this question again? What comes after it in the conversation is deleted.'])
  t.same(fake.asked.at(-1)?.history, ['endless', 'I go on and on'])
  t.equal(fake.asked.at(-1)?.question, 'long')
  t.equal(await page.locator('article').count(), 4)

  await page.route('**/answer', async (route) => { await route.abort() })
  await page.getByRole('button', { name: 'Regenerate' }).last().click()
  await page.getByText('The server cannot be reached.').waitFor()
  t.equal((await shown(page)).at(-1), 'The first half|The server cannot be reached.', 'the old answer stays where there is no new one')
})

t.test('shows thinking folded, and keeps it open', async (t) => {
  const fake = await startFake(t, {
    think: [place(0), thinking('First **this**, '), 1500, thinking('then that.'), 300, token('Yes'), 300, token(' sir.'), done()]
  })
  const { page } = await openChat(t, browser, fake)
  await ask(page, 'think')
  const summary = page.getByText('Thinking', { exact: true })
  await summary.waitFor()
  t.equal(await page.getByText('First this').isVisible(), false)
  await summary.click()
  await page.getByText('First this,').waitFor()
  await wholeAnswer(page)
  t.equal(await page.getByText('First this, then that.').isVisible(), true)
  t.equal(await page.locator('.thinking strong').textContent(), 'this')
  t.same(await shown(page), ['think', 'First this, then that.|Yes sir.'])
  await askAndWait(page, 'And?')
  t.same(fake.asked.at(-1)?.history, ['think', 'Yes sir.'], 'it is not sent back')
  t.equal(await page.locator('.thinking:visible').count(), 1, 'where nothing was thought, nothing is shown')
  await page.reload()
  t.equal(await page.getByText('First this, then that.').isVisible(), true)
})

t.test('keeps a conversation over a reload, also in the middle of an answer', async (t) => {
  const fake = await startFake(t, { endless: [place(0), thinking('Hm.'), token('I go *on* and'), 60_000] })
  const { page } = await openChat(t, browser, fake)
  await askAndWait(page, 'Hi')
  await page.reload()
  t.same(await shown(page), ['Hi', 'You said: Hi'])
  await ask(page, 'endless')
  await page.getByText('I go on and').waitFor()
  await page.reload()
  t.same(await shown(page), ['Hi', 'You said: Hi', 'endless', 'I go on and|The page was left before the answer ended.'])
  await askAndWait(page, 'Hi again')
  t.same(fake.asked.at(-1), {
    question: 'Hi again', history: ['Hi', 'You said: Hi', 'endless', 'I go *on* and'], conversation: fake.asked[0]?.conversation
  })
})

t.test('has a list of conversations', async (t) => {
  const fake = await startFake(t, { endless: [place(0), token('on and'), 60_000] })
  const { page, context, seen } = await openChat(t, browser, fake, { viewport: { width: 1400, height: 800 } })
  const list = page.getByRole('navigation', { name: 'Conversations' })
  t.equal(await list.isVisible(), false, 'not where there is none')
  await askAndWait(page, `A first question, of many words that do not fit into a list${' at all'.repeat(20)}\nand lines`)
  await page.getByRole('link', { name: 'New conversation' }).click()
  await page.getByText('Enter sends').waitFor() // which the script says
  t.equal(await page.locator('article').count(), 0)
  await askAndWait(page, 'A second question')
  const titles = list.getByRole('link')
  t.same(await titles.allTextContents(), ['A second question', 'A first question, of many words that do not fit into a list…'])
  t.equal(await page.title(), 'A second question – Chatbot')
  t.equal(await list.locator('[aria-current=page]').textContent(), 'A second question')

  await titles.last().click()
  await page.getByText('You said: A first question').waitFor()
  t.equal(await page.locator('article').count(), 2)
  await page.goBack()
  await page.getByText('You said: A second question').waitFor()
  t.same(seen.dialogs, [])

  await ask(page, 'endless')
  await page.getByText('on and').waitFor()
  await titles.last().click()
  await page.getByText('You said: A first question').waitFor()
  t.same(seen.dialogs.splice(0), ['An answer is under way. Stop it?'])
  await askAndWait(page, 'More of the first')
  t.same(await titles.allTextContents(), ['A first question, of many words that do not fit into a list…', 'A second question'], 'the last used is first')
  await titles.last().click()
  await page.getByText('Stopped.').waitFor()
  t.same(await shown(page), ['A second question', 'You said: A second question', 'endless', 'on and|Stopped.'])

  const other = await context.newPage()
  await other.goto(page.url())
  await askAndWait(other, 'From another tab')
  await page.getByText('You said: From another tab').waitFor()

  // Playwright says no to what a page without a listener asks.
  await other.getByRole('button', { name: 'Delete “A first' }).click()
  t.equal(await other.locator('nav li').count(), 2, 'nothing is deleted without a yes')
  await list.getByRole('button', { name: 'Delete “A first' }).click()
  t.equal(await titles.count(), 1)
  await list.getByRole('button', { name: 'Delete “A second question”' }).click()
  await page.getByText('Hello, ann.').waitFor()
  t.equal(await list.isVisible(), false)
  t.match(seen.dialogs, [/^Delete the conversation “A first question/, 'Delete the conversation “A second question”?'])
  t.equal(await page.evaluate('localStorage.length'), 0)
})

t.test('leaves a conversation alone while another tab has another one', async (t) => {
  const { page, context } = await openChat(t, browser, await startFake(t, {}))
  await askAndWait(page, 'one')
  await page.evaluate('document.querySelector("article").isMarked = true')
  const other = await context.newPage()
  await other.goto(page.url().split('#')[0]!)
  await askAndWait(other, 'two')
  await page.getByRole('link', { name: 'two' }).waitFor()
  t.equal(await page.evaluate('document.querySelector("article").isMarked'), true)
  await other.goto(page.url())
  await askAndWait(other, 'three')
  await page.getByText('You said: three').waitFor()
})

t.test('shows a conversation to nobody but its user', async (t) => {
  const fake = await startFake(t, {})
  const { page } = await openPage(t, browser, fake.url)
  const enter = async (name: string): Promise<void> => {
    await page.setExtraHTTPHeaders({ authorization: `Basic ${btoa(`${name}:of ${name}`)}` })
    await page.goto('about:blank')
    await page.goto(fake.url)
  }
  await enter('ann')
  await askAndWait(page, 'A secret of ann')
  const address = page.url()
  for (const name of ['bob', 'ann b']) {
    await enter(name)
    t.equal(await page.getByRole('link', { name: 'A secret' }).count(), 0, name)
    await page.goto(address)
    await page.getByText(`Hello, ${name}.`).waitFor()
    t.equal(await page.locator('article').count(), 0, name)
    await askAndWait(page, `A secret of ${name}`)
  }
  await enter('ann')
  t.same(await page.locator('nav a').allTextContents(), ['A secret of ann'])
})

t.test('works where the browser keeps nothing, has no room, or has kept something else', async (t) => {
  for (const [name, script, kept] of [
    ['forbidden', 'Object.defineProperty(window, "localStorage", { get () { throw new DOMException("no", "SecurityError") } })', 0],
    ['full', 'Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") }', 0],
    ['odd', 'for (const text of ["", "{", "null", "1", "{}", "[]"]) localStorage.setItem("chatbot %2Fanswer ann " + text, text)', 2]
  ] as const) {
    const fake = await startFake(t, {})
    const { page, context, seen } = await openPage(t, browser, fake.url, { httpCredentials: ann })
    await context.addInitScript(script)
    await page.goto(fake.url)
    await askAndWait(page, 'one')
    await askAndWait(page, 'two')
    t.same(await shown(page), ['one', 'You said: one', 'two', 'You said: two'], name)
    t.equal(await page.getByText('The browser has no room to keep this conversation.').count(), name === 'full' ? 1 : 0)
    await page.reload()
    await page.getByText(kept > 0 ? 'You said: two' : 'Hello, ann.').waitFor()
    t.same(seen.consoleErrors, [], name)
  }
})

t.test('saves a conversation as Markdown and as JSONL', async (t) => {
  const fake = await startFake(t, { 'What?': [thinking('Hm.'), token('# This\n'), done({ id: 'a1', reason: 'length' })] })
  const { page } = await openChat(t, browser, fake)
  await askAndWait(page, 'What?')
  const save = async (name: string): Promise<string> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()])
    t.equal(download.suggestedFilename(), `conversation.${name === 'JSONL' ? 'jsonl' : 'md'}`)
    return readFileSync(await download.path(), 'utf8')
  }
  t.equal(await save('Markdown'), '# What?\n\n## You\n\nWhat?\n\n## Parrot 1\n\n# This\n\n')
  const [question, answer, ...rest] = (await save('JSONL')).trimEnd().split('\n').map((line) => JSON.parse(line) as object)
  const conversation = fake.asked[0]?.conversation
  t.match(question, { conversation, time: /^2\d{3}-.*Z$/, role: 'user', content: 'What?' })
  t.same(answer, {
    conversation, role: 'assistant', model: 'Parrot 1', content: '# This\n', thinking: 'Hm.', end: { kind: 'done', reason: 'length' }, id: 'a1'
  })
  t.same(rest, [])
})

t.test('copies an answer and its code', async (t) => {
  const text = 'A *word*:\n\n```js\nlet x = "<b>"\n\nx\n```\n'
  const fake = await startFake(t, { code: text })
  const { page, context } = await openChat(t, browser, fake)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await askAndWait(page, 'code')
  const clipboard = async (): Promise<unknown> => await page.evaluate('navigator.clipboard.readText()')
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  t.equal(await clipboard(), text)
  await page.getByRole('button', { name: 'Copy code' }).click()
  await page.getByText('Copied').last().waitFor()
  t.equal(await clipboard(), 'let x = "<b>"\n\nx')

  // Over plain HTTP from another machine there is no navigator.clipboard.
  await page.evaluate('Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true })')
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.getByRole('button', { name: 'Copied' }).first().waitFor()
  await page.evaluate('delete navigator.clipboard')
  t.equal(await clipboard(), text)
})

t.test('takes thumbs and remarks where they are kept, and says what is recorded', async (t) => {
  const fake = await startFake(t, { empty: [done()] }, { hasFeedback: true, isRecorded: true, canSeeUsage: true })
  const { page } = await openChat(t, browser, fake)
  await page.getByText('Conversations are recorded').waitFor()
  t.equal(await page.getByRole('link', { name: 'Usage' }).getAttribute('href'), '/usage')
  await askAndWait(page, 'empty')
  t.equal(await page.getByRole('button', { name: 'Good answer' }).count(), 0, 'none for no answer')
  await askAndWait(page, 'Hi')
  const remark = page.getByLabel('A remark, if you like')
  t.equal(await remark.isVisible(), false)
  await page.getByRole('button', { name: 'Bad answer' }).click()
  await page.getByText('Thank you.').waitFor()
  await remark.fill(' It only repeats. ')
  await page.keyboard.press('Enter')
  await page.getByText('Thank you for the remark.').waitFor()
  t.equal(await remark.isVisible(), false)
  const about = { conversation: fake.asked[0]?.conversation, id: 'id of Hi', question: 'Hi', answer: 'You said: Hi' }
  t.same(fake.feedback, [{ ...about, verdict: 'down' }, { ...about, verdict: 'down', remark: 'It only repeats.' }])

  await page.reload()
  t.equal(await page.getByRole('button', { name: 'Bad answer' }).getAttribute('aria-pressed'), 'true')
  await page.route('**/feedback', async (route) => { await route.abort() })
  await page.getByRole('button', { name: 'Good answer' }).click()
  await page.getByText('That did not arrive. Try again.').waitFor()
  t.equal(await page.getByRole('button', { name: 'Bad answer' }).getAttribute('aria-pressed'), 'true')

  const { page: plain } = await openChat(t, browser, await startFake(t, {}))
  await askAndWait(plain, 'Hi')
  t.equal(await plain.getByRole('button', { name: 'Good answer' }).count(), 0)
  t.equal(await plain.getByText('recorded').count(), 0)
  t.equal(await plain.getByRole('link', { name: 'Usage' }).count(), 0)
})

t.test('works without JavaScript, and goes on with it', async (t) => {
  const fake = await startFake(t, { code: '```print(1)``` prints one.\n```js\nlet x\n\u2028\nnever closed', two: 'Two.' }, { isRecorded: true })
  const { page, context } = await openChat(t, browser, fake, { javaScriptEnabled: false })
  await page.getByText('Conversations are recorded').waitFor()
  for (const question of ['code', 'two']) {
    await page.getByLabel('Your question').fill(question)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText(question, { exact: true }).last().waitFor()
  }
  t.same(await page.locator('article p, article pre').allTextContents(), [
    'code', '```print(1)``` prints one.', 'let x\n\u2028\nnever closed', 'two', 'Two.'
  ])
  for (const selector of ['#stop', 'nav', '#greeting', '#keys']) {
    t.equal(await page.locator(selector).isVisible(), false, selector)
  }
  const html = await page.content()
  await context.close()

  const { page: scripted } = await openChat(t, browser, fake)
  await scripted.route('**/answer', async (route) => {
    if (route.request().resourceType() === 'document') await route.fulfill({ contentType: 'text/html', body: html })
    else await route.continue()
  })
  await scripted.goto(`${fake.url}/answer`)
  await scripted.getByText('let x').waitFor()
  await askAndWait(scripted, 'three')
  t.same(fake.asked.at(-1)?.history, ['code', '```print(1)``` prints one.\n```js\nlet x\n\u2028\nnever closed', 'two', 'Two.'])
})

t.test('has Enter start a line on a phone, and send elsewhere, but with an input method', async (t) => {
  const fake = await startFake(t, {})
  const { page } = await openChat(t, browser, fake, onPhone)
  t.equal(await page.getByText('Shift-Enter').isVisible(), false)
  await page.getByLabel('Your question').fill('one')
  await page.keyboard.press('Enter')
  await page.keyboard.type('two')
  await page.getByRole('button', { name: 'Send' }).tap()
  await page.getByText('You said: one\ntwo').waitFor()

  const { page: desk } = await openChat(t, browser, fake)
  t.equal(await desk.getByText('Shift-Enter').isVisible(), true)
  await desk.getByLabel('Your question').fill('one')
  for (const event of ['isComposing: true', 'keyCode: 229']) {
    await desk.evaluate(`document.querySelector('#question').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ${event}, bubbles: true, cancelable: true }))`)
  }
  t.equal(await desk.locator('article').count(), 0)
})

t.test('goes to the end for a question, and stays where one reads', async (t) => {
  const lines = Array.from({ length: 80 }, (_, line) => `line ${line}`).join('\n\n')
  const fake = await startFake(t, { long: lines, slow: [token('one'), 1000, token(lines), 300, done()] })
  const { page } = await openChat(t, browser, fake)
  const fromEnd = (): Promise<number> => page.evaluate('document.documentElement.scrollHeight - innerHeight - scrollY')
  await askAndWait(page, 'long')
  t.ok(await fromEnd() < 40, 'it follows an answer')
  await page.evaluate('scrollTo(0, 0)')
  await ask(page, 'slow')
  await page.getByText('one', { exact: true }).waitFor()
  t.ok(await fromEnd() < 40, 'it shows what was asked')
  await page.evaluate('scrollTo(0, 100)')
  await wholeAnswer(page)
  t.equal(await page.evaluate('scrollY'), 100)
})

t.test('reads texts from the right where they are written so', async (t) => {
  const fake = await startFake(t, { שלום: 'שלום *עולם*\n\n- אחת\n- b\n\n```\ncode\n```\n\n| א | b |\n|---|---|\n| 1 | 2 |\n\nEnglish' })
  const { page } = await openChat(t, browser, fake)
  await askAndWait(page, 'שלום')
  const direction = async (selector: string): Promise<unknown> => await page.evaluate(`getComputedStyle(document.querySelector('${selector}')).direction`)
  for (const selector of ['article.user p', '.assistant p', '.assistant li', '.assistant table']) t.equal(await direction(selector), 'rtl', selector)
  for (const selector of ['.assistant pre', '.assistant .markdown > p:last-child']) t.equal(await direction(selector), 'ltr', selector)
})

t.test('says before it is sent that a question is too long', async (t) => {
  const { page } = await openChat(t, browser, await startFake(t, {}, { limits: { question: 100 } }))
  for (const [length, expected] of [[90, ''], [91, '91 of 100 characters'], [101, '101 of 100 characters'], [1, '']] as const) {
    await page.getByLabel('Your question').fill('x'.repeat(length))
    t.equal(await page.locator('#note').textContent(), expected)
  }
})

t.test('fits a phone and a desk, in light and dark, and is accessible', async (t) => {
  const context = { hasFeedback: true, isRecorded: true, canSeeUsage: true, about: 'It repeats.' }
  const wide = `${torture}\n\`\`\`\n\n| ${'a wide cell | '.repeat(12)}\n|${'-|'.repeat(12)}\n\n${'unbroken'.repeat(40)} \`${'unbroken'.repeat(40)}\``
  const fake = await startFake(t, { torture: [thinking('Hm. '.repeat(50)), ...inPieces(wide, 50), done({ reason: 'length' })], failure: [done({ reason: 'refusal' })] }, context)
  for (const width of [360, 1200, 1400]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const name = `${width} px ${colorScheme}`
      const options = width === 360 ? onPhone : { viewport: { width, height: 800 } }
      const { page, seen } = await openChat(t, browser, fake, { ...options, colorScheme })
      const check = async (what: string): Promise<void> => {
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${name}, ${what}: fits`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        t.same(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name}, ${what}: accessible`)
      }
      await check('new')
      for (const question of ['torture', 'failure']) {
        await page.getByLabel('Your question').fill(question)
        await page.getByRole('button', { name: 'Send' }).click()
        await wholeAnswer(page)
      }
      await page.getByText('Thinking', { exact: true }).first().click()
      await page.getByRole('button', { name: 'Good answer' }).last().click()
      await page.getByText('Thank you.').waitFor()
      if (width < 1400) await page.getByText('Conversations (1)').click()
      await check('with all there is')
      t.same(seen.consoleErrors, [])
    }
  }
})

t.test('can be used with the keyboard alone', async (t) => {
  const { page } = await openChat(t, browser, await startFake(t, { code: '```\nx\n```' }, { hasFeedback: true }), { viewport: { width: 1400, height: 800 } })
  await page.keyboard.type('code')
  await page.keyboard.press('Enter')
  await wholeAnswer(page)
  const reached: string[] = []
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    reached.push(await page.evaluate<string>('((e) => e.getAttribute("aria-label") ?? (e.labels?.[0] ?? e).textContent.trim())(document.activeElement)'))
  }
  for (const name of ['New conversation', 'code', 'Delete “code”', 'Markdown', 'JSONL', 'Copy code', 'Copy', 'Regenerate', 'Good answer', 'Bad answer', 'Your question', 'Send']) {
    t.ok(reached.includes(name), `${name} is reached`, { reached })
  }
})
