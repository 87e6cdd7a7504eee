/** The kinds of words in code, each with the scopes that the grammars give it. Its colour is in theme/style.css. */
const kinds = {
  comment: ['comment', 'punctuation.definition.comment'],
  string: ['string', 'punctuation.definition.string', 'markup.inline.raw'],
  constant: ['constant', 'variable.other.constant', 'support.constant', 'entity.other.attribute-name'],
  keyword: ['keyword', 'storage', 'entity.name.tag', 'support.type.property-name.json', 'keyword.directive'],
  function: ['entity.name.function', 'support.function', 'entity.name.type', 'support.class', 'meta.diff.header'],
  inserted: ['markup.inserted', 'punctuation.definition.inserted'],
  deleted: ['markup.deleted', 'punctuation.definition.deleted']
}

/** A theme of Shiki with a name in the place of each colour. */
export const colours = {
  name: 'kinds of words',
  type: 'light' as const,
  fg: 'text',
  bg: 'page',
  settings: Object.entries(kinds).map(([kind, scope]) => ({ scope, settings: { foreground: kind } }))
}

/** Gives each word a class in the place of an inline style, which a strict policy would stop. */
export const coloursAsClasses = {
  name: 'classes in the place of inline styles',
  span (node: { properties: Record<string, unknown> }): void {
    const [, kind] = /^color:(\w+)$/.exec(String(node.properties.style)) ?? []
    delete node.properties.style
    if (kind !== undefined && kind !== 'text') node.properties.class = `code-${kind}`
  }
}
