/** 16 hexadecimal digits: 64 bits of SHA-256. */
const digits = 16

/** `js/app.js` → `js/app.0123456789abcdef.js`; a name without extension gets the fingerprint at its end. */
export function fingerprinted (name: string, digest: Buffer): string {
  const fingerprint = digest.toString('hex').slice(0, digits)
  const file = name.lastIndexOf('/') + 1
  const dot = name.lastIndexOf('.')
  return dot > file ? `${name.slice(0, dot)}.${fingerprint}${name.slice(dot)}` : `${name}.${fingerprint}`
}

const shape = new RegExp(`^(.*[^/])\\.[0-9a-f]{${digits}}(\\.[^./]*)?$`, 's')

/** The name under a fingerprint, current or not; `undefined` when the name bears none. */
export function withoutFingerprint (name: string): string | undefined {
  const match = shape.exec(name)
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`
}
