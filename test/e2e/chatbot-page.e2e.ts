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

t.setTimeout(300_000)

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
  await app.register(auth, { path: false, users: { ann: 'of ann', bob: 'of bob' } })
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
  await page.evaluate('getSelection().setBaseAndExtent(...["first", "third"].flatMap((word, index) => [document.evaluate(`//*[contains(text(), "${word}")]`, document.querySelector(".markdown:last-child, .assistant")).iterateNext().firstChild, index * 5]))')
  const selected = await page.evaluate('getSelection().toString()')
  t.match(selected, /^first\s+second\s+third$/)
  await wholeAnswer(page)
  t.equal(await page.evaluate('getSelection().toString()'), selected)
})

const allowed = {
  elements: ['A', 'BLOCKQUOTE', 'BR', 'BUTTON', 'CODE', 'DIV', 'EM', 'H3', 'HR', 'LI', 'OL', 'P', 'PRE', 'S', 'SPAN', 'STRONG', 'TABLE', 'TBODY', 'TD', 'TH', 'THEAD', 'TR', 'UL'],
  attributes: ['aria-label', 'class', 'dir', 'href', 'rel', 'role', 'start', 'tabindex', 'target', 'title', 'type']
}

for (const [name, text] of [
  ['a script', '<script>alert(1)</script>\n\n<SCRIPT SRC=/strange></SCRIPT>'],
  ['a picture with a handler', '<img src=x onerror=alert(1)>\n\ntext <img src="/strange" onerror="alert(1)">'],
  ['a picture', '![a](https://elsewhere.test/a.png) ![b](/strange) ![c](data:image/svg+xml,<svg/onload=alert(1)>) ![d][e]\n\n[e]: https://elsewhere.test/d'],
  ['a picture in a link', '[![a](https://elsewhere.test/a.png)](https://elsewhere.test/b)'],
  ['a style', '<style>@import "/strange";*{display:none}</style><p style="background:url(/strange)">a</p>'],
  ['a style in a table', '| a |\n|:-:|\n| <td style="background:url(/strange)"> |'],
  ['a form', '<form action=/strange><input name=a autofocus onfocus=alert(1)><button>Send</button></form>'],
  ['a frame', '<iframe src=/strange></iframe><object data=/strange></object><embed src=/strange>'],
  ['a base and a redirect', '<base href=//elsewhere.test><meta http-equiv=refresh content="0;url=/strange"><link rel=stylesheet href=/strange>'],
  ['vectors', '<svg onload=alert(1)><use href=/strange /></svg><math><mtext><a xlink:href=javascript:alert(1)>x</a></mtext></math>'],
  ['links that are scripts', '[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](&#106;avascript:alert(1)) [d](java\\\nscript:alert(1)) [e](vbscript:x) [f](<javascript:alert(1)>) <javascript:alert(1)>'],
  ['links that are data', '[a](data:text/html,<script>alert(1)</script>) [b](data:image/png;base64,AAAA) <data:text/html,x> [c](blob:x) [d](file:///etc/passwd)'],
  ['links to this server', '[a](/answer) [b](//elsewhere.test) [c](?question=x) [d](#x) [e](\\\\elsewhere.test) [f](\u0001javascript:alert(1))'],
  ['links of other schemes', '[a](ftp://elsewhere.test) [b](ms-word:x) <tel:1> <x:y> [c](view-source:https://elsewhere.test) ftp://elsewhere.test //elsewhere.test'],
  ['a title that breaks out', '[a](https://elsewhere.test "x\\" onmouseover=alert(1) \\"") [b](https://elsewhere.test/"onclick=alert(1))'],
  ['a fence with a name that breaks out', '```"><img src=x onerror=alert(1)>\ncode\n```'],
  ['a heading with markup', '# <img src=x onerror=alert(1)>\n\n<h1 id=log>x</h1>'],
  ['entities', '&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;'],
  ['a comment and a CDATA section', '<!-- --><script>alert(1)</script><![CDATA[<script>alert(1)</script>]]><?x ?>'],
  ['a template', '<template><script>alert(1)</script></template><%= 1 %>{{constructor.constructor("alert(1)")()}}'],
  ['names of the page', '<div id=ask name=question class=asks data-feedback=/strange>x</div>'],
  ['depth', '> '.repeat(3000) + 'x'],
  ['brackets', '['.repeat(5000) + ']('.repeat(2000)],
  ['stars', '*a **b '.repeat(2000)],
  ['a null and odd characters', '\0a\ud800b\u202ec\ufeffd\u2029e']
] as const) {
  t.test(`${name} is text`, async (t) => {
    const fake = await startFake(t, { hostile: [...inPieces(text, 50), ['done', {}]] })
    const { page, seen } = await openChat(t, browser, fake)
    const requests: string[] = []
    page.on('request', (request) => requests.push(`${request.method()} ${request.url().slice(fake.url.length)}`))
    await askAndWait(page, 'hostile')
    t.same(await page.evaluate(`[...document.querySelectorAll('.markdown *')].flatMap((element) => [
      ...${JSON.stringify(allowed.elements)}.includes(element.tagName) ? [] : [element.tagName],
      ...element.getAttributeNames().filter((name) => !${JSON.stringify(allowed.attributes)}.includes(name))
    ])`), [], 'no other elements and attributes')
    for (const link of await lastAnswer(page).locator('a').all()) {
      t.match(await link.getAttribute('href'), /^https?:\/\/[\w.]+(?:[/?#]|$)/)
      await link.hover()
    }
    t.equal(await page.evaluate('document.querySelectorAll("script, style, form, iframe, img, link, base, meta").length'), 8, 'what the page itself has')
    t.same(requests.filter((request) => request !== 'GET /static/icon.svg'), ['POST /answer'])
    t.same({ ...seen, reports: fake.reports, strange: fake.strange }, {
      dialogs: [], consoleErrors: [], foreignRequests: [], reports: [], strange: []
    })
  })
}

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
    let longest = Infinity
    for (let attempt = 0; attempt < 3 && longest >= 100; attempt++) { // the machine may have other work
      const { page, context } = await openChat(t, browser, fake)
      await page.evaluate(`{
        window.longest = 0
        let last = performance.now()
        const next = (now) => { longest = Math.max(longest, now - last); last = now; requestAnimationFrame(next) }
        requestAnimationFrame(next)
      }`)
      await askAndWait(page, shape)
      t.ok((await lastAnswer(page).locator('.markdown').last().innerText()).length > 10_000)
      longest = Math.min(longest, await page.evaluate('longest'))
      await context.close()
    }
    t.ok(longest < 100, `${shape}: the longest frame took ${longest.toFixed()} ms`)
    t.comment(`${shape}: the longest frame took ${longest.toFixed()} ms`)
  }
})
