/** The list of conversations beside the page, and the buttons that save the one that is open as a file. */
import { button, element } from './element.js'
import { download, toJsonLines, toMarkdown } from './save.js'

/**
 * @param {Element} nav what the list is shown in
 * @param {object} does
 * @param {import('./conversations.js').Conversations} does.conversations
 * @param {string} does.home the page's address, to which a conversation's id is added
 * @param {string} does.model
 * @param {(id: string) => void} does.forget takes a conversation away
 * @param {() => boolean} does.mayLeave asks, where an answer is under way
 * @returns {(current: object) => void} shows the list as it is now
 */
export function createList (nav, { conversations, home, model, forget, mayLeave }) {
  const list = element('ul')
  const summary = element('summary')
  const saving = element('p', { class: 'saving' })
  const details = element('details', {}, summary, list, saving)
  details.open = window.matchMedia('(min-width: 80rem)').matches // there it is beside the conversation, else above it
  nav.append(details)

  function item ({ id, title }, current) {
    const link = element('a', { href: `${home}#${id}`, dir: 'auto' }, title)
    if (id === current.id) link.setAttribute('aria-current', 'page')
    link.addEventListener('click', (event) => { if (id === current.id || !mayLeave()) event.preventDefault() })
    const remove = button('Delete', () => {
      if (window.confirm(`Delete the conversation “${title}”?`)) forget(id)
    }, { 'aria-label': `Delete “${title}”` })
    return element('li', {}, link, remove)
  }

  return (current) => {
    const all = conversations.list()
    nav.hidden = all.length === 0
    summary.textContent = `Conversations (${all.length})`
    list.replaceChildren(...all.map((conversation) => item(conversation, current)))
    const save = (label, extension, type, write) => {
      return button(label, () => download(`conversation.${extension}`, type, write(current, model)))
    }
    saving.hidden = current.exchanges.length === 0
    saving.replaceChildren('Save this one: ',
      save('Markdown', 'md', 'text/markdown', toMarkdown),
      save('JSONL', 'jsonl', 'application/jsonl', toJsonLines))
  }
}
