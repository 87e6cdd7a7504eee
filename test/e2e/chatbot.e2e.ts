import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { hash } from '../../plugins/auth/index.ts'
import { cheap } from '../plugins/auth/logins.ts'
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
console.error('process ' + process.pid)
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id: asked, messages, user } = JSON.parse(line)
  id = asked
  clearInterval(timer)
  if (messages === undefined) return say({ done: true })
  const question = messages.at(-1).content
  if (question === 'silence') return
  if (question === 'for ever') return timer = setInterval(() => say({ token: 'tick ' }), 50)
  const tokens = Array.from({ length: 20 }, () => user + ' ' + question + '; ')
  console.error('answers ' + user)
  timer = setInterval(() => {
    if (tokens.length > 0) return say({ token: tokens.shift() })
    clearInterval(timer)
    say({ done: true })
  }, Number(process.argv[2]))
})
`

/** How many times as long as on a machine of its own it may take here, where others are at work. */
const slack = 10

interface Server {
  url: string
  process: ChildProcess
  log: () => string
}

/** Starts the example from a copy inside the repository, where it finds the package by its name. */
async function startChatbot (
  t: Test, pace: number, env: Record<string, string> = {}, moreUsers: string[] = []
): Promise<Server> {
  const folder = t.testdir({})
  cpSync(example, folder, { recursive: true, filter: (source) => !source.includes('node_modules') })
  rmSync(join(folder, 'package.json')) // another name than the package's
  writeFileSync(join(folder, 'users'), [...lines, ...moreUsers].join(''))
  writeFileSync(join(folder, 'paced.js'), model)
  const server = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      NODE_ENV: 'production',
      USERS_FILE: 'users',
      QUICKSTART_TRUST_PROXY: '127.0.0.1',
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
  await until(() => log.includes('fastify-quickstart listens') || server.exitCode !== null, 180_000)
  const url = /Server listening at (http:[^"]+)/.exec(log)?.[1]
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
      await page.evaluate('document.querySelector("#ask").requestSubmit()')
      joined.push(page.locator('article[aria-busy] .waiting', { hasText: /^Place \d+ in the queue/ }).waitFor())
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
    t.equal(answer.split('|')[0]!.trim(), `${user.username} ${question}; `.repeat(20).trim(), 'each client gets its own whole answer')
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
  for (const page of pages) await page.locator('article[aria-busy]').waitFor()
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

t.test('a thousand clients wait, and all are answered while the server stays at hand', async (t) => {
  const names = Array.from({ length: 1000 }, (_, index) => `user${index}`)
  const hashed = cheap.bcrypt('secret')
  const { url, process: server } = await startChatbot(t, 0, { MODEL_SILENT_SECONDS: '600' }, names.map((name) => `${name}:${hashed}\n`))
  const memory = (): number => {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1024
  }
  const before = memory()
  const first = new AbortController()
  await ask(url, 'silence', '*/*', users[0], first.signal)
  const began = performance.now()
  const answers: Promise<string>[] = []
  for (let index = 0; index < names.length; index += 20) { // as many logins at once as are checked without a wait
    const some = names.slice(index, index + 20).map((username) => ask(url, 'hi', '*/*', { username, password: 'secret' }))
    for (const response of await Promise.all(some)) answers.push(response.text())
  }
  await setTimeout(1000)
  const waiting = memory()
  t.ok(waiting - before < 150, `1,000 that wait take ${(waiting - before).toFixed()} MiB`)

  const health: number[] = []
  const isOver = new AbortController()
  const watching = (async () => {
    while (!isOver.signal.aborted) {
      const asked = performance.now()
      t.equal((await fetch(`${url}/health`)).status, 200)
      health.push(performance.now() - asked)
      await setTimeout(50)
    }
  })()
  first.abort()
  const texts = await Promise.all(answers)
  const seconds = (performance.now() - began) / 1000
  isOver.abort()
  await watching
  t.equal(texts.filter((text, index) => text.split(`"${names[index]!} hi; "`).length === 21 && text.includes('event: done')).length, 1000)
  const places = texts.map((text) => text.match(/event: place/g)!.length)
  t.ok(Math.max(...places) <= 2 * seconds + 4, `${Math.max(...places)} places in ${seconds.toFixed(1)} s`)
  // Each answer is measured by bench/chatbot-queue.js, on a machine that has nothing else to do.
  const median = health.sort((a, b) => a - b)[health.length >> 1]!
  t.ok(median < 100 * slack, `/health takes ${median.toFixed()} ms in the middle`)
  t.comment(`1,000 waiting: ${(waiting - before).toFixed()} MiB, ${seconds.toFixed(1)} s, /health ${median.toFixed()} ms`)
})

/** What deploy/nginx.conf says of answers that take long. All else may be silent for a second here. */
const [longLocation] = /location ~ [^}]*}/.exec(readFileSync(join(example, '..', '..', 'deploy', 'nginx.conf'), 'utf8'))!

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
      `events {}\nhttp {\n  access_log off;\n  server {\n    listen 127.0.0.1:${port};\n` +
        '    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n    proxy_set_header Host $http_host;\n' +
        `    proxy_read_timeout 1s;\n    location / { proxy_pass http://${upstream}; }\n    ${longLocation!.replace('http://quickstart', `http://${upstream}`)}\n  }\n}\n`
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
    t.ok(times.length > 3, `in ${times.length} pieces`) // each by itself, unless the machine is busy
    t.ok(times.at(-1)! - times[0]! > 500, `over ${times.at(-1)! - times[0]!} ms`)

    // One user has one answer at a time: a program that wants JSON hears nothing while it waits.
    const first = new AbortController()
    await ask(front, 'for ever', '*/*', users[0], first.signal)
    const waiting = ask(front, 'hi', 'application/json')
    await setTimeout(2500)
    first.abort()
    const answer = await waiting
    t.equal(answer.status, 200)
    t.match(await answer.json(), { answer: 'ann hi; '.repeat(20) })
  })
}
