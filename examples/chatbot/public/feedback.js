/** Thumbs under an answer, and a remark once there is a verdict. Each is a line in the server's FEEDBACK_FILE. */
import { button, element } from './element.js'

/**
 * @param {object} exchange whose answer it is about; its `verdict` is set
 * @param {(feedback: { verdict: string, remark?: string }) => Promise<void>} send
 * @returns {Element}
 */
export function createFeedback (exchange, send) {
  const said = element('span', { role: 'status', class: 'said' })
  const field = element('input', { 'aria-label': 'A remark, if you like', maxlength: 1000, dir: 'auto' })
  field.placeholder = 'A remark, if you like'
  const remark = element('form', { class: 'remark', 'aria-label': 'Remark on this answer', hidden: '' },
    field, element('button', {}, 'Add the remark'))
  const thumbs = Object.entries({ up: 'Good answer', down: 'Bad answer' }).map(([verdict, label]) => {
    return button('', () => give(verdict), { class: `thumb ${verdict}`, 'aria-label': label, title: label })
  })

  async function give (verdict, text) {
    try {
      await send({ verdict, ...(text && { remark: text }) })
      exchange.verdict = verdict
      said.textContent = text ? 'Thank you for the remark.' : 'Thank you.'
      remark.hidden = text !== undefined
    } catch (error) {
      said.textContent = error.message
    }
    showVerdict()
  }

  function showVerdict () {
    for (const thumb of thumbs) thumb.setAttribute('aria-pressed', thumb.classList.contains(exchange.verdict))
  }

  remark.addEventListener('submit', (event) => {
    event.preventDefault()
    event.stopPropagation()
    if (field.value.trim() !== '') give(exchange.verdict, field.value.trim())
  })
  showVerdict()
  return element('div', { class: 'feedback' }, ...thumbs, said, remark)
}
