/** Between the scheme and the end stands no login, query, fragment, space, backslash or control character. */
const plainHttpUrl = /^https?:\/\/[^/\\\s\p{Cc}?#][^\\\s\p{Cc}?#]*$/iu

/**
 * Returns the text to put before a URL's path, without slashes at its end; `undefined` where the given one does not
 * fit. It is the URL parser's spelling, which encodes what would be markup and resolves dot segments.
 */
export function parseBase (absolute: unknown): string | undefined {
  if (typeof absolute !== 'string' || !plainHttpUrl.test(absolute) || !URL.canParse(absolute)) return undefined
  const { href, username, password } = new URL(absolute)
  if (username !== '' || password !== '') return undefined

  // A loop, as the expression /\/+$/ starts again at each slash of a long run.
  let end = href.length
  while (href[end - 1] === '/') end--
  return href.slice(0, end)
}
