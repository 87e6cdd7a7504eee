import { isAbsolute, relative, sep } from 'node:path'
import { withoutVolumeFolders } from '../../../lib/walk-folder.ts'

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
  // An absolute one is on another drive of Windows. The empty one is root itself.
  if (name === '') return true
  const place = withoutVolumeFolders(name.split(sep).join('/'))
  return !isAbsolute(name) && (place === '' || isPublicName(place))
}

/** 16 hexadecimal digits: 64 bits of SHA-256. */
const digits = 16

// The last extension, unless it looks like a fingerprint: then there would be two ways to read the name.
const extension = new RegExp(`(?<=[^/])\\.(?![0-9a-f]{${digits}}$)[^./]*$`)

/** `js/app.js` → `js/app.0123456789abcdef.js`; a name without extension gets the fingerprint at its end. */
export function fingerprinted (name: string, digest: Buffer): string {
  const fingerprint = digest.toString('hex', 0, digits / 2)
  const end = name.search(extension)
  return end === -1 ? `${name}.${fingerprint}` : `${name.slice(0, end)}.${fingerprint}${name.slice(end)}`
}

const withFingerprint = new RegExp(`^(.*[^/])\\.[0-9a-f]{${digits}}(\\.[^./]*)?$`, 's')

/** The name without its fingerprint, current or not; `undefined` when it has none. */
export function withoutFingerprint (name: string): string | undefined {
  const match = withFingerprint.exec(name)
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`
}

/*
 * Each file has one URL. Fastify's router decodes most escapes of a path before it looks for a route, so these lead to
 * the same route as the character itself. Not so those of $ & + , : ; = @: they stay as they are, and a request for
 * `/static/a%40b/x` would go past a guarded route `/static/a@b/*` to the wildcard of the files.
 */
const reservedEscape = /%(?:2[46BC]|3[ABD]|40)/gi

/** A file's name in its URL: each character that a route can have stands for itself, all others are escaped. */
export function encodeName (name: string): string {
  return name.split('/').map(encodeURIComponent).join('/').replace(reservedEscape, decodeURIComponent)
}

/**
 * Where a URL is to be redirected that has an escape which the router does not decode.
 *
 * @param url as the client sent it: with a query perhaps, and to a proxy with scheme and host (RFC 9112 section 3.2.2)
 * @returns a path with its query, or `undefined` where the URL has no such escape
 */
export function otherSpelling (url: string): string | undefined {
  const target = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  const query = target.search(/[?#]|$/)
  const path = target.slice(0, query)
  const spelling = path.replace(reservedEscape, decodeURIComponent)
  // Two slashes at its beginning would make the first segment a host.
  return spelling === path ? undefined : spelling.replace(/^\/+/, '/') + target.slice(query)
}

/**
 * Makes the test whether a URL begins with the path of the files, without any escape in it, and has no escaped slash.
 * The router takes `/%73tatic/app.js` and `/static/a%2Fb` as well; whoever guards `/static/` by the text of the URL, or
 * `/static/a/*` by a route, does not expect these.
 *
 * @param base the path that the files' URLs begin with, as a route has it: its parameters may be anything
 */
export function createPathTest (base: string): (url: string) => boolean {
  const segments = base.split('/').map((segment) =>
    /[:*]/.test(segment) ? '[^/]*' : encodeURI(segment).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  // Slashes may be doubled where the router ignores that.
  const beginning = new RegExp(`^(?:[a-z][a-z\\d+.-]*://[^/?#]*)?${segments.join('/+')}`, 'i')
  return (url) => beginning.test(url) && !/^[^?#]*%2f/i.test(url)
}
