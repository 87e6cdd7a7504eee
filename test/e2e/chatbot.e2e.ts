import { AxeBuilder } from '@axe-core/playwright'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { hash } from '../../plugins/auth/index.ts'
import { openPage as openBriskPage, startBrowser } from './browser.ts'
import { freePort } from './server.ts'

t.setTimeout(600_000) // twenty clients wait for one model, on a busy machine

const example = resolve(import.meta.dirname, '..', '..', 'examples', 'chatbot')
const users = ['ann', 'bob', 'cid', 'dan', 'eve', 'flo'].map((username) => ({ username, password: `of ${username}` }))
const lines = await Promise.all(users.map(async ({ username, password }) => `${username}:${await hash(password)}\n`))

/**
 * A model of fixed speed: it repeats user and question twenty times, MS milliseconds apart, and says on its standard
 * error which process answers whom. What it is asked for may be something else to see on the page.
 */
const model = `
import { createInterface } from 'node:readline'
let timer, id
const say = (message) => console.log(JSON.stringify({ id, ...message }))
const texts = {
  markup: '<img src=x onerror=alert(1)><b>bold</b>',
  code: 'Like this:\\n\`\`\`js\\nif (a < b) return "' + 'x'.repeat(120) + '"\\n\`\`\`\\nand no more.',
  long: Array.from({ length: 60 }, (_, line) => 'line ' + line).join('\\n')
}
console.error('process ' + process.pid)
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id: asked, messages, user } = JSON.parse(line)
  id = asked
  clearInterval(timer)
  if (messages === undefined) return say({ done: true })
  const question = messages.at(-1).content
  if (question === 'silence') return
  if (question === 'for ever') return timer = setInterval(() => say({ token: 'tick ' }), 50)
  const text = texts[question]
  const tokens = text ? text.match(/[^]{1,8}/g) : Array.from({ length: 20 }, () => user + ' ' + question + '; ')
  console.error('answers ' + user)
  timer = setInterval(() => {
    if (tokens.length > 0) return say({ token: tokens.shift() })
    clearInterval(timer)
    say({ done: true })
  }, Number(process.argv[2]))
})
`

interface Server {
  url: string
  process: ChildProcess
  log: () => string
}

/** Starts the example from a copy inside the repository, where it finds the package by its name. */
async function startChatbot (t: Test, pace: number, env: Record<string, string> = {}): Promise<Server> {
  const folder = t.testdir({})
  cpSync(example, folder, { recursive: true, filter: (source) => !source.includes('node_modules') })
  rmSync(join(folder, 'package.json')) // another name than the package's
  writeFileSync(join(folder, 'users'), lines.join(''))
  writeFileSync(join(folder, 'paced.js'), model)
  const server = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      USERS_FILE: 'users',
      MODEL_COMMAND: `"${process.execPath}" paced.js ${pace}`,
      ...env
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let log = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => { log += chunk.toString() })
  t.teardown(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  })
  await until(() => log.includes('in a browser') || server.exitCode !== null, 60_000)
  const url = /Open (\S+)\/ in a browser/.exec(log)?.[1]
  if (url === undefined) throw new Error(`the chatbot did not start:\n${log}`)
  return { url, process: server, log: () => log }
}

async function until (holds: () => boolean | Promise<boolean>, most: number): Promise<void> {
  const deadline = Date.now() + most
  while (!await holds()) {
    if (Date.now() > deadline) throw new Error('it did not come to that in time')
    await setTimeout(20)
  }
}

/** A page that waits for as long as a busy machine takes. */
async function openPage (...args: Parameters<typeof openBriskPage>): ReturnType<typeof openBriskPage> {
  const opened = await openBriskPage(...args)
  opened.page.setDefaultTimeout(120_000)
  return opened
}

const onPhone = { httpCredentials: users[0]!, viewport: { width: 360, height: 640 } }

const login = ({ username, password } = users[0]!): string => `Basic ${btoa(`${username}:${password}`)}`

/** Asks as a program does. */
function ask (
  url: string, question: string, accept = 'text/event-stream', user = users[0], signal?: AbortSignal
): Promise<Response> {
  return fetch(`${url}/answer`, {
    method: 'POST',
    ...(signal && { signal }),
    headers: { authorization: login(user), accept, 'content-type': 'application/json' },
    body: JSON.stringify({ question })
  })
}

async function askOnPage (page: Page, question: string): Promise<void> {
  await page.getByLabel('Your question').fill(question)
  await page.keyboard.press('Enter')
}

