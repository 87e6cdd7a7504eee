import { closingParenthesis } from '../../../lib/closing-parenthesis.ts'
import { encode } from '../input/percent-encoding.ts'

/** How the host's router is set; a URL that it would change or refuse is not built. */
export interface RouterLimits {
  maxParamLength: number
  ignoreTrailingSlash: boolean
  ignoreDuplicateSlashes: boolean
}

/** A parameter's place in a segment, and the text that follows it there. */
interface Slot {
  name: string
  /** The route's own regular expression with its parentheses, such as `(^\\d+$)`; `''` for none. */
  regex: string
  after: string
}

/** A stretch of a pattern: text that stands for itself, a segment's parameters, or the wildcard. */
type Piece = { text: string } | { slots: Slot[], matcher: RegExp | undefined } | { wildcard: true }

/** What keeps a value out of a URL: the parameter, and words that complete "must be …". */
export interface Unfit {
  parameter: string
  expected: string
}

/**
 * A route's path, taken apart as find-my-way (Fastify's router) takes it apart, so that it can be put together again:
 * `:a`, `:a-:b`, `:a(^\\d+$)`, a last `:a?`, `*`, and `::` for a colon.
 */
export class RoutePattern {
  /** Every parameter of the path, in its order; the wildcard's is `'*'`. */
  readonly names: string[]
  /** The parameters that may be left out, all of them together. */
  readonly optional: Set<string>
  readonly #full: Piece[]
  readonly #short: Piece[]
  readonly #limits: RouterLimits

  constructor (pattern: string, limits: RouterLimits) {
    // The router splits a path that ends in `/:name?` in two by this very expression.
    const optional = /(\/:[^/()]*?)\?(\/?)/
    this.#full = piecesOf(pattern.replace(optional, '$1$2'))
    this.#short = piecesOf(pattern.replace(optional, '$2') || '/')
    this.#limits = limits
    this.names = namesOf(this.#full)
    const kept = namesOf(this.#short)
    this.optional = new Set(this.names.filter((name) => !kept.includes(name)))
  }

  /** The path with the given texts in it. Without the optional parameters it is the shorter of the router's two. */
  fill (texts: Map<string, string>): string | Unfit {
    const pieces = texts.size === this.names.length ? this.#full : this.#short
    let path = ''
    for (const piece of pieces) {
      const part = this.#write(piece, texts, path)
      if (typeof part !== 'string') return part
      path += part
    }
    // RFC 3986 sections 5.2.4 and 4.2: a client would resolve the first away, the second leads nowhere, the third is
    // another host.
    const parameter = this.names.at(-1) ?? '*'
    if (/\/\.\.?(?:\/|$)/.test(path)) return { parameter, expected: 'other than "." and ".." between slashes' }
    if (!path.startsWith('/')) return { parameter, expected: 'such that the path starts with a slash' }
    if (path.startsWith('//')) return { parameter, expected: 'such that the path does not start with two slashes' }
    return path
  }

  #write (piece: Piece, texts: Map<string, string>, before: string): string | Unfit {
    // The router compares decoded text, but keeps the escapes of reserved characters: so these must stay bare.
    if ('text' in piece) return encodeURI(piece.text)
    if ('wildcard' in piece) return this.#writeWildcard(texts.get('*')!, before)

    const { maxParamLength } = this.#limits
    let decoded = ''
    let encoded = ''
    for (const { name, after } of piece.slots) {
      const text = texts.get(name)!
      const written = encode(text)
      if (written === undefined) return { parameter: name, expected: 'well-formed Unicode' }
      if (text === '') return { parameter: name, expected: 'text of at least 1 character' }
      if (isDots(text) && decoded === '' && after === '' && before.endsWith('/')) {
        return { parameter: name, expected: 'other than "." and ".."' }
      }
      if (text.length > maxParamLength) {
        const expected = `text of at most ${maxParamLength} characters, where an emoji counts as two or more`
        return { parameter: name, expected }
      }
      decoded += text + after
      encoded += written + encodeURI(after)
    }

    // Only the expression that will take the segment apart can tell whether each value comes back.
    const values = piece.matcher && [...piece.matcher.exec(decoded) ?? []].slice(1)
    const lost = values && piece.slots.find(({ name }, index) => values[index] !== texts.get(name))
    return lost ? { parameter: lost.name, expected: 'such that the router finds it again in the path' } : encoded
  }

  #writeWildcard (text: string, before: string): string | Unfit {
    const { ignoreDuplicateSlashes, ignoreTrailingSlash } = this.#limits
    const path = `${before}${text}`
    if (ignoreDuplicateSlashes && path.includes('//')) {
      return { parameter: '*', expected: 'a path without an empty segment' }
    }
    if (ignoreTrailingSlash && path.endsWith('/')) {
      return { parameter: '*', expected: 'a path that does not end in a slash' }
    }
    const encoded = text.split('/').map(encode)
    return encoded.includes(undefined) ? { parameter: '*', expected: 'well-formed Unicode' } : encoded.join('/')
  }
}

function isDots (text: string): boolean {
  return text === '.' || text === '..'
}

function namesOf (pieces: Piece[]): string[] {
  return pieces.flatMap((piece) => {
    if ('wildcard' in piece) return ['*']
    return 'slots' in piece ? piece.slots.map(({ name }) => name) : []
  })
}

function piecesOf (pattern: string): Piece[] {
  const pieces: Piece[] = []
  let rest = pattern
  while (rest !== '') {
    const text = /^(?:::|[^:*])+/.exec(rest)?.[0]
    if (text !== undefined) {
      pieces.push({ text: text.replaceAll('::', ':') })
      rest = rest.slice(text.length)
    } else if (rest.startsWith('*')) {
      // The router has refused a pattern with anything after its wildcard.
      pieces.push({ wildcard: true })
      rest = rest.slice(1)
    } else {
      const slots: Slot[] = []
      while (rest.startsWith(':')) {
        const name = /^:([^-.(/]*)/.exec(rest)![1]!
        rest = rest.slice(1 + name.length)
        const regex = rest.startsWith('(') ? rest.slice(0, closingParenthesis(rest, 0) + 1) : ''
        rest = rest.slice(regex.length)
        const after = /^(?:::|[^:/])*/.exec(rest)![0]
        rest = rest.slice(after.length)
        slots.push({ name, regex, after: after.replaceAll('::', ':') })
      }
      pieces.push({ slots, matcher: matcherOf(slots) })
    }
  }
  return pieces
}

/** The expression by which the router takes a segment apart; a segment that is one bare parameter needs none. */
function matcherOf (slots: Slot[]): RegExp | undefined {
  if (slots.length === 1 && slots[0]!.regex === '' && slots[0]!.after === '') return undefined
  let source = ''
  let previous: Slot | undefined
  for (const slot of slots) {
    if (slot.regex !== '') source += slot.regex.replace(/^\(\^/, '(').replace(/\$\)$/, ')')
    // A parameter after one without an expression must not run over the text that parted the two.
    else if (previous?.regex === '') source += `(${escape(previous.after)}|(?:(?!${escape(previous.after)}).)*)`
    else source += '(.*?)'
    source += escape(slot.after)
    previous = slot
  }
  return new RegExp(`^${source}$`)
}

function escape (text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
