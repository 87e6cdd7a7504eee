/** The content codings there are, in the server's own order of preference: the smallest first. */
export const codings = ['br', 'gzip', 'identity'] as const
export type Coding = typeof codings[number]

// RFC 9110 section 12.4.2: a weight is 0 to 1 with at most three decimals.
const member = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/

const plainOnly: readonly Coding[] = ['identity']

/**
 * Returns the codings that a request accepts (RFC 9110 section 12.5.3), best first.
 * A request without the field accepts anything, but is likelier to understand plain bytes.
 */
export function listAcceptedCodings (acceptEncoding: string | undefined): readonly Coding[] {
  if (acceptEncoding === undefined) return plainOnly
  const weights = new Map<string, number>()
  for (const text of acceptEncoding.toLowerCase().split(',')) {
    const match = member.exec(text.trim())
    if (match === null) continue
    // Section 8.4.1.3: x-gzip is another name of gzip.
    const name = match[1] === 'x-gzip' ? 'gzip' : match[1]!
    weights.set(name, Number(match[2] ?? 1))
  }

  const anyOther = weights.get('*')
  const findWeight = (coding: Coding): number => {
    const weight = weights.get(coding) ?? anyOther
    if (weight !== undefined) return weight
    // Plain bytes are acceptable unless they are refused; but what the client names, it would rather have.
    return coding === 'identity' ? Number.MIN_VALUE : 0
  }
  // The sort is stable, so of equal weights the server's own preference decides.
  return codings.filter((coding) => findWeight(coding) > 0).sort((a, b) => findWeight(b) - findWeight(a))
}
