/**
 * The page: the field for a question, and the conversation that is open. What else there is to it has modules of its
 * own: ask.js speaks with the server, exchange.js shows a question and its answer (markdown.js, feedback.js,
 * drawing.js), and conversations.js keeps them (list.js, save.js).
 */
import { eventsFor } from './ask.js'
import { Conversations, historyOf, titleOf } from './conversations.js'
import { followEnd, goToEnd, oncePerFrame } from './drawing.js'
import { showCopied, showExchange, waitingText } from './exchange.js'
import { createList } from './list.js'
import { copy } from './save.js'

const main = document.querySelector('main')
const { user, model, feedback, questionLength } = main.dataset
const home = document.querySelector('#new').href
const greeting = document.querySelector('#greeting')
const log = document.querySelector('#log')
const status = document.querySelector('#status')
const form = document.querySelector('#ask')
const field = document.querySelector('#question')
const note = document.querySelector('#note')
const [sendButton, stopButton] = form.querySelectorAll('button')
const stopped = { kind: 'stopped', message: 'Stopped.' }

// The last part is the conversation's id.
const prefix = ['chatbot', new URL(form.action).pathname, user, ''].map(encodeURIComponent).join(' ')
const conversations = new Conversations(prefix)
const showList = createList(document.querySelector('#conversations'), { conversations, home, model, forget, mayLeave })
let conversation // the one that is open
let articles // those of each of its exchanges
let stopping // an AbortController while an answer is under way
let isLeaving = false // the browser then breaks the connection

// A phone has no Shift-Enter, so Enter starts a new line there.
const isTouched = window.matchMedia('(pointer: coarse)').matches
document.querySelector('#keys').hidden = isTouched
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const question = field.value.trim()
  if (question === '' || stopping !== undefined) return
  field.value = ''
  ask(question)
})
field.addEventListener('keydown', (event) => {
  // With an input method open, Enter only chooses a word; Safari says so with the key code alone.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229 || isTouched) return
  event.preventDefault()
  form.requestSubmit()
})
field.addEventListener('input', () => {
  const { length } = field.value
  const isLong = questionLength !== '' && length > questionLength * 0.9
  note.textContent = isLong ? `${length} of ${questionLength} characters` : ''
})
stopButton.addEventListener('click', () => stopping?.abort())
log.addEventListener('click', async ({ target }) => {
  if (!target.matches('.copy-code')) return
  showCopied(target, await copy(target.closest('.code').querySelector('code').textContent))
})
window.addEventListener('hashchange', open)
window.addEventListener('pagehide', () => {
  if (stopping !== undefined) keep()
  isLeaving = true
})
window.addEventListener('pageshow', ({ persisted }) => { // back from another page, with the connection gone
  isLeaving = false
  if (persisted) open()
})
window.addEventListener('storage', ({ key }) => {
  // Another tab's work. An answer that is under way there is shown when it is whole.
  const isWhole = conversations.read(conversation.id)?.exchanges.at(-1)?.end !== undefined
  if (stopping === undefined && isWhole && key === prefix + conversation.id) open()
  else showList(conversation)
})
open()
takeOver()

/** Opens the conversation whose id the address bears, or a new one. */
function open () {
  if (stopping !== undefined) {
    conversation.exchanges.at(-1).end = stopped
    stopping.abort()
    setBusy(undefined)
    tell('')
    keep()
  }
  conversation = conversations.read(window.location.hash.slice(1)) ?? conversations.create()
  articles = new Map()
  log.replaceChildren()
  for (const exchange of conversation.exchanges) {
    exchange.end ??= { kind: 'stopped', message: 'The page was left before the answer ended.' }
    show(exchange)
  }
  showTitle()
}

/** A conversation that began without this script stands in the form. */
function takeOver () {
  const texts = [...form.querySelectorAll('[name=history]')].map(({ value }) => value)
  for (let index = 0; index < texts.length; index += 2) {
    const [question, answer] = texts.slice(index)
    if (index === 0) begin(question)
    const exchange = { question, answer, thinking: '', time: Date.now(), end: { kind: 'done' } }
    conversation.exchanges.push(exchange)
    show(exchange)
  }
  if (texts.length > 0) keep()
  showTitle()
}

/** Gives the conversation its title and address. */
function begin (question) {
  conversation.title = titleOf(question)
  window.history.pushState(null, '', `${home}#${conversation.id}`)
}

