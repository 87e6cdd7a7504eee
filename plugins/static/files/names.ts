import { isAbsolute, relative, sep } from 'node:path'
import { removeVolumeFolders } from '../../../lib/walk-folder.ts'

/**
 * Whether a file of this name (below root, `/` between its segments) may be served at all. Each file has one such
 * name: no empty segment, no `.` or `..`, no backslash, no NUL. Names that begin with a dot are hidden, except what
 * RFC 8615 puts under `.well-known/`.
 */
export function isPublicName (name: string): boolean {
  return name.split('/').every((segment, index) =>
    segment !== '' &&
    !segment.includes('\\') &&
    !segment.includes('\0') &&
    (!segment.startsWith('.') || (index === 0 && segment === '.well-known'))
  )
}

/** Whether a path with its links resolved lies inside root, and is not hidden there. */
export function isPublicPath (realRoot: string, realPath: string): boolean {
  const name = relative(realRoot, realPath)
  // An absolute one is on another drive of Windows. The empty one is root itself, or the folder of a volume.
  const place = removeVolumeFolders(name.split(sep).join('/'))
  return !isAbsolute(name) && (place === '' || isPublicName(place))
}

/** 16 hexadecimal digits: 64 bits of SHA-256. */
const digits = 16

// The last extension, unless it looks like a fingerprint: then there would be two ways to read the name.
const extension = new RegExp(`(?<=[^/])\\.(?![0-9a-f]{${digits}}$)[^./]*$`)

/** `js/app.js` → `js/app.0123456789abcdef.js`; a name without extension gets the fingerprint at its end. */
export function addFingerprint (name: string, digest: Buffer): string {
  const fingerprint = digest.toString('hex', 0, digits / 2)
  const end = name.search(extension)
  return end === -1 ? `${name}.${fingerprint}` : `${name.slice(0, end)}.${fingerprint}${name.slice(end)}`
}

const withFingerprint = new RegExp(`^(.*[^/])\\.[0-9a-f]{${digits}}(\\.[^./]*)?$`, 's')

/** Returns the name without its fingerprint, current or not; `undefined` when it has none. */
export function removeFingerprint (name: string): string | undefined {
  const match = withFingerprint.exec(name)
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`
}
