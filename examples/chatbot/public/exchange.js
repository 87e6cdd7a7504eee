/** Shows a question and what comes of it: the place in the queue, the thinking, the answer, its end, and buttons. */
import { button, element } from './element.js'
import { createFeedback } from './feedback.js'
import { createMarkdownView } from './markdown.js'
import { copy } from './save.js'

/** How an answer may end besides well, where the server does not say it in a message of its own. */
const reasons = {
  length: 'The answer was cut: it reached the most that is allowed.',
  refusal: 'The model declined to answer.',
  tools: 'The model asked for tools, which it does not have here.',
  empty: 'The model answered nothing.'
}

/**
 * @param {object} exchange as conversations.js describes it
 * @param {object} does
 * @param {string} does.model the name over the answer
 * @param {() => void} does.retry asks the question again
 * @param {(question: string) => void} does.ask asks another question
 * @param {() => void} does.keep saves the conversation
 * @param {((feedback: object) => Promise<void>) | undefined} does.send sends feedback, where it is taken
 * @returns {{ articles: Element[], draw: (waiting?: string) => void }} `draw` shows the exchange as it is now
 */
export function showExchange (exchange, { model, retry, ask, keep, send }) {
  const unanswered = element('p', { class: 'notice', hidden: '' }, 'Not answered: the model does not get this.')
  const asked = element('p', { dir: 'auto' }, exchange.question)
  const question = element('article', { class: 'user' }, element('h2', {}, 'You'), asked, unanswered)

  const thought = element('div', { class: 'markdown' })
  const thinking = element('details', { class: 'thinking', hidden: '' }, element('summary', {}, 'Thinking'), thought)
  const text = element('div', { class: 'markdown' })
  const article = element('article', { class: 'assistant' }, element('h2', {}, model), thinking, text)
  thinking.open = exchange.isThinkingOpen === true
  thinking.addEventListener('toggle', () => {
    if (thinking.open === (exchange.isThinkingOpen === true)) return
    exchange.isThinkingOpen = thinking.open
    keep()
  })
  const showThinking = createMarkdownView(thought)
  const showText = createMarkdownView(text)
  let below = []

  function draw (waiting) {
    const { answer, end } = exchange
    thinking.hidden = exchange.thinking === ''
    showThinking(exchange.thinking)
    showText(answer)
    for (const node of below) node.remove()
    below = end === undefined ? [] : [...noticeOf(end), buttons(end)]
    if (waiting !== undefined) below = [element('p', { class: 'waiting' }, waiting)]
    article.append(...below)
    if (end === undefined) article.setAttribute('aria-busy', 'true') // a screen reader waits for the end
    else article.removeAttribute('aria-busy')
    unanswered.hidden = end === undefined || answer !== ''
  }

  function buttons ({ kind, reason }) {
    const isWhole = kind === 'done' && exchange.answer !== ''
    const made = element('div', { class: 'actions' })
    if (exchange.answer !== '') made.append(copyButton(() => exchange.answer))
    made.append(button(isWhole ? 'Regenerate' : 'Try again', retry, { class: 'asks' }))
    if (reason === 'length') {
      made.append(button('Continue', () => ask('Continue where you stopped.'), { class: 'asks' }))
    }
    if (send !== undefined && exchange.answer !== '') {
      made.append(createFeedback(exchange, async (feedback) => {
        await send({ ...feedback, id: exchange.id, question: exchange.question, answer: exchange.answer })
        exchange.verdict = feedback.verdict
        keep()
      }))
    }
    return made
  }

  draw()
  return { articles: [question, article], draw }
}

/** @param {{ place: number, seconds?: number }} event the place in the queue, and about how long it takes from there */
export function waitingText ({ place, seconds }) {
  if (place === 0) return 'The model is at work …'
  if (seconds === undefined) return `Place ${place} in the queue`
  const about = seconds < 90 ? `${Math.max(1, Math.round(seconds))} seconds` : `${Math.round(seconds / 60)} minutes`
  return `Place ${place} in the queue, about ${about}`
}

function noticeOf ({ kind, reason, message = reasons[reason] }) {
  if (message === undefined) return []
  return [element('p', { class: kind === 'failed' ? 'problem' : 'notice' }, message)]
}

function copyButton (getText) {
  const made = button('Copy', async () => showCopied(made, await copy(getText())))
  return made
}

export function showCopied (button, isCopied) {
  button.textContent = isCopied ? 'Copied' : 'Not allowed'
  setTimeout(() => { button.textContent = 'Copy' }, 2000)
}
