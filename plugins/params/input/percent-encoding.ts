/** Completes "must be …" for text that is not what RFC 3986 section 2 lets a URL hold. */
export const wellFormed = 'percent-encoded UTF-8 text without control characters'

/** The same for a field that takes several lines. */
export const wellFormedLines = `${wellFormed} other than tabs and line breaks`

/** The same for what is not percent-encoded: JSON, and forms with files. */
export const wellFormedText = 'well-formed Unicode text in UTF-8'

/**
 * One character as its escapes: the ABNF of RFC 3629 section 4, which leaves out overlong forms and surrogates, without
 * the control characters. An expression, and not decodeURIComponent in a try: ten thousand exceptions take 100 ms.
 */
const escapePattern = [
  '%[2-6].|%7[\\dA-E]',
  '%C2%[AB].|%(?:C[3-9A-F]|D.)%[89AB].',
  '%E0%[AB].%[89AB].|%(?:E[1-9A-CEF])%[89AB].%[89AB].|%ED%[89].%[89AB].',
  '%F0%[9AB].%[89AB].%[89AB].|%F[1-3]%[89AB].%[89AB].%[89AB].|%F4%8.%[89AB].%[89AB].'
].join('|').replaceAll('.', '[\\dA-F]')
const escapes = new RegExp(escapePattern, 'gi')
const escapesAndLines = new RegExp(`${escapePattern}|%0[9AD]|[\\t\\n\\r]`, 'gi')

/** Anything but a URL's printable ASCII: with its escapes taken out, a well-formed text has none of it, and no `%`. */
export const suspicious = /[^!-$&-~]/

/**
 * The same for a form, whose parser takes any text that is not encoded (WHATWG URL Standard, section 5.1): it has no
 * `%`, no control character, and no U+FFFD, which is what bytes that are not UTF-8 are decoded to.
 */
export const suspiciousInForm = /[%\p{Cc}\ufffd]/u

const surrogates = /\p{Cs}/u

/**
 * Returns the names in `a=1&b=2` whose name or value is not well-formed: a `%` without two hex digits, bytes that are
 * not UTF-8 (overlong forms and surrogates are not), a control character, or a character that may not stand there
 * unencoded.
 *
 * @param suspect what a well-formed text does not have once its escapes are taken out
 * @param multiline the names whose values may have tabs and line breaks
 */
export function listMalformedNames (text: string, suspect: RegExp, multiline: ReadonlySet<string>): Set<string> {
  const names = new Set<string>()
  for (const pair of text.split('&')) {
    if (!suspect.test(pair)) continue
    const [rawName = ''] = pair.split('=', 1)
    const isNameMalformed = suspect.test(rawName.replace(escapes, ''))
    const name = isNameMalformed ? rawName : decodeURIComponent(rawName.replaceAll('+', ' '))
    const allowed = multiline.has(name) ? escapesAndLines : escapes
    if (isNameMalformed || suspect.test(pair.replace(allowed, ''))) names.add(name)
  }
  return names
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
