/** 16 hexadecimal digits: 64 bits of SHA-256. */
const digits = 16

/** With one that looks like a fingerprint there would be two ways to read a name. */
const extension = new RegExp(`(?<=[^/])\\.(?![0-9a-f]{${digits}}$)[^./]*$`)

/** `js/app.js` → `js/app.0123456789abcdef.js`; a name without extension gets the fingerprint at its end. */
export function fingerprinted (name: string, digest: Buffer): string {
  const fingerprint = digest.toString('hex', 0, digits / 2)
  const end = name.search(extension)
  return end === -1 ? `${name}.${fingerprint}` : `${name.slice(0, end)}.${fingerprint}${name.slice(end)}`
}

const shape = new RegExp(`^(.*[^/])\\.[0-9a-f]{${digits}}(\\.[^./]*)?$`, 's')

/** The name under a fingerprint, current or not; `undefined` when the name bears none. */
export function withoutFingerprint (name: string): string | undefined {
  const match = shape.exec(name)
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`
}
