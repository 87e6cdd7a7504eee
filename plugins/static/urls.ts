import type { FastifyRequest } from 'fastify'
import {
  createPathEndPattern, createUndecodedPattern, escapeRegExp, parseRoute, type RouterSettings
} from '../../lib/router.ts'

/*
 * Each file has one URL. The router decodes most escapes of a path before it looks for a route, so these lead to the
 * same route as the character itself. Not so those of $ & + , : ; = @: they stay as they are, and a request for
 * `/static/a%40b/x` would go past a guarded route `/static/a@b/*` to the wildcard of the files.
 */

/** The URLs of the files below one path. */
export interface FileUrls {
  /** The path that they begin with, as a route has it. */
  readonly base: string
  /** The URL of a file: each character that a route can have stands for itself, all others are escaped. */
  readonly of: (name: string) => string
  /**
   * Whether a URL begins with that path, without any escape in it, and has no escaped slash. The router takes
   * `/%73tatic/app.js` and `/static/a%2Fb` as well; whoever guards `/static/` by the text of the URL, or `/static/a/*`
   * by a route, does not expect these.
   */
  readonly isOwn: (url: string) => boolean
  /** Whether a URL begins with that path, without any escape in it. */
  readonly isBelow: (url: string) => boolean
  /**
   * Returns where a URL is to be redirected that has an escape which the router does not decode, as a path with its
   * query; `undefined` where the URL has none.
   *
   * @param url as the client sent it: with a query perhaps, and to a proxy with scheme and host (RFC 9112 section
   *   3.2.2)
   */
  readonly otherSpelling: (url: string) => string | undefined
  /** Whether the path of a URL ends in a slash. The router may be told to leave that slash out of its parameters. */
  readonly endsInSlash: (url: string) => boolean
  /** Returns the path of a URL with a slash at its end, and its query: the URL of a folder. */
  readonly addSlash: (url: string) => string
  /** Returns the path of a URL without its last segment, and its query: the URL of the folder of a file. */
  readonly dropLastSegment: (url: string) => string
}

/** Returns the name that a request asks for: what the wildcard of its route stands for, decoded; `''` for root. */
export function readName ({ params }: FastifyRequest): string {
  return (params as { '*'?: string })['*'] ?? '' // the route ends in a wildcard, or is that of root itself
}

/** @param base the path that the URLs begin with, as a route has it: its parameters may be anything */
export function createFileUrls (base: string, settings: RouterSettings): FileUrls {
  const [pathEnd, escapes] = [createPathEndPattern(settings), createUndecodedPattern(settings)]
  // Slashes may be doubled where the router ignores that.
  const path = parseRoute(base).map((piece) => {
    return 'text' in piece ? escapeRegExp(encodeURI(piece.text)).replaceAll('/', '/+') : '[^/]*'
  })
  // Root itself may be asked for without the slash.
  const start = path.join('').replace(/\/\+$/, `(?:/+|(?=${pathEnd.source}))`)
  const beginning = new RegExp(`^(?:[a-z][a-z\\d+.-]*://[^/?#]*)?${start}`, 'i')
  /** Returns a location on this server: where two slashes begin a path, browsers take the first segment for a host. */
  const locate = (path: string, query: string): string => path.replace(/^[/\\]*/, '/') + query
  const split = (url: string): [path: string, query: string] => {
    const target = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
    const end = target.search(pathEnd)
    return [target.slice(0, end), target.slice(end)]
  }
  return {
    base,
    of: (name) => {
      const segments = name.split('/').map(encodeURIComponent)
      return encodeURI(base) + segments.join('/').replace(escapes, decodeURIComponent)
    },
    isOwn: (url) => beginning.test(url) && !/%2f/i.test(url.slice(0, url.search(pathEnd))),
    isBelow: (url) => beginning.test(url),
    otherSpelling: (url) => {
      const [path, query] = split(url)
      const spelling = path.replace(escapes, decodeURIComponent)
      return spelling === path ? undefined : locate(spelling, query)
    },
    endsInSlash: (url) => split(url)[0].endsWith('/'),
    addSlash: (url) => {
      const [path, query] = split(url)
      return locate(`${path}/`, query)
    },
    dropLastSegment: (url) => {
      const [path, query] = split(url)
      return locate(path.replace(/[^/]+\/*$/, ''), query)
    }
  }
}
