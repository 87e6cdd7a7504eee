/**
 * Shows Markdown while it is being written. markdown-it reads it, and each node is made here, from its tokens: no text
 * of a model's is ever read as HTML, so none becomes a script, a style, a form, or a picture that asks another server.
 */
import MarkdownIt from '../markdown-it/markdown-it.esm.min.mjs'
import { element } from './element.js'

const parser = new MarkdownIt({ html: false, linkify: true })
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false }) // model.py is more often a file than a site in Paraguay
parser.validateLink = (url) => /^(?:https?:\/\/|mailto:)/i.test(url) // another link stays as it was written
parser.disable('reference') // "[1]: https://…" is mostly a list of sources, and to be seen
parser.inline.ruler.before('escape', 'math', keepMath)
parser.block.ruler.before('fence', 'math', keepMathBlock, { alt: ['paragraph', 'blockquote', 'list'] })

/**
 * @param {Element} parent an empty element, which only the view changes from then on
 * @returns {(text: string) => void} shows the text, which begins with the text that was shown before
 */
export function createMarkdownView (parent) {
  let settled = 0 // characters of the text whose blocks stay as they are
  let kept = 0 // the nodes of these blocks
  return (whole) => {
    const text = whole.replace(/\r\n?/g, '\n').slice(settled)
    const tokens = parser.parse(text, {})
    const wanted = document.createDocumentFragment()
    appendTokens(wanted, tokens)
    adapt(parent, wanted, kept)

    // The last block is still open. A line of which only "#" or "-" has come may turn out to belong to the one before.
    const starts = tokens.filter(({ level, nesting }) => level === 0 && nesting !== -1).map(({ map }) => map[0])
    if (starts.length <= 2) return
    settled += text.split('\n', starts.at(-2)).join('\n').length + 1
    kept += starts.length - 2
  }
}

/** Makes the nodes of a parent like others, and keeps those that fit, with a selection in them. */
function adapt (parent, wanted, kept = 0) {
  const nodes = [...wanted.childNodes]
  for (const [index, node] of nodes.entries()) {
    const present = parent.childNodes[kept + index]
    if (present === undefined) parent.append(node)
    else if (present.isEqualNode(node)) continue
    else if (!present.cloneNode().isEqualNode(node.cloneNode()) && !areTexts(present, node)) present.replaceWith(node)
    else if (!areTexts(present, node)) adapt(present, node)
    else if (node.data.startsWith(present.data)) present.appendData(node.data.slice(present.data.length))
    else present.data = node.data
  }
  while (parent.childNodes.length > kept + nodes.length) parent.lastChild.remove()
}

function areTexts (...nodes) {
  return nodes.every(({ nodeName }) => nodeName === '#text')
}

/** markdown-it gives a flat list: a token opens an element, closes it, or is whole. */
function appendTokens (parent, tokens) {
  const open = [parent]
  for (const token of tokens) {
    if (token.hidden) continue // the paragraphs in a list without blank lines
    if (token.nesting === -1) {
      open.pop()
    } else if (token.nesting === 1) {
      const made = openElement(token)
      open.at(-1).appendChild(made)
      open.push(made.firstElementChild ?? made) // a table is in a box that scrolls
    } else if (token.type === 'inline') {
      appendTokens(open.at(-1), token.children)
    } else {
      open.at(-1).append(leaf(token, open))
    }
  }
}

const known = ['p', 'ul', 'ol', 'li', 'blockquote', 'thead', 'tbody', 'tr', 'th', 'td', 'em', 'strong', 's']

function openElement (token) {
  const { type, tag } = token
  const attributes = token.level === 0 ? { dir: 'auto' } : {} // a whole block is read from the right, or none of it
  if (type === 'link_open') return link(token.attrGet('href'))
  if (type === 'table_open') {
    const scrolling = { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Table' }
    return element('div', { ...scrolling, ...attributes }, element('table'))
  }
  // Below the article's own heading, whichever level a model begins with.
  if (type === 'heading_open') return element('h3', { class: tag, ...attributes })
  const align = /text-align:(center|right)/.exec(token.attrGet('style'))?.[1]
  if (align !== undefined) attributes.class = align
  if (token.attrGet('start') !== null) attributes.start = token.attrGet('start')
  return element(known.includes(tag) ? tag : 'span', attributes)
}

function leaf (token, open) {
  const { type, content, info } = token
  switch (type) {
    case 'softbreak':
    case 'hardbreak': return '\n' // the style sheet keeps line breaks
    case 'hr': return element('hr')
    case 'code_inline': return element('code', {}, content)
    case 'fence':
    case 'code_block': return codeBlock(content, info)
    case 'math_block': return element('p', {}, content)
    case 'image':
      if (open.some(({ nodeName }) => nodeName === 'A')) return content
      return link(token.attrGet('src'), `[picture: ${content || 'no name'}]`)
    default: return content
  }
}

function link (href, ...content) {
  const attributes = { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' }
  return element('a', attributes, ...content)
}

/** chat.js listens for clicks on the button. */
function codeBlock (text, info) {
  const [language] = info.trim().split(/\s/)
  return element('div', { class: 'code', dir: 'ltr' },
    element('div', {},
      element('span', {}, language),
      element('button', { type: 'button', class: 'copy-code', 'aria-label': 'Copy code' }, 'Copy')),
    element('pre', { tabindex: 0 }, element('code', {}, text.replace(/\n$/, '')))) // wide code scrolls, by keyboard too
}

const mathEnds = { '\\(': '\\)', '\\[': '\\]', $$: '$$' }

/** Formulas stay as they were written: in `$a_1 * b_1$` nothing is emphasis, and `\(` keeps its backslash. */
function keepMath (state, silent) {
  const { src, pos, posMax } = state
  const end = mathEnds[src.slice(pos, pos + 2)]
  const found = end === undefined ? -1 : findEnd(state, end, pos + 2)
  let length = found === -1 ? 0 : found + 2 - pos
  if (length === 0) {
    const dollars = /\$(?=[^\s$])[^$\n]*(?<=\S)\$(?!\d)/y // but not "from $5 to $7"
    dollars.lastIndex = pos
    length = dollars.exec(src)?.[0].length ?? 0
  }
  if (length === 0 || pos + length > posMax) return false
  if (!silent) state.push('text', '', 0).content = src.slice(pos, pos + length)
  state.pos += length
  return true
}

/** Looks for an end once: where there is none, each further beginning would look through the whole text again. */
function findEnd (state, end, from) {
  state.endlessFrom ??= {}
  if (from >= state.endlessFrom[end]) return -1
  const found = state.src.indexOf(end, from)
  if (found === -1) state.endlessFrom[end] = from
  return found
}

/** A formula of several lines, whose marks stand on lines of their own. */
function keepMathBlock (state, first, end, silent) {
  const lineOf = (line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]).trim()
  const mark = lineOf(first)
  if (mark !== '$$' && mark !== '\\[') return false
  if (silent) return true
  let last = first + 1
  const isInside = () => last < end && (state.isEmpty(last) || state.sCount[last] >= state.blkIndent)
  while (isInside() && !lineOf(last).endsWith(mathEnds[mark])) last++
  state.line = isInside() ? last + 1 : last
  const token = state.push('math_block', '', 0)
  token.map = [first, state.line]
  token.content = state.getLines(first, state.line, state.blkIndent, false).trimEnd()
  return true
}
