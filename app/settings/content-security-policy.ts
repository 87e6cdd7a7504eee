/** Which things pages may load and run: `strict`, `off`, or the text of a Content-Security-Policy header. */
export type ContentSecurityPolicy = 'strict' | 'off' | (string & {})

/**
 * Everything from this server alone, and inline scripts and styles with the page's nonce alone. `blob:` is what the
 * page's own scripts make: the preview of an upload, a recording. WebAssembly may be compiled: only a script that the
 * policy allows can start it, and it reaches the page through that script alone.
 */
const strict = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "object-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "script-src-attr 'none'",
  "style-src 'self'"
].join(';')

/** Returns the header's text, or undefined for no header. */
export function formatPolicy (policy: ContentSecurityPolicy): string | undefined {
  if (policy === 'off') return undefined
  return policy === 'strict' ? strict : policy.trim()
}

const directives = new Set([
  'child-src', 'connect-src', 'default-src', 'font-src', 'frame-src', 'img-src', 'manifest-src', 'media-src',
  'object-src', 'script-src', 'script-src-attr', 'script-src-elem', 'style-src', 'style-src-attr', 'style-src-elem',
  'worker-src', 'base-uri', 'form-action', 'frame-ancestors', 'report-to', 'report-uri', 'require-trusted-types-for',
  'sandbox', 'trusted-types', 'upgrade-insecure-requests'
])

/** Keywords of the policy that mean a host of that name where their quotes are left out. */
const unquoted = new RegExp([
  '^(?:self|none|unsafe-inline|unsafe-eval|unsafe-hashes|wasm-unsafe-eval|strict-dynamic|report-sample',
  '|nonce-.+|sha(?:256|384|512)-.+)$'
].join(''), 'i')

/** Says in words that follow a policy's name why it does not fit; undefined where it does. */
export function findPolicyProblem (policy: string): string | undefined {
  if (policy === 'strict' || policy === 'off') return undefined
  if (!/^[\x20-\x7e]+$/.test(policy)) return ', which a header cannot hold'
  const parsed = parse(policy)
  if (parsed.length === 0) return ', which names no directive'
  const seen = new Set<string>()
  for (const { name, sources } of parsed) {
    if (!directives.has(name)) return `, where "${name}" is not a directive`
    if (seen.has(name)) return `, which names ${name} twice`
    seen.add(name)
    const bare = name === 'sandbox' ? undefined : sources.find((source) => unquoted.test(source))
    if (bare !== undefined) return `, where ${bare} needs single quotes: '${bare}'`
  }
  return undefined
}

/** The directives that decide about inline scripts and styles. */
const forNonces = ['script-src', 'script-src-elem', 'style-src', 'style-src-elem']

/**
 * Returns the policy with a nonce for inline scripts and styles. A directive with `'unsafe-inline'` stays as it is,
 * since a nonce makes browsers ignore that source. So does one that allows nothing (`'none'`).
 */
export function addNonce (policy: string, nonce: string): string {
  const parsed = parse(policy)
  const fallback = parsed.find(({ name }) => name === 'default-src')?.sources
  for (const name of ['script-src', 'style-src']) {
    const isGiven = parsed.some((directive) => directive.name === name)
    if (!isGiven && fallback !== undefined) parsed.push({ name, sources: fallback })
  }
  return parsed.map(({ name, sources }) => {
    const isFixed = sources.length === 0 || sources.some((source) => /^'(?:unsafe-inline|none)'$/i.test(source))
    return [name, ...sources, ...forNonces.includes(name) && !isFixed ? [`'nonce-${nonce}'`] : []].join(' ')
  }).join(';')
}

/** Whether the policy stops inline scripts (`script`) or styles (`style`) that have no nonce. */
export function blocksInline (policy: string, kind: 'script' | 'style'): boolean {
  const parsed = parse(policy)
  const sources = [`${kind}-src-elem`, `${kind}-src`, 'default-src']
    .map((wanted) => parsed.find(({ name }) => name === wanted)?.sources)
    .find((found) => found !== undefined)
  // A hash may be that of the very script.
  return sources !== undefined && !sources.some((source) => /^'(?:unsafe-inline'|sha(?:256|384|512)-)/i.test(source))
}

function parse (policy: string): Array<{ name: string, sources: string[] }> {
  return policy.split(';')
    .map((directive) => directive.trim().split(/\s+/))
    .filter(([name]) => name !== '')
    .map(([name = '', ...sources]) => ({ name: name.toLowerCase(), sources }))
}
