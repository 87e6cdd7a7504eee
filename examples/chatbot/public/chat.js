import { blocksOf } from './blocks.js'

const form = document.querySelector('form')
const field = document.querySelector('#question')
const log = document.querySelector('#log')
const status = document.querySelector('#status')
const [sendButton, stopButton] = form.querySelectorAll('button')

/** Questions and answers by turns: they go along with each question, so the server keeps nothing. */
const history = [...form.querySelectorAll('[name=history]')].map(({ value }) => value)
let stopping // an AbortController while an answer is under way

document.querySelector('#keys').hidden = false
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const question = field.value.trim()
  if (question === '' || stopping !== undefined) return
  field.value = ''
  show(addArticle('user', 'You'), question)
  ask(question)
})
field.addEventListener('keydown', (event) => {
  // With an input method open, Enter only chooses a word.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  form.requestSubmit()
})
stopButton.addEventListener('click', () => stopping?.abort())

async function ask (question) {
  const article = addArticle('assistant', 'Model')
  article.setAttribute('aria-busy', 'true') // a screen reader waits for the end
  setBusy(new AbortController())
  tell('Asking …')
  let answer = ''
  let problem
  try {
    for await (const { event, data } of eventsFor(question, stopping.signal)) {
      if (event === 'place') tell(data.place > 0 ? `Place ${data.place} in the queue` : 'The model is at work …')
      if (event === 'token') show(article, answer += data.text)
      if (event === 'done') problem = data.message ?? ''
      if (event === 'error') throw new Error(data.message)
    }
    if (problem === undefined) throw new Error('The connection ended before the answer did.')
    history.push(question, answer)
    if (problem !== '') addProblem(article, problem)
  } catch (error) {
    addProblem(article, stopping.signal.aborted ? 'Stopped.' : error.message)
    if (error.isRefused) field.value ||= question
    else addRetry(article, question)
  }
  article.removeAttribute('aria-busy')
  tell('')
  setBusy(undefined)
}

/** Asks the server, and yields its events: server-sent events, which EventSource reads for GET alone. */
async function * eventsFor (question, signal) {
  const response = await fetch(form.action, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ question, history }),
    signal
  }).catch((error) => { throw signal.aborted ? error : new Error('The server cannot be reached.') })
  if (!response.ok) {
    const { message } = await response.json().catch(() => ({}))
    const error = new Error(message ?? `The server answered ${response.status}.`)
    throw Object.assign(error, { isRefused: [400, 413].includes(response.status) })
  }

  let received = ''
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (received + value).split('\n\n')
    received = events.pop()
    for (const text of events) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(text) ?? []
      if (event !== undefined) yield { event, data: JSON.parse(data) } // else a comment
    }
  }
}

function addArticle (role, name) {
  const article = document.createElement('article')
  article.className = role
  article.append(element('h2', name))
  keepAtEnd(() => log.append(article))
  return article
}

/** Shows a text, as text: textContent makes no markup of it. Blocks that are there stay, and so does a selection. */
function show (article, text) {
  keepAtEnd(() => {
    for (const [index, { isCode, text: shown }] of blocksOf(text).entries()) {
      const present = article.children[index + 1] // after the heading
      if (present?.tagName === (isCode ? 'PRE' : 'P')) {
        if (present.textContent !== shown) (present.firstElementChild ?? present).textContent = shown
        continue
      }
      const block = isCode ? element('pre') : element('p', shown)
      if (isCode) {
        block.tabIndex = 0 // wide code scrolls, by keyboard too
        block.append(element('code', shown))
      }
      if (present === undefined) article.append(block)
      else present.replaceWith(block)
    }
  })
}

function addProblem (article, text) {
  const problem = element('p', text)
  problem.className = 'problem'
  keepAtEnd(() => article.append(problem))
}

function addRetry (article, question) {
  const button = element('button', 'Try again')
  button.addEventListener('click', () => {
    if (stopping !== undefined) return
    article.remove()
    ask(question)
    field.focus()
  })
  keepAtEnd(() => article.append(button))
}

/** Follows what is added, if the reader was at the end. Who has scrolled up to read stays there. */
function keepAtEnd (change) {
  const page = document.documentElement
  const wasAtEnd = page.scrollHeight - page.clientHeight - page.scrollTop < 40
  change()
  if (wasAtEnd) page.scrollTop = page.scrollHeight
}

function setBusy (controller) {
  stopping = controller
  if (form.contains(document.activeElement)) field.focus() // a button that is hidden would lose the focus
  sendButton.hidden = controller !== undefined
  stopButton.hidden = controller === undefined
}

function tell (text) {
  status.className = '' // what the server wrote into it may be a problem
  status.textContent = text
}

function element (name, text = '') {
  const made = document.createElement(name)
  made.textContent = text
  return made
}