/** Asks a question in the conversation that is open. `before` is the exchange in whose place this one comes. */
async function ask (question, before) {
  if (stopping !== undefined) return
  const asked = conversation
  const exchange = { question, answer: '', thinking: '', time: Date.now() }
  const body = { question, history: historyOf(asked.exchanges), conversation: asked.id }
  if (asked.exchanges.length === 0) begin(question)
  asked.exchanges.push(exchange)
  asked.time = exchange.time
  const draw = show(exchange)
  let waiting = 'Asking …'
  const drawSoon = oncePerFrame(() => draw(waiting))
  draw(waiting)
  goToEnd()
  setBusy(new AbortController())
  keep()
  showTitle()
  const { signal } = stopping
  let kept = 0

  try {
    for await (const { event, data } of eventsFor(form.action, body, signal)) {
      if (event === 'error') throw new Error(data.message)
      if (event === 'done') {
        const { reason = exchange.answer === '' ? 'empty' : undefined, message, id } = data
        exchange.id = id
        exchange.end = { kind: 'done', reason, message }
        break
      }
      if (event === 'place') {
        waiting = waitingText(data)
        tell(data.place > 0 ? `You are number ${data.place} in the queue.` : 'It is your turn.')
      } else if (event === 'thinking') {
        exchange.thinking += data.text
        waiting = 'The model is thinking …'
      } else if (event === 'token') {
        exchange.answer += data.text
        waiting = undefined
      }
      drawSoon()
      if (Date.now() - kept > 1000 && conversation === asked) {
        keep() // a browser that crashes tells nobody before
        kept = Date.now()
      }
    }
  } catch (error) {
    if (conversation !== asked || isLeaving) return // open() sees to the rest
    if (error.isRefused && before === undefined) field.value ||= question
    exchange.end = signal.aborted ? stopped : { kind: 'failed', message: error.message }
  }
  if (conversation !== asked) return
  if (exchange.answer === '' && before?.answer) {
    const { answer, thinking, id, verdict } = before // nothing new came: what was there is not lost
    Object.assign(exchange, { answer, thinking, id, verdict })
  }
  waiting = undefined
  draw()
  tell('')
  setBusy(undefined)
  keep()
  showList(asked)
}

/** Asks a question again. What came after it was said to another answer. */
function retry (exchange) {
  if (stopping !== undefined) return
  const index = conversation.exchanges.indexOf(exchange)
  const later = conversation.exchanges.length - index - 1
  const warning = 'Ask this question again? What comes after it in the conversation is deleted.'
  if (later > 0 && !window.confirm(warning)) return
  for (const removed of conversation.exchanges.splice(index)) {
    for (const article of articles.get(removed)) article.remove()
  }
  ask(exchange.question, exchange)
  field.focus()
}

/** @returns {(waiting?: string) => void} draws the exchange anew, as it is then */
function show (exchange) {
  const send = feedback && (async (body) => {
    const response = await fetch(feedback, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ conversation: conversation.id, ...body })
    }).catch(() => ({}))
    if (response.ok) return
    const { message = 'That did not arrive. Try again.' } = await response.json?.().catch(() => ({})) ?? {}
    throw new Error(message)
  })
  const shown = showExchange(exchange, { model, ask, retry: () => retry(exchange), keep, send })
  articles.set(exchange, shown.articles)
  followEnd(() => log.append(...shown.articles))
  return (waiting) => followEnd(() => shown.draw(waiting))
}

function showTitle () {
  const { title, exchanges } = conversation
  document.title = title === '' ? 'Chatbot' : `${title} – Chatbot`
  greeting.hidden = exchanges.length > 0
  showList(conversation)
}

function keep () {
  if (conversation.exchanges.length === 0 || conversations.save(conversation)) return
  note.textContent = 'The browser has no room to keep this conversation. Delete another one.'
}

function forget (id) {
  conversations.remove(id)
  if (id !== conversation.id) return showList(conversation)
  conversation.exchanges = [] // so that it is not kept once more
  window.location.assign(home)
}

function mayLeave () {
  return stopping === undefined || window.confirm('An answer is under way. Stop it?')
}

function setBusy (controller) {
  stopping = controller
  if (form.contains(document.activeElement)) field.focus() // a button that is hidden would lose the focus
  sendButton.hidden = controller !== undefined
  stopButton.hidden = controller === undefined
  log.classList.toggle('busy', controller !== undefined) // nothing else can be asked
}

/** For screen readers: others see it where the answer will be. */
function tell (text) {
  status.className = 'for-screen-readers' // what the server wrote into it may be a problem
  status.textContent = text
}
