/** Schemes whose pages have no origin that a browser would send, or send that of another scheme. */
const withoutOrigin = new Set(['about', 'blob', 'data', 'file', 'ftp', 'javascript', 'mailto', 'ws', 'wss'])

/**
 * Whether a value is an origin as a browser writes it into the field Origin: of the web, where `*.` may stand for one
 * label in front (`https://*.example.com`), or of an app's shell (`capacitor://localhost`, `chrome-extension://id`).
 */
export function isOriginPattern (value: unknown): value is string {
  if (typeof value !== 'string') return false
  const [, scheme, host] = /^([a-z][a-z0-9+.-]*):\/\/([\x21-\x7e]+)$/.exec(value) ?? []
  if (scheme === undefined || host === undefined || withoutOrigin.has(scheme)) return false
  if (scheme !== 'http' && scheme !== 'https') return /^[^/?#@\\*]+$/.test(host)
  const origin = value.replace(/:\/\/\*\.(?=[^.])/, '://label.')
  return !/\*|\/\.|\.\./.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
}

/** Creates the function that says whether an origin is one of the patterns. */
export function createOriginTest (patterns: readonly string[]): (origin: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wildcards = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => {
    const [before, after] = pattern.split('*') as [string, string] // it has one, in front of a dot
    return { before, after }
  })
  return (origin) => exact.has(origin) || wildcards.some(({ before, after }) => {
    return origin.startsWith(before) && origin.endsWith(after) &&
      /^[a-z0-9_-]+$/.test(origin.slice(before.length, -after.length))
  })
}