/** The last answer on a page, once it is whole. */
async function answerOn (page: Page): Promise<string> {
  await page.locator('article[aria-busy]').waitFor({ state: 'detached' })
  const article = page.locator('article.assistant').last()
  return (await article.locator('p, pre').allTextContents()).join('|')
}

/** What a stream tells: the answer, or the message of its error. */
async function textOf (response: Response): Promise<string> {
  const events = [...(await response.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm)]
  return events.map(([, , data = '']) => JSON.parse(data) as { text?: string, message?: string })
    .map(({ text = '', message = '' }) => text + message).join('')
}

t.test('the page', async (t) => {
  const { url, log } = await startChatbot(t, 5)
  const browser = await startBrowser(t)

  t.test('sends with Enter, breaks the line with Shift-Enter, and keeps the conversation', async (t) => {
    const { page, seen } = await openPage(t, browser, url, { httpCredentials: users[0]! })
    await page.goto(url)
    const field = page.getByLabel('Your question')
    t.ok(await field.evaluate('document.activeElement === document.querySelector("#question")'), 'one can type at once')
    await page.keyboard.type('one')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('two')
    t.equal(await page.locator('article').count(), 0)
    await page.keyboard.press('Enter')
    t.equal(await answerOn(page), 'ann one\ntwo; '.repeat(20).trim())
    t.equal(await field.inputValue(), '')

    const asked = page.waitForRequest((request) => request.method() === 'POST')
    await askOnPage(page, 'three')
    const { history } = (await asked).postDataJSON() as { history: string[] }
    t.same(history.map((text) => text.trim()), ['one\ntwo', 'ann one\ntwo; '.repeat(20).trim()])
    await answerOn(page)
    t.same(seen.consoleErrors, [])
    t.same(seen.foreignRequests, [])
  })

  t.test('shows what the model writes as text, and code as a block', async (t) => {
    const { page, seen } = await openPage(t, browser, url, onPhone)
    await page.goto(url)
    await askOnPage(page, 'markup')
    t.equal(await answerOn(page), '<img src=x onerror=alert(1)><b>bold</b>')
    t.equal(await page.locator('main img, main b').count(), 0)
    await askOnPage(page, 'code')
    await page.getByText('and no more.').waitFor()
    t.equal(await answerOn(page), `Like this:|if (a < b) return "${'x'.repeat(120)}"|and no more.`)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, 'wide code scrolls by itself')
    t.same(seen.dialogs, [])
    t.same(seen.consoleErrors, [])
  })

  t.test('follows a long answer, unless one has scrolled up', async (t) => {
    const { page } = await openPage(t, browser, url, onPhone)
    await page.goto(url)
    await askOnPage(page, 'long')
    await answerOn(page)
    const fromEnd = 'document.documentElement.scrollHeight - innerHeight - scrollY'
    t.ok(await page.evaluate<number>(fromEnd) < 40, 'at the end')
    await askOnPage(page, 'long')
    await page.locator('article[aria-busy] p').waitFor()
    await page.evaluate('scrollTo(0, 100)')
    await answerOn(page)
    t.equal(await page.evaluate('scrollY'), 100)
  })

  t.test('has a Stop button, which frees the model, and an answer that failed can be tried again', async (t) => {
    const { page } = await openPage(t, browser, url, { httpCredentials: users[0]! })
    await page.goto(url)
    await askOnPage(page, 'silence')
    await page.getByText('The model is at work').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    t.equal(await answerOn(page), 'Stopped.')
    t.equal(await (await ask(url, 'hi', 'application/json')).text(), JSON.stringify({ answer: 'ann hi; '.repeat(20) }))

    await page.route('**/answer', async (route) => { await route.abort() })
    await askOnPage(page, 'hello')
    await page.getByText('The server cannot be reached.').waitFor()
    await page.unroute('**/answer')
    await page.getByRole('button', { name: 'Try again' }).last().click()
    t.equal(await answerOn(page), 'ann hello; '.repeat(20).trim())
  })

  t.test('says which limit a question is past, and gives it back', async (t) => {
    const { page } = await openPage(t, browser, url, { httpCredentials: users[0]! })
    await page.goto(url)
    await askOnPage(page, 'x'.repeat(4001))
    t.equal(await answerOn(page), 'The question has 4001 characters; at most 4000 are taken. Shorten it.')
    t.equal((await page.getByLabel('Your question').inputValue()).length, 4001)
  })

  t.test('answers without JavaScript, with the whole conversation', async (t) => {
    const { page } = await openPage(t, browser, url, { httpCredentials: users[0]!, javaScriptEnabled: false })
    await page.goto(url)
    for (const question of ['one', 'two']) {
      await page.getByLabel('Your question').fill(question)
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText(`ann ${question}; ann`).waitFor()
    }
    t.equal(await page.locator('article').count(), 4)
  })

  t.test('fits a phone and a desk, in light and dark, and is accessible', async (t) => {
    for (const width of [360, 1200]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const name = `${width} px ${colorScheme}`
        const viewport = { width, height: 800 }
        const { page } = await openPage(t, browser, url, { viewport, colorScheme, httpCredentials: users[0]! })
        await page.goto(url)
        await askOnPage(page, 'code')
        await answerOn(page)
        await askOnPage(page, 'x'.repeat(4001))
        await page.getByText('Shorten it.').waitFor()
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${name}: fits`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        t.same(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name}: accessible`)
      }
    }
  })

  t.test('no question ended in an error of the server\'s', async (t) => {
    t.notMatch(log(), '"level":50')
  })
})

