/** Completes "must be …" for text that is not what RFC 3986 section 2 lets a URL hold. */
export const wellFormed = 'percent-encoded UTF-8 text without control characters'

/** Anything but a URL's printable ASCII, or a percent sign: what makes a text worth a closer look. */
const suspicious = /[^!-$&-~]/

const beyondAscii = /[^!-~]/
const controls = /\p{Cc}/u
const surrogates = /\p{Cs}/u

/**
 * The names in `a=1&b=2` whose name or value is not well-formed: a `%` without two hex digits, bytes that are not
 * UTF-8 (overlong forms and surrogates are not), a control character, or a character that stands there unencoded.
 */
export function malformedNames (query: string): Set<string> {
  const names = new Set<string>()
  if (!suspicious.test(query)) return names
  for (const pair of query.split('&')) {
    if (!suspicious.test(pair)) continue
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    const value = equals === -1 ? '' : pair.slice(equals + 1)
    const decodedName = decode(name)
    if (decodedName === undefined || decode(value) === undefined) names.add(decodedName ?? name)
  }
  return names
}

function decode (text: string): string | undefined {
  if (beyondAscii.test(text)) return undefined
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return controls.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/**
 * Percent-encodes everything but RFC 3986's unreserved characters (section 2.3).
 * `undefined` for a text with half a surrogate pair, which UTF-8 cannot hold.
 */
export function encode (text: string): string | undefined {
  if (surrogates.test(text)) return undefined
  // encodeURIComponent leaves five of the reserved characters as they are.
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
