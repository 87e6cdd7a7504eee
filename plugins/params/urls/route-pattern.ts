import {
  listParameterNames, parseRoute, type RoutePiece, type RouterSettings, createSegmentMatcher, expandOptional
} from '../../../lib/router.ts'
import { encode } from '../input/percent-encoding.ts'

/** A stretch of a path; parameters come with the expression that takes their segment apart. */
type Piece = RoutePiece & { matcher?: RegExp | undefined }

/** The reason why a URL cannot hold a value: the parameter, and words that complete "must be …". */
export interface Unfit {
  /** The parameter's name; of a wildcard `'*'`. */
  parameter: string
  /** Completes "must be …", such as `a whole number`. */
  expected: string
}

/** A route's path, taken apart as the router takes it apart, so that it can be put together again. */
export class RoutePattern {
  /** Every parameter of the path, in its order; the wildcard's is `'*'`. */
  readonly names: string[]
  /** The parameters that may be left out, all of them together. */
  readonly optional: Set<string>
  readonly #full: Piece[]
  readonly #short: Piece[]
  readonly #settings: RouterSettings

  constructor (pattern: string, settings: RouterSettings) {
    const [longer, shorter] = expandOptional(pattern)
    this.#full = parsePieces(longer)
    this.#short = parsePieces(shorter)
    this.#settings = settings
    this.names = listParameterNames(longer)
    const kept = listParameterNames(shorter)
    this.optional = new Set(this.names.filter((name) => !kept.includes(name)))
  }

  /**
   * Writes the path with the given texts in it. Without the optional parameters it is the shorter of the router's two.
   */
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

    const { maxParamLength } = this.#settings
    let decoded = ''
    let encoded = ''
    for (const { name, after } of piece.parameters) {
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
    const lost = values && piece.parameters.find(({ name }, index) => values[index] !== texts.get(name))
    return lost ? { parameter: lost.name, expected: 'such that the router finds it again in the path' } : encoded
  }

  #writeWildcard (text: string, before: string): string | Unfit {
    const { ignoreDuplicateSlashes, ignoreTrailingSlash } = this.#settings
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

function parsePieces (path: string): Piece[] {
  return parseRoute(path).map((piece) => {
    return 'parameters' in piece ? { ...piece, matcher: createSegmentMatcher(piece.parameters) } : piece
  })
}
