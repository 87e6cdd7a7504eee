// Rules for the Markdown of these documents, beside VitePress's own.
import type { MarkdownRenderer } from 'vitepress'

type CoreState = Parameters<Parameters<MarkdownRenderer['core']['ruler']['push']>[1]>[0]
type Token = CoreState['tokens'][number]

/** Adds the rules below to VitePress's own. */
export function adaptMarkdown (markdown: MarkdownRenderer): void {
  keepBraces(markdown)
  nameFiles(markdown)
  markdown.core.ruler.push('empty-headers', ({ tokens }) => { tokens.forEach(unmarkEmptyHeader) })
  markdown.core.ruler.push('rows', ({ tokens }) => { nameRows(tokens) })
}

/** Keeps `{{ … }}` as text: Vue takes it for an expression. */
function keepBraces (markdown: MarkdownRenderer): void {
  for (const rule of ['text', 'code_inline'] as const) {
    const render = markdown.renderer.rules[rule]! // markdown-it has both
    markdown.renderer.rules[rule] = (...context) => String(render(...context)).replaceAll('{{', '&#123;&#123;')
  }
}

/** Shows the name of the file that a block of code is, or changes: the second word behind its fence. */
function nameFiles (markdown: MarkdownRenderer): void {
  const render = markdown.renderer.rules.fence!
  markdown.renderer.rules.fence = (tokens, index, ...context) => {
    const [, file] = /^\S+ ([\w./-]+)/.exec(tokens[index]!.info) ?? []
    const code = String(render(tokens, index, ...context))
    return file === undefined ? code : `<p class="file-name"><code>${file}</code></p>\n${code}`
  }
}

/** A column without a name has a plain cell at its head: a screen reader would say that a header is missing. */
function unmarkEmptyHeader (token: Token, index: number, tokens: Token[]): void {
  if (token.type !== 'th_open' || tokens[index + 1]?.content !== '') return
  for (const cell of [token, tokens[index + 2]!]) cell.tag = 'td'
}

/**
 * Gives each row that begins with a name in code, such as an option or an error code, a fragment to link to, and for
 * the search to find.
 */
function nameRows (tokens: Token[]): void {
  let heading = ''
  const taken = new Set(tokens.map((token) => token.attrGet('id')))
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') heading = token.attrGet('id') ?? ''
    const cell = tokens[index + 1]?.children ?? []
    const [name, ...others] = cell.filter(({ type }) => !type.startsWith('link_'))
    if (token.type !== 'td_open' || tokens[index - 1]?.type !== 'tr_open' || name?.type !== 'code_inline') continue
    const word = name.content.toLowerCase().replace(/[^\w.-]+/g, '-').replace(/^-+|-+$/g, '')
    const id = taken.has(word) ? `${heading}-${word}` : word
    if (others.length > 0 || word === '' || taken.has(id)) continue
    taken.add(id)
    token.attrSet('id', id)
  }
}

/** Returns the fragment that GitHub gives a heading, so that links hold in both places. */
export function slugAsGitHub (heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
}