t.test('twenty clients of six users share one slot, beside fifty guessers, while the model is killed', async (t) => {
  const { url, log, process: server } = await startChatbot(t, 50, { MODEL_WAITING: '4', MODEL_SILENT_SECONDS: '300' })
  const browser = await startBrowser(t)
  // One page for each user, and programs for the rest: users have three or four clients each.
  const pages: Page[] = []
  for (const [index, user] of users.entries()) {
    const { page } = await openPage(t, browser, url, { httpCredentials: user })
    await page.goto(url)
    await page.getByLabel('Your question').fill(`question ${index}`)
    pages.push(page)
  }

  const isOver = new AbortController()
  const refusals: Record<number, number> = {}
  const guessers = Promise.all(Array.from({ length: 50 }, async (_, index) => {
    for (let guess = 0; !isOver.signal.aborted; guess++) {
      const { status } = await fetch(url, {
        headers: {
          authorization: login({ username: users[guess % 6]!.username, password: `guess ${index} ${guess}` }),
          'x-forwarded-for': `192.0.2.${index}`
        }
      })
      refusals[status] = (refusals[status] ?? 0) + 1
      await setTimeout(100)
    }
  }))

  // Keeps the slot until all twenty wait.
  const first = new AbortController()
  await ask(url, 'silence', '*/*', users[0], first.signal)
  const joined: Promise<unknown>[] = []

  let failures = 0
  const failed = (answer: string): boolean => answer.includes('The model failed to answer.') && ++failures > 0
  const clients = Array.from({ length: 20 }, async (_, index) => {
    const user = users[index % 6]!
    const page = pages[index]
    const question = `question ${index}`
    let answer
    if (page !== undefined) {
      await page.evaluate('document.querySelector("form").requestSubmit()')
      joined.push(page.getByText(/^Place \d+ in the queue$/).waitFor())
      answer = await answerOn(page)
      if (failed(answer)) {
        await page.getByRole('button', { name: 'Try again' }).click()
        answer = await answerOn(page)
      }
    } else {
      const asking = ask(url, question, '*/*', user)
      joined.push(asking)
      answer = await textOf(await asking)
      if (failed(answer)) answer = await textOf(await ask(url, question, '*/*', user))
    }
    t.equal(answer.trim(), `${user.username} ${question}; `.repeat(20).trim(), 'each client gets its own whole answer')
  })
  const answered = (): string[] => [...log().matchAll(/"msg":"answers (\w+)"/g)].map(([, user = '']) => user)
  await until(() => joined.length === 20, 120_000)
  await Promise.all(joined)
  first.abort()
  await until(() => answered().length === 4, 120_000)
  process.kill(Number([...log().matchAll(/"msg":"process (\d+)"/g)].at(-1)?.[1]), 'SIGKILL')
  await Promise.all(clients)
  isOver.abort()
  await guessers
  t.equal(failures, 1, 'one answer was cut short by the kill')
  t.same(Object.keys(refusals).filter((status) => !['401', '429', '503'].includes(status)), [], 'no guess is let in')

  // Each user has three questions at least, so for 18 answers all wait. The first user has had the slot already.
  const counts = new Map(users.map(({ username }, index) => [username, index === 0 ? 1 : 0]))
  for (const user of answered().slice(0, 17)) {
    counts.set(user, counts.get(user)! + 1)
    const numbers = [...counts.values()]
    t.ok(Math.max(...numbers) - Math.min(...numbers) <= 1, 'users take turns', { numbers })
  }

  // The end, with an answer under way that has no end of its own, and others waiting: six pages and three programs.
  const programs = await Promise.all(users.slice(0, 3).map((user) => ask(url, 'for ever', '*/*', user)))
  await Promise.all(pages.map((page) => askOnPage(page, 'for ever')))
  for (const page of pages) await page.getByText(/^(?:Place \d in the queue|The model is at work …)$/).waitFor()
  const started = Date.now()
  server.kill('SIGTERM')
  await once(server, 'exit')
  t.ok(Date.now() - started < 10_000, `it ends in ${Date.now() - started} ms`)
  t.equal(server.exitCode, 0)
  const farewell = 'The server is shutting down. Try again in a moment.'
  for (const program of programs) t.match(await textOf(program), new RegExp(`^(?:tick )*${farewell}$`))
  for (const page of pages) t.match(await answerOn(page), farewell)
})

t.test('memory stays as it is after 500 answers, and a silent model is waited for with comments', async (t) => {
  const { url, process: server } = await startChatbot(t, 0, { MODEL_SLOTS: '2' })
  const memory = (): number => {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1024
  }

  const silence = (async () => {
    let text = ''
    for await (const part of (await ask(url, 'silence', '*/*', users[5])).body!.pipeThrough(new TextDecoderStream())) {
      text += part
      if (text.includes('\n: ')) break
    }
    return text
  })()
  const answerMany = async (count: number): Promise<void> => {
    await Promise.all(users.slice(0, 5).map(async (user) => {
      for (let answer = 0; answer < count / 5; answer++) await (await ask(url, 'hi', 'text/event-stream', user)).text()
    }))
  }
  await answerMany(200)
  const before = memory()
  await answerMany(500)
  t.ok(memory() - before < 30, `from ${before.toFixed()} to ${memory().toFixed()} MiB`)
  t.match(await silence, /^event: place\ndata: {"place":0}\n\n: the model is at work\n\n$/)
})

/** Proxies as docs/deployment.md has them, without HTTPS. */
interface Proxy { version: string[], start: (port: number, upstream: string) => [args: string[], config: string] }
const proxies: Record<string, Proxy> = {
  caddy: {
    version: ['version'],
    start: (port, upstream) => [
      ['run', '--adapter', 'caddyfile', '--config'],
      `{\n  admin off\n}\nhttp://127.0.0.1:${port} {\n  reverse_proxy ${upstream}\n}\n`
    ]
  },
  nginx: {
    version: ['-v'],
    start: (port, upstream) => [
      // nginx removes its pid file when it ends, whatever it is.
      ['-p', '.', '-g', 'daemon off; pid nginx.pid; error_log stderr;', '-c'],
      `events {}\nhttp {\n  access_log off;\n  server {\n    listen 127.0.0.1:${port};\n    location / {\n` +
        `      proxy_pass http://${upstream};\n      proxy_http_version 1.1;\n      proxy_set_header Connection "";\n` +
        '      proxy_set_header Host $http_host;\n    }\n  }\n}\n'
    ]
  }
}

for (const [name, { version, start }] of Object.entries(proxies)) {
  const skip = spawnSync(name, version).error === undefined ? false : `${name} is not installed`
  t.test(`an answer comes through ${name} word by word`, { skip }, async (t) => {
    const { url } = await startChatbot(t, 50)
    const port = await freePort()
    const [args, config] = start(port, new URL(url).host)
    const file = join(t.testdirName, 'proxy.conf')
    writeFileSync(file, config)
    const env = { PATH: process.env.PATH, HOME: t.testdirName }
    const proxy = spawn(name, [...args, file], { cwd: t.testdirName, stdio: 'ignore', env })
    t.teardown(async () => {
      proxy.kill('SIGTERM')
      if (proxy.exitCode === null && proxy.signalCode === null) await once(proxy, 'exit')
    })
    const front = `http://127.0.0.1:${port}`
    await until(() => fetch(front).then(() => true, () => false), 10_000)

    const response = await ask(front, 'hi')
    t.equal(response.headers.get('content-type'), 'text/event-stream')
    const times: number[] = []
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      times.push(Date.now())
      text += chunk
    }
    t.equal(text.match(/event: token/g)?.length, 20)
    t.ok(times.length > 10, `in ${times.length} pieces`)
    t.ok(times.at(-1)! - times[0]! > 500, `over ${times.at(-1)! - times[0]!} ms`)
  })
}
